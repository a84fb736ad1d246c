//! How images are read: which are good enough, how closely they are looked at, how fast.

use crate::faults::Faults;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How closely an image is looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ImageVerify {
    /// Its structure, which finds every cut file, in a hundredth of the time. Such images have no
    /// `differenceHash`, by which near duplicates are found.
    Structure,
    /// Its structure, and every pixel by a strict decoder.
    #[default]
    Decode,
}

/// Which images are good enough.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ImageLimits {
    /// Bytes of an image, at most.
    #[schemars(range(min = 1, max = 100_000_000))]
    pub max_bytes: u64,
    /// Pixels of the shorter side, at least.
    #[schemars(range(min = 1))]
    pub min_side: u32,
    /// Pixels of an image, at most.
    #[schemars(range(min = 1, max = 100_000_000))]
    pub max_pixels: u64,
    /// Formats, by what an image is and not by its name.
    pub formats: Vec<ImageFormat>,
    /// Whether grey images are good enough.
    pub grey: bool,
    /// Whether images in CMYK are.
    pub cmyk: bool,
}

impl Default for ImageLimits {
    fn default() -> Self {
        Self {
            max_bytes: 20_000_000,
            min_side: 1,
            max_pixels: 50_000_000,
            formats: vec![ImageFormat::Jpeg, ImageFormat::Png],
            grey: true,
            cmyk: false,
        }
    }
}

/// A format of images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ImageFormat {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
}

/// How fast the bucket is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ImageRead {
    /// Images that are read per second, by all functions together, at most. S3 serves 5,500 per
    /// second and prefix.
    #[schemars(range(min = 1))]
    pub requests_per_second: u32,
    /// Of which images the tag with the label is read. S3 lists no tags.
    pub tags: TagReads,
}

/// Of which images the tag with the label is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum TagReads {
    /// Of images that are new or replaced: a tag that changes later is not seen.
    #[default]
    New,
    /// Of all, in every run.
    All,
}

impl Default for ImageRead {
    fn default() -> Self {
        Self {
            requests_per_second: 2000,
            tags: TagReads::default(),
        }
    }
}

/// What is kept of the images' EXIF metadata.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ImageMetadata {
    /// Whether the time of the picture becomes the attribute `capturedAt`.
    pub captured_at: bool,
    /// What becomes of the place of the picture.
    pub position: Position,
}

impl Default for ImageMetadata {
    fn default() -> Self {
        Self {
            captured_at: true,
            position: Position::default(),
        }
    }
}

/// What becomes of the place of a picture.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Position {
    /// It is not written anywhere.
    #[default]
    Drop,
    /// It becomes the attributes `latitude` and `longitude`.
    Keep,
}

impl ImageLimits {
    pub(super) fn validate(&self, faults: &mut Faults) {
        const MOST: u64 = 100_000_000;
        for (field, value) in [("maxBytes", self.max_bytes), ("maxPixels", self.max_pixels)] {
            if !(1..=MOST).contains(&value) {
                faults.add(
                    format!("source.images.accept.{field}"),
                    "must be 1 to 100,000,000: an image is held in memory",
                );
            }
        }
        if self.min_side == 0 {
            faults.add("source.images.accept.minSide", "must be at least 1");
        }
        if self.formats.is_empty() {
            faults.add(
                "source.images.accept.formats",
                "must name a format, such as jpeg",
            );
        }
    }
}
