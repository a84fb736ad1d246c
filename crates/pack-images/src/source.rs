//! The port to the images, which may lie in another bucket than the lake.

use crate::PlannedImage;
use bytes::Bytes;
use lake::StoreError;
use std::future::Future;

/// What is found under an image's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// The indexed version.
    Bytes(Bytes),
    /// The indexed version, which was not read.
    Unread,
    /// No object has the key any more, or another version has it: the store does not say which.
    Vanished,
    /// The object has moved to a storage class that has to be restored before it can be read.
    Archived,
}

/// Reads images.
pub trait ImageSource: Sync {
    /// The image's bytes, if it still is the version that was indexed (`GetObject` with `If-Match`,
    /// and `VersionId` where there is one).
    fn get(&self, image: &PlannedImage)
    -> impl Future<Output = Result<Fetched, StoreError>> + Send;

    /// Whether the image still is the version that was indexed, without reading it.
    fn check(
        &self,
        image: &PlannedImage,
    ) -> impl Future<Output = Result<Fetched, StoreError>> + Send;
}
