//! The lines of an object of captured changes, compared with its listing and its key.

use crate::object_lines::{ObjectLines, Unreadable};
use crate::{ChangeError, ChangesError};
use lake::captured::{CapturedObject, SequenceNumber};
use lake::records::{CapturedFile, Encoding};
use lake::{ByteStream, HashedStream, ObjectStore, PartError, StoreError};

/// An object that is read. Its lines count only if [`CapturedLines::finish`] finds nothing wrong.
pub struct CapturedLines<'f, B> {
    lines: ObjectLines<B>,
    file: &'f CapturedFile,
    /// The smallest and the largest sequence number.
    range: Option<(SequenceNumber, SequenceNumber)>,
}

/// Opens an object.
pub async fn open<'f, S: ObjectStore>(
    store: &S,
    file: &'f CapturedFile,
) -> Result<CapturedLines<'f, impl ByteStream>, ChangesError> {
    let stream = store.stream(&file.key).await.map_err(|error| match error {
        StoreError::NotFound { .. } => ChangesError::CapturedGone {
            object: format!("s3://{}/{}", store.bucket(), file.key),
        },
        error @ StoreError::Service(_) => PartError::from(error).into(),
    })?;
    Ok(CapturedLines {
        lines: ObjectLines::new(store, &file.key, stream, Encoding::Zstd)?,
        file,
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
        let range = &mut self.range;
        let taken = self.lines.batch(|line| {
            let number = take(line)?;
            let (first, last) = range.unwrap_or((number, number));
            *range = Some((first.min(number), last.max(number)));
            Ok(())
        });
        taken.await
    }

    /// Checks at its end that the object is what its listing and its key say.
    pub fn finish(self) -> Result<(), ChangesError> {
        same_size(self.lines.stream(), self.file, &self.lines.address)?;
        let text = |range: Option<(SequenceNumber, SequenceNumber)>| match range {
            Some((first, last)) => format!("{first} to {last}"),
            None => "none".to_owned(),
        };
        let named = CapturedObject::parse(&self.file.key).map(|key| (key.first, key.last));
        if named.is_some() && named == self.range {
            return Ok(());
        }
        Err(ChangesError::FileDiffers {
            file: self.lines.address,
            what: "the range of its sequence numbers",
            said: text(named),
            found: text(self.range),
        })
    }

    /// The error of an object that cannot be read further.
    pub async fn explain(self, failure: Unreadable) -> ChangesError {
        let file = self.file;
        let same = |stream: &HashedStream<B>, address: &str| same_size(stream, file, address);
        self.lines.explain(failure, same).await
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
