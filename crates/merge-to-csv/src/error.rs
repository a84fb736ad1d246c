//! Why a shard cannot be turned into training files.

use contract::{ErrorName, Named};
use dataset::{ColumnsError, Reject};
use format::FormatError;
use lake::{DocumentError, PartError, StoreError, VocabularyError};
use std::io;
use std::path::PathBuf;

/// A shard that cannot be turned into training files.
#[derive(Debug, thiserror::Error)]
pub enum MergeToCsvError {
    /// The dataset's plan has no such shard.
    #[error("the dataset has {shards} shards, and no shard {shard}")]
    UnknownShard {
        /// The shard's number.
        shard: u32,
        /// How many there are.
        shards: usize,
    },
    /// The dataset's plan has columns that no row can be made by.
    #[error("the dataset's plan cannot be carried out")]
    Columns(#[from] ColumnsError),
    /// A raw part is damaged or missing.
    #[error("reading a raw part")]
    Part(#[from] PartError),
    /// A raw part holds a line that is no item.
    #[error("{key} holds a line that is no item")]
    Item {
        /// The part's key.
        key: String,
        /// What is wrong with it.
        source: dynamodb_json::ItemError,
    },
    /// An item fails the run, as the definition has it.
    #[error("{key} holds an item that the dataset's definition does not allow")]
    Refused {
        /// The part's key.
        key: String,
        /// What is wrong with it.
        source: Reject,
    },
    /// The rows cannot be had in the dataset's format.
    #[error("writing the shard's rows in the dataset's format")]
    Format(#[from] FormatError),
    /// Rows beyond the memory's share found no place.
    #[error(
        "the shard's rows do not fit into {}: give the function more ephemeral storage, or make `dataset.shardBytes` smaller", directory.display()
    )]
    Spill {
        /// Where temporary files go.
        directory: PathBuf,
        /// Why one could not be used.
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("writing the shard's files")]
    Store(#[from] StoreError),
    /// The lake cannot be read or written.
    #[error("reading the dataset's plan")]
    Document(#[from] DocumentError),
    /// A vocabulary cannot be read.
    #[error("reading the dataset's vocabularies")]
    Vocabulary(#[from] VocabularyError),
}

impl Named for MergeToCsvError {
    fn name(&self) -> ErrorName {
        match self {
            Self::UnknownShard { .. } => ErrorName::InvalidRequest,
            Self::Columns(_) | Self::Item { .. } => ErrorName::DatasetInvalid,
            Self::Refused { .. } => ErrorName::QualityGateFailed,
            Self::Format(error) => error.name(),
            Self::Spill { .. } => ErrorName::ResourceLimitExceeded,
            Self::Part(error) => error.name(),
            Self::Vocabulary(error) => error.name(),
            Self::Store(error) => error.name(),
            Self::Document(error) => error.name(),
        }
    }
}
