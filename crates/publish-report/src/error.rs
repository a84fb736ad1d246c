//! Errors of writing a run's report.

use contract::{ErrorName, Named, ServiceError};
use lake::{DocumentError, StoreError};

/// Why the report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum PublishReportError {
    /// The plan's start time cannot be read.
    #[error("the run's plan says that it started at {started:?}, which is no RFC 3339 time")]
    Started {
        /// What the plan says.
        started: String,
        /// Why it is none.
        source: jiff::Error,
    },
    /// The new data could not be announced.
    #[error("announcing the run's data; its report is written")]
    Announcement(#[from] Box<ServiceError>),
    /// A document of the lake could not be read or written.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// The lake could not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Named for PublishReportError {
    fn name(&self) -> ErrorName {
        match self {
            Self::Started { .. } => ErrorName::DatasetInvalid,
            Self::Announcement(error) => error.name(),
            Self::Document(error) => error.name(),
            Self::Store(error) => error.name(),
        }
    }
}
