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
        match bucket.get_if_match(&image.key, &image.etag).await {
            Ok(Some(bytes)) => Ok(Fetched::Bytes(bytes)),
            Ok(None) => Ok(Fetched::Vanished),
            Err(StoreError::Service(error)) if error.code == "InvalidObjectState" => {
                Ok(Fetched::Archived)
            }
            Err(error) => Err(error),
        }
    }
}
