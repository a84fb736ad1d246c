//! The lines of an export's file, compared with what the export's manifest says of it.

use crate::object_lines::{ObjectLines, Unreadable};
use crate::{ChangeError, ChangesError};
use lake::native::ExportFile;
use lake::records::Encoding;
use lake::{ByteStream, HashedStream, ObjectStore, PartError};

/// A file that is read. Its lines count only if [`ChangeFile::finish`] finds nothing wrong.
pub struct ChangeFile<'f, B> {
    lines: ObjectLines<B>,
    file: &'f ExportFile,
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
    Ok(ChangeFile {
        lines: ObjectLines::new(store, &file.key, stream, Encoding::Gzip)?,
        file,
    })
}

impl<B: ByteStream> ChangeFile<'_, B> {
    /// Calls `take` with each line of the next batch. Returns whether there was one.
    ///
    /// # Errors
    /// If the file cannot be read, or `take` refuses a line: [`ChangeFile::explain`] says which.
    pub async fn batch(
        &mut self,
        take: impl FnMut(&[u8]) -> Result<(), ChangeError>,
    ) -> Result<bool, Unreadable> {
        self.lines.batch(take).await
    }

    /// Checks at its end that the file is what the export's manifest says.
    ///
    /// # Errors
    /// If it is not.
    pub fn finish(self) -> Result<(), ChangesError> {
        let (lines, file) = (self.lines, self.file);
        same_md5(lines.stream(), file, &lines.address)?;
        if lines.count != file.items {
            return Err(ChangesError::FileDiffers {
                file: lines.address,
                what: "the number of its lines",
                said: file.items.to_string(),
                found: lines.count.to_string(),
            });
        }
        Ok(())
    }

    /// The error of a file that cannot be read further.
    pub async fn explain(self, failure: Unreadable) -> ChangesError {
        let file = self.file;
        let same = |stream: &HashedStream<B>, address: &str| same_md5(stream, file, address);
        self.lines.explain(failure, same).await
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
