//! Objects that are created and never replaced, with a checksum that S3 verifies and keeps.

use super::{CONDITIONAL_PUT_ATTEMPTS, S3Store, SERVICE};
use crate::classify::service_error;
use aws_sdk_s3::operation::head_object::HeadObjectError;
use aws_sdk_s3::primitives::ByteStream as SdkByteStream;
use aws_sdk_s3::types::ChecksumMode;
use bytes::Bytes;
use lake::store::{PutOutcome, StoreError};
use std::time::Duration;

/// What a bucket has under a key, as far as the caller may know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stored {
    /// No object.
    Nothing,
    /// The caller may not read, so that it does not know.
    Hidden,
    /// An object.
    Object {
        /// Its bytes.
        bytes: u64,
        /// The SHA-256 of all its bytes in base64, if the object was created with one.
        sha256: Option<String>,
    },
}

impl S3Store {
    /// What the bucket has under the key, without reading it.
    ///
    /// # Errors
    /// If the service fails, or refuses for another reason than a permission.
    pub async fn stored(&self, key: &str) -> Result<Stored, StoreError> {
        let request = self.client.head_object().bucket(&self.bucket).key(key);
        let request = request.checksum_mode(ChecksumMode::Enabled);
        match request.send().await {
            Ok(object) => {
                let length = object.content_length();
                let bytes = length.and_then(|length| u64::try_from(length).ok());
                // The checksum of an object in parts is one of its parts' checksums: `…-3`.
                let sha256 = object.checksum_sha256.filter(|sum| !sum.contains('-'));
                Ok(Stored::Object {
                    bytes: bytes.unwrap_or_default(),
                    sha256,
                })
            }
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(HeadObjectError::is_not_found) =>
            {
                Ok(Stored::Nothing)
            }
            Err(error) => {
                let status = error
                    .raw_response()
                    .map(|response| response.status().as_u16());
                // The answer to HEAD has no body and so no code.
                if status == Some(403) {
                    return Ok(Stored::Hidden);
                }
                Err(service_error(SERVICE, "HeadObject", self.subject(key), error).into())
            }
        }
    }

    /// Creates the object only if no object has the key. S3 verifies the bytes by their SHA-256, in
    /// base64, and keeps it. A lost answer may make it `AlreadyThere`: compare.
    ///
    /// # Errors
    /// If the service refuses or fails.
    pub async fn create(
        &self,
        key: &str,
        body: Bytes,
        content_type: &str,
        sha256: &str,
    ) -> Result<PutOutcome, StoreError> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let request = self.client.put_object().bucket(&self.bucket).key(key);
            let mut request = request
                .if_none_match("*")
                .content_type(content_type)
                .checksum_sha256(sha256)
                .body(SdkByteStream::from(body.clone()))
                .customize();
            if self.encrypted {
                request = request.disable_payload_signing();
            }
            let Err(error) = request.send().await else {
                return Ok(PutOutcome::Created);
            };
            let status = error
                .raw_response()
                .map(|response| response.status().as_u16());
            match status {
                Some(412) => return Ok(PutOutcome::AlreadyThere),
                // ConditionalRequestConflict: another writer is still writing the key.
                Some(409) if attempt < CONDITIONAL_PUT_ATTEMPTS => {
                    tokio::time::sleep(Duration::from_millis(100) * 2_u32.pow(attempt)).await;
                }
                _ => {
                    let error = service_error(SERVICE, "PutObject", self.subject(key), error);
                    return Err(error.into());
                }
            }
        }
    }
}
