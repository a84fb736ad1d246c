//! A store that throws parts away.

use bytes::Bytes;
use lake::memory::{MemoryStore, MemoryStream};
use lake::store::{ByteStream, ObjectMeta, ObjectStore, PutOutcome, StoreError, Upload};
use lake::{ListPage, PagedStore};

/// Keeps documents in memory and forgets parts.
#[derive(Debug, Default)]
pub struct DiscardStore {
    documents: MemoryStore,
}

/// An upload to nowhere.
#[derive(Debug)]
pub struct Nowhere;

impl Upload for Nowhere {
    async fn send(&mut self, _: Bytes) -> Result<(), StoreError> {
        Ok(())
    }

    async fn complete(self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn abort(self) -> Result<(), StoreError> {
        Ok(())
    }
}

impl ObjectStore for DiscardStore {
    type Upload = Nowhere;

    fn bucket(&self) -> &str {
        self.documents.bucket()
    }

    async fn get(&self, key: &str) -> Result<Bytes, StoreError> {
        self.documents.get(key).await
    }

    async fn stream(&self, key: &str) -> Result<impl ByteStream, StoreError> {
        self.documents.stream(key).await
    }

    async fn put(&self, key: &str, body: Bytes) -> Result<(), StoreError> {
        if key.contains("/part-") {
            return Ok(());
        }
        self.documents.put(key, body).await
    }

    async fn put_if_absent(&self, key: &str, body: Bytes) -> Result<PutOutcome, StoreError> {
        self.documents.put_if_absent(key, body).await
    }

    async fn upload(&self, _: &str) -> Result<Nowhere, StoreError> {
        Ok(Nowhere)
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectMeta>, StoreError> {
        self.documents.list(prefix).await
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.documents.delete(key).await
    }
}

impl PagedStore for DiscardStore {
    type Body = MemoryStream;

    fn other(&self, bucket: &str) -> Self {
        Self {
            documents: self.documents.other(bucket),
        }
    }

    async fn list_page(
        &self,
        prefix: &str,
        after: Option<&str>,
        most: u32,
    ) -> Result<ListPage, StoreError> {
        self.documents.list_page(prefix, after, most).await
    }

    async fn get_if_match(&self, key: &str, etag: &str) -> Result<Option<Bytes>, StoreError> {
        self.documents.get_if_match(key, etag).await
    }

    async fn stream_if_match(
        &self,
        key: &str,
        etag: &str,
        from: u64,
    ) -> Result<Option<MemoryStream>, StoreError> {
        self.documents.stream_if_match(key, etag, from).await
    }
}
