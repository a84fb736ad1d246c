//! Reads a shard's images side by side and writes them, in their order, to its files.

use crate::files::Files;
use crate::{Fetched, ImageSource, PackImagesError, PlannedImage, Rejection, Side};
use bytes::Bytes;
use contract::states::RowCounts;
use futures::{StreamExt, stream};
use image::{Digest, Prepared, Resize, prepare};
use lake::records::{ChannelFile, LabelRange};
use lake::{ObjectStore, RunKeys};
use std::collections::BTreeMap;

/// How many images are on their way at once.
pub const IN_FLIGHT: usize = 32;

/// What the packed files are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PackFormat {
    /// MXNet's image records, `.rec`.
    RecordIo,
    /// Archives of `WebDataset`, `.tar`.
    WebDataset,
    /// Augmented manifests, `.manifest`: lines about images that stay where they are. Only the first
    /// images of each channel are read, for its [`sample_channel`](format::images::sample_channel).
    AugmentedManifest,
    /// A file for each image, in a folder of its class.
    Folders,
    /// A file for each image, and a list of them in a channel of its own.
    List,
}

/// How many images a channel's sample has, from each shard at most.
pub const SAMPLE: u32 = 100;

impl PackFormat {
    /// How the files' names end.
    pub fn extension(self) -> &'static str {
        match self {
            Self::RecordIo => "rec",
            Self::WebDataset => "tar",
            Self::AugmentedManifest => "manifest",
            Self::Folders | Self::List => "objects",
        }
    }

    /// Whether each image is an object of its own.
    pub fn is_of_objects(self) -> bool {
        matches!(self, Self::Folders | Self::List)
    }
}

/// A shard that is to be packed.
#[derive(Debug, Clone, Copy)]
pub struct Shard<'p> {
    /// The run's keys.
    pub keys: &'p RunKeys,
    /// Its number.
    pub number: u32,
    /// This attempt's name, in the keys of its files: of two attempts, one may still have seen an
    /// image that the other found gone.
    pub attempt: &'p str,
    /// What its files are.
    pub format: PackFormat,
    /// The names of the classes, in the order of their numbers.
    pub classes: &'p [String],
    /// How images are made smaller, if they are.
    pub resize: Option<Resize>,
    /// The most pixels that are decoded.
    pub max_pixels: u64,
}

/// What became of a shard's images.
#[derive(Debug, Clone, PartialEq)]
pub struct Packed {
    /// The counts add up to the shard's images.
    pub rows: RowCounts,
    /// A file for each channel that has images, and one for its sample if it has one, below no
    /// channel's prefix: `seal-dataset` copies them there once it is known whose they are.
    pub files: Vec<ChannelFile>,
    /// The classes of the packed images.
    pub labels: BTreeMap<Side, LabelRange>,
    /// The images that are not packed.
    pub rejected: Vec<Rejection>,
    /// Images whose pixels were encoded again.
    pub encoded_again: u64,
}

/// Packs a shard. Called again under another attempt's name, it leaves this one's files alone.
///
/// # Errors
/// If an image cannot be read for a reason that is not its own, such as missing permissions or
/// throttling, or if the lake fails. No file is left then, but for objects of single images, which lie
/// below a prefix of this attempt's own.
pub async fn pack<S: ObjectStore>(
    store: &S,
    images: &impl ImageSource,
    shard: Shard<'_>,
    planned: &[PlannedImage],
) -> Result<Packed, PackImagesError> {
    let mut files = Files::new(store, shard);
    match fill(images, shard, planned, &mut files).await {
        Ok(mut packed) => {
            packed.files = files.finish().await?;
            Ok(packed)
        }
        Err(error) => {
            // An upload that is never completed is paid for until its lifecycle rule removes it.
            files.abandon().await;
            Err(error)
        }
    }
}

async fn fill<S: ObjectStore>(
    images: &impl ImageSource,
    shard: Shard<'_>,
    planned: &[PlannedImage],
    files: &mut Files<'_, S>,
) -> Result<Packed, PackImagesError> {
    let mut packed = Packed {
        rows: RowCounts::default(),
        files: Vec::new(),
        labels: BTreeMap::new(),
        rejected: Vec::new(),
        encoded_again: 0,
    };
    let refers = shard.format == PackFormat::AugmentedManifest;
    let mut sampled: BTreeMap<Side, u32> = BTreeMap::new();
    let read = stream::iter(planned).map(|image| {
        let before = sampled.entry(image.side).or_default();
        let is_read = !refers || (image.side != Side::Test && *before < SAMPLE);
        *before += 1;
        async move {
            let read = if is_read {
                images.get(image).await
            } else {
                images.check(image).await
            };
            let read = read.map_err(|source| PackImagesError::Image {
                bucket: image.bucket.clone(),
                key: image.key.clone(),
                source,
            });
            (image, read)
        }
    });
    let mut read = std::pin::pin!(read.buffered(IN_FLIGHT));
    while let Some((image, fetched)) = read.next().await {
        let content = match checked(image, fetched?, shard) {
            Ok(content) => content,
            Err(rejection) => {
                packed.rows.rejected += 1;
                packed.rejected.push(rejection);
                continue;
            }
        };
        match image.side {
            Side::Train => packed.rows.train += 1,
            Side::Validation => packed.rows.validation += 1,
            Side::Test => packed.rows.test += 1,
        }
        // Classes are far below 2^24, up to which every whole number is a float32.
        let label = image.class as f32;
        let range = packed.labels.entry(image.side);
        range
            .and_modify(|range| *range = range.with(label))
            .or_insert_with(|| LabelRange::of(label));
        if let Content::Prepared(prepared) = &content {
            packed.encoded_again += u64::from(prepared.encoded_again);
        }
        files.add(image, content).await?;
    }
    Ok(packed)
}

/// An image that becomes a row.
pub enum Content {
    /// Its bytes as training shall read them.
    Prepared(Prepared),
    /// It stays where it is. Its bytes if they were read.
    AsItIs(Option<Bytes>),
}

/// The image, if it is the one that was indexed.
fn checked(image: &PlannedImage, fetched: Fetched, shard: Shard<'_>) -> Result<Content, Rejection> {
    let rejection = |reason: &str, detail: String| Rejection {
        bucket: image.bucket.clone(),
        key: image.key.clone(),
        reason: reason.to_owned(),
        detail,
    };
    let bytes = match fetched {
        Fetched::Bytes(bytes) => bytes,
        Fetched::Unread => return Ok(Content::AsItIs(None)),
        Fetched::Vanished => {
            let detail = format!(
                "it was removed, or is no longer the version {} that was indexed",
                image.etag
            );
            return Err(rejection("Vanished", detail));
        }
        Fetched::Archived => {
            let detail = "its storage class has to be restored before it can be read";
            return Err(rejection("Archived", detail.to_owned()));
        }
    };
    let digest = Digest::of(&bytes);
    if digest != image.digest {
        let detail = format!("its digest is {digest}, {} was indexed", image.digest);
        return Err(rejection("ChecksumDiffers", detail));
    }
    if shard.format == PackFormat::AugmentedManifest {
        return Ok(Content::AsItIs(Some(bytes)));
    }
    prepare(&bytes, image.orientation, shard.resize, shard.max_pixels)
        .map(Content::Prepared)
        .map_err(|rejected| rejection(rejected.reason.name(), rejected.detail))
}
