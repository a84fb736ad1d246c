//! Errors that end a training run. Messages name the file and record, and say what to do.

use std::path::PathBuf;

/// An error that ends `train`, or keeps `serve` from starting.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The container's files, job or address.
    #[error(transparent)]
    Container(#[from] container::Error),
    /// A required hyperparameter is not given.
    #[error("hyperparameter {name} is missing: give {range}")]
    MissingHyperparameter {
        /// Its name.
        name: &'static str,
        /// The accepted values.
        range: &'static str,
    },
    /// A channel's file is not RecordIO.
    #[error("{} is not whole RecordIO: pack it again", path.display())]
    NotRecords {
        /// The file.
        path: PathBuf,
        /// The place and the cause.
        source: record_io::ReadError,
    },
    /// A record is no image with one class.
    #[error("{} record {record}: {reason}", path.display())]
    BadRecord {
        /// The file.
        path: PathBuf,
        /// The record, counted from 0.
        record: u64,
        /// What is wrong, and what is expected.
        reason: String,
    },
    /// A file of a channel is no image with one class.
    #[error("{}: {reason}", path.display())]
    BadFile {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what is expected.
        reason: String,
    },
    /// The folders of the channels are not those of the classes.
    #[error(
        "the channels have folders of {found} classes ({names}), num_classes says {told}: give each class a folder in one of the channels"
    )]
    OtherFolders {
        /// How many there are.
        found: usize,
        /// The first of their names.
        names: String,
        /// What was told.
        told: usize,
    },
    /// A channel's files have no record.
    #[error("channel {channel} has no record: give it at least one image")]
    NoRecords {
        /// The channel's name.
        channel: &'static str,
    },
    /// The training channel has images of one class alone.
    #[error("every training image is of class {class}: give images of at least two classes")]
    OneClass {
        /// The class.
        class: usize,
    },
    /// The training channel has another number of images than the job was told.
    #[error("the training channel has {found} images, num_training_samples says {told}")]
    OtherCount {
        /// What was read.
        found: usize,
        /// What was told.
        told: usize,
    },
    /// The weights became infinite.
    #[error("training diverged with learning_rate {learning_rate}: give a lower one")]
    Diverged {
        /// The learning rate in use.
        learning_rate: f32,
    },
}
