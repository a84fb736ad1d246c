//! Why a dataset cannot be planned.

use contract::{ErrorName, Named};
use dataset::{GateFailed, PlanError};
use lake::{DocumentError, StoreError};

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
    /// Items with one key may be in several shards, which do not see each other's.
    #[error(
        "`dataset.deduplicate` needs all items in one shard, and there are {shards}: set `dataset.shardBytes` to {bytes} or more, which one function then reads"
    )]
    DuplicatesApart {
        /// How many shards there are.
        shards: usize,
        /// The raw bytes of all items.
        bytes: u64,
    },
    /// The data does not suit the definition.
    #[error("planning the dataset")]
    Columns(#[from] Box<PlanError>),
    /// The data fails the quality gate.
    #[error("planning the dataset; reports/ below the run says more")]
    Gate(#[from] GateFailed),
    /// The lake cannot be read or written.
    #[error("reading the export")]
    Document(#[from] DocumentError),
    /// The page on the data cannot be written.
    #[error("writing the report on the data")]
    Store(#[from] StoreError),
}

impl Named for PlanDatasetError {
    fn name(&self) -> ErrorName {
        match self {
            Self::SegmentMissing { .. } => ErrorName::DatasetInvalid,
            Self::DuplicatesApart { .. } => ErrorName::InvalidDefinition,
            Self::Columns(error) => error.name(),
            Self::Gate(error) => error.name(),
            Self::Store(error) => error.name(),
            Self::Document(error) => error.name(),
        }
    }
}
