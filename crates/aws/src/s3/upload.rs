//! A multipart upload to S3 as [`lake::store::Upload`].

use super::{S3Store, SERVICE, unreadable};
use crate::classify::service_error;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::head_object::HeadObjectError;
use aws_sdk_s3::primitives::ByteStream as SdkByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;
use lake::store::{CopyingUpload, ObjectStore, StoreError, Upload};
use std::fmt::Write;
use std::ops::Range;

/// A multipart upload, which starts only if it is needed: a single piece below the minimum becomes
/// one `PutObject`.
#[derive(Debug)]
pub struct S3Upload {
    store: S3Store,
    key: String,
    begun: Option<Begun>,
    /// A first piece below the minimum, which can only be the last.
    held: Option<Bytes>,
}

#[derive(Debug)]
struct Begun {
    id: String,
    parts: Vec<CompletedPart>,
    bytes: u64,
}

impl Begun {
    fn next(&self) -> i32 {
        i32::try_from(self.parts.len() + 1).unwrap_or(i32::MAX)
    }

    fn add(&mut self, part: CompletedPart, bytes: u64) {
        self.parts.push(part);
        self.bytes += bytes;
    }
}

/// Bytes that one `UploadPartCopy` takes, at most: 5 GiB.
const MOST_COPIED: u64 = 5 << 30;

/// Divides so many bytes into ranges of nearly equal length, none longer than `most`: no last one is
/// too short to be a part.
fn ranges(bytes: u64, most: u64) -> impl Iterator<Item = Range<u64>> {
    let count = bytes.div_ceil(most);
    let (length, longer) = (bytes / count.max(1), bytes % count.max(1));
    let start = move |place: u64| place * length + place.min(longer);
    (0..count).map(move |place| start(place)..start(place + 1))
}

/// A key as the header `x-amz-copy-source` wants it.
fn percent_encoded(key: &str) -> String {
    let mut encoded = String::with_capacity(key.len());
    for byte in key.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("a string takes every write");
        }
    }
    encoded
}

impl S3Upload {
    pub(super) fn new(store: S3Store, key: &str) -> Self {
        Self {
            store,
            key: key.to_owned(),
            begun: None,
            held: None,
        }
    }

    fn failed<E>(&self, operation: &'static str, error: SdkError<E>) -> StoreError
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        service_error(SERVICE, operation, self.store.subject(&self.key), error).into()
    }

    async fn begin(&self) -> Result<Begun, StoreError> {
        let request = self.store.client.create_multipart_upload();
        let answer = request
            .bucket(&self.store.bucket)
            .key(&self.key)
            .send()
            .await;
        let answer = answer.map_err(|error| self.failed("CreateMultipartUpload", error))?;
        let id = answer.upload_id.ok_or_else(|| {
            let subject = self.store.subject(&self.key);
            unreadable("CreateMultipartUpload", subject, "an upload without id")
        })?;
        Ok(Begun {
            id,
            parts: Vec::new(),
            bytes: 0,
        })
    }

    async fn send_part(&mut self, piece: Bytes) -> Result<(), StoreError> {
        let begun = self.begun().await?;
        let bytes = piece.len() as u64;
        let number = begun.next();
        let request = self.store.client.upload_part();
        let mut request = request
            .bucket(&self.store.bucket)
            .key(&self.key)
            .upload_id(&begun.id)
            .part_number(number)
            .body(SdkByteStream::from(piece))
            .customize();
        if self.store.encrypted {
            request = request.disable_payload_signing();
        }
        let answer = request.send().await;
        let answer = answer.map_err(|error| self.failed("UploadPart", error));
        // Kept also after a failure, so that abort() finds it.
        let begun = self.begun.insert(begun);
        let answer = answer?;
        let part = CompletedPart::builder()
            .part_number(number)
            .set_e_tag(answer.e_tag)
            .set_checksum_crc32(answer.checksum_crc32)
            .set_checksum_crc32_c(answer.checksum_crc32_c)
            .set_checksum_crc64_nvme(answer.checksum_crc64_nvme);
        begun.add(part.build(), bytes);
        Ok(())
    }

    /// Copies the object, or these bytes of it.
    async fn copy_part(
        &mut self,
        key: &str,
        range: Option<Range<u64>>,
        bytes: u64,
    ) -> Result<(), StoreError> {
        let begun = self.begun().await?;
        let number = begun.next();
        let request = self.store.client.upload_part_copy();
        let answer = request
            .bucket(&self.store.bucket)
            .key(&self.key)
            .upload_id(&begun.id)
            .part_number(number)
            .copy_source(format!("{}/{}", self.store.bucket, percent_encoded(key)))
            .set_copy_source_range(range.map(|Range { start, end }| {
                let last = end - 1;
                format!("bytes={start}-{last}")
            }))
            .send()
            .await;
        let begun = self.begun.insert(begun);
        let answer = answer.map_err(|error| {
            if error.code() == Some("NoSuchKey") {
                return StoreError::NotFound {
                    bucket: self.store.bucket.clone(),
                    key: key.to_owned(),
                };
            }
            let subject = self.store.subject(key);
            service_error(SERVICE, "UploadPartCopy", subject, error).into()
        })?;
        let copied = answer.copy_part_result.ok_or_else(|| {
            let subject = self.store.subject(key);
            unreadable("UploadPartCopy", subject, "a copy without its result")
        })?;
        let part = CompletedPart::builder()
            .part_number(number)
            .set_e_tag(copied.e_tag)
            .set_checksum_crc32(copied.checksum_crc32)
            .set_checksum_crc32_c(copied.checksum_crc32_c)
            .set_checksum_crc64_nvme(copied.checksum_crc64_nvme);
        begun.add(part.build(), bytes);
        Ok(())
    }

    /// The upload, taken out; it is begun if it is not.
    async fn begun(&mut self) -> Result<Begun, StoreError> {
        match self.begun.take() {
            Some(begun) => Ok(begun),
            None => self.begin().await,
        }
    }

    /// Whether the key has an object of this size.
    async fn is_there(&self, bytes: u64) -> Result<bool, StoreError> {
        let request = self.store.client.head_object();
        let answer = request
            .bucket(&self.store.bucket)
            .key(&self.key)
            .send()
            .await;
        match answer {
            Ok(object) => {
                let length = object.content_length.and_then(|n| u64::try_from(n).ok());
                Ok(length == Some(bytes))
            }
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(HeadObjectError::is_not_found) =>
            {
                Ok(false)
            }
            Err(error) => Err(self.failed("HeadObject", error)),
        }
    }
}

impl Upload for S3Upload {
    async fn send(&mut self, piece: Bytes) -> Result<(), StoreError> {
        if let Some(held) = self.held.take() {
            // S3 refuses this on completion (EntityTooSmall), with its own message.
            self.send_part(held).await?;
        } else if self.begun.is_none() && piece.len() < Self::MINIMUM_PIECE {
            self.held = Some(piece);
            return Ok(());
        }
        self.send_part(piece).await
    }

    async fn complete(mut self) -> Result<(), StoreError> {
        let Some(begun) = self.begun.take() else {
            return self
                .store
                .put(&self.key, self.held.take().unwrap_or_default())
                .await;
        };
        let parts = CompletedMultipartUpload::builder()
            .set_parts(Some(begun.parts))
            .build();
        let request = self.store.client.complete_multipart_upload();
        let answer = request
            .bucket(&self.store.bucket)
            .key(&self.key)
            .upload_id(begun.id)
            .multipart_upload(parts)
            .send()
            .await;
        let Err(error) = answer else {
            return Ok(());
        };
        // An attempt whose answer got lost may have completed the upload; the next one then finds
        // no upload.
        if error.code() == Some("NoSuchUpload") && self.is_there(begun.bytes).await? {
            return Ok(());
        }
        Err(self.failed("CompleteMultipartUpload", error))
    }

    async fn abort(mut self) -> Result<(), StoreError> {
        let Some(begun) = self.begun.take() else {
            return Ok(());
        };
        let request = self.store.client.abort_multipart_upload();
        let answer = request
            .bucket(&self.store.bucket)
            .key(&self.key)
            .upload_id(begun.id)
            .send()
            .await;
        answer
            .map(drop)
            .map_err(|error| self.failed("AbortMultipartUpload", error))
    }
}

impl CopyingUpload for S3Upload {
    async fn copy(&mut self, key: &str, bytes: u64) -> Result<(), StoreError> {
        if let Some(held) = self.held.take() {
            self.send_part(held).await?;
        }
        if bytes <= MOST_COPIED {
            return self.copy_part(key, None, bytes).await;
        }
        for range in ranges(bytes, MOST_COPIED) {
            let length = range.end - range.start;
            self.copy_part(key, Some(range), length).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_every_byte_once_and_none_is_too_short_for_a_part() {
        let shortest = S3Upload::MINIMUM_PIECE as u64;
        for (bytes, count) in [
            (MOST_COPIED, 1),
            (MOST_COPIED + 1, 2),
            (2 * MOST_COPIED, 2),
            (2 * MOST_COPIED + 1, 3),
            (16_384_000_000, 4),
            // The largest object of S3.
            (5 << 40, 1024),
        ] {
            let ranges: Vec<_> = ranges(bytes, MOST_COPIED).collect();
            assert_eq!(ranges.len(), count, "{bytes}");
            assert_eq!((ranges[0].start, ranges[count - 1].end), (0, bytes));
            assert!(ranges.windows(2).all(|pair| pair[0].end == pair[1].start));
            for range in &ranges {
                let length = range.end - range.start;
                assert!((shortest..=MOST_COPIED).contains(&length), "{range:?}");
            }
        }
    }
}
