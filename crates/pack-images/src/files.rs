//! The files of a shard: one for each channel, and what lies beside it.

use crate::pack::{Content, IN_FLIGHT, PackFormat, SAMPLE, Shard};
use crate::{PackImagesError, PlannedImage, Side};
use bytes::Bytes;
use definition::ImageFiles;
use format::images::{
    Archive, ImageError, ImageRow, augmented_line, folder_path, list_line, record, sample_channel,
};
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use image::Prepared;
use lake::records::{ChannelFile, FileDigest, ListedObject, Objects};
use lake::writer::{ObjectWriter, PIECE};
use lake::{ObjectStore, StoreError};
use std::collections::BTreeMap;

/// What a shard writes.
pub struct Files<'s, S: ObjectStore> {
    store: &'s S,
    shard: Shard<'s>,
    /// By their channels.
    open: BTreeMap<String, File<'s, S>>,
    /// Objects of single images, on their way.
    puts: FuturesUnordered<BoxFuture<'s, Result<(), StoreError>>>,
}

impl<'s, S: ObjectStore> Files<'s, S> {
    pub fn new(store: &'s S, shard: Shard<'s>) -> Self {
        Self {
            store,
            shard,
            open: BTreeMap::new(),
            puts: FuturesUnordered::new(),
        }
    }

    /// Adds an image to its channel.
    pub async fn add(
        &mut self,
        image: &PlannedImage,
        content: Content,
    ) -> Result<(), PackImagesError> {
        let (channel, format) = (image.side.channel(), self.shard.format);
        match content {
            Content::Prepared(prepared) if format.is_of_objects() => {
                return self.put(image, prepared).await;
            }
            Content::Prepared(prepared) => {
                let file = self.file(channel, format);
                file.push(image, &prepared.bytes, prepared.format.extension())?;
            }
            Content::AsItIs(bytes) => {
                if let Some(bytes) = bytes {
                    self.sample(image, &bytes).await?;
                }
                let line = augmented_line(&image.bucket, &image.key, image.class);
                self.file(channel, format).append(&line);
            }
        }
        self.file(channel, format).send().await
    }

    /// Writes the image as an object of its own, and its lines.
    async fn put(
        &mut self,
        image: &PlannedImage,
        prepared: Prepared,
    ) -> Result<(), PackImagesError> {
        let (channel, format) = (image.side.channel(), self.shard.format);
        let (digest, extension) = (image.digest.to_string(), prepared.format.extension());
        let refused = |source| refused(image, source);
        let path = if format == PackFormat::Folders {
            let class = &self.shard.classes[image.class as usize];
            folder_path(class, &digest, extension).map_err(refused)?
        } else {
            let path = format!("{digest}.{extension}");
            let line = list_line(image.number, image.class, &path).map_err(refused)?;
            let list = self.file(&ImageFiles::list_channel(channel), PackFormat::List);
            list.append(&line);
            list.send().await?;
            path
        };
        self.sample(image, &prepared.bytes).await?;
        let mut hash = FileDigest::default();
        hash.add(&prepared.bytes);
        let Shard {
            keys,
            number,
            attempt,
            ..
        } = self.shard;
        let prefix = keys.objects(channel, number, attempt);
        let key = format!("{prefix}{path}");
        let bytes = prepared.bytes.len() as u64;
        let object = ListedObject {
            digest: hash.finish(),
            bytes,
            path,
        };
        let file = self.file(channel, format);
        file.append(&object.line());
        let objects = file.objects.get_or_insert(Objects { prefix, bytes: 0 });
        objects.bytes += bytes;
        file.send().await?;
        if self.puts.len() >= IN_FLIGHT
            && let Some(put) = self.puts.next().await
        {
            put?;
        }
        let (store, content) = (self.store, Bytes::from(prepared.bytes));
        let put = async move { store.put(&key, content).await };
        self.puts.push(Box::pin(put));
        Ok(())
    }

    /// Keeps the image beside its channel, if it is one of the first.
    async fn sample(&mut self, image: &PlannedImage, bytes: &[u8]) -> Result<(), PackImagesError> {
        if image.side == Side::Test {
            return Ok(());
        }
        let channel = sample_channel(image.side.channel());
        let sample = self.file(&channel, PackFormat::RecordIo);
        if sample.rows < SAMPLE.into() {
            sample.push(image, bytes, "")?;
            sample.send().await?;
        }
        Ok(())
    }

    fn file(&mut self, channel: &str, format: PackFormat) -> &mut File<'s, S> {
        let (store, shard) = (self.store, self.shard);
        let new = || File::new(store, shard, channel, format);
        self.open.entry(channel.to_owned()).or_insert_with(new)
    }

    /// Makes all files appear.
    pub async fn finish(mut self) -> Result<Vec<ChannelFile>, PackImagesError> {
        let mut result = Ok(());
        while let Some(put) = self.puts.next().await {
            result = result.and(put);
        }
        if let Err(error) = result {
            self.abandon().await;
            return Err(error.into());
        }
        let mut done = Vec::new();
        for (_, file) in self.open {
            done.push(file.finish().await?);
        }
        Ok(done)
    }

    /// Lets no file appear.
    pub async fn abandon(self) {
        for (_, file) in self.open {
            file.object.abandon().await;
        }
    }
}

/// A file of the shard.
struct File<'s, S: ObjectStore> {
    channel: String,
    format: PackFormat,
    object: ObjectWriter<'s, S>,
    archive: Archive,
    buffer: Vec<u8>,
    digest: FileDigest,
    rows: u64,
    objects: Option<Objects>,
}

impl<'s, S: ObjectStore> File<'s, S> {
    fn new(store: &'s S, shard: Shard<'_>, channel: &str, format: PackFormat) -> Self {
        let extension = format.extension();
        let keys = shard.keys;
        let key = keys.packed(channel, shard.number, shard.attempt, extension);
        Self {
            channel: channel.to_owned(),
            format,
            object: ObjectWriter::new(store, key),
            archive: Archive::new(),
            buffer: Vec::new(),
            digest: FileDigest::default(),
            rows: 0,
            objects: None,
        }
    }

    /// Appends an image's line.
    fn append(&mut self, line: &str) {
        self.rows += 1;
        self.buffer.extend_from_slice(line.as_bytes());
    }

    /// Appends the image: this file, whose name ends with `extension`.
    fn push(
        &mut self,
        image: &PlannedImage,
        file: &[u8],
        extension: &str,
    ) -> Result<(), PackImagesError> {
        self.rows += 1;
        let digest = image.digest.to_string();
        let row = ImageRow {
            number: image.number,
            class: image.class,
            digest: &digest,
            extension,
            file,
        };
        if self.format == PackFormat::WebDataset {
            self.archive.push(&row, &image.about, &mut self.buffer);
            return Ok(());
        }
        record(&row, &mut self.buffer).map_err(|source| refused(image, source))
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
            channel: self.channel,
            key,
            rows: self.rows,
            bytes,
            digest: Some(self.digest.finish()),
            pieces: Vec::new(),
            checksum: None,
            objects: self.objects,
        })
    }
}

fn refused(image: &PlannedImage, source: ImageError) -> PackImagesError {
    PackImagesError::Format {
        bucket: image.bucket.clone(),
        key: image.key.clone(),
        source,
    }
}
