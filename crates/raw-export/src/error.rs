//! Errors of exporting a task to raw parts.

use contract::{ErrorName, Named, RunId, ServiceError};
use lake::{DocumentError, PartError};

/// Why a task could not be continued.
#[derive(Debug, thiserror::Error)]
pub enum RawExportError {
    /// The input names a task that the plan does not have.
    #[error("the plan of run {run} has no task {index}")]
    UnknownTask {
        /// The task.
        index: u32,
        /// The run.
        run: RunId,
    },
    /// The plan's source is of another kind than the function reads.
    #[error("the run's source is {kind:?}, which another function exports")]
    OtherSource {
        /// The kind of source.
        kind: &'static str,
    },
    /// The plan cannot be read.
    #[error("reading the plan")]
    Plan(#[source] DocumentError),
    /// A page could not be read.
    #[error("reading segment {segment} of {source_name} after {items} items")]
    Page {
        /// The source, such as the table.
        source_name: String,
        /// The segment.
        segment: u32,
        /// Items of the segment that are committed or read.
        items: u64,
        /// The service's error.
        source: Box<ServiceError>,
    },
    /// A page was not answered before the invocation's deadline, and no other page was read.
    #[error(
        "segment {segment} of {source_name} had no answer for {seconds} s, when the invocation's time was over: it is asked again"
    )]
    NoAnswer {
        /// The source, such as the table.
        source_name: String,
        /// The segment.
        segment: u32,
        /// Seconds since the page was requested.
        seconds: u64,
    },
    /// The task has consumed its share of the read units that the definition's limits allow.
    #[error(
        "a task has read {consumed:.1} read units of {source_name}, and its share of what `limits` allows is {most:.1}: \
         the size of the table was not known when the run was planned; raise `limits`, or start again when DynamoDB \
         has counted the table"
    )]
    AboveLimit {
        /// What is read, such as the table.
        source_name: String,
        /// Read units that were consumed.
        consumed: f64,
        /// Read units that may be.
        most: f64,
    },
    /// The source gave a line that is no item.
    #[error("segment {segment} of {source_name} holds a line that is no item")]
    Item {
        /// The source, such as the table.
        source_name: String,
        /// The segment.
        segment: u32,
        /// What is wrong with it.
        source: dynamodb_json::ItemError,
    },
    /// The lake cannot be read or written.
    #[error("committing to the lake")]
    Document(#[from] DocumentError),
    /// A part cannot be written.
    #[error("writing a part")]
    Part(#[from] PartError),
}

impl Named for RawExportError {
    fn name(&self) -> ErrorName {
        match self {
            Self::UnknownTask { .. } => ErrorName::InvalidRequest,
            Self::OtherSource { .. } => ErrorName::Bug,
            Self::Page { source, .. } => source.name,
            Self::NoAnswer { .. } => ErrorName::ServiceUnavailable,
            Self::AboveLimit { .. } => ErrorName::LimitExceeded,
            Self::Item { .. } => ErrorName::DatasetInvalid,
            Self::Plan(error) | Self::Document(error) => error.name(),
            Self::Part(error) => error.name(),
        }
    }
}
