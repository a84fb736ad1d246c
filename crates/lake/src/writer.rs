//! Writes an object whose size is not known beforehand: small ones with one put, large ones as a
//! multipart upload, in bounded memory. It appears whole or not at all.

use crate::store::{ObjectStore, StoreError, Upload};
use bytes::Bytes;

/// Bytes of a piece: above S3's minimum, and small enough to hold one for every segment of a task.
pub const PIECE: usize = 6 * 1024 * 1024;

/// An object that is being written. The caller fills a buffer of its own and lets it be drained.
pub struct ObjectWriter<'s, S: ObjectStore> {
    store: &'s S,
    key: String,
    upload: Option<S::Upload>,
    bytes: u64,
}

impl<'s, S: ObjectStore> ObjectWriter<'s, S> {
    /// Begins an object.
    pub const fn new(store: &'s S, key: String) -> Self {
        Self {
            store,
            key,
            upload: None,
            bytes: 0,
        }
    }

    /// The object's key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Sends what `buffer` holds and empties it, once there is enough for a piece.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn drain_full(&mut self, buffer: &mut Vec<u8>) -> Result<(), StoreError> {
        if buffer.len() < PIECE {
            return Ok(());
        }
        let piece = Bytes::from(std::mem::take(buffer));
        self.bytes += piece.len() as u64;
        let upload = match &mut self.upload {
            Some(upload) => upload,
            none => none.insert(self.store.upload(&self.key).await?),
        };
        upload.send(piece).await
    }

    /// Makes the object appear, with `rest` at its end. Returns its bytes.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn finish(self, rest: Vec<u8>) -> Result<u64, StoreError> {
        let bytes = self.bytes + rest.len() as u64;
        match self.upload {
            Some(mut upload) => {
                if !rest.is_empty() {
                    upload.send(Bytes::from(rest)).await?;
                }
                upload.complete().await?;
            }
            None => self.store.put(&self.key, Bytes::from(rest)).await?,
        }
        Ok(bytes)
    }

    /// Gives the object up; nothing remains under its key.
    ///
    /// # Errors
    /// If the store cannot be told.
    pub async fn abandon(self) -> Result<(), StoreError> {
        match self.upload {
            Some(upload) => upload.abort().await,
            None => Ok(()),
        }
    }
}
