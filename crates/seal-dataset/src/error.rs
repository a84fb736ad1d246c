//! Errors of sealing a dataset.

use contract::states::RowCounts;
use contract::{ErrorName, Named};
use dataset::GateFailed;
use lake::{DocumentError, StoreError};

/// Why a dataset cannot be sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealDatasetError {
    /// A shard has no manifest.
    #[error("shard {shard} is not merged whole: start a new execution, which merges it again")]
    ShardMissing {
        /// The shard.
        shard: u32,
    },
    /// Items were lost or duplicated.
    #[error(
        "{exported} items were exported, but the shards account for {} (train {}, validation {}, test {}, rejected {}, filtered {}, duplicates {})",
        rows.total(), rows.train, rows.validation, rows.test, rows.rejected, rows.filtered, rows.duplicates
    )]
    NotReconciled {
        /// Items that the segments hold.
        exported: u64,
        /// How the shards count them.
        rows: RowCounts,
    },
    /// The files do not hold what the shards count.
    #[error("the files of `{channel}` hold {held} rows, but the shards count {counted}")]
    FilesNotReconciled {
        /// The channel.
        channel: &'static str,
        /// Rows of its files.
        held: u64,
        /// Rows that the shards count.
        counted: u64,
    },
    /// An instance would get no file.
    #[error(
        "there are {files} training files for {instances} instances that share them: ask for fewer instances, or for `training.distribution` `fullyReplicated`"
    )]
    TooFewFiles {
        /// Training files.
        files: usize,
        /// Instances.
        instances: u32,
    },
    /// There is no row to train on.
    #[error(
        "there is no row to train on (validation {}, rejected {}): see rejected/ below the run, and correct the dataset's columns or split",
        rows.validation, rows.rejected
    )]
    NothingToTrainOn {
        /// How the shards count the items.
        rows: RowCounts,
    },
    /// More items were rejected than the gate allows.
    #[error("sealing the dataset; reports/ below the run says more")]
    Gate(#[from] GateFailed),
    /// The lake cannot be read or written.
    #[error("reading the dataset's plan and shards")]
    Document(#[from] DocumentError),
    /// The page on the data cannot be written.
    #[error("writing the report on the data")]
    Store(#[from] StoreError),
}

impl Named for SealDatasetError {
    fn name(&self) -> ErrorName {
        match self {
            Self::ShardMissing { .. }
            | Self::NotReconciled { .. }
            | Self::FilesNotReconciled { .. } => ErrorName::DatasetInvalid,
            Self::TooFewFiles { .. } | Self::NothingToTrainOn { .. } => {
                ErrorName::QualityGateFailed
            }
            Self::Gate(error) => error.name(),
            Self::Document(error) => error.name(),
            Self::Store(error) => error.name(),
        }
    }
}
