//! The lines of an object with changes: a file of an export, or what was captured of a stream.

use crate::{ChangeError, ChangesError};
use lake::part::{LineReader, lines};
use lake::records::Encoding;
use lake::{ByteStream, HashedStream, ObjectStore, PartError};

/// An object that is read.
pub struct ObjectLines<B> {
    reader: LineReader<HashedStream<B>>,
    /// Its `s3://…` address.
    pub address: String,
    /// Lines that were read.
    pub count: u64,
}

/// Why an object cannot be read further.
pub enum Unreadable {
    Part(PartError),
    Line(ChangeError),
}

impl<B: ByteStream> ObjectLines<B> {
    /// The lines of the object with this key, of which `stream` has the bytes.
    ///
    /// # Errors
    /// If the decompressor cannot be made.
    pub fn new(
        store: &impl ObjectStore,
        key: &str,
        stream: B,
        encoding: Encoding,
    ) -> Result<Self, ChangesError> {
        let bucket = store.bucket();
        Ok(Self {
            reader: LineReader::new(HashedStream::new(stream), encoding, bucket, key)?,
            address: format!("s3://{bucket}/{key}"),
            count: 0,
        })
    }

    /// Calls `take` with each line of the next batch. Returns whether there was one.
    pub async fn batch(
        &mut self,
        mut take: impl FnMut(&[u8]) -> Result<(), ChangeError>,
    ) -> Result<bool, Unreadable> {
        let Some(batch) = self.reader.next().await.map_err(Unreadable::Part)? else {
            return Ok(false);
        };
        for line in lines(batch) {
            self.count += 1;
            take(line).map_err(Unreadable::Line)?;
        }
        Ok(true)
    }

    /// The bytes that were read.
    pub const fn stream(&self) -> &HashedStream<B> {
        self.reader.stream()
    }

    /// The error of an object that cannot be read further. What is damaged on its way or at rest is
    /// reported as that, wherever it shows first: `same` compares all bytes with what they must be.
    pub async fn explain(
        self,
        failure: Unreadable,
        same: impl FnOnce(&HashedStream<B>, &str) -> Result<(), ChangesError>,
    ) -> ChangesError {
        if let Unreadable::Part(error @ PartError::Store(_)) = failure {
            return error.into();
        }
        let mut stream = self.reader.into_stream();
        if let Err(error) = stream.drain().await {
            return PartError::from(error).into();
        }
        if let Err(error) = same(&stream, &self.address) {
            return error;
        }
        match failure {
            Unreadable::Part(error) => error.into(),
            Unreadable::Line(source) => ChangesError::Change {
                file: self.address,
                line: self.count,
                source,
            },
        }
    }
}
