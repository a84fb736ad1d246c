//! Errors of exporting chunks.

use contract::{ErrorName, Named, ServiceError};
use raw_export::RawExportError;

/// Why a task could not be continued.
#[derive(Debug, thiserror::Error)]
pub enum ExportSqlRangeError {
    /// The run whose unchanged rows are taken cannot be read.
    #[error("reading the rows that did not change")]
    Base(#[from] Box<ServiceError>),
    /// The plan or the database cannot be read, or the lake not written.
    #[error(transparent)]
    Export(#[from] RawExportError),
}

impl Named for ExportSqlRangeError {
    fn name(&self) -> ErrorName {
        match self {
            Self::Base(error) => error.name,
            Self::Export(error) => error.name(),
        }
    }
}
