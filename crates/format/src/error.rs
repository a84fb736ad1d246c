//! Errors of writing rows as a file.

use crate::MAX_DENSE;
use contract::{ErrorName, Named};

/// Why rows cannot be written in the format.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// A list of tokens names a path that is not a column with a single slot.
    #[error(
        "`dataset.format.jsonLines.{list}` names `{path}`, which is no column of a single number: the columns are {columns}"
    )]
    NoColumn {
        /// The list.
        list: &'static str,
        /// What it names.
        path: String,
        /// What there is.
        columns: String,
    },
    /// Rows have too many features for a format that writes zeros too.
    #[error(
        "a row has {slots} features, and `dataset.format` writes each of them, at most {MAX_DENSE}: ask for `recordIoSparse`, or for encoding `ordinal`, `hash` or fewer buckets where a column has a slot for each value"
    )]
    TooWide {
        /// The features of a row.
        slots: usize,
    },
    /// The rows are images, which are packed as they are.
    #[error("{format} has images in its rows, which are packed and not encoded")]
    Images {
        /// The format.
        format: &'static str,
    },
    /// The Parquet writer failed.
    #[error("writing Parquet")]
    Parquet(#[from] parquet::errors::ParquetError),
}

impl Named for FormatError {
    fn name(&self) -> ErrorName {
        match self {
            Self::NoColumn { .. } | Self::TooWide { .. } => ErrorName::InvalidDefinition,
            Self::Images { .. } => ErrorName::InvalidRequest,
            Self::Parquet(_) => ErrorName::Bug,
        }
    }
}
