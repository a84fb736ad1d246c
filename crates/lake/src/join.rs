//! Makes one file of several, without moving their bytes through this process.

use crate::records::{ChannelFile, FilePiece};
use crate::store::discard;
use crate::{CopyingUpload, ObjectStore, StoreError, Upload};
use bytes::{Bytes, BytesMut};
use contract::{ErrorName, Named};

/// Why files cannot be joined.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// The files of the lake cannot be read, copied or written.
    #[error("joining files of the lake")]
    Store(#[from] StoreError),
    /// A file has another size than was committed.
    #[error(
        "s3://{bucket}/{key} has {found} bytes, {committed} were committed: run the pipeline again"
    )]
    Size {
        /// The lake's bucket.
        bucket: String,
        /// The file's key.
        key: String,
        /// The bytes that it has.
        found: u64,
        /// The bytes that the shard's record says.
        committed: u64,
    },
}

impl Named for JoinError {
    fn name(&self) -> ErrorName {
        match self {
            Self::Store(source) => source.name(),
            Self::Size { .. } => ErrorName::DatasetInvalid,
        }
    }
}

/// Joins `files`, of which there is at least one, into `key`, end to end: `RecordIO` may be joined
/// so.
///
/// Files that are large enough are copied by the store (`UploadPartCopy`); the small ones, which S3
/// would not take as parts, are read and sent behind them. The same files give the same bytes.
///
/// # Errors
/// If the lake fails, or if a file does not have the bytes that its shard committed.
pub async fn join<S>(store: &S, files: &[ChannelFile], key: &str) -> Result<ChannelFile, JoinError>
where
    S: ObjectStore<Upload: CopyingUpload>,
{
    let minimum = S::Upload::MINIMUM_PIECE as u64;
    let (large, small): (Vec<_>, Vec<_>) = files.iter().partition(|file| file.bytes >= minimum);
    let mut upload = store.upload(key).await?;
    let joined = send(store, (&large, &small), &mut upload).await;
    if let Err(error) = joined {
        discard(upload, key).await;
        return Err(error);
    }
    upload.complete().await?;
    let bytes = files.iter().map(|file| file.bytes).sum();
    check(store, key, bytes).await?;
    let pieces = large.into_iter().chain(small);
    let pieces: Vec<_> = pieces
        .filter_map(|file| {
            let bytes = file.bytes;
            file.digest.map(|digest| FilePiece { bytes, digest })
        })
        .collect();
    Ok(ChannelFile {
        channel: files
            .first()
            .map_or_else(String::new, |file| file.channel.clone()),
        key: key.to_owned(),
        rows: files.iter().map(|file| file.rows).sum(),
        bytes,
        digest: match pieces.as_slice() {
            [only] => Some(only.digest),
            // The store has joined bytes that were not seen here.
            _ => None,
        },
        pieces: if pieces.len() > 1 { pieces } else { Vec::new() },
        checksum: None,
        objects: None,
    })
}

async fn send<S>(
    store: &S,
    (large, small): (&[&ChannelFile], &[&ChannelFile]),
    upload: &mut S::Upload,
) -> Result<(), JoinError>
where
    S: ObjectStore<Upload: CopyingUpload>,
{
    for file in large {
        check(store, &file.key, file.bytes).await?;
        upload.copy(&file.key, file.bytes).await?;
    }
    let mut piece = BytesMut::new();
    for file in small {
        let bytes: Bytes = store.get(&file.key).await?;
        compare(store, &file.key, bytes.len() as u64, file.bytes)?;
        piece.extend_from_slice(&bytes);
        if piece.len() >= S::Upload::MINIMUM_PIECE {
            upload.send(piece.split().freeze()).await?;
        }
    }
    if !piece.is_empty() {
        upload.send(piece.freeze()).await?;
    }
    Ok(())
}

/// Holds an object's size against what was committed.
async fn check(store: &impl ObjectStore, key: &str, committed: u64) -> Result<(), JoinError> {
    let listed = store.list(key).await?;
    let object = listed.into_iter().find(|object| object.key == key);
    compare(
        store,
        key,
        object.map_or(0, |object| object.size),
        committed,
    )
}

fn compare(
    store: &impl ObjectStore,
    key: &str,
    found: u64,
    committed: u64,
) -> Result<(), JoinError> {
    if found == committed {
        return Ok(());
    }
    Err(JoinError::Size {
        bucket: store.bucket().to_owned(),
        key: key.to_owned(),
        found,
        committed,
    })
}
