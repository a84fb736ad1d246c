//! Errors of packing a shard. What is wrong with one image is a rejection instead.

use contract::{ErrorName, Named};
use dataset::{ColumnsError, Reject};
use format::images::ImageError;
use lake::{DocumentError, PartError, StoreError};

/// Why a shard's images cannot be packed.
#[derive(Debug, thiserror::Error)]
pub enum PackImagesError {
    /// The dataset's plan has no such shard.
    #[error("the dataset has {shards} shards, and no shard {shard}")]
    UnknownShard {
        /// The shard's number.
        shard: u32,
        /// How many shards there are.
        shards: usize,
    },
    /// The rows are no images.
    #[error("the dataset's format is {format}, whose rows are no images")]
    OtherFormat {
        /// The format.
        format: &'static str,
    },
    /// The items are no images.
    #[error("the run's source is {kind}, whose items are no images")]
    OtherSource {
        /// The kind of the source.
        kind: &'static str,
    },
    /// The dataset's plan cannot choose images.
    #[error("the dataset's plan cannot choose images")]
    Columns(#[from] ColumnsError),
    /// A part of the index is damaged or missing.
    #[error("reading a part of the index")]
    Part(#[from] PartError),
    /// A part of the index holds a line that is not an item.
    #[error("{key} holds a line that is not an item")]
    Item {
        /// The part's key.
        key: String,
        /// What is wrong with it.
        source: dynamodb_json::ItemError,
    },
    /// A line of the index lacks what every image has that is not quarantined.
    #[error("{key} holds an image without {attribute}: index the images again")]
    NoImage {
        /// The part's key.
        key: String,
        /// The attribute.
        attribute: &'static str,
    },
    /// An item fails the run, because the definition says so.
    #[error("{key} holds an item that the dataset's definition does not allow")]
    Refused {
        /// The part's key.
        key: String,
        /// What is wrong with it.
        source: Reject,
    },
    /// An image could not be read, for a reason that is not the image's own.
    #[error("reading s3://{bucket}/{key}")]
    Image {
        /// Its bucket.
        bucket: String,
        /// Its key.
        key: String,
        /// Why.
        source: StoreError,
    },
    /// The format cannot hold an image.
    #[error("s3://{bucket}/{key} cannot be packed")]
    Format {
        /// Its bucket.
        bucket: String,
        /// Its key.
        key: String,
        /// Why.
        source: ImageError,
    },
    /// A class can have no folder.
    #[error("the classes cannot be folders")]
    Classes(#[source] ImageError),
    /// The folders of the classes have another order than the classes.
    #[error(
        "the folder of the class {class:?} would come before that of the class before it, so that readers would number it otherwise: give it a name of letters and digits, or set dataset.format to imageList"
    )]
    ClassOrder {
        /// The class.
        class: String,
    },
    /// A file of the lake cannot be written.
    #[error("writing the packed files")]
    Store(#[from] StoreError),
    /// A document of the lake cannot be read or written.
    #[error("reading the plans of the run and its dataset")]
    Document(#[from] DocumentError),
}

impl Named for PackImagesError {
    fn name(&self) -> ErrorName {
        match self {
            Self::UnknownShard { .. } | Self::OtherFormat { .. } | Self::OtherSource { .. } => {
                ErrorName::InvalidRequest
            }
            Self::Columns(_) | Self::Item { .. } | Self::NoImage { .. } => {
                ErrorName::DatasetInvalid
            }
            Self::Refused { .. } => ErrorName::QualityGateFailed,
            Self::Part(error) => error.name(),
            Self::Image { source, .. } | Self::Store(source) => source.name(),
            Self::Format { .. } | Self::Classes(_) | Self::ClassOrder { .. } => {
                ErrorName::InvalidDefinition
            }
            Self::Document(error) => error.name(),
        }
    }
}
