//! A bucket of images in memory that counts what is read of it, and has faults.

use bytes::Bytes;
use contract::{ErrorName, ServiceError};
use image::Pixels;
use lake::memory::{MemoryStream, MemoryUpload};
use lake::{
    ByteStream, ConditionalStore, ListPage, MemoryStore, ObjectMeta, ObjectStore, PagedStore,
    PutOutcome, StoreError, Swap, TaggedStore, Version,
};
use source::MemoryItems;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

#[derive(Debug, Clone, Default)]
pub struct Bucket {
    store: MemoryStore,
    state: Arc<Mutex<State>>,
}

/// What a table has, which stands beside the bucket.
type Items = BTreeMap<String, Option<String>>;

#[derive(Debug, Default)]
struct State {
    reads: u64,
    tag_reads: u64,
    listed: u64,
    throttled: u64,
    throttle_every: Option<u64>,
    denied: BTreeSet<String>,
    replaced: BTreeMap<String, Vec<u8>>,
    items: Items,
}

impl Bucket {
    pub fn new() -> Self {
        Self::default()
    }

    pub async fn put_image(&self, key: &str, bytes: Vec<u8>) {
        self.put(key, bytes.into()).await.unwrap();
    }

    /// Reads of objects as they were listed.
    pub fn reads(&self) -> u64 {
        self.state().reads
    }

    /// Keys that were listed page by page.
    pub fn listed(&self) -> u64 {
        self.state().listed
    }

    /// Requests for tags.
    pub fn tag_reads(&self) -> u64 {
        self.state().tag_reads
    }

    pub fn set_tag(&self, key: &str, tag: &str, value: &str) {
        self.store.set_tag(key, tag, value);
    }

    /// The table of labels.
    pub fn items(&self) -> MemoryItems {
        let items = self.state().items.clone();
        MemoryItems { items }
    }

    pub fn set_item(&self, key: &str, label: Option<&str>) {
        let label = label.map(str::to_owned);
        self.state().items.insert(key.to_owned(), label);
    }

    pub fn throttled(&self) -> u64 {
        self.state().throttled
    }

    pub fn throttle_every(&self, requests: u64) {
        self.state().throttle_every = Some(requests);
    }

    pub fn deny(&self, key: &str) {
        self.state().denied.insert(key.to_owned());
    }

    pub fn replace_when_read(&self, key: &str, bytes: Vec<u8>) {
        self.state().replaced.insert(key.to_owned(), bytes);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// What happens to a request, before it reaches the bucket.
    fn fault(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let mut state = self.state();
        state.reads += 1;
        let error = |name, code: &str| error("GetObject", key, name, code);
        if state
            .throttle_every
            .is_some_and(|n| state.reads.is_multiple_of(n))
        {
            state.throttled += 1;
            return Err(error(ErrorName::Throttled, "SlowDown"));
        }
        if state.denied.contains(key) {
            return Err(error(ErrorName::AccessDenied, "AccessDenied"));
        }
        Ok(state.replaced.remove(key))
    }
}

fn error(operation: &'static str, key: &str, name: ErrorName, code: &str) -> StoreError {
    StoreError::from(ServiceError {
        name,
        service: "S3",
        operation,
        subject: key.to_owned(),
        code: code.to_owned(),
        message: "as the test has it".to_owned(),
        source: None,
    })
}

impl PagedStore for Bucket {
    type Body = MemoryStream;

    fn other(&self, _: &str) -> Self {
        self.clone()
    }

    async fn list_page(
        &self,
        prefix: &str,
        after: Option<&str>,
        most: u32,
    ) -> Result<ListPage, StoreError> {
        let page = self.store.list_page(prefix, after, most).await?;
        self.state().listed += page.objects.len() as u64;
        Ok(page)
    }

    async fn get_if_match(&self, key: &str, etag: &str) -> Result<Option<Bytes>, StoreError> {
        if let Some(bytes) = self.fault(key)? {
            self.put_image(key, bytes).await;
        }
        self.store.get_if_match(key, etag).await
    }

    async fn stream_if_match(
        &self,
        key: &str,
        etag: &str,
        from: u64,
    ) -> Result<Option<MemoryStream>, StoreError> {
        self.store.stream_if_match(key, etag, from).await
    }
}

impl TaggedStore for Bucket {
    async fn tag(&self, key: &str, tag: &str) -> Result<Option<String>, StoreError> {
        self.state().tag_reads += 1;
        if self.state().denied.contains(&format!("tags of {key}")) {
            return Err(error(
                "GetObjectTagging",
                key,
                ErrorName::AccessDenied,
                "AccessDenied",
            ));
        }
        self.store.tag(key, tag).await
    }
}

impl ObjectStore for Bucket {
    type Upload = MemoryUpload;

    fn bucket(&self) -> &str {
        self.store.bucket()
    }

    async fn get(&self, key: &str) -> Result<Bytes, StoreError> {
        self.store.get(key).await
    }

    async fn stream(&self, key: &str) -> Result<impl ByteStream, StoreError> {
        self.store.stream(key).await
    }

    async fn put(&self, key: &str, body: Bytes) -> Result<(), StoreError> {
        self.store.put(key, body).await
    }

    async fn put_if_absent(&self, key: &str, body: Bytes) -> Result<PutOutcome, StoreError> {
        self.store.put_if_absent(key, body).await
    }

    async fn upload(&self, key: &str) -> Result<MemoryUpload, StoreError> {
        self.store.upload(key).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectMeta>, StoreError> {
        self.store.list(prefix).await
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.store.delete(key).await
    }
}

impl ConditionalStore for Bucket {
    async fn get_versioned(&self, key: &str) -> Result<Option<(Bytes, Version)>, StoreError> {
        self.store.get_versioned(key).await
    }

    async fn put_if_unchanged(
        &self,
        key: &str,
        body: Bytes,
        version: &Version,
    ) -> Result<Swap, StoreError> {
        self.store.put_if_unchanged(key, body, version).await
    }
}

/// A picture of 48 × 40 that differs by its number.
fn picture(number: u32) -> Pixels {
    let shade = |at: u32| u8::try_from((at * (number % 61 + 3) + number) % 251).unwrap();
    Pixels::new(48, 40, 3, (0..48 * 40 * 3).map(shade).collect())
}

pub fn jpeg(number: u32) -> Vec<u8> {
    image::encode_jpeg(&picture(number), 85)
}

/// The same picture, compressed more.
pub fn recompressed(number: u32) -> Vec<u8> {
    image::encode_jpeg(&picture(number), 70)
}

pub fn png(number: u32) -> Vec<u8> {
    image::encode_png(&picture(number))
}

pub fn sized_png(width: u32, height: u32) -> Vec<u8> {
    image::encode_png(&Pixels::new(
        width,
        height,
        3,
        vec![90; (width * height * 3) as usize],
    ))
}

pub fn grey_png() -> Vec<u8> {
    image::encode_png(&Pixels::new(32, 32, 1, vec![90; 32 * 32]))
}
