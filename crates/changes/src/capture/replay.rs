//! Replays what did not get into the captured changes: batches that Lambda gave up, and records whose
//! shape was not known.

use super::{Batch, CaptureError, GivenUpError, RecordError, payload};
use contract::{ErrorName, Named, RunId};
use lake::captured::{self, CapturedStream, Hour};
use lake::records::{Latest, SnapshotRecord};
use lake::{DocumentError, ObjectMeta, ObjectStore, RunKeys, StoreError, documents, keys};
use serde::{Deserialize, Serialize};
use std::time::SystemTime;
use twox_hash::XxHash3_64;

/// Why an object was not replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// It is no batch that Lambda gave up.
    #[error(transparent)]
    GivenUp(#[from] GivenUpError),
    /// Its batch cannot be captured.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// Its record is still of no known shape.
    #[error("the record is of no known shape")]
    Record(#[source] RecordError),
    /// A run has read the whole table since.
    #[error(
        "run {run} of pipeline {pipeline} has read the whole table since, its changes included; replayed now, they \
         could bring older items back: delete the object"
    )]
    Included {
        /// The run.
        run: RunId,
        /// Its pipeline.
        pipeline: String,
    },
    /// The record that it was replayed cannot be written.
    #[error(transparent)]
    Document(#[from] DocumentError),
}

impl From<StoreError> for ReplayError {
    fn from(error: StoreError) -> Self {
        Self::Capture(error.into())
    }
}

impl Named for ReplayError {
    fn name(&self) -> ErrorName {
        match self {
            Self::GivenUp(_) | Self::Record(_) | Self::Included { .. } => ErrorName::DatasetInvalid,
            Self::Capture(error) => error.name(),
            Self::Document(error) => error.name(),
        }
    }
}

/// The result of replaying an object: the content of the record beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Replayed {
    /// Key of the object of its changes; absent if it held none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Its changes.
    pub changes: u64,
    /// Its records of no known shape, which are stored with others of that kind.
    pub unreadable: u64,
}

/// A pipeline's last reading of a whole table whose changes are captured.
#[derive(Debug)]
struct Whole {
    stream: CapturedStream,
    pipeline: String,
    run: RunId,
    /// When it began, in seconds since 1970.
    from: i64,
}

/// When the pipelines of a lake read the whole tables whose changes are captured.
#[derive(Debug)]
pub struct WholeTables(Vec<Whole>);

impl WholeTables {
    /// Reads the records of all pipelines' newest data.
    ///
    /// # Errors
    /// If the lake fails, or a record cannot be read.
    pub async fn read(store: &impl ObjectStore) -> Result<Self, DocumentError> {
        let mut all = Vec::new();
        for listed in store.list(keys::LATEST).await? {
            let latest: Latest =
                documents::read(store, &listed.key, "the record of the newest data").await?;
            let Latest { pipeline, run, .. } = latest;
            let key = RunKeys::new(&pipeline, &run).snapshot();
            let snapshot: Option<SnapshotRecord> =
                documents::read_if_there(store, &key, "a snapshot").await?;
            let Some(snapshot) = snapshot else { continue };
            let arn = snapshot.capture.map(|capture| capture.stream_arn);
            let stream = arn.and_then(|arn| CapturedStream::of_arn(&arn));
            all.extend(stream.map(|stream| Whole {
                stream,
                pipeline,
                run: snapshot.run,
                from: snapshot.full_as_of,
            }));
        }
        Ok(Self(all))
    }

    /// A reading of the table that began after the object was written, if there is one.
    fn since(&self, stream: &CapturedStream, object: &ObjectMeta) -> Option<&Whole> {
        let mut of_stream = self.0.iter().filter(|whole| whole.stream == *stream);
        of_stream.find(|whole| !object.is_since(whole.from))
    }
}

/// Replays an object that Lambda gave up, or that holds a record of no known shape: stores its changes
/// as captured ones, and then the record that this was done. With `is_dry` nothing is written.
///
/// A second replay, after a crash, writes the same changes again, which does no harm: changes are
/// merged by their sequence numbers.
///
/// # Errors
/// If it holds nothing that can be captured, the table was read as a whole since, or the lake fails.
pub async fn replay(
    store: &impl ObjectStore,
    object: &ObjectMeta,
    whole: &WholeTables,
    is_dry: bool,
) -> Result<Replayed, ReplayError> {
    let ObjectMeta { key, .. } = object;
    let body = store.get(key).await?;
    let is_given_up = key.starts_with(captured::GIVEN_UP);
    let (event, said) = if is_given_up {
        payload(&body)?
    } else {
        (one_record(&body)?, None)
    };
    let batch = Batch::read(&event)?;
    let unreadable = batch.unreadable.len() as u64;
    if let Some(said) = said
        && said != batch.changes + unreadable
    {
        let found = batch.changes + unreadable;
        return Err(GivenUpError::Size { said, found }.into());
    }
    if !is_given_up && let Some(still) = batch.unreadable.first() {
        return Err(ReplayError::Record(still.reason.clone()));
    }
    if let Some(whole) = batch
        .origin()
        .and_then(|stream| whole.since(stream, object))
    {
        return Err(ReplayError::Included {
            run: whole.run.clone(),
            pipeline: whole.pipeline.clone(),
        });
    }
    let mut replayed = Replayed {
        key: None,
        changes: batch.changes,
        unreadable,
    };
    if is_dry {
        return Ok(replayed);
    }
    let attempt = format!("replay{:016x}", XxHash3_64::oneshot(key.as_bytes()));
    let hour = Hour::of(SystemTime::now());
    replayed.key = batch.store(store, &hour, &attempt).await?;
    documents::commit(store, &captured::replayed(key), &replayed).await?;
    Ok(replayed)
}

/// A batch of the one record that an object is.
fn one_record(object: &[u8]) -> Result<String, GivenUpError> {
    let record: &serde_json::value::RawValue =
        serde_json::from_slice(object).map_err(GivenUpError::Payload)?;
    Ok(format!(r#"{{"Records":[{}]}}"#, record.get()))
}

/// The batches that Lambda gave up and that wait to be replayed, in the order of their keys.
///
/// # Errors
/// If the lake fails.
pub async fn given_up(store: &impl ObjectStore) -> Result<Vec<ObjectMeta>, StoreError> {
    waiting(store, captured::GIVEN_UP, |_| true).await
}

/// The records of no known shape that wait to be replayed, in the order of their keys.
///
/// # Errors
/// If the lake fails.
pub async fn unreadable(store: &impl ObjectStore) -> Result<Vec<ObjectMeta>, StoreError> {
    waiting(store, captured::CHANGES, CapturedStream::is_unreadable).await
}

async fn waiting(
    store: &impl ObjectStore,
    prefix: &str,
    is_one: impl Fn(&str) -> bool,
) -> Result<Vec<ObjectMeta>, StoreError> {
    let mut listed = store.list(prefix).await?;
    let keys = listed.iter().map(|object| object.key.as_str());
    let keys: Vec<&str> = keys.filter(|key| is_one(key)).collect();
    let waiting = captured::waiting(keys.iter().copied()).map(str::to_owned);
    let waiting: std::collections::HashSet<String> = waiting.collect();
    listed.retain(|object| waiting.contains(&object.key));
    Ok(listed)
}
