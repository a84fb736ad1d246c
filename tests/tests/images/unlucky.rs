//! A bucket that has bad luck: requests are refused, their answers get lost, and the process is killed
//! between any two of them.

use crate::bucket::Bucket;
use bytes::Bytes;
use contract::{ErrorName, ServiceError};
use fastrand::Rng;
use lake::memory::{MemoryStream, MemoryUpload};
use lake::{
    ByteStream, ListPage, ObjectMeta, ObjectStore, PagedStore, PutOutcome, StoreError, TaggedStore,
};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;

/// How often what happened.
#[derive(Debug, Clone, Default)]
pub struct Events(Arc<Mutex<BTreeMap<&'static str, u64>>>);

impl Events {
    pub fn note(&self, event: &'static str) {
        *self.0.lock().unwrap().entry(event).or_default() += 1;
    }

    pub fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.0.lock().unwrap().clone()
    }
}

/// The luck of one process.
#[derive(Debug)]
pub struct Luck {
    events: Events,
    state: Mutex<State>,
    killed: Notify,
}

#[derive(Debug)]
struct State {
    rng: Rng,
    /// One request of so many has a fault; none has with 0.
    one_of: u32,
    /// Requests until the process is killed.
    left: Option<u32>,
}

impl Luck {
    pub fn good(events: &Events) -> Arc<Self> {
        Self::new(events, Rng::with_seed(0), 0, None)
    }

    pub fn bad(rng: &mut Rng, events: &Events) -> Arc<Self> {
        let one_of = rng.u32(3..80);
        let left = (rng.u8(0..3) == 0).then(|| rng.u32(0..60));
        Self::new(events, rng.fork(), one_of, left)
    }

    fn new(events: &Events, rng: Rng, one_of: u32, left: Option<u32>) -> Arc<Self> {
        let state = State { rng, one_of, left };
        Arc::new(Self {
            events: events.clone(),
            state: Mutex::new(state),
            killed: Notify::new(),
        })
    }

    /// Ends when the process is killed.
    pub async fn killed(&self) {
        self.killed.notified().await;
    }

    /// What happens to a request before the bucket sees it.
    async fn before(&self, key: &str) -> Result<(), StoreError> {
        let (is_dead, fault) = {
            let mut state = self.state.lock().unwrap();
            let is_dead = state.left == Some(0);
            state.left = state.left.map(|left| left.saturating_sub(1));
            let odds = state.one_of;
            let strikes = odds > 0 && state.rng.u32(0..odds) == 0;
            (is_dead, strikes.then(|| state.rng.u8(0..4)))
        };
        if is_dead {
            self.killed.notify_one();
            std::future::pending::<()>().await;
        }
        match fault {
            Some(0) => self.fail("throttled", ErrorName::Throttled, "SlowDown", key),
            Some(1) => self.fail(
                "unavailable",
                ErrorName::ServiceUnavailable,
                "InternalError",
                key,
            ),
            Some(2) => {
                self.events.note("delayed");
                tokio::time::sleep(Duration::from_secs(20)).await;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// What happens to the answer, when the bucket has done what it was asked.
    fn after(&self, event: &'static str, key: &str) -> Result<(), StoreError> {
        let strikes = {
            let mut state = self.state.lock().unwrap();
            let odds = state.one_of * 2;
            odds > 0 && state.rng.u32(0..odds) == 0
        };
        if strikes {
            return self.fail(event, ErrorName::ServiceUnavailable, "Timeout", key);
        }
        Ok(())
    }

    fn fail(
        &self,
        event: &'static str,
        name: ErrorName,
        code: &str,
        key: &str,
    ) -> Result<(), StoreError> {
        self.events.note(event);
        Err(StoreError::from(ServiceError {
            name,
            service: "S3",
            operation: "any",
            subject: key.to_owned(),
            code: code.to_owned(),
            message: "as the seed has it".to_owned(),
            source: None,
        }))
    }
}

/// A bucket as a process with this luck sees it.
#[derive(Debug, Clone)]
pub struct Unlucky {
    bucket: Bucket,
    luck: Arc<Luck>,
}

impl Unlucky {
    pub fn new(bucket: Bucket, luck: Arc<Luck>) -> Self {
        Self { bucket, luck }
    }
}

const LOST: &str = "answer lost";
const CUT: &str = "body cut";

impl PagedStore for Unlucky {
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
        self.luck.before(prefix).await?;
        let page = self.bucket.list_page(prefix, after, most).await;
        self.luck.after(LOST, prefix)?;
        page
    }

    async fn get_if_match(&self, key: &str, etag: &str) -> Result<Option<Bytes>, StoreError> {
        self.luck.before(key).await?;
        let bytes = self.bucket.get_if_match(key, etag).await;
        self.luck.after(CUT, key)?;
        bytes
    }

    async fn stream_if_match(
        &self,
        key: &str,
        etag: &str,
        from: u64,
    ) -> Result<Option<MemoryStream>, StoreError> {
        self.luck.before(key).await?;
        self.bucket.stream_if_match(key, etag, from).await
    }
}

impl TaggedStore for Unlucky {
    async fn tag(&self, key: &str, tag: &str) -> Result<Option<String>, StoreError> {
        self.luck.before(key).await?;
        let found = self.bucket.tag(key, tag).await;
        self.luck.after(LOST, key)?;
        found
    }
}

impl ObjectStore for Unlucky {
    type Upload = MemoryUpload;

    fn bucket(&self) -> &str {
        self.bucket.bucket()
    }

    async fn get(&self, key: &str) -> Result<Bytes, StoreError> {
        self.luck.before(key).await?;
        let bytes = self.bucket.get(key).await;
        self.luck.after(CUT, key)?;
        bytes
    }

    async fn stream(&self, key: &str) -> Result<impl ByteStream, StoreError> {
        self.luck.before(key).await?;
        self.bucket.stream(key).await
    }

    async fn put(&self, key: &str, body: Bytes) -> Result<(), StoreError> {
        self.luck.before(key).await?;
        self.bucket.put(key, body).await?;
        self.luck.after(LOST, key)
    }

    async fn put_if_absent(&self, key: &str, body: Bytes) -> Result<PutOutcome, StoreError> {
        self.luck.before(key).await?;
        let outcome = self.bucket.put_if_absent(key, body).await;
        self.luck.after(LOST, key)?;
        outcome
    }

    async fn upload(&self, key: &str) -> Result<MemoryUpload, StoreError> {
        self.luck.before(key).await?;
        self.bucket.upload(key).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectMeta>, StoreError> {
        self.luck.before(prefix).await?;
        let objects = self.bucket.list(prefix).await;
        self.luck.after(LOST, prefix)?;
        objects
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.luck.before(key).await?;
        self.bucket.delete(key).await?;
        self.luck.after(LOST, key)
    }
}
