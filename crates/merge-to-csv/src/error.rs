//! Errors of writing a shard's training files.

use contract::{ErrorName, Named};
use dataset::{ColumnsError, Reject};
use format::FormatError;
use lake::{DocumentError, PartError, StoreError, VocabularyError};
use std::io;
use std::path::PathBuf;

/// Why a shard's training files cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum MergeToCsvError {
    /// The dataset's plan has no such shard.
    #[error("the dataset has {shards} shards, and no shard {shard}")]
    UnknownShard {
        /// The shard's number.
        shard: u32,
        /// How many shards there are.
        shards: usize,
    },
    /// The dataset's plan has columns that cannot encode a row.
    #[error("the dataset's plan cannot encode a row")]
    Columns(#[from] ColumnsError),
    /// A raw part is damaged or missing.
    #[error("reading a raw part")]
    Part(#[from] PartError),
    /// A raw part holds a line that is not an item.
    #[error("{key} holds a line that is not an item")]
    Item {
        /// The part's key.
        key: String,
        /// What is wrong with it.
        source: dynamodb_json::ItemError,
    },
    /// An item fails the run, because the definition says so.
    #[error("{key} holds an item that the dataset's definition does not allow")]
    Refused {
        /// The part's key.
        key: String,
        /// What is wrong with it.
        source: Reject,
    },
    /// The rows cannot be written in the dataset's format.
    #[error("writing the shard's rows in the dataset's format")]
    Format(#[from] FormatError),
    /// The rows beyond the memory budget do not fit on disk.
    #[error(
        "the shard's rows do not fit into {}: give the function more ephemeral storage, or make `dataset.shardBytes` smaller", directory.display()
    )]
    Spill {
        /// The directory of temporary files.
        directory: PathBuf,
        /// Why no file could be written there.
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
