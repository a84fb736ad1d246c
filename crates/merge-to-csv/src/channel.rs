//! The rows of one channel: shuffled, and written as files of equal size. A channel without rows
//! writes no object, because even an empty object below a channel's prefix is training data.

use crate::MergeToCsvError;
use crate::shuffle::Shuffle;
use definition::Format;
use format::{FileWriter, Layout};
use lake::records::{ChannelFile, FileDigest};
use lake::writer::{ObjectWriter, PIECE};
use lake::{ObjectStore, RunKeys};
use std::io;

/// Where a shard's files go, and their format.
#[derive(Debug, Clone, Copy)]
pub struct Files<'p> {
    pub keys: &'p RunKeys,
    pub shard: u32,
    pub format: &'p Format,
    pub layout: &'p Layout,
    /// How many files the rows of a channel become, if there are enough rows.
    pub count: u32,
}

impl Files<'_> {
    fn key(&self, channel: &str, file: u32) -> String {
        let (keys, shard, extension) = (self.keys, self.shard, self.format.extension());
        if self.count > 1 {
            keys.channel_file_of_many(channel, shard, file, extension)
        } else {
            keys.channel_file(channel, shard, extension)
        }
    }
}

/// A channel's rows, collected until the shard's end.
pub struct Channel {
    name: &'static str,
    rows: Shuffle,
}

impl Channel {
    pub fn new(name: &'static str, seed: u64) -> Self {
        let rows = Shuffle::new(seed);
        Self { name, rows }
    }

    pub const fn rows(&self) -> u64 {
        self.rows.rows()
    }

    #[inline]
    pub fn push(&mut self, row: &[u8]) -> Result<(), MergeToCsvError> {
        self.rows.push(row).map_err(spill)
    }

    /// Writes the files.
    pub async fn finish<S: ObjectStore>(
        self,
        store: &S,
        files: Files<'_>,
    ) -> Result<Vec<ChannelFile>, MergeToCsvError> {
        let mut open = None;
        let written = self.write(store, files, &mut open).await;
        // An upload that is never completed is paid for until its lifecycle rule removes it.
        if written.is_err()
            && let Some(file) = open
        {
            file.object.abandon().await;
        }
        written
    }

    async fn write<'s, S: ObjectStore>(
        self,
        store: &'s S,
        files: Files<'_>,
        open: &mut Option<OpenFile<'s, S>>,
    ) -> Result<Vec<ChannelFile>, MergeToCsvError> {
        let total = self.rows.rows();
        let count = u64::from(files.count).min(total);
        let mut written = Vec::new();
        let (mut at, mut end) = (0, 0);
        let mut rows = self.rows.finish().map_err(spill)?;
        while let Some(bucket) = rows.next().map_err(spill)? {
            for row in bucket.rows() {
                if at == end {
                    if let Some(file) = open.take() {
                        written.push(file.finish().await?);
                    }
                    // As equal as whole rows allow: their sizes differ by one at most.
                    end = total * (written.len() as u64 + 1) / count;
                    *open = Some(OpenFile::new(store, files, self.name, &written)?);
                }
                at += 1;
                if let Some(file) = open.as_mut()
                    && file.push(row)?
                {
                    file.send().await?;
                }
            }
        }
        if let Some(file) = open.take() {
            written.push(file.finish().await?);
        }
        Ok(written)
    }
}

struct OpenFile<'s, S: ObjectStore> {
    channel: &'static str,
    object: ObjectWriter<'s, S>,
    file: FileWriter,
    buffer: Vec<u8>,
    digest: FileDigest,
    rows: u64,
}

impl<'s, S: ObjectStore> OpenFile<'s, S> {
    fn new(
        store: &'s S,
        files: Files<'_>,
        channel: &'static str,
        before: &[ChannelFile],
    ) -> Result<Self, MergeToCsvError> {
        let number = u32::try_from(before.len()).expect("a shard has a few files");
        let key = files.key(channel, number);
        Ok(Self {
            channel,
            object: ObjectWriter::new(store, key),
            file: FileWriter::new(files.format, files.layout)?,
            buffer: Vec::new(),
            digest: FileDigest::default(),
            rows: 0,
        })
    }

    /// Adds a row, and returns whether there is a piece to send.
    #[inline]
    fn push(&mut self, row: &[u8]) -> Result<bool, MergeToCsvError> {
        self.rows += 1;
        self.file.push(row, &mut self.buffer)?;
        Ok(self.buffer.len() >= PIECE)
    }

    async fn send(&mut self) -> Result<(), MergeToCsvError> {
        self.digest.add(&self.buffer);
        Ok(self.object.drain_full(&mut self.buffer).await?)
    }

    async fn finish(mut self) -> Result<ChannelFile, MergeToCsvError> {
        self.file.finish(&mut self.buffer)?;
        self.digest.add(&self.buffer);
        let key = self.object.key().to_owned();
        let bytes = self.object.finish(self.buffer).await?;
        Ok(ChannelFile {
            channel: self.channel.to_owned(),
            key,
            rows: self.rows,
            bytes,
            digest: Some(self.digest.finish()),
            pieces: Vec::new(),
            checksum: None,
            objects: None,
        })
    }
}

fn spill(source: io::Error) -> MergeToCsvError {
    MergeToCsvError::Spill {
        directory: std::env::temp_dir(),
        source,
    }
}
