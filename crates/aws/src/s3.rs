//! S3 as [`lake::store::ObjectStore`]: one bucket behind the port.

use crate::classify::service_error;
use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::get_object::{GetObjectError, GetObjectOutput};
use aws_sdk_s3::operation::put_object::PutObjectError;
use aws_sdk_s3::primitives::{ByteStream as SdkByteStream, DateTimeFormat};
use aws_sdk_s3::types::Object;
use aws_types::service_config::ServiceConfigKey;
use bytes::{Bytes, BytesMut};
use contract::{ErrorName, ServiceError};
use lake::store::{
    ByteStream, ConditionalStore, ListPage, ObjectMeta, ObjectStore, PagedStore, PutOutcome,
    StoreError, Swap, TaggedStore, Version,
};
use std::time::Duration;

mod create;
mod headers;
mod upload;

pub use create::Stored;
pub use upload::S3Upload;

const SERVICE: &str = "S3";
const CONDITIONAL_PUT_ATTEMPTS: u32 = 5;

/// A bucket. Cheap to clone: clones share the client's connections.
#[derive(Debug, Clone)]
pub struct S3Store {
    client: Client,
    bucket: String,
    /// Whether TLS protects the transfer, so that signing the body with SHA-256 is unnecessary: the
    /// SDK's CRC stays either way.
    encrypted: bool,
}

impl S3Store {
    /// The bucket `bucket`, at the S3 endpoint of `config` (or `AWS_ENDPOINT_URL_S3`).
    pub fn new(config: &SdkConfig, bucket: impl Into<String>) -> Self {
        let endpoint = endpoint(config);
        let config = aws_sdk_s3::config::Builder::from(config)
            // Local servers have no DNS name per bucket.
            .force_path_style(endpoint.is_some())
            .build();
        Self {
            client: Client::from_conf(config),
            bucket: bucket.into(),
            // Without an endpoint it is AWS's own.
            encrypted: endpoint.is_none_or(|url| url.starts_with("https://")),
        }
    }

    /// Another bucket of the same service.
    #[must_use]
    pub fn with_bucket(&self, bucket: impl Into<String>) -> Self {
        Self {
            client: self.client.clone(),
            bucket: bucket.into(),
            encrypted: self.encrypted,
        }
    }

    /// The folders directly below `prefix`, in order: of keys `p/a/1` and `p/b` with the prefix
    /// `p/`, only `p/a/`. Objects inside the folders are not listed.
    ///
    /// # Errors
    /// If the service refuses or fails.
    pub async fn folders(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let request = self.client.list_objects_v2().bucket(&self.bucket);
        let request = request.prefix(prefix).delimiter("/");
        let mut folders = Vec::new();
        let mut pages = request.into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| {
                service_error(SERVICE, "ListObjectsV2", self.subject(prefix), error)
            })?;
            let prefixes = page.common_prefixes.unwrap_or_default();
            folders.extend(prefixes.into_iter().filter_map(|folder| folder.prefix));
        }
        Ok(folders)
    }

    fn subject(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.bucket)
    }

    async fn open(&self, key: &str) -> Result<S3Stream, StoreError> {
        let answer = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(key)
            .send()
            .await;
        let object = answer.map_err(|error| {
            if error
                .as_service_error()
                .is_some_and(GetObjectError::is_no_such_key)
            {
                return StoreError::NotFound {
                    bucket: self.bucket.clone(),
                    key: key.to_owned(),
                };
            }
            service_error(SERVICE, "GetObject", self.subject(key), error).into()
        })?;
        Ok(self.received(key, object))
    }

    /// The body of an answer, as it arrives.
    fn received(&self, key: &str, object: GetObjectOutput) -> S3Stream {
        let length = object.content_length();
        S3Stream {
            etag: object.e_tag,
            body: object.body,
            announced: length.and_then(|length| u64::try_from(length).ok()),
            received: 0,
            subject: self.subject(key),
        }
    }

    /// A row of a listing.
    fn listed(&self, prefix: &str, object: Object) -> Result<ObjectMeta, StoreError> {
        let size = object.size.and_then(|size| u64::try_from(size).ok());
        let (Some(key), Some(size)) = (object.key, size) else {
            let what = "an object without key or size";
            return Err(unreadable("ListObjectsV2", self.subject(prefix), what));
        };
        let modified = object.last_modified;
        Ok(ObjectMeta {
            key,
            size,
            etag: object.e_tag,
            modified: modified.and_then(|time| time.fmt(DateTimeFormat::DateTime).ok()),
        })
    }

    /// One attempt of a conditional put.
    async fn put_once(&self, key: &str, body: Bytes) -> Result<(), SdkError<PutObjectError>> {
        let request = self.client.put_object().bucket(&self.bucket).key(key);
        headers::with_headers(request, key)
            .if_none_match("*")
            .body(SdkByteStream::from(body))
            .customize()
            .config_override(
                aws_sdk_s3::config::Builder::new().retry_config(RetryConfig::disabled()),
            )
            .send()
            .await
            .map(drop)
    }
}

impl ConditionalStore for S3Store {
    async fn get_versioned(&self, key: &str) -> Result<Option<(Bytes, Version)>, StoreError> {
        let mut stream = match self.open(key).await {
            Ok(stream) => stream,
            Err(StoreError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let Some(version) = stream.etag.take() else {
            return Err(unreadable(
                "GetObject",
                self.subject(key),
                "an object without ETag",
            ));
        };
        Ok(Some((stream.whole().await?, Version(version))))
    }

    async fn put_if_unchanged(
        &self,
        key: &str,
        body: Bytes,
        version: &Version,
    ) -> Result<Swap, StoreError> {
        let request = self.client.put_object().bucket(&self.bucket).key(key);
        let request = headers::with_headers(request, key);
        let request = request.if_match(&version.0).body(SdkByteStream::from(body));
        let Err(error) = request.send().await else {
            return Ok(Swap::Replaced);
        };
        let status = error
            .raw_response()
            .map(|response| response.status().as_u16());
        match status {
            // 409 ConditionalRequestConflict: another writer writes the key. 404: the object is
            // gone. The bucket exists, because the version was just read from it.
            Some(404 | 409 | 412) => Ok(Swap::Changed),
            _ => Err(service_error(SERVICE, "PutObject", self.subject(key), error).into()),
        }
    }
}

impl PagedStore for S3Store {
    type Body = S3Stream;

    fn other(&self, bucket: &str) -> Self {
        self.with_bucket(bucket)
    }

    async fn list_page(
        &self,
        prefix: &str,
        after: Option<&str>,
        most: u32,
    ) -> Result<ListPage, StoreError> {
        let request = self.client.list_objects_v2().bucket(&self.bucket);
        let request = request
            .prefix(prefix)
            .set_start_after(after.map(str::to_owned))
            .max_keys(i32::try_from(most).unwrap_or(i32::MAX));
        let page = request.send().await.map_err(|error| {
            service_error(SERVICE, "ListObjectsV2", self.subject(prefix), error)
        })?;
        let more = page.is_truncated.unwrap_or_default();
        let objects = page.contents.unwrap_or_default().into_iter();
        let objects: Result<_, _> = objects.map(|object| self.listed(prefix, object)).collect();
        Ok(ListPage {
            objects: objects?,
            more,
        })
    }

    async fn get_if_match(&self, key: &str, etag: &str) -> Result<Option<Bytes>, StoreError> {
        match self.stream_if_match(key, etag, 0).await? {
            Some(stream) => stream.whole().await.map(Some),
            None => Ok(None),
        }
    }

    async fn stream_if_match(
        &self,
        key: &str,
        etag: &str,
        from: u64,
    ) -> Result<Option<S3Stream>, StoreError> {
        let request = self.client.get_object().bucket(&self.bucket).key(key);
        let request = request.set_range((from > 0).then(|| format!("bytes={from}-")));
        // As HTTP has it; listings have it so, and indexes without quotes.
        let etag = format!("\"{}\"", etag.trim_matches('"'));
        let object = match request.if_match(etag).send().await {
            Ok(object) => object,
            Err(error) => {
                let status = error.raw_response().map(|answer| answer.status().as_u16());
                // Of the bucket it is known that it is there: the object was listed.
                if matches!(status, Some(404 | 412)) {
                    return Ok(None);
                }
                return Err(service_error(SERVICE, "GetObject", self.subject(key), error).into());
            }
        };
        Ok(Some(self.received(key, object)))
    }
}

impl TaggedStore for S3Store {
    async fn tag(&self, key: &str, tag: &str) -> Result<Option<String>, StoreError> {
        let request = self.client.get_object_tagging().bucket(&self.bucket);
        let answer = match request.key(key).send().await {
            Ok(answer) => answer,
            Err(error) => {
                let error = service_error(SERVICE, "GetObjectTagging", self.subject(key), error);
                return Err(if error.code == "NoSuchKey" {
                    StoreError::NotFound {
                        bucket: self.bucket.clone(),
                        key: key.to_owned(),
                    }
                } else {
                    error.into()
                });
            }
        };
        let found = answer.tag_set.into_iter().find(|one| one.key == tag);
        Ok(found.map(|one| one.value))
    }
}

/// The endpoint of S3 in `config` or the environment, found as the SDK finds it.
pub(crate) fn endpoint(config: &SdkConfig) -> Option<String> {
    let key = ServiceConfigKey::builder()
        .service_id("S3")
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build();
    let of_s3 = key
        .ok()
        .and_then(|key| config.service_config()?.load_config(key));
    of_s3.or_else(|| config.endpoint_url().map(str::to_owned))
}

impl ObjectStore for S3Store {
    type Upload = S3Upload;

    fn bucket(&self) -> &str {
        &self.bucket
    }

    async fn get(&self, key: &str) -> Result<Bytes, StoreError> {
        self.open(key).await?.whole().await
    }

    async fn stream(&self, key: &str) -> Result<impl ByteStream, StoreError> {
        self.open(key).await
    }

    async fn put(&self, key: &str, body: Bytes) -> Result<(), StoreError> {
        let request = self.client.put_object().bucket(&self.bucket).key(key);
        let request = headers::with_headers(request, key);
        let mut request = request.body(SdkByteStream::from(body)).customize();
        if self.encrypted {
            request = request.disable_payload_signing();
        }
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(service_error(SERVICE, "PutObject", self.subject(key), error).into()),
        }
    }

    async fn put_if_absent(&self, key: &str, body: Bytes) -> Result<PutOutcome, StoreError> {
        // The SDK's own retries are off, because they would hide this: an attempt whose answer got
        // lost may have created the object, and the next one would then find another writer's. A
        // writer that loses discards its work, so the mistake would lose data.
        let mut perhaps_ours = false;
        let mut attempt = 0;
        loop {
            attempt += 1;
            let Err(error) = self.put_once(key, body.clone()).await else {
                return Ok(PutOutcome::Created);
            };
            let status = error
                .raw_response()
                .map(|response| response.status().as_u16());
            if status == Some(412) {
                if perhaps_ours && self.get(key).await? == body {
                    return Ok(PutOutcome::Created);
                }
                return Ok(PutOutcome::AlreadyThere);
            }
            let error = service_error(SERVICE, "PutObject", self.subject(key), error);
            perhaps_ours |= error.name == ErrorName::ServiceUnavailable;
            // 409 ConditionalRequestConflict: another writer is still writing, with an unknown
            // outcome.
            let again = status == Some(409)
                || matches!(
                    error.name,
                    ErrorName::ServiceUnavailable | ErrorName::Throttled
                );
            if !again || attempt == CONDITIONAL_PUT_ATTEMPTS {
                return Err(error.into());
            }
            tokio::time::sleep(Duration::from_millis(100) * 2_u32.pow(attempt)).await;
        }
    }

    async fn upload(&self, key: &str) -> Result<S3Upload, StoreError> {
        Ok(S3Upload::new(self.clone(), key))
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectMeta>, StoreError> {
        let mut objects = Vec::new();
        let request = self
            .client
            .list_objects_v2()
            .bucket(&self.bucket)
            .prefix(prefix);
        let mut pages = request.into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| {
                service_error(SERVICE, "ListObjectsV2", self.subject(prefix), error)
            })?;
            for object in page.contents.unwrap_or_default() {
                objects.push(self.listed(prefix, object)?);
            }
        }
        Ok(objects)
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        match self
            .client
            .delete_object()
            .bucket(&self.bucket)
            .key(key)
            .send()
            .await
        {
            Ok(_) => Ok(()),
            Err(error) => {
                let error = service_error(SERVICE, "DeleteObject", self.subject(key), error);
                // Some servers answer 404 here; S3 itself answers 204.
                if error.code == "NoSuchKey" {
                    Ok(())
                } else {
                    Err(error.into())
                }
            }
        }
    }
}

/// A successful answer that lacks a field of the API.
fn unreadable(operation: &'static str, subject: String, what: &str) -> StoreError {
    StoreError::from(ServiceError {
        name: ErrorName::ServiceUnavailable,
        service: SERVICE,
        operation,
        subject,
        code: "ResponseUnreadable".to_owned(),
        message: format!("the answer holds {what}"),
        source: None,
    })
}

/// The body of an object, as a stream.
#[derive(Debug)]
pub struct S3Stream {
    etag: Option<String>,
    body: SdkByteStream,
    announced: Option<u64>,
    received: u64,
    subject: String,
}

impl S3Stream {
    /// All that is still to come.
    async fn whole(mut self) -> Result<Bytes, StoreError> {
        let size = self
            .announced
            .and_then(|length| usize::try_from(length).ok());
        let mut whole = BytesMut::with_capacity(size.unwrap_or_default());
        while let Some(frame) = self.next().await? {
            whole.extend_from_slice(&frame);
        }
        Ok(whole.freeze())
    }

    fn broken(
        &self,
        message: String,
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    ) -> StoreError {
        StoreError::from(ServiceError {
            name: ErrorName::ServiceUnavailable,
            service: SERVICE,
            operation: "GetObject",
            subject: self.subject.clone(),
            code: "IncompleteBody".to_owned(),
            message,
            source,
        })
    }
}

impl ByteStream for S3Stream {
    async fn next(&mut self) -> Result<Option<Bytes>, StoreError> {
        match self.body.next().await {
            Some(Ok(frame)) => {
                self.received += frame.len() as u64;
                Ok(Some(frame))
            }
            Some(Err(error)) => {
                let message = format!("the transfer broke after {} bytes", self.received);
                Err(self.broken(message, Some(Box::new(error))))
            }
            None => match self.announced {
                Some(announced) if announced != self.received => Err(self.broken(
                    format!("{} bytes came instead of {announced}", self.received),
                    None,
                )),
                _ => Ok(None),
            },
        }
    }
}
