//! Packs a folder into `model.tar.gz` while it is uploaded, and unpacks it again. The archive is
//! never in memory as a whole.

use bytes::{Bytes, BytesMut};
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use lake::store::{ByteStream, ObjectStore, StoreError, Upload, discard};
use std::io::{Error, ErrorKind, Read, Write};
use std::path::Path;
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;

const PIECE: usize = 8 * 1024 * 1024;

/// An archive could not be packed or unpacked.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0}")]
    Io(#[from] Error),
    #[error("the archive's entry {0:?} would be written outside its folder")]
    Escape(String),
}

/// Packs the content of `folder` into the object `key`. The object appears only if everything was
/// packed.
pub async fn pack(folder: &Path, store: &impl ObjectStore, key: &str) -> Result<(), ArchiveError> {
    let (pieces, mut packed) = mpsc::channel(1);
    let folder = folder.to_owned();
    let packing = tokio::task::spawn_blocking(move || write_archive(&folder, Pieces::new(pieces)));
    let mut upload = store.upload(key).await?;
    let mut sent = Ok(());
    while let Some(piece) = packed.recv().await {
        sent = upload.send(piece).await;
        if sent.is_err() {
            break;
        }
    }
    // Closes the channel, so that a packing task that still writes ends with an error.
    drop(packed);
    let written = packing.await.map_err(Error::other)?;
    let outcome = sent
        .map_err(ArchiveError::from)
        .and(written.map_err(ArchiveError::from));
    match outcome {
        Ok(()) => Ok(upload.complete().await?),
        Err(error) => {
            discard(upload, key).await;
            Err(error)
        }
    }
}

fn write_archive(folder: &Path, pieces: Pieces) -> std::io::Result<()> {
    let mut archive = tar::Builder::new(GzEncoder::new(pieces, Compression::fast()));
    archive.append_dir_all(".", folder)?;
    archive.into_inner()?.finish()?.finish()
}

/// A writer that sends its bytes on in pieces for a multipart upload.
struct Pieces {
    buffer: BytesMut,
    pieces: mpsc::Sender<Bytes>,
}

impl Pieces {
    fn new(pieces: mpsc::Sender<Bytes>) -> Self {
        Self {
            buffer: BytesMut::new(),
            pieces,
        }
    }

    fn send(&mut self) -> std::io::Result<()> {
        let piece = self.buffer.split().freeze();
        let ended = |_| Error::new(ErrorKind::BrokenPipe, "the upload has ended");
        self.pieces.blocking_send(piece).map_err(ended)
    }

    fn finish(mut self) -> std::io::Result<()> {
        self.send()
    }
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= PIECE {
            self.send()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Unpacks the object `key` into `folder`.
pub async fn unpack(
    store: &impl ObjectStore,
    key: &str,
    folder: &Path,
) -> Result<(), ArchiveError> {
    let mut file = tokio::fs::File::from_std(tempfile::tempfile()?);
    let mut stream = store.stream(key).await?;
    while let Some(frame) = stream.next().await? {
        file.write_all(&frame).await?;
    }
    file.flush().await?;
    let mut file = file.into_std().await;
    let folder = folder.to_owned();
    let unpacking = tokio::task::spawn_blocking(move || {
        std::io::Seek::rewind(&mut file)?;
        read_archive(std::io::BufReader::new(file), &folder)
    });
    unpacking.await.map_err(Error::other)?
}

fn read_archive(bytes: impl Read, folder: &Path) -> Result<(), ArchiveError> {
    let mut archive = tar::Archive::new(MultiGzDecoder::new(bytes));
    for entry in archive.entries()? {
        let mut entry = entry?;
        // `unpack_in` refuses `..`, and links of the archive that lead outside.
        if !entry.unpack_in(folder)? {
            return Err(ArchiveError::Escape(entry.path()?.display().to_string()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use lake::MemoryStore;

    #[tokio::test]
    async fn a_packed_folder_is_unpacked_unchanged() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        std::fs::create_dir_all(from.join("deep/er")).unwrap();
        std::fs::create_dir(&to).unwrap();
        std::fs::write(from.join("deep/er/model.bin"), [7; 100]).unwrap();
        // Random bytes do not compress, so the archive has more than one piece.
        let noise: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..))
            .take(20_000_000)
            .collect();
        std::fs::write(from.join("noise"), &noise).unwrap();
        let store = MemoryStore::new();
        pack(&from, &store, "model.tar.gz").await.unwrap();
        unpack(&store, "model.tar.gz", &to).await.unwrap();
        assert_eq!(
            std::fs::read(to.join("deep/er/model.bin")).unwrap(),
            [7; 100]
        );
        assert!(std::fs::read(to.join("noise")).unwrap() == noise);
    }

    #[tokio::test]
    async fn an_archive_cannot_write_outside_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("to");
        std::fs::create_dir(&to).unwrap();
        let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        let mut header = tar::Header::new_gnu();
        let name = b"../escaped";
        header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name);
        header.set_size(2);
        header.set_cksum();
        archive.append(&header, &b"no"[..]).unwrap();
        let bytes = archive.into_inner().unwrap().finish().unwrap();
        let store = MemoryStore::new();
        store.put("model.tar.gz", bytes.into()).await.unwrap();
        let error = unpack(&store, "model.tar.gz", &to).await.unwrap_err();
        assert!(
            matches!(&error, ArchiveError::Escape(path) if path == "../escaped"),
            "{error}"
        );
        assert!(!folder.path().join("escaped").exists());
    }

    #[tokio::test]
    async fn an_unreadable_folder_creates_no_object() {
        let store = MemoryStore::new();
        assert!(
            pack(Path::new("/no/such/folder"), &store, "model.tar.gz")
                .await
                .is_err()
        );
        assert!(matches!(
            store.get("model.tar.gz").await,
            Err(StoreError::NotFound { .. })
        ));
    }
}
