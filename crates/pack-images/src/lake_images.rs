//! Images in S3, or in another store that lists pages.

use crate::{Fetched, ImageSource, PlannedImage};
use lake::{PagedStore, StoreError};

/// Reads images from the buckets that the index names.
#[derive(Debug)]
pub struct LakeImages<'s, S> {
    lake: &'s S,
}

impl<'s, S: PagedStore> LakeImages<'s, S> {
    /// With the lake's own access.
    pub const fn new(lake: &'s S) -> Self {
        Self { lake }
    }
}

impl<S: PagedStore> ImageSource for LakeImages<'_, S> {
    async fn get(&self, image: &PlannedImage) -> Result<Fetched, StoreError> {
        let bucket = self.lake.other(&image.bucket);
        let found = bucket.get_if_match(&image.key, &image.etag).await;
        found.map_or_else(absent, |bytes| {
            Ok(bytes.map_or(Fetched::Vanished, Fetched::Bytes))
        })
    }

    async fn check(&self, image: &PlannedImage) -> Result<Fetched, StoreError> {
        let bucket = self.lake.other(&image.bucket);
        // The last byte alone: unlike a request for none, it also shows what has to be restored.
        let last = image.size.saturating_sub(1);
        let found = bucket.stream_if_match(&image.key, &image.etag, last).await;
        found.map_or_else(absent, |body| {
            Ok(body.map_or(Fetched::Vanished, |_| Fetched::Unread))
        })
    }
}

/// What an error says of the image, if it is one of the image's own.
fn absent(error: StoreError) -> Result<Fetched, StoreError> {
    match error {
        StoreError::Service(error) if error.code == "InvalidObjectState" => Ok(Fetched::Archived),
        error => Err(error),
    }
}
