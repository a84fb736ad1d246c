//! The object-store port: the few operations the lake needs of S3 or of memory.
//!
//! Every adapter passes [`crate::conformance`].

use bytes::Bytes;
use contract::ServiceError;
use std::future::Future;

/// What went wrong at the object store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No object has this key.
    #[error("there is no object s3://{bucket}/{key}")]
    NotFound {
        /// The bucket that was asked.
        bucket: String,
        /// The key that is not there.
        key: String,
    },
    /// The service refused or could not be reached.
    #[error(transparent)]
    Service(Box<ServiceError>),
}

impl From<ServiceError> for StoreError {
    fn from(error: ServiceError) -> Self {
        Self::Service(Box::new(error))
    }
}

/// What a conditional put did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutOutcome {
    /// The object is new: this writer won.
    Created,
    /// An object with this key was there already, and is unchanged.
    AlreadyThere,
}

/// One row of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectMeta {
    /// The whole key.
    pub key: String,
    /// Bytes.
    pub size: u64,
    /// What changes whenever the object's bytes do, if the store says.
    pub etag: Option<String>,
    /// When it was written, RFC 3339, if the store says.
    pub modified: Option<String>,
}

impl ObjectMeta {
    /// Seconds by which the clocks of services may differ.
    const CLOCKS: i64 = 60;

    /// Whether it was written since a moment, in seconds since 1970, as far as clocks can tell; what
    /// says no time may have been.
    pub fn is_since(&self, moment: i64) -> bool {
        let written = self.written();
        written.is_none_or(|written| written >= moment - Self::CLOCKS)
    }

    /// When it was written, in seconds since 1970, if the store says.
    pub fn written(&self) -> Option<i64> {
        let modified: jiff::Timestamp = self.modified.as_deref()?.parse().ok()?;
        Some(modified.as_second())
    }
}

/// An S3-like store of one bucket: atomic puts, strong read-after-write, ordered listings.
///
/// Source of the semantics: Amazon S3 API reference (`PutObject` with `If-None-Match: *`,
/// multipart upload, `ListObjectsV2`).
pub trait ObjectStore: Send + Sync {
    /// A multipart upload in progress.
    type Upload: Upload;

    /// The bucket's name, for messages and for the ARNs that other services are given.
    fn bucket(&self) -> &str;

    /// The whole object.
    fn get(&self, key: &str) -> impl Future<Output = Result<Bytes, StoreError>> + Send;

    /// The object as it arrives, in frames of any size; a broken transfer ends in an error,
    /// never in a shorter object.
    fn stream(&self, key: &str)
    -> impl Future<Output = Result<impl ByteStream, StoreError>> + Send;

    /// Replaces or creates the object, atomically.
    fn put(&self, key: &str, body: Bytes) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Creates the object only if no object has the key; of many writers exactly one wins.
    fn put_if_absent(
        &self,
        key: &str,
        body: Bytes,
    ) -> impl Future<Output = Result<PutOutcome, StoreError>> + Send;

    /// Begins an object that is written in pieces and appears only when completed.
    fn upload(&self, key: &str) -> impl Future<Output = Result<Self::Upload, StoreError>> + Send;

    /// All objects whose key begins with `prefix`, in key order.
    fn list(
        &self,
        prefix: &str,
    ) -> impl Future<Output = Result<Vec<ObjectMeta>, StoreError>> + Send;

    /// Removes the object; removing what is not there succeeds.
    fn delete(&self, key: &str) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// A version of an object, as the store names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version(pub String);

/// What a conditional replacement did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swap {
    /// The object is replaced.
    Replaced,
    /// It is another version than the one named, or gone, and nothing was written.
    Changed,
}

/// A store in which an object can be replaced by a caller that knows its version.
///
/// Source of the semantics: Amazon S3 API reference (`PutObject` with `If-Match`).
pub trait ConditionalStore: ObjectStore {
    /// The object and its version, or `None` if no object has the key.
    fn get_versioned(
        &self,
        key: &str,
    ) -> impl Future<Output = Result<Option<(Bytes, Version)>, StoreError>> + Send;

    /// Replaces the object only if it is still this version. If the answer to an attempt gets lost,
    /// `Changed` may mean that this writer itself changed it.
    fn put_if_unchanged(
        &self,
        key: &str,
        body: Bytes,
        version: &Version,
    ) -> impl Future<Output = Result<Swap, StoreError>> + Send;
}

/// One page of a listing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListPage {
    /// The objects, in key order.
    pub objects: Vec<ObjectMeta>,
    /// Whether there may be more behind the last one.
    pub more: bool,
}

/// A store that is listed page by page, from any key on, and whose objects are read as they were
/// listed. Not every bucket is the lake: others are read only.
///
/// Source of the semantics: Amazon S3 API reference (`ListObjectsV2` with `StartAfter` and
/// `MaxKeys`, `GetObject` with `If-Match`).
pub trait PagedStore: ObjectStore {
    /// An object as it arrives.
    type Body: ByteStream + 'static;

    /// The store of another bucket of the same service.
    #[must_use]
    fn other(&self, bucket: &str) -> Self;

    /// At most `most` objects, up to 1,000, whose key begins with `prefix` and is greater than
    /// `after`, in the order of the keys' bytes. `after` need not be a key.
    fn list_page(
        &self,
        prefix: &str,
        after: Option<&str>,
        most: u32,
    ) -> impl Future<Output = Result<ListPage, StoreError>> + Send;

    /// The whole object, if it still has this entity tag; `None` if it has another one or is gone.
    fn get_if_match(
        &self,
        key: &str,
        etag: &str,
    ) -> impl Future<Output = Result<Option<Bytes>, StoreError>> + Send;

    /// The object from the byte `from` on as it arrives, if it still has this entity tag; `None` if
    /// it has another one or is gone. `from` is less than its size, or 0.
    fn stream_if_match(
        &self,
        key: &str,
        etag: &str,
        from: u64,
    ) -> impl Future<Output = Result<Option<Self::Body>, StoreError>> + Send;
}

/// A store whose objects have tags.
///
/// Source of the semantics: Amazon S3 API reference (`GetObjectTagging`).
pub trait TaggedStore: PagedStore {
    /// The value of the object's tag with this key, or `None` if the object has no such tag.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if no object has the key; else if the service refuses or fails.
    fn tag(
        &self,
        key: &str,
        tag: &str,
    ) -> impl Future<Output = Result<Option<String>, StoreError>> + Send;
}

/// Frames of an object as they arrive.
pub trait ByteStream: Send {
    /// The next frame, or `None` at the object's end.
    fn next(&mut self) -> impl Future<Output = Result<Option<Bytes>, StoreError>> + Send;
}

/// A multipart upload: nothing is visible under the key until [`Upload::complete`].
pub trait Upload: Send {
    /// Smallest size, in bytes, of every piece but the last (S3: 5 MiB).
    const MINIMUM_PIECE: usize = 5 * 1024 * 1024;

    /// Sends the next piece. Pieces but the last must have at least [`Upload::MINIMUM_PIECE`]
    /// bytes.
    fn send(&mut self, piece: Bytes) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Makes the object appear, whole.
    fn complete(self) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Forgets what was sent; the key stays as it was.
    fn abort(self) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// An upload that takes other objects of the bucket as pieces, without moving their bytes through
/// this process.
///
/// Source of the semantics: Amazon S3 API reference (`UploadPartCopy`).
pub trait CopyingUpload: Upload {
    /// Takes the object of `bytes` bytes as the next piece. As for [`Upload::send`], pieces but the
    /// last must have at least [`Upload::MINIMUM_PIECE`] bytes. One that is larger than the store
    /// copies at once (S3: 5 GiB) is copied range by range.
    fn copy(
        &mut self,
        key: &str,
        bytes: u64,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// Aborts an upload after a failure. The failure is what its caller reports: that the pieces could
/// not be removed as well is logged, and the bucket's lifecycle removes them.
pub async fn discard(upload: impl Upload, key: &str) {
    if let Err(error) = upload.abort().await {
        let error = contract::chain(&error);
        tracing::warn!(key, error, "an upload could not be aborted");
    }
}

/// The object as text of JSON, or `None` if no object has the key.
///
/// # Errors
/// As [`ObjectStore::get`], except that a missing object is `None`.
pub async fn get_if_there(
    store: &impl ObjectStore,
    key: &str,
) -> Result<Option<Bytes>, StoreError> {
    match store.get(key).await {
        Ok(bytes) => Ok(Some(bytes)),
        Err(StoreError::NotFound { .. }) => Ok(None),
        Err(other) => Err(other),
    }
}
