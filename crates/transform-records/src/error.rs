//! Errors of transforming records.

use contract::{ErrorName, Named};

/// Why a whole invocation was not answered.
#[derive(Debug, thiserror::Error)]
pub enum TransformRecordsError {
    /// It is not what Firehose sends.
    #[error("the invocation is none of Firehose's for a transformation")]
    NotRecords(#[source] serde_json::Error),
    /// The answer cannot be written as JSON.
    #[error("the answer cannot be written")]
    Answer(#[source] serde_json::Error),
}

impl Named for TransformRecordsError {
    fn name(&self) -> ErrorName {
        match self {
            Self::NotRecords(_) => ErrorName::InvalidRequest,
            Self::Answer(_) => ErrorName::Bug,
        }
    }
}
