//! Errors of planning a dataset.

use changes::ChangesError;
use contract::{ErrorName, Named};
use dataset::{GateFailed, PlanError};
use definition::{Dataset, ImageFiles, Sample};
use lake::{DocumentError, StoreError};

/// Why a dataset cannot be planned.
#[derive(Debug, thiserror::Error)]
pub enum PlanDatasetError {
    /// A segment has no manifest.
    #[error(
        "segment {segment} is not exported completely: start a new execution, which exports it again"
    )]
    SegmentMissing {
        /// The segment.
        segment: u32,
    },
    /// The plan's start time is invalid.
    #[error("the run's plan: started {started:?}")]
    Started {
        /// The plan's text.
        started: String,
        /// What is wrong with it.
        source: jiff::Error,
    },
    /// Changes were missed, and the whole table may not be exported instead.
    #[error(
        "{reason}; the whole table may not be exported: {refused}: raise that limit, and start a new run"
    )]
    ChangesIncomplete {
        /// Why the items are no state of the table.
        reason: String,
        /// The limit that an export is above.
        refused: String,
    },
    /// The changes of an incremental run cannot be sealed.
    #[error(transparent)]
    Changes(#[from] ChangesError),
    /// More objects or bytes were listed than the definition allows.
    #[error(
        "below the images' prefix lie {count} {unit}, and `{field}` is {cap}: raise it, or name a longer `source.images.prefix`; the index is kept, and nothing is read again"
    )]
    AboveLimit {
        /// The limit's field.
        field: &'static str,
        /// What was listed.
        count: u64,
        /// Objects or bytes.
        unit: &'static str,
        /// The limit.
        cap: u64,
    },
    /// Items with one key may be in several shards, and a shard only sees its own items.
    #[error(
        "`dataset.deduplicate` needs all items in one shard, and there are {items}, more than one function of the usual size has memory for: set `dataset.shardBytes` to {bytes} or more, and give `MergeToCsv` 100 bytes of memory for each"
    )]
    DuplicatesApart {
        /// Number of items.
        items: u64,
        /// Their raw bytes.
        bytes: u64,
    },
    /// All items must be in one shard, which one function cannot read in its time.
    #[error(
        "`dataset.deduplicate` needs all items in one shard, and they are {bytes} bytes, of which one function reads \
         {} in its time: read fewer attributes by `source.dynamodb.attributes`, or leave it out",
        Dataset::LARGEST_SHARD
    )]
    DuplicatesTooLarge {
        /// Their raw bytes.
        bytes: u64,
    },
    /// All images must be in one shard, which one function cannot pack in its time.
    #[error(
        "`dataset.deduplicate` needs all images in one shard, and they are {megabytes} MB, of which one function \
         packs {} in its time: leave it out",
        ImageFiles::MOST_MB
    )]
    ImageDuplicatesApart {
        /// Megabytes of the images.
        megabytes: u64,
    },
    /// The images are more than all functions pack in their time.
    #[error(
        "the images are {megabytes} MB, and {shards} functions pack {} MB each at most: index fewer images, by a longer \
         `source.images.prefix`",
        ImageFiles::MOST_MB
    )]
    TooManyImages {
        /// Megabytes of the images.
        megabytes: u64,
        /// The most shards that there may be.
        shards: u64,
    },
    /// Instances would get no file.
    #[error(
        "the images make {shards} files at most for {readers} instances that share them: lower \
         `training.instanceCount`, or set `training.distribution` to \"fullyReplicated\""
    )]
    TooFewImages {
        /// Files that can be made of the images.
        shards: usize,
        /// Instances.
        readers: usize,
    },
    /// The sizes of the images cannot be read in the function's time.
    #[error(
        "the sizes of the images were not read in time, after {read} of {bytes} bytes of their index: index fewer images, \
         by a longer `source.images.prefix`"
    )]
    SizesNoTime {
        /// Raw bytes of the index that were read.
        read: u64,
        /// Raw bytes in total.
        bytes: u64,
    },
    /// The vocabularies of the columns cannot be gathered in the function's time.
    #[error(
        "the vocabularies of `{paths}` were not gathered in time, after {read} of {bytes} bytes: list them in `dataset.columns`, or declare these columns with encoding `hash` or `hashOneHot`"
    )]
    NoTime {
        /// The columns' paths.
        paths: String,
        /// Raw bytes that were read.
        read: u64,
        /// Raw bytes in total.
        bytes: u64,
    },
    /// The sample cannot be drawn in the function's time.
    #[error(
        "`dataset.sample` was not drawn in time, for which all items are read: give `share` alone, which needs no reading"
    )]
    SampleTakesTooLong,
    /// The sample is larger than a function has memory for.
    #[error(
        "`dataset.sample` keeps more than {} rows of all classes, more than one function has memory for: lower `perClass`, or give `share` alone",
        Sample::MOST
    )]
    SampleTooLarge,
    /// No image has a label.
    #[error(
        "none of {images} images has a label: correct `{field}`, or what it names; the index is kept, and no image is read again"
    )]
    NoLabels {
        /// The field that says where labels are.
        field: &'static str,
        /// Images that can be used.
        images: u64,
    },
    /// A raw part has a line that is not an item.
    #[error("reading {key} of the export")]
    Item {
        /// The part's key.
        key: String,
        /// What is wrong with the line.
        source: dynamodb_json::ItemError,
    },
    /// A raw part cannot be read.
    #[error("reading the export")]
    Part(#[from] lake::PartError),
    /// A vocabulary cannot be written.
    #[error("writing the vocabularies")]
    Vocabulary(#[from] lake::VocabularyError),
    /// The rows cannot be written in the format.
    #[error("planning the dataset")]
    Format(#[from] format::FormatError),
    /// The planned columns cannot be used.
    #[error("planning the dataset")]
    Planned(#[from] dataset::ColumnsError),
    /// The data does not suit the definition.
    #[error("planning the dataset")]
    Columns(#[from] Box<PlanError>),
    /// The data fails the quality gate.
    #[error("planning the dataset; reports/ below the run says more")]
    Gate(#[from] GateFailed),
    /// The lake cannot be read or written.
    #[error("reading the export")]
    Document(#[from] DocumentError),
    /// The data report cannot be written.
    #[error("writing the report on the data")]
    Store(#[from] StoreError),
}

impl Named for PlanDatasetError {
    fn name(&self) -> ErrorName {
        match self {
            Self::SegmentMissing { .. } | Self::Item { .. } | Self::Started { .. } => {
                ErrorName::DatasetInvalid
            }
            Self::ChangesIncomplete { .. } => ErrorName::ChangesIncomplete,
            Self::Changes(error) => error.name(),
            Self::AboveLimit { .. } => ErrorName::LimitExceeded,
            Self::NoLabels { .. } => ErrorName::LabelsMissing,
            Self::DuplicatesApart { .. }
            | Self::DuplicatesTooLarge { .. }
            | Self::ImageDuplicatesApart { .. }
            | Self::TooManyImages { .. }
            | Self::TooFewImages { .. }
            | Self::SizesNoTime { .. }
            | Self::SampleTakesTooLong
            | Self::SampleTooLarge
            | Self::NoTime { .. } => ErrorName::InvalidDefinition,
            Self::Part(error) => error.name(),
            Self::Vocabulary(error) => error.name(),
            Self::Planned(error) => error.name(),
            Self::Format(error) => error.name(),
            Self::Columns(error) => error.name(),
            Self::Gate(error) => error.name(),
            Self::Store(error) => error.name(),
            Self::Document(error) => error.name(),
        }
    }
}
