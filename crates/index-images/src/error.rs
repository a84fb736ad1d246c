//! Errors of indexing images.

use contract::{ErrorName, Named};
use lake::{DocumentError, PartError, StoreError};
use raw_export::RawExportError;

/// Why a task could not be continued.
#[derive(Debug, thiserror::Error)]
pub enum IndexImagesError {
    /// The pattern of the keys is not one. A plan is made of checked definitions only.
    #[error("source.images.keys {message}")]
    Keys {
        /// What is wrong with it.
        message: String,
    },
    /// The file with the labels is another one than when the run was planned, or is gone.
    #[error("{uri} has changed since the run was planned: start again")]
    LabelsChanged {
        /// Its address.
        uri: String,
    },
    /// The file with the labels cannot be read as one.
    #[error("{uri}, line {line}: {message}")]
    Labels {
        /// Its address.
        uri: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong, and what is expected.
        message: String,
    },
    /// The file with the labels cannot be read.
    #[error("reading the labels")]
    LabelsUnreadable(#[source] StoreError),
    /// The bucket cannot be listed.
    #[error("listing the images")]
    Listing(#[source] StoreError),
    /// The index of an earlier run cannot be read, or one of this run not written.
    #[error("the lake cannot be used")]
    Document(#[from] DocumentError),
    /// The index of an earlier run is damaged.
    #[error("reading the index of an earlier run")]
    Part(#[from] PartError),
    /// The plan or the images cannot be read, or the lake not written.
    #[error(transparent)]
    Export(#[from] RawExportError),
}

impl Named for IndexImagesError {
    fn name(&self) -> ErrorName {
        match self {
            Self::Keys { .. } => ErrorName::Bug,
            Self::LabelsChanged { .. } | Self::Labels { .. } => ErrorName::LabelsMissing,
            Self::LabelsUnreadable(error) | Self::Listing(error) => error.name(),
            Self::Document(error) => error.name(),
            Self::Part(error) => error.name(),
            Self::Export(error) => error.name(),
        }
    }
}
