//! What can go wrong when a run's report is written.

use contract::{ErrorName, Named};
use lake::{DocumentError, StoreError};

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum PublishReportError {
    /// The plan's start is no time.
    #[error("the run's plan says that it started at {started:?}, which is no RFC 3339 time")]
    Started {
        /// What the plan says.
        started: String,
        /// Why it is none.
        source: jiff::Error,
    },
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
            Self::Document(error) => error.name(),
            Self::Store(error) => error.name(),
        }
    }
}
