//! Errors of writing a run's report.

use contract::{ErrorName, Named, ServiceError};
use lake::{DocumentError, StoreError};

/// Why the report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum PublishReportError {
    /// The time of the plan or the report cannot be read.
    #[error("the run's plan or report names {started:?}, which is no RFC 3339 time")]
    Started {
        /// What it says.
        started: String,
        /// Why it is none.
        source: jiff::Error,
    },
    /// The execution's start time is none.
    #[error("execution {execution}: {message}")]
    StartTime {
        /// The execution's ARN.
        execution: String,
        /// Why it is none.
        message: String,
    },
    /// The execution could not be described, or its notice could not be sent.
    #[error("reporting an execution")]
    Service(#[from] Box<ServiceError>),
    /// The new data could not be announced.
    #[error("announcing the run's data; its report is written")]
    Announcement(#[source] Box<ServiceError>),
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
            Self::Started { .. } | Self::StartTime { .. } => ErrorName::DatasetInvalid,
            Self::Announcement(error) | Self::Service(error) => error.name(),
            Self::Document(error) => error.name(),
            Self::Store(error) => error.name(),
        }
    }
}
