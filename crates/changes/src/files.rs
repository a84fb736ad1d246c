//! The lines of an export's file, compared with what the export's manifest says of it.

use crate::{ChangeError, ChangesError};
use lake::native::ExportFile;
use lake::part::{LineReader, lines};
use lake::records::Encoding;
use lake::{ByteStream, HashedStream, ObjectStore, PartError};

/// A file that is read. Its lines count only if [`ChangeFile::finish`] finds nothing wrong.
pub struct ChangeFile<'f, B> {
    reader: LineReader<HashedStream<B>>,
    file: &'f ExportFile,
    address: String,
    lines: u64,
}

/// Why a file cannot be read further.
pub enum Unreadable {
    Part(PartError),
    Line(ChangeError),
}

/// Opens a file.
///
/// # Errors
/// If it is missing.
pub async fn open<'f, S: ObjectStore>(
    store: &S,
    file: &'f ExportFile,
) -> Result<ChangeFile<'f, impl ByteStream>, ChangesError> {
    let stream = store.stream(&file.key).await.map_err(PartError::from)?;
    let stream = HashedStream::new(stream);
    Ok(ChangeFile {
        reader: LineReader::new(stream, Encoding::Gzip, store.bucket(), &file.key)?,
        file,
        address: format!("s3://{}/{}", store.bucket(), file.key),
        lines: 0,
    })
}

impl<B: ByteStream> ChangeFile<'_, B> {
    /// Calls `take` with each line of the next batch. Returns whether there was one.
    ///
    /// # Errors
    /// If the file cannot be read, or `take` refuses a line: [`ChangeFile::explain`] says which.
    pub async fn batch(
        &mut self,
        mut take: impl FnMut(&[u8]) -> Result<(), ChangeError>,
    ) -> Result<bool, Unreadable> {
        let Some(batch) = self.reader.next().await.map_err(Unreadable::Part)? else {
            return Ok(false);
        };
        for line in lines(batch) {
            self.lines += 1;
            take(line).map_err(Unreadable::Line)?;
        }
        Ok(true)
    }

    /// Checks at its end that the file is what the export's manifest says.
    ///
    /// # Errors
    /// If it is not.
    pub fn finish(self) -> Result<(), ChangesError> {
        let (lines, file) = (self.lines, self.file);
        let address = self.address;
        same_md5(self.reader.stream(), file, &address)?;
        if lines != file.items {
            return Err(ChangesError::FileDiffers {
                file: address,
                what: "the number of its lines",
                said: file.items.to_string(),
                found: lines.to_string(),
            });
        }
        Ok(())
    }

    /// The error of a file that cannot be read further: what is damaged on its way or at rest is
    /// reported as that, wherever it shows first.
    pub async fn explain(self, failure: Unreadable) -> ChangesError {
        if let Unreadable::Part(error @ PartError::Store(_)) = failure {
            return error.into();
        }
        let (line, file, address) = (self.lines, self.file, self.address);
        let mut stream = self.reader.into_stream();
        if let Err(error) = stream.drain().await {
            return PartError::from(error).into();
        }
        if let Err(error) = same_md5(&stream, file, &address) {
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

fn same_md5<B: ByteStream>(
    stream: &HashedStream<B>,
    file: &ExportFile,
    address: &str,
) -> Result<(), ChangesError> {
    let found = stream.md5();
    if found == file.md5 {
        return Ok(());
    }
    Err(ChangesError::FileDiffers {
        file: address.to_owned(),
        what: "its MD5",
        said: file.md5.clone(),
        found,
    })
}
