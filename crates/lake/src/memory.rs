//! An object store in memory, for tests of whatever is written over the port.
//!
//! Every operation pauses once before its effect and once after it, so that a test which drops
//! its caller after a number of polls ([`poll_at_most`]) sees a crash at each such point.

use crate::store::{
    ByteStream, ConditionalStore, CopyingUpload, ListPage, ObjectMeta, ObjectStore, PagedStore,
    PutOutcome, StoreError, Swap, TaggedStore, Upload, Version,
};
use bytes::{Bytes, BytesMut};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::future::{Future, poll_fn};
use std::hash::{DefaultHasher, Hasher};
use std::ops::Bound;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

type Objects = BTreeMap<String, Bytes>;

/// Objects of one bucket, shared by all clones.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    // A std mutex: it is never held across an await.
    objects: Arc<Mutex<Objects>>,
    /// Uploads that were begun, and neither completed nor aborted.
    open_uploads: Arc<AtomicUsize>,
    /// The tags of each key.
    tags: Arc<Mutex<BTreeMap<String, BTreeMap<String, String>>>>,
    /// When objects were written, of those that were given a time.
    modified: Arc<Mutex<BTreeMap<String, String>>>,
}

impl MemoryStore {
    /// An empty bucket.
    pub fn new() -> Self {
        Self::default()
    }

    /// Uploads that were begun, and neither completed nor aborted: S3 keeps their pieces, and bills
    /// them.
    pub fn open_uploads(&self) -> usize {
        self.open_uploads.load(Ordering::Relaxed)
    }

    /// Gives the object with this key a tag.
    pub fn set_tag(&self, key: &str, tag: &str, value: &str) {
        let mut tags = self.tags.lock().unwrap_or_else(PoisonError::into_inner);
        let of_key = tags.entry(key.to_owned()).or_default();
        of_key.insert(tag.to_owned(), value.to_owned());
    }

    /// Says when the object with this key was written, RFC 3339; without, a listing says no time.
    pub fn set_modified(&self, key: &str, time: &str) {
        let mut modified = self.modified.lock().unwrap_or_else(PoisonError::into_inner);
        modified.insert(key.to_owned(), time.to_owned());
    }

    fn meta(&self, key: &str, body: &[u8]) -> ObjectMeta {
        let modified = self.modified.lock().unwrap_or_else(PoisonError::into_inner);
        ObjectMeta {
            key: key.to_owned(),
            size: body.len() as u64,
            etag: Some(etag(body)),
            modified: modified.get(key).cloned(),
        }
    }

    fn objects(&self) -> MutexGuard<'_, Objects> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Polls `future` to its end, or `polls` times and then drops it: a process that dies on the way.
pub fn poll_at_most<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..polls {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
    }
    None
}

/// Gives way to the caller's executor once.
async fn pause() {
    let mut paused = false;
    poll_fn(|context| {
        if paused {
            return Poll::Ready(());
        }
        paused = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

impl ObjectStore for MemoryStore {
    type Upload = MemoryUpload;

    fn bucket(&self) -> &'static str {
        "memory"
    }

    async fn get(&self, key: &str) -> Result<Bytes, StoreError> {
        pause().await;
        let object = self.objects().get(key).cloned();
        pause().await;
        object.ok_or_else(|| StoreError::NotFound {
            bucket: self.bucket().to_owned(),
            key: key.to_owned(),
        })
    }

    async fn stream(&self, key: &str) -> Result<impl ByteStream, StoreError> {
        Ok(MemoryStream(self.get(key).await?))
    }

    async fn put(&self, key: &str, body: Bytes) -> Result<(), StoreError> {
        pause().await;
        self.objects().insert(key.to_owned(), body);
        pause().await;
        Ok(())
    }

    async fn put_if_absent(&self, key: &str, body: Bytes) -> Result<PutOutcome, StoreError> {
        pause().await;
        let outcome = match self.objects().entry(key.to_owned()) {
            Entry::Occupied(_) => PutOutcome::AlreadyThere,
            Entry::Vacant(place) => {
                place.insert(body);
                PutOutcome::Created
            }
        };
        pause().await;
        Ok(outcome)
    }

    async fn upload(&self, key: &str) -> Result<MemoryUpload, StoreError> {
        self.open_uploads.fetch_add(1, Ordering::Relaxed);
        Ok(MemoryUpload {
            store: self.clone(),
            key: key.to_owned(),
            body: BytesMut::new(),
        })
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectMeta>, StoreError> {
        let objects = self.objects();
        Ok(objects
            .range(prefix.to_owned()..)
            .take_while(|(key, _)| key.starts_with(prefix))
            .map(|(key, body)| self.meta(key, body))
            .collect())
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        pause().await;
        self.objects().remove(key);
        pause().await;
        Ok(())
    }
}

impl ConditionalStore for MemoryStore {
    async fn get_versioned(&self, key: &str) -> Result<Option<(Bytes, Version)>, StoreError> {
        let body = crate::store::get_if_there(self, key).await?;
        Ok(body.map(|body| {
            let version = Version(etag(&body));
            (body, version)
        }))
    }

    async fn put_if_unchanged(
        &self,
        key: &str,
        body: Bytes,
        version: &Version,
    ) -> Result<Swap, StoreError> {
        pause().await;
        let swap = match self.objects().entry(key.to_owned()) {
            Entry::Occupied(mut place) if etag(place.get()) == version.0 => {
                place.insert(body);
                Swap::Replaced
            }
            _ => Swap::Changed,
        };
        pause().await;
        Ok(swap)
    }
}

impl PagedStore for MemoryStore {
    type Body = MemoryStream;

    /// The same objects: there is one bucket.
    fn other(&self, _: &str) -> Self {
        self.clone()
    }

    async fn list_page(
        &self,
        prefix: &str,
        after: Option<&str>,
        most: u32,
    ) -> Result<ListPage, StoreError> {
        pause().await;
        let from = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        let objects = self.objects();
        let mut listed = objects
            .range::<str, _>((from, Bound::Unbounded))
            .take_while(|(key, _)| key.starts_with(prefix));
        let page = listed.by_ref().take(most as usize);
        Ok(ListPage {
            objects: page.map(|(key, body)| self.meta(key, body)).collect(),
            more: listed.next().is_some(),
        })
    }

    async fn get_if_match(&self, key: &str, etag: &str) -> Result<Option<Bytes>, StoreError> {
        let body = crate::store::get_if_there(self, key).await?;
        Ok(body.filter(|body| self::etag(body) == etag))
    }

    async fn stream_if_match(
        &self,
        key: &str,
        etag: &str,
        from: u64,
    ) -> Result<Option<MemoryStream>, StoreError> {
        let body = self.get_if_match(key, etag).await?;
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        Ok(body.map(|body| MemoryStream(body.slice(from.min(body.len())..))))
    }
}

impl TaggedStore for MemoryStore {
    async fn tag(&self, key: &str, tag: &str) -> Result<Option<String>, StoreError> {
        self.get(key).await?;
        let tags = self.tags.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(tags.get(key).and_then(|tags| tags.get(tag)).cloned())
    }
}

fn etag(body: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    hasher.write(body);
    format!("{:016x}", hasher.finish())
}

/// An object in small frames, so that readers meet boundaries everywhere.
#[derive(Debug)]
pub struct MemoryStream(Bytes);

impl ByteStream for MemoryStream {
    async fn next(&mut self) -> Result<Option<Bytes>, StoreError> {
        const FRAME: usize = 1021;
        if self.0.is_empty() {
            return Ok(None);
        }
        Ok(Some(self.0.split_to(FRAME.min(self.0.len()))))
    }
}

/// An upload in progress.
#[derive(Debug)]
pub struct MemoryUpload {
    store: MemoryStore,
    key: String,
    body: BytesMut,
}

impl CopyingUpload for MemoryUpload {
    async fn copy(&mut self, key: &str, _bytes: u64) -> Result<(), StoreError> {
        let object = self.store.get(key).await?;
        self.body.extend_from_slice(&object);
        Ok(())
    }
}

impl Upload for MemoryUpload {
    async fn send(&mut self, piece: Bytes) -> Result<(), StoreError> {
        self.body.extend_from_slice(&piece);
        Ok(())
    }

    async fn complete(self) -> Result<(), StoreError> {
        self.store.open_uploads.fetch_sub(1, Ordering::Relaxed);
        self.store.put(&self.key, self.body.freeze()).await
    }

    async fn abort(self) -> Result<(), StoreError> {
        self.store.open_uploads.fetch_sub(1, Ordering::Relaxed);
        Ok(())
    }
}
