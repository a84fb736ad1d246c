//! An object as it arrives: hashed, counted, and its compression by its first bytes.

use crate::records::Encoding;
use crate::store::{ByteStream, StoreError};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use md5::{Digest, Md5};

/// The first bytes of every gzip member. Source: RFC 1952, section 2.3.1.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// A stream whose bytes are hashed and counted as they pass.
#[derive(Debug)]
pub struct HashedStream<B> {
    stream: B,
    /// What was read ahead, which is given first.
    ahead: Bytes,
    md5: Md5,
    bytes: u64,
}

impl<B: ByteStream> HashedStream<B> {
    /// Over a stream of which nothing is read.
    pub fn new(stream: B) -> Self {
        Self {
            stream,
            ahead: Bytes::new(),
            md5: Md5::new(),
            bytes: 0,
        }
    }

    /// How the object is compressed, by its first bytes.
    ///
    /// # Errors
    /// If the transfer breaks.
    pub async fn encoding(&mut self) -> Result<Encoding, StoreError> {
        let mut ahead = BytesMut::from(self.ahead.as_ref());
        while ahead.len() < GZIP.len() {
            match self.stream.next().await? {
                Some(frame) => ahead.extend_from_slice(&frame),
                None => break,
            }
        }
        self.ahead = ahead.freeze();
        Ok(if self.ahead.starts_with(&GZIP) {
            Encoding::Gzip
        } else {
            Encoding::Plain
        })
    }

    /// Bytes that have passed.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Reads the rest, so that the hash is the whole object's.
    ///
    /// # Errors
    /// If the transfer breaks.
    pub async fn drain(&mut self) -> Result<(), StoreError> {
        while self.next().await?.is_some() {}
        Ok(())
    }

    /// The MD5 of the bytes that have passed, in base64.
    pub fn md5(&self) -> String {
        STANDARD.encode(self.md5.clone().finalize())
    }
}

impl<B: ByteStream> ByteStream for HashedStream<B> {
    async fn next(&mut self) -> Result<Option<Bytes>, StoreError> {
        let frame = if self.ahead.is_empty() {
            self.stream.next().await?
        } else {
            Some(std::mem::take(&mut self.ahead))
        };
        if let Some(frame) = &frame {
            self.md5.update(frame);
            self.bytes += frame.len() as u64;
        }
        Ok(frame)
    }
}
