//! The reading half of parts: the lines of one compressed object as they arrive, checked at the end
//! against what was committed.

use crate::part::PartError;
use crate::records::{Checksum, Encoding, Part};
use crate::store::{ByteStream, ObjectStore};
use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use std::io::Write;
use zstd::stream::raw::{Decoder, Operation};

/// Bytes that one step of zstd's decompressor may give, and that one of what is not compressed
/// takes.
const CHUNK: usize = 128 * 1024;
/// Bytes that one step of gzip's decompressor takes; it gives at most a thousand times as many.
const SLICE: usize = 8 * 1024;

/// The lines of a compressed object, in batches of whole lines.
///
/// Memory: a batch (128 KiB with zstd and without compression, with gzip what 8 KiB become), and
/// the longest line, which [`LineReader::with_longest_line`] bounds.
pub struct LineReader<B> {
    stream: B,
    decompressor: Decompressor,
    bucket: String,
    key: String,
    /// What the stream gave and the decompressor has not taken yet.
    frame: Bytes,
    /// Decompressed, from the batch that was given out last.
    text: Vec<u8>,
    /// How much of it was given out.
    given: usize,
    /// How much of it is known to have no line break.
    searched: usize,
    /// Bytes that were given out before.
    passed: u64,
    /// Bytes that a line may have.
    longest: usize,
    ended: bool,
}

enum Decompressor {
    Zstd {
        decoder: Decoder<'static>,
        frame_ended: bool,
        /// Whether it may hold output that had no room.
        more: bool,
    },
    Gzip {
        decoder: Box<MultiGzDecoder<Vec<u8>>>,
        begun: bool,
    },
    Plain,
}

impl<B: ByteStream> LineReader<B> {
    /// Reads `stream`, the object `key` of `bucket`.
    ///
    /// # Errors
    /// If the decompressor cannot be set up.
    pub fn new(stream: B, encoding: Encoding, bucket: &str, key: &str) -> Result<Self, PartError> {
        let decompressor = match encoding {
            Encoding::Zstd => Decompressor::Zstd {
                decoder: Decoder::new().map_err(|source| corrupt(bucket, key, encoding, source))?,
                frame_ended: true,
                more: false,
            },
            Encoding::Gzip => Decompressor::Gzip {
                decoder: Box::new(MultiGzDecoder::new(Vec::new())),
                begun: false,
            },
            Encoding::Plain => Decompressor::Plain,
        };
        Ok(Self {
            stream,
            decompressor,
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            frame: Bytes::new(),
            text: Vec::new(),
            given: 0,
            searched: 0,
            passed: 0,
            longest: usize::MAX,
            ended: false,
        })
    }

    /// Refuses lines of more than so many bytes, which are held in memory whole. Without it a line
    /// may be as long as it likes: for objects that others wrote.
    #[must_use]
    pub const fn with_longest_line(mut self, bytes: usize) -> Self {
        self.longest = bytes;
        self
    }

    /// The next lines, whole, each with its line break (the object's last one may lack it); `None`
    /// at the object's end.
    ///
    /// # Errors
    /// If the transfer breaks, the object is damaged, or a line is too long.
    pub async fn next(&mut self) -> Result<Option<&[u8]>, PartError> {
        self.text.drain(..self.given);
        self.passed += self.given as u64;
        self.given = 0;
        loop {
            let fresh = &self.text[self.searched..];
            if let Some(end) = memchr::memrchr(b'\n', fresh) {
                self.given = self.searched + end + 1;
                self.searched = 0;
                break;
            }
            self.searched = self.text.len();
            if self.ended {
                self.given = self.text.len();
                self.searched = 0;
                break;
            }
            if self.text.len() > self.longest {
                return Err(PartError::LineTooLong {
                    bucket: self.bucket.clone(),
                    key: self.key.clone(),
                    at: self.passed,
                    most: self.longest,
                });
            }
            self.advance().await?;
        }
        Ok(Some(&self.text[..self.given]).filter(|batch| !batch.is_empty()))
    }

    /// Takes back the last bytes of the batch that was given out last, whole lines: the next batch
    /// begins with them.
    ///
    /// # Panics
    /// If the batch had fewer.
    pub const fn unread(&mut self, bytes: usize) {
        assert!(bytes <= self.given, "a batch is taken back at most whole");
        self.given -= bytes;
    }

    /// Takes a step: decompresses some of the frame, or gets the next one, or ends.
    async fn advance(&mut self) -> Result<(), PartError> {
        if self.frame.is_empty() && !self.decompressor.has_more() {
            match self.stream.next().await? {
                Some(frame) => self.frame = frame,
                None => self.ended = true,
            }
        }
        let step = if self.ended {
            self.decompressor.finish(&mut self.text)
        } else {
            self.decompressor.step(&mut self.frame, &mut self.text)
        };
        step.map_err(|source| {
            corrupt(
                &self.bucket,
                &self.key,
                self.decompressor.encoding(),
                source,
            )
        })
    }

    /// The stream that is read.
    pub const fn stream(&self) -> &B {
        &self.stream
    }

    /// The stream, with what was not read of it.
    pub fn into_stream(self) -> B {
        self.stream
    }
}

impl Decompressor {
    const fn encoding(&self) -> Encoding {
        match self {
            Self::Zstd { .. } => Encoding::Zstd,
            Self::Gzip { .. } => Encoding::Gzip,
            Self::Plain => Encoding::Plain,
        }
    }

    const fn has_more(&self) -> bool {
        matches!(self, Self::Zstd { more: true, .. })
    }

    fn step(&mut self, frame: &mut Bytes, text: &mut Vec<u8>) -> std::io::Result<()> {
        match self {
            Self::Zstd {
                decoder,
                frame_ended,
                more,
            } => {
                let before = text.len();
                text.resize(before + CHUNK, 0);
                let status = decoder.run_on_buffers(frame, &mut text[before..])?;
                text.truncate(before + status.bytes_written);
                let _ = frame.split_to(status.bytes_read);
                *frame_ended = status.remaining == 0;
                // A full chunk may hide more output.
                *more = status.bytes_written == CHUNK;
            }
            Self::Gzip { decoder, begun } => {
                *begun |= !frame.is_empty();
                let slice = frame.split_to(frame.len().min(SLICE));
                decoder.write_all(&slice)?;
                text.append(decoder.get_mut());
            }
            Self::Plain => text.extend_from_slice(&frame.split_to(frame.len().min(CHUNK))),
        }
        Ok(())
    }

    fn finish(&mut self, text: &mut Vec<u8>) -> std::io::Result<()> {
        match self {
            Self::Zstd { frame_ended, .. } if !*frame_ended => {
                Err(std::io::ErrorKind::UnexpectedEof.into())
            }
            // An object without a byte is the one of an empty partition.
            Self::Gzip { decoder, begun } if *begun => {
                decoder.try_finish()?;
                text.append(decoder.get_mut());
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

fn corrupt(bucket: &str, key: &str, encoding: Encoding, source: std::io::Error) -> PartError {
    PartError::Decompress {
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        encoding,
        source,
    }
}

/// The lines of a batch, without their line breaks.
pub fn lines(batch: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = batch;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let line = &rest[..end];
        rest = rest.get(end + 1..).unwrap_or_default();
        Some(line)
    })
}

/// Counts lines as they are read, to be compared with a part's record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LineCount {
    /// Lines.
    pub items: u64,
    /// Their bytes, line breaks included.
    pub raw_bytes: u64,
    /// The sum of their hashes.
    pub checksum: Checksum,
}

impl LineCount {
    /// Counts a line but for its bytes, which include its line break if it has one. Returns the
    /// line's hash.
    pub fn add_line(&mut self, line: &[u8]) -> u64 {
        self.items += 1;
        self.checksum.add_line(line)
    }

    /// Checks that these were the part's lines.
    ///
    /// # Errors
    /// With both figures, if they were not.
    pub fn check(&self, bucket: &str, part: &Part) -> Result<(), PartError> {
        let committed = Self {
            items: part.items,
            raw_bytes: part.raw_bytes,
            checksum: part.checksum,
        };
        if *self == committed {
            return Ok(());
        }
        Err(PartError::NotAsCommitted {
            bucket: bucket.to_owned(),
            key: part.key.clone(),
            expected: committed.to_string(),
            found: self.to_string(),
        })
    }
}

impl std::fmt::Display for LineCount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} items, {} bytes, checksum {:016x}",
            self.items, self.raw_bytes, self.checksum.0
        )
    }
}

/// Opens a part, to be read in batches of lines.
///
/// # Errors
/// If it is missing.
pub async fn open<S: ObjectStore>(
    store: &S,
    part: &Part,
) -> Result<LineReader<impl ByteStream>, PartError> {
    let stream = store.stream(&part.key).await?;
    LineReader::new(stream, part.encoding, store.bucket(), &part.key)
}

/// Calls `line` with each line of a part, without its line break, and then checks that the part is
/// what was committed. What was done with the lines counts only if this returns `Ok`.
///
/// # Errors
/// If the part is missing, damaged, or not what its record says.
pub async fn read_lines<S: ObjectStore>(
    store: &S,
    part: &Part,
    mut line: impl FnMut(&[u8]),
) -> Result<(), PartError> {
    let mut reader = open(store, part).await?;
    let mut count = LineCount::default();
    while let Some(batch) = reader.next().await? {
        count.raw_bytes += batch.len() as u64;
        for text in lines(batch) {
            count.add_line(text);
            line(text);
        }
    }
    count.check(store.bucket(), part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MemoryStore, StoreError};
    use flate2::Compression;
    use flate2::write::GzEncoder;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(text: &[u8]) -> Vec<u8> {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    /// Lines short, empty, and longer than a chunk.
    fn text() -> Vec<u8> {
        let mut text = Vec::new();
        for number in 0..3000_u32 {
            let length = if number % 1000 == 999 {
                300_000
            } else {
                number % 90
            };
            text.extend(std::iter::repeat_n(
                b'a' + (number % 26) as u8,
                length as usize,
            ));
            text.push(b'\n');
        }
        text
    }

    struct Frames(std::vec::IntoIter<Bytes>);

    impl ByteStream for Frames {
        async fn next(&mut self) -> Result<Option<Bytes>, StoreError> {
            Ok(self.0.next())
        }
    }

    fn in_frames(bytes: &[u8], size: usize) -> Frames {
        let frames: Vec<_> = bytes.chunks(size).map(Bytes::copy_from_slice).collect();
        Frames(frames.into_iter())
    }

    async fn read(bytes: &[u8], size: usize, encoding: Encoding) -> Result<Vec<u8>, PartError> {
        let mut reader = LineReader::new(in_frames(bytes, size), encoding, "b", "k")?;
        let mut read = Vec::new();
        while let Some(batch) = reader.next().await? {
            assert_eq!(
                lines(batch).count(),
                memchr::memchr_iter(b'\n', batch).count()
            );
            read.extend_from_slice(batch);
        }
        Ok(read)
    }

    #[tokio::test]
    async fn lines_come_whole_whatever_the_frames_and_the_compression() {
        let text = text();
        for (encoding, bytes) in [
            (Encoding::Gzip, gzip(&text)),
            (Encoding::Zstd, zstd(&text)),
            (Encoding::Plain, text.clone()),
            // Of several members, as of several frames, the one continues the other.
            (
                Encoding::Gzip,
                [gzip(&text[..70_001]), gzip(b""), gzip(&text[70_001..])].concat(),
            ),
        ] {
            for size in [1, 17, 4096, 1 << 20] {
                let read = read(&bytes, size, encoding).await.unwrap();
                assert!(read == text, "{encoding} in frames of {size}");
            }
        }
    }

    #[tokio::test]
    async fn an_object_without_a_line_has_none() {
        for bytes in [Vec::new(), gzip(b"")] {
            let read = read(&bytes, 4096, Encoding::Gzip).await.unwrap();
            assert!(read.is_empty());
        }
    }

    #[tokio::test]
    async fn a_last_line_without_its_break_is_a_line() {
        let mut reader =
            LineReader::new(in_frames(&gzip(b"a\nb"), 3), Encoding::Gzip, "b", "k").unwrap();
        assert_eq!(reader.next().await.unwrap(), Some(&b"a\n"[..]));
        assert_eq!(reader.next().await.unwrap(), Some(&b"b"[..]));
        assert_eq!(reader.next().await.unwrap(), None);
        assert_eq!(lines(b"a\n\nb").collect::<Vec<_>>(), [&b"a"[..], b"", b"b"]);
    }

    #[tokio::test]
    async fn a_line_without_an_end_is_refused_before_it_fills_the_memory() {
        let text = [&b"short\n"[..], &vec![b'x'; 9 << 20]].concat();
        for (encoding, bytes) in [
            (Encoding::Plain, text.clone()),
            (Encoding::Gzip, gzip(&text)),
        ] {
            let frames = in_frames(&bytes, 4096);
            let reader = LineReader::new(frames, encoding, "b", "k").unwrap();
            let mut reader = reader.with_longest_line(1 << 20);
            assert_eq!(reader.next().await.unwrap(), Some(&b"short\n"[..]));
            let error = reader.next().await.unwrap_err();
            let says = "s3://b/k: the line at byte 6 is longer than 1048576 bytes";
            assert_eq!(error.to_string(), says);
            assert!(reader.text.len() < 9 << 20, "{encoding} was read on");
        }
        // As long as it may be, and not a byte longer.
        let line = [&vec![b'x'; 5000][..], b"\n"].concat();
        let reader = LineReader::new(in_frames(&line, 100), Encoding::Plain, "b", "k").unwrap();
        let mut reader = reader.with_longest_line(5000);
        assert_eq!(reader.next().await.unwrap(), Some(&line[..]));
    }

    #[tokio::test]
    async fn what_is_taken_back_comes_again() {
        let text = b"one\ntwo\nthree";
        let mut reader = LineReader::new(in_frames(text, 100), Encoding::Plain, "b", "k").unwrap();
        assert_eq!(reader.next().await.unwrap(), Some(&b"one\ntwo\n"[..]));
        reader.unread(4);
        assert_eq!(reader.next().await.unwrap(), Some(&b"two\n"[..]));
        reader.unread(4);
        assert_eq!(reader.next().await.unwrap(), Some(&b"two\n"[..]));
        assert_eq!(reader.next().await.unwrap(), Some(&b"three"[..]));
        reader.unread(5);
        assert_eq!(reader.next().await.unwrap(), Some(&b"three"[..]));
        assert_eq!(reader.next().await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_damaged_object_is_refused() {
        // In a run of one letter a flipped bit may change nothing.
        let text: Vec<_> = (0..5000_u32).map(|n| (n * n).to_string()).collect();
        let text = text.join("\n").into_bytes();
        let whole = gzip(&text);
        let mut flipped = whole.clone();
        let middle = flipped.len() / 2;
        flipped[middle] ^= 1;
        for (what, bytes) in [
            ("cut by a byte", whole[..whole.len() - 1].to_vec()),
            ("cut in half", whole[..whole.len() / 2].to_vec()),
            ("with a tail", [&whole[..], b"tail"].concat()),
            ("with a flipped bit", flipped),
            ("no gzip", text.clone()),
        ] {
            let read = read(&bytes, 4096, Encoding::Gzip).await.map(|_| ());
            assert!(
                matches!(read, Err(PartError::Decompress { .. })),
                "{what}: {read:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_gzip_part_is_held_against_its_record() {
        let store = MemoryStore::new();
        let text = b"{\"Item\":{}}\n{\"Item\": {}}\n";
        let object = gzip(text);
        let mut count = LineCount::default();
        lines(text).for_each(|line| {
            count.add_line(line);
        });
        let mut part = Part {
            key: "part".to_owned(),
            items: 2,
            raw_bytes: text.len() as u64,
            bytes: object.len() as u64,
            checksum: count.checksum,
            encoding: Encoding::Gzip,
        };
        store.put("part", object.into()).await.unwrap();
        read_lines(&store, &part, |_| ()).await.unwrap();
        part.items = 3;
        let error = read_lines(&store, &part, |_| ()).await.unwrap_err();
        assert!(matches!(error, PartError::NotAsCommitted { .. }), "{error}");
    }
}
