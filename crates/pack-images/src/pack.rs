//! Reads a shard's images side by side and writes them, in their order, to its files.

use crate::{Fetched, ImageSource, PackImagesError, PlannedImage, Rejection, Side};
use contract::states::RowCounts;
use format::images::{Archive, ImageRow, record};
use futures::{StreamExt, stream};
use image::{Digest, Prepared, Resize, prepare};
use lake::records::{ChannelFile, FileDigest, LabelRange};
use lake::writer::{ObjectWriter, PIECE};
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
}

impl PackFormat {
    /// How the files' names end.
    pub fn extension(self) -> &'static str {
        match self {
            Self::RecordIo => "rec",
            Self::WebDataset => "tar",
        }
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
    /// A file for each channel that has images, below no channel's prefix: `seal-dataset` copies
    /// them there once it is known whose they are.
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
/// throttling, or if the lake fails. No file is left then.
pub async fn pack<S: ObjectStore>(
    store: &S,
    images: &impl ImageSource,
    shard: Shard<'_>,
    planned: &[PlannedImage],
) -> Result<Packed, PackImagesError> {
    let mut files = BTreeMap::new();
    let packed = fill(store, images, shard, planned, &mut files).await;
    // An upload that is never completed is paid for until its lifecycle rule removes it.
    if packed.is_err() {
        for (_, file) in files {
            file.object.abandon().await;
        }
        return packed;
    }
    let mut packed = packed?;
    for (_, file) in files {
        packed.files.push(file.finish().await?);
    }
    Ok(packed)
}

async fn fill<'s, S: ObjectStore>(
    store: &'s S,
    images: &impl ImageSource,
    shard: Shard<'_>,
    planned: &[PlannedImage],
    files: &mut BTreeMap<Side, File<'s, S>>,
) -> Result<Packed, PackImagesError> {
    let mut packed = Packed {
        rows: RowCounts::default(),
        files: Vec::new(),
        labels: BTreeMap::new(),
        rejected: Vec::new(),
        encoded_again: 0,
    };
    let read = stream::iter(planned).map(async |image| {
        let read = images.get(image).await;
        let read = read.map_err(|source| PackImagesError::Image {
            bucket: image.bucket.clone(),
            key: image.key.clone(),
            source,
        });
        (image, read)
    });
    let mut read = std::pin::pin!(read.buffered(IN_FLIGHT));
    while let Some((image, fetched)) = read.next().await {
        let prepared = match checked(image, fetched?, shard) {
            Ok(prepared) => prepared,
            Err(rejection) => {
                packed.rows.rejected += 1;
                packed.rejected.push(rejection);
                continue;
            }
        };
        packed.encoded_again += u64::from(prepared.encoded_again);
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
        let file = files
            .entry(image.side)
            .or_insert_with(|| File::new(store, shard, image.side));
        file.push(image, &prepared)?;
        file.send().await?;
    }
    Ok(packed)
}

/// The image's bytes as training shall read them, if they are those that were indexed.
fn checked(
    image: &PlannedImage,
    fetched: Fetched,
    shard: Shard<'_>,
) -> Result<Prepared, Rejection> {
    let rejection = |reason: &str, detail: String| Rejection {
        bucket: image.bucket.clone(),
        key: image.key.clone(),
        reason: reason.to_owned(),
        detail,
    };
    let bytes = match fetched {
        Fetched::Bytes(bytes) => bytes,
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
    prepare(&bytes, image.orientation, shard.resize, shard.max_pixels)
        .map_err(|rejected| rejection(rejected.reason.name(), rejected.detail))
}

/// A channel's file of the shard.
struct File<'s, S: ObjectStore> {
    side: Side,
    format: PackFormat,
    object: ObjectWriter<'s, S>,
    archive: Archive,
    buffer: Vec<u8>,
    digest: FileDigest,
    rows: u64,
}

impl<'s, S: ObjectStore> File<'s, S> {
    fn new(store: &'s S, shard: Shard<'_>, side: Side) -> Self {
        let extension = shard.format.extension();
        let keys = shard.keys;
        let key = keys.packed(side.channel(), shard.number, shard.attempt, extension);
        Self {
            side,
            format: shard.format,
            object: ObjectWriter::new(store, key),
            archive: Archive::new(),
            buffer: Vec::new(),
            digest: FileDigest::default(),
            rows: 0,
        }
    }

    fn push(&mut self, image: &PlannedImage, prepared: &Prepared) -> Result<(), PackImagesError> {
        self.rows += 1;
        let digest = image.digest.to_string();
        let row = ImageRow {
            number: image.number,
            class: image.class,
            digest: &digest,
            extension: prepared.format.extension(),
            file: &prepared.bytes,
        };
        match self.format {
            PackFormat::RecordIo => {
                let written = record(&row, &mut self.buffer);
                written.map_err(|source| PackImagesError::Format {
                    bucket: image.bucket.clone(),
                    key: image.key.clone(),
                    source,
                })?;
            }
            PackFormat::WebDataset => self.archive.push(&row, &image.about, &mut self.buffer),
        }
        Ok(())
    }

    async fn send(&mut self) -> Result<(), PackImagesError> {
        if self.buffer.len() >= PIECE {
            self.digest.add(&self.buffer);
            self.object.drain_full(&mut self.buffer).await?;
        }
        Ok(())
    }

    async fn finish(mut self) -> Result<ChannelFile, PackImagesError> {
        if self.format == PackFormat::WebDataset {
            self.archive.finish(&mut self.buffer);
        }
        self.digest.add(&self.buffer);
        let key = self.object.key().to_owned();
        let bytes = self.object.finish(self.buffer).await?;
        Ok(ChannelFile {
            channel: self.side.channel().to_owned(),
            key,
            rows: self.rows,
            bytes,
            digest: Some(self.digest.finish()),
            pieces: Vec::new(),
            checksum: None,
        })
    }
}
