//! Errors of compacting changes.

use changes::ChangesError;
use contract::{ErrorName, Named, RunId};
use lake::DocumentError;

/// Why changes could not be compacted.
#[derive(Debug, thiserror::Error)]
pub enum CompactChangesError {
    /// The run merges no changes.
    #[error("run {run} is not planned to merge changes")]
    NotPlanned {
        /// The run.
        run: RunId,
    },
    /// The changes cannot be compacted.
    #[error(transparent)]
    Changes(#[from] ChangesError),
    /// The lake cannot be read.
    #[error("the lake cannot be used")]
    Document(#[from] DocumentError),
}

impl Named for CompactChangesError {
    fn name(&self) -> ErrorName {
        match self {
            Self::NotPlanned { .. } => ErrorName::InvalidRequest,
            Self::Changes(error) => error.name(),
            Self::Document(error) => error.name(),
        }
    }
}
