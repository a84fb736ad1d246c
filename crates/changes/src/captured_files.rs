//! The lines of an object of captured changes, held against its listing and its key.

use crate::{ChangeError, ChangesError};
use lake::captured::{CapturedObject, SequenceNumber};
use lake::part::{LineReader, lines};
use lake::records::{CapturedFile, Encoding};
use lake::{ByteStream, HashedStream, ObjectStore, PartError, StoreError};

/// An object that is read. Its lines count only if [`CapturedLines::finish`] finds nothing wrong.
pub struct CapturedLines<'f, B> {
    reader: LineReader<HashedStream<B>>,
    file: &'f CapturedFile,
    address: String,
    lines: u64,
    /// The smallest and the largest sequence number.
    range: Option<(SequenceNumber, SequenceNumber)>,
}

/// Why an object cannot be read further.
pub enum Unreadable {
    Part(PartError),
    Line(ChangeError),
}

/// Opens an object.
pub async fn open<'f, S: ObjectStore>(
    store: &S,
    file: &'f CapturedFile,
) -> Result<CapturedLines<'f, impl ByteStream>, ChangesError> {
    let address = format!("s3://{}/{}", store.bucket(), file.key);
    let stream = match store.stream(&file.key).await {
        Ok(stream) => HashedStream::new(stream),
        Err(StoreError::NotFound { .. }) => {
            return Err(ChangesError::CapturedGone { object: address });
        }
        Err(error) => return Err(PartError::from(error).into()),
    };
    Ok(CapturedLines {
        reader: LineReader::new(stream, Encoding::Zstd, store.bucket(), &file.key)?,
        file,
        address,
        lines: 0,
        range: None,
    })
}

impl<B: ByteStream> CapturedLines<'_, B> {
    /// Calls `take`, which returns the sequence number, with each line of the next batch. Returns
    /// whether there was one.
    pub async fn batch(
        &mut self,
        mut take: impl FnMut(&[u8]) -> Result<SequenceNumber, ChangeError>,
    ) -> Result<bool, Unreadable> {
        let Some(batch) = self.reader.next().await.map_err(Unreadable::Part)? else {
            return Ok(false);
        };
        for line in lines(batch) {
            self.lines += 1;
            let number = take(line).map_err(Unreadable::Line)?;
            let (first, last) = self.range.unwrap_or((number, number));
            self.range = Some((first.min(number), last.max(number)));
        }
        Ok(true)
    }

    /// Checks at its end that the object is what its listing and its key say.
    pub fn finish(self) -> Result<(), ChangesError> {
        same_size(self.reader.stream(), self.file, &self.address)?;
        let text = |range: Option<(SequenceNumber, SequenceNumber)>| match range {
            Some((first, last)) => format!("{first} to {last}"),
            None => "none".to_owned(),
        };
        let named = CapturedObject::parse(&self.file.key).map(|key| (key.first, key.last));
        if named.is_some() && named == self.range {
            return Ok(());
        }
        Err(ChangesError::FileDiffers {
            file: self.address,
            what: "the range of its sequence numbers",
            said: text(named),
            found: text(self.range),
        })
    }

    /// The error of an object that cannot be read further: one that is cut is reported as that.
    pub async fn explain(self, failure: Unreadable) -> ChangesError {
        if let Unreadable::Part(error @ PartError::Store(_)) = failure {
            return error.into();
        }
        let (line, file, address) = (self.lines, self.file, self.address);
        let mut stream = self.reader.into_stream();
        if let Err(error) = stream.drain().await {
            return PartError::from(error).into();
        }
        if let Err(error) = same_size(&stream, file, &address) {
            return error;
        }
        match failure {
            Unreadable::Part(error) => error.into(),
            Unreadable::Line(source) => ChangesError::Change {
                file: address,
                line,
                source,
            },
        }
    }
}

fn same_size<B: ByteStream>(
    stream: &HashedStream<B>,
    file: &CapturedFile,
    address: &str,
) -> Result<(), ChangesError> {
    if stream.bytes() == file.size {
        return Ok(());
    }
    Err(ChangesError::FileDiffers {
        file: address.to_owned(),
        what: "the number of its bytes",
        said: file.size.to_string(),
        found: stream.bytes().to_string(),
    })
}
