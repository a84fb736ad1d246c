//! An image that is to be packed, as the index and the dataset's plan describe it.

use image::Digest;
use serde::{Deserialize, Serialize};

/// The channel that an image belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Training learns from it.
    Train,
    /// It measures the model.
    Validation,
    /// Neither uses it.
    Test,
}

impl Side {
    /// Every side.
    pub const ALL: [Self; 3] = [Self::Train, Self::Validation, Self::Test];

    /// The channel's name.
    pub fn channel(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }
}

/// An image of the dataset.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedImage {
    /// Its number, unique over all shards.
    pub number: u64,
    /// Its bucket.
    pub bucket: String,
    /// Its key.
    pub key: String,
    /// Its version, in a bucket that has versions.
    pub version: Option<String>,
    /// What the store called its content when it was indexed.
    pub etag: String,
    /// Its bytes when it was indexed.
    pub size: u64,
    /// Its digest when it was indexed.
    pub digest: Digest,
    /// EXIF's orientation, 1 to 8.
    pub orientation: u8,
    /// Its class, from 0.
    pub class: u32,
    /// Where it goes.
    pub side: Side,
    /// What an archive says about it beside its class.
    pub about: serde_json::Value,
}

/// An image that was indexed and cannot be packed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rejection {
    /// Its bucket.
    pub bucket: String,
    /// Its key.
    pub key: String,
    /// `Vanished`, `ChecksumDiffers`, `Archived`, or a reason of [`image::Reason`].
    pub reason: String,
    /// What was found, in one line.
    pub detail: String,
}
