//! Why a dataset cannot be planned.

use contract::{ErrorName, Named};
use dataset::PlanError;
use lake::DocumentError;

/// A dataset that cannot be planned.
#[derive(Debug, thiserror::Error)]
pub enum PlanDatasetError {
    /// A segment has no manifest.
    #[error(
        "segment {segment} is not exported whole: start a new execution, which exports it again"
    )]
    SegmentMissing {
        /// The segment.
        segment: u32,
    },
    /// The data does not suit the definition.
    #[error("planning the dataset")]
    Columns(#[from] Box<PlanError>),
    /// The lake cannot be read or written.
    #[error("reading the export")]
    Document(#[from] DocumentError),
}

impl Named for PlanDatasetError {
    fn name(&self) -> ErrorName {
        match self {
            Self::SegmentMissing { .. } => ErrorName::DatasetInvalid,
            Self::Columns(error) => error.name(),
            Self::Document(error) => error.name(),
        }
    }
}
