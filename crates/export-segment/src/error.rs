//! What can go wrong while a task is scanned or adopted.

use changes::ChangesError;
use contract::{ErrorName, Named, RunId};
use lake::{DocumentError, PartError};
use raw_export::RawExportError;
use source::SelectionError;

/// A task that could not be carried on.
#[derive(Debug, thiserror::Error)]
pub enum ExportSegmentError {
    /// The plan of the run has no such task.
    #[error("run {run} has no task {index} with these segments")]
    UnknownTask {
        /// The task's number.
        index: u32,
        /// The run.
        run: RunId,
    },
    /// The run's source is of a kind that another function exports.
    #[error(
        "the run's source is {kind}, which this function does not export: check the state machine's choice by route"
    )]
    OtherSource {
        /// The kind.
        kind: &'static str,
    },
    /// The task could not be read to raw parts.
    #[error(transparent)]
    Export(#[from] RawExportError),
    /// The plan's projection cannot be asked for.
    #[error("the run's plan")]
    Selection(#[from] SelectionError),
    /// The export has no file of this number.
    #[error("the table's export has no file for segment {segment}")]
    UnknownFile {
        /// The segment.
        segment: u32,
    },
    /// A file of the export is not what its manifest says.
    #[error(
        "{file} is not as the export's manifest says: {what} {found} instead of {said}: export again"
    )]
    FileDiffers {
        /// The file.
        file: String,
        /// What differs.
        what: &'static str,
        /// What the manifest says.
        said: String,
        /// What was found.
        found: String,
    },
    /// A file of the export holds a line that is no item.
    #[error("line {line} of {file} is no item")]
    FileItem {
        /// The file.
        file: String,
        /// The line's number, from 1.
        line: u64,
        /// What is wrong with it.
        source: dynamodb_json::ItemError,
    },
    /// An object of events is not the one that was planned.
    #[error("{file} was replaced or removed after the run was planned: start again")]
    EventsChanged {
        /// The object.
        file: String,
    },
    /// An object of events cannot be read.
    #[error("{file} cannot be read: remove it, or put a right one there, and start again")]
    EventsDamaged {
        /// The object.
        file: String,
        /// What is wrong with it.
        source: PartError,
    },
    /// An object of events holds a line that is no item.
    #[error(
        "line {line} of {file} is no item: remove it, or put a right one there, and start again"
    )]
    EventsLine {
        /// The object.
        file: String,
        /// The line's number, from 1.
        line: u64,
        /// What is wrong with it.
        source: dynamodb_json::ItemError,
    },
    /// Changes cannot be merged.
    #[error(transparent)]
    Changes(#[from] ChangesError),
    /// The lake cannot be read or written.
    #[error("committing to the lake")]
    Document(#[from] DocumentError),
    /// A part cannot be written.
    #[error("writing a part")]
    Part(#[from] PartError),
}

impl Named for ExportSegmentError {
    fn name(&self) -> ErrorName {
        match self {
            Self::UnknownTask { .. } | Self::OtherSource { .. } => ErrorName::InvalidRequest,
            Self::Export(error) => error.name(),
            Self::UnknownFile { .. } | Self::FileDiffers { .. } | Self::FileItem { .. } => {
                ErrorName::DatasetInvalid
            }
            Self::EventsChanged { .. } => ErrorName::FilesIncomplete,
            Self::EventsDamaged { .. } | Self::EventsLine { .. } => ErrorName::FileUnreadable,
            Self::Changes(error) => error.name(),
            Self::Selection(error) => error.name(),
            Self::Document(error) => error.name(),
            Self::Part(error) => error.name(),
        }
    }
}
