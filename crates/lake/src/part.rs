//! Raw parts: lines in, one zstd object out, and back. One attempt writes a part, which appears
//! whole or not at all; a reader checks what it read against the part's record.

pub use crate::reader::{LineCount, LineReader, lines, open, read_lines};

use crate::records::{Checksum, Encoding, Part};
use crate::store::{ObjectStore, StoreError};
use crate::writer::ObjectWriter;
use contract::{ErrorName, Named};
use std::io::Write;
use std::task::Context;
use zstd::stream::write::Encoder;

/// zstd's level for parts: compression costs more than parsing, and level 1 already gives 5.6x on
/// such lines.
pub const LEVEL: i32 = 1;

/// A part that could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum PartError {
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The compressor failed.
    #[error("compressing {key}")]
    Compress {
        /// The part's key.
        key: String,
        /// Its error.
        source: std::io::Error,
    },
    /// The object is not compressed as it should be.
    #[error("s3://{bucket}/{key} is not readable as {encoding}")]
    Decompress {
        /// The bucket.
        bucket: String,
        /// The part's key.
        key: String,
        /// The compression it should have.
        encoding: Encoding,
        /// The decompressor's error.
        source: std::io::Error,
    },
    /// A line has no end within the bytes that are held in memory.
    #[error("s3://{bucket}/{key}: the line at byte {at} is longer than {most} bytes")]
    LineTooLong {
        /// The bucket.
        bucket: String,
        /// The object's key.
        key: String,
        /// Bytes of decompressed text before the line, from where reading began.
        at: u64,
        /// Bytes that a line may have.
        most: usize,
    },
    /// The object is not what was committed.
    #[error(
        "s3://{bucket}/{key} does not hold what its manifest says: {found} instead of {expected}"
    )]
    NotAsCommitted {
        /// The bucket.
        bucket: String,
        /// The part's key.
        key: String,
        /// What the manifest says.
        expected: String,
        /// What was read.
        found: String,
    },
}

impl Named for PartError {
    fn name(&self) -> ErrorName {
        match self {
            Self::Store(error) => error.name(),
            Self::Compress { .. } => ErrorName::Bug,
            Self::Decompress { .. } | Self::LineTooLong { .. } | Self::NotAsCommitted { .. } => {
                ErrorName::DatasetInvalid
            }
        }
    }
}

/// Writes one part. Memory: a piece of 6 MiB that is filled, one that is on its way, and the
/// compressor's window.
pub struct PartWriter<'s, S: ObjectStore> {
    object: ObjectWriter<'s, S>,
    compressor: Compressor,
    items: u64,
    raw_bytes: u64,
    checksum: Checksum,
}

/// One zstd frame of these bytes, with their checksum: an object that a [`LineReader`] reads.
///
/// # Errors
/// If the compressor fails.
pub fn compress(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut compressor = zstd::bulk::Compressor::new(LEVEL)?;
    compressor.include_checksum(true)?;
    compressor.compress(bytes)
}

/// What fills a piece.
enum Compressor {
    Zstd(Encoder<'static, Vec<u8>>),
    None(Vec<u8>),
}

impl Compressor {
    fn new(level: Option<i32>) -> std::io::Result<Self> {
        let Some(level) = level else {
            return Ok(Self::None(Vec::new()));
        };
        let mut encoder = Encoder::new(Vec::new(), level)?;
        encoder.include_checksum(true)?;
        Ok(Self::Zstd(encoder))
    }

    /// Takes bytes; the compressed output is in [`Compressor::piece`].
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        match self {
            Self::Zstd(encoder) => encoder.write_all(bytes),
            Self::None(piece) => piece.write_all(bytes),
        }
    }

    fn piece(&mut self) -> &mut Vec<u8> {
        match self {
            Self::Zstd(encoder) => encoder.get_mut(),
            Self::None(piece) => piece,
        }
    }

    fn finish(self) -> std::io::Result<Vec<u8>> {
        match self {
            Self::Zstd(encoder) => encoder.finish(),
            Self::None(piece) => Ok(piece),
        }
    }

    const fn encoding(&self) -> Encoding {
        match self {
            Self::Zstd(_) => Encoding::Zstd,
            Self::None(_) => Encoding::Plain,
        }
    }
}

impl<'s, S: ObjectStore> PartWriter<'s, S> {
    /// Begins a part under a key that no other attempt writes.
    ///
    /// # Errors
    /// If the compressor cannot be set up.
    pub fn new(store: &'s S, key: String) -> Result<Self, PartError> {
        Self::with_level(store, key, Some(LEVEL))
    }

    /// The same with another level of compression; `None` leaves the lines as they are.
    ///
    /// # Errors
    /// If the compressor cannot be set up.
    pub fn with_level(store: &'s S, key: String, level: Option<i32>) -> Result<Self, PartError> {
        let compressor = Compressor::new(level).map_err(|source| PartError::Compress {
            key: key.clone(),
            source,
        })?;
        let object = ObjectWriter::new(store, key);
        Ok(Self {
            object,
            compressor,
            items: 0,
            raw_bytes: 0,
            checksum: Checksum::default(),
        })
    }

    /// Bytes of lines so far, before compression.
    pub const fn raw_bytes(&self) -> u64 {
        self.raw_bytes
    }

    /// Appends whole lines: `bytes` are the `lines` with a line break after each. `hashed` gets
    /// each line with its hash, which is computed here anyway.
    ///
    /// # Errors
    /// If a piece cannot be sent.
    pub async fn append<'l>(
        &mut self,
        bytes: &[u8],
        lines: impl Iterator<Item = &'l [u8]>,
        mut hashed: impl FnMut(u64, &'l [u8]),
    ) -> Result<(), PartError> {
        for line in lines {
            self.items += 1;
            hashed(self.checksum.add_line(line), line);
        }
        self.raw_bytes += bytes.len() as u64;
        let written = self.compressor.write(bytes);
        written.map_err(|source| PartError::Compress {
            key: self.object.key().to_owned(),
            source,
        })?;
        Ok(self.object.drain_full(self.compressor.piece()).await?)
    }

    /// Lets a piece on its way move on beside the caller's own waiting.
    pub fn poll_sending(&mut self, context: &mut Context<'_>) {
        self.object.poll_sending(context);
    }

    /// Makes the part appear. `None`: it had no lines, and there is no object.
    ///
    /// # Errors
    /// If the rest cannot be sent.
    pub async fn finish(self) -> Result<Option<Part>, PartError> {
        let Self {
            object,
            compressor,
            items,
            raw_bytes,
            checksum,
        } = self;
        if items == 0 {
            return Ok(None);
        }
        let key = object.key().to_owned();
        let encoding = compressor.encoding();
        let rest = compressor.finish().map_err(|source| PartError::Compress {
            key: key.clone(),
            source,
        })?;
        let bytes = object.finish(rest).await?;
        Ok(Some(Part {
            key,
            items,
            raw_bytes,
            bytes,
            checksum,
            encoding,
        }))
    }

    /// Discards the part; nothing appears under its key.
    pub async fn abandon(self) {
        self.object.abandon().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryStore;

    fn line(number: u32) -> Vec<u8> {
        format!(
            "{{\"Item\":{{\"n\":{{\"N\":\"{number}\"}}}}}}{}",
            "x".repeat(number as usize % 700)
        )
        .into_bytes()
    }

    async fn write(store: &MemoryStore, numbers: std::ops::Range<u32>) -> Part {
        let mut writer = PartWriter::new(store, "part".to_owned()).unwrap();
        for number in numbers {
            let mut bytes = line(number);
            bytes.push(b'\n');
            let end = bytes.len() - 1;
            writer
                .append(&bytes, std::iter::once(&bytes[..end]), |_, _| ())
                .await
                .unwrap();
        }
        writer.finish().await.unwrap().unwrap()
    }

    #[tokio::test]
    async fn lines_come_back_in_order() {
        let store = MemoryStore::new();
        let part = write(&store, 0..5000).await;
        assert_eq!(part.items, 5000);
        let mut number = 0;
        read_lines(&store, &part, |text| {
            assert_eq!(text, line(number));
            number += 1;
        })
        .await
        .unwrap();
        assert_eq!(number, 5000);
    }

    #[tokio::test]
    async fn what_is_not_compressed_is_the_lines_themselves() {
        let store = MemoryStore::new();
        let mut writer = PartWriter::with_level(&store, "part".to_owned(), None).unwrap();
        let lines = b"{\"Item\":{}}\n{\"Item\": {}}\n";
        let each = crate::part::lines(lines);
        writer.append(lines, each, |_, _| ()).await.unwrap();
        let part = writer.finish().await.unwrap().unwrap();
        assert_eq!(store.get("part").await.unwrap(), &lines[..]);
        let length = lines.len() as u64;
        assert_eq!((part.bytes, part.raw_bytes), (length, length));
        read_lines(&store, &part, |_| ()).await.unwrap();
    }

    #[tokio::test]
    async fn an_empty_part_is_no_object() {
        let store = MemoryStore::new();
        let writer = PartWriter::new(&store, "part".to_owned()).unwrap();
        assert!(writer.finish().await.unwrap().is_none());
        assert!(store.list("").await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn damage_is_found() {
        let store = MemoryStore::new();
        let part = write(&store, 0..300).await;
        let whole = store.get("part").await.unwrap();
        store
            .put("part", whole.slice(..whole.len() - 9))
            .await
            .unwrap();
        let error = read_lines(&store, &part, |_| ()).await.unwrap_err();
        assert!(
            matches!(error, PartError::Decompress { .. }),
            "cut short: {error}"
        );
        let other = write(&store, 1..301).await;
        let error = read_lines(&store, &part, |_| ()).await.unwrap_err();
        assert!(
            matches!(error, PartError::NotAsCommitted { .. }),
            "another part: {error}"
        );
        read_lines(&store, &other, |_| ()).await.unwrap();
    }

    #[test]
    fn the_checksum_does_not_depend_on_order() {
        let sum = |numbers: &mut dyn Iterator<Item = u32>| {
            let mut sum = Checksum::default();
            numbers.for_each(|n| {
                sum.add_line(&line(n));
            });
            sum
        };
        assert_eq!(sum(&mut (0..50)), sum(&mut (0..50).rev()));
        assert_ne!(sum(&mut (0..50)), sum(&mut (0..49)));
    }
}
