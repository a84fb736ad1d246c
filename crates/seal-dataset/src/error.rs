//! Errors of sealing a dataset.

use contract::states::RowCounts;
use contract::{ErrorName, Named};
use dataset::GateFailed;
use format::images::ImageError;
use lake::{DocumentError, JoinError, PartMissing, StoreError};

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
        "{exported} items were exported, but the shards account for {} (train {}, validation {}, test {}, rejected {}, filtered {}, duplicates {}, unsampled {})",
        rows.total(), rows.train, rows.validation, rows.test, rows.rejected, rows.filtered, rows.duplicates,
        rows.unsampled
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
    /// A channel's objects lie below several prefixes.
    #[error(
        "the images of `{channel}` were written by several shards, and a channel has one prefix: set dataset.deduplicate"
    )]
    SeveralPrefixes {
        /// The channel.
        channel: String,
    },
    /// An instance would get no file.
    #[error(
        "there are {files} training files for {instances} instances that share them: ask for fewer instances, or for `training.distribution` `fullyReplicated`"
    )]
    TooFewFiles {
        /// Training files.
        files: u64,
        /// Instances.
        instances: u32,
    },
    /// There is no row to train on.
    #[error(
        "there is no row to train on; {items} items went elsewhere: {went}: correct the dataset's conditions, columns or split"
    )]
    NothingToTrainOn {
        /// Items of the table.
        items: u64,
        /// Where they went, in one line.
        went: String,
    },
    /// A channel has no row, though it is needed.
    #[error(
        "there are {rows} rows to train on and none for the channel `{channel}`, although {asked}: split by other attributes or give it a greater share, or ask for none and for a metric of other rows"
    )]
    NoRows {
        /// The channel.
        channel: &'static str,
        /// Who asks for its rows.
        asked: String,
        /// Rows to train on.
        rows: u64,
    },
    /// Rows have one label only.
    #[error(
        "all {rows} rows of the channel `{channel}` have the label {label}, and {who} needs two: split otherwise (by other attributes, `dataset.split.seed`, or a greater share), or choose another metric or objective"
    )]
    OneClass {
        /// The channel.
        channel: &'static str,
        /// Its rows.
        rows: u64,
        /// Their label.
        label: f32,
        /// Who needs two.
        who: String,
    },
    /// The algorithm does not take the labels.
    #[error("in the channel `{channel}` {reason}")]
    Labels {
        /// The channel.
        channel: &'static str,
        /// Which labels there are, which are taken, and what to do.
        reason: String,
    },
    /// Columns have no value in any training row.
    #[error(
        "{columns} has no value in any of {rows} training rows, so that no model can learn from it: leave it out (`dataset.exclude`, or `dataset.columns` without it), or split so that training rows have it"
    )]
    EmptyColumns {
        /// The columns.
        columns: String,
        /// Training rows.
        rows: u64,
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
    /// The files of a channel cannot be joined.
    #[error("joining the files of a channel")]
    Join(#[from] JoinError),
    /// A class has no name that a line could have.
    #[error("writing the names of the classes")]
    Classes(#[from] ImageError),
    /// The run's definition has no dataset.
    #[error(transparent)]
    Part(#[from] PartMissing),
}

impl Named for SealDatasetError {
    fn name(&self) -> ErrorName {
        match self {
            Self::ShardMissing { .. }
            | Self::NotReconciled { .. }
            | Self::FilesNotReconciled { .. } => ErrorName::DatasetInvalid,
            Self::SeveralPrefixes { .. } => ErrorName::InvalidDefinition,
            Self::TooFewFiles { .. }
            | Self::NothingToTrainOn { .. }
            | Self::NoRows { .. }
            | Self::OneClass { .. }
            | Self::Labels { .. }
            | Self::EmptyColumns { .. }
            | Self::Classes(_) => ErrorName::QualityGateFailed,
            Self::Gate(error) => error.name(),
            Self::Document(error) => error.name(),
            Self::Store(error) => error.name(),
            Self::Part(error) => error.name(),
            Self::Join(error) => error.name(),
        }
    }
}
