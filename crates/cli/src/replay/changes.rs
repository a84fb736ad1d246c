//! Replays what did not get into the captured changes of a table's stream.

use super::ReplayError;
use crate::progress::{Step, count};
use changes::capture;
use contract::chain;
use lake::{ObjectMeta, ObjectStore};
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt::Write;

/// The result as JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReplayedChanges {
    /// The lake's bucket.
    pub bucket: String,
    /// Whether nothing was written.
    pub dry_run: bool,
    /// What was replayed, or would be.
    pub replayed: Vec<Replayed>,
    /// What stays as it is.
    pub stays: Vec<Stays>,
}

/// An object that was replayed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Replayed {
    /// Its key.
    pub object: String,
    /// Its changes.
    pub changes: u64,
    /// Its records of no known shape.
    pub unreadable: u64,
    /// Key of the captured changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// An object that was not replayed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Stays {
    /// Its key.
    pub object: String,
    /// Why.
    pub reason: String,
}

/// Replays the batches that Lambda gave up, and the records whose shape was not known. With `dry_run`
/// it only says what it would do.
///
/// # Errors
/// If the lake refuses. An object that cannot be replayed is no error here: it stays.
pub async fn replay(
    store: &impl ObjectStore,
    dry_run: bool,
    step: &Step,
) -> Result<ReplayedChanges, ReplayError> {
    let mut document = ReplayedChanges {
        bucket: store.bucket().to_owned(),
        dry_run,
        ..ReplayedChanges::default()
    };
    let whole = capture::WholeTables::read(store).await?;
    let given_up = capture::given_up(store).await?;
    replay_all(store, given_up, &whole, &mut document, step).await?;
    // After the others, among whose records may be some of these.
    let unreadable = capture::unreadable(store).await?;
    replay_all(store, unreadable, &whole, &mut document, step).await?;
    Ok(document)
}

async fn replay_all(
    store: &impl ObjectStore,
    objects: Vec<ObjectMeta>,
    whole: &capture::WholeTables,
    document: &mut ReplayedChanges,
    step: &Step,
) -> Result<(), ReplayError> {
    let total = objects.len() as u64;
    for (done, object) in (1..).zip(objects) {
        match capture::replay(store, &object, whole, document.dry_run).await {
            Ok(replayed) => document.replayed.push(Replayed {
                object: object.key,
                changes: replayed.changes,
                unreadable: replayed.unreadable,
                key: replayed.key,
            }),
            // What the lake refuses once it refuses again.
            Err(capture::ReplayError::Capture(capture::CaptureError::Store(error))) => {
                return Err(error.into());
            }
            Err(capture::ReplayError::Document(error)) => {
                return Err(error.into());
            }
            Err(error) => document.stays.push(Stays {
                object: object.key,
                reason: chain(&error),
            }),
        }
        step.count(done, total, "objects");
    }
    Ok(())
}

impl ReplayedChanges {
    /// The result as text.
    pub fn text(&self) -> String {
        let Self {
            bucket,
            dry_run,
            replayed,
            stays,
        } = self;
        let done = if *dry_run { "would replay" } else { "replayed" };
        let changes = replayed.iter().map(|it| it.changes).sum();
        let mut text = format!(
            "s3://{bucket}: {done} {} objects with {} changes\n",
            count(replayed.len() as u64),
            count(changes),
        );
        for it in replayed.iter().filter(|it| it.unreadable > 0) {
            let (number, object) = (count(it.unreadable), &it.object);
            // Writing to memory cannot fail.
            let _ = writeln!(text, "  {number} records of {object} are of no known shape");
        }
        for Stays { object, reason } in stays {
            let _ = writeln!(text, "  STAYS s3://{bucket}/{object}: {reason}");
        }
        text
    }

    /// # Errors
    /// If an object stays.
    pub const fn outcome(&self) -> Result<(), ReplayError> {
        match self.stays.len() {
            0 => Ok(()),
            count => Err(ReplayError::Stays { count }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Progress;
    use bytes::Bytes;
    use lake::captured;
    use lake::{MemoryStore, ObjectStore};
    use serde_json::json;

    const GIVEN_UP: &str = "aws/lambda/m/shard/2026/11/28/one";

    fn record(number: &str) -> serde_json::Value {
        json!({
            "eventName": "REMOVE",
            "eventSourceARN": "arn:aws:dynamodb:eu-west-1:1:table/t/stream/l",
            "dynamodb": {
                "SequenceNumber": number,
                "Keys": {"id": {"N": "1"}},
                "OldImage": {"id": {"N": "1"}},
            },
        })
    }

    async fn put(store: &MemoryStore, key: &str, json: &serde_json::Value) {
        store.put(key, json.to_string().into()).await.unwrap();
    }

    async fn run(store: &MemoryStore, dry_run: bool) -> ReplayedChanges {
        let step = Progress::quiet().step("Replaying");
        replay(store, dry_run, &step).await.unwrap()
    }

    #[tokio::test]
    async fn what_was_given_up_is_replayed_once() {
        let store = MemoryStore::new();
        let event = json!({"Records": [record("7"), record("8")]}).to_string();
        put(&store, GIVEN_UP, &json!({"payload": event})).await;
        let seen = run(&store, true).await;
        assert!(seen.outcome().is_ok() && seen.replayed[0].key.is_none());
        assert_eq!(
            seen.text(),
            "s3://memory: would replay 1 objects with 2 changes\n"
        );
        assert_eq!(store.list("").await.unwrap().len(), 1, "nothing is written");

        let done = run(&store, false).await;
        let key = done.replayed[0].key.clone().unwrap();
        let parsed = captured::CapturedObject::parse(&key).unwrap();
        assert_eq!(
            (parsed.first, parsed.last),
            ("7".parse().unwrap(), "8".parse().unwrap())
        );
        let again = run(&store, false).await;
        assert_eq!((again.replayed.len(), again.stays.len()), (0, 0));
    }

    #[tokio::test]
    async fn what_cannot_be_replayed_stays_and_says_why() {
        let store = MemoryStore::new();
        let event = json!({"Records": [record("7"), {"strange": 1}]}).to_string();
        put(&store, GIVEN_UP, &json!({"payload": event})).await;
        let cut = json!({"payload": event, "DDBStreamBatchInfo": {"batchSize": 3}});
        put(&store, "aws/lambda/m/shard/2026/11/28/two", &cut).await;
        store
            .put("aws/lambda/m/shard/x", Bytes::from("no JSON"))
            .await
            .unwrap();
        let done = run(&store, false).await;
        assert_eq!(done.replayed.len(), 1);
        let reasons: Vec<_> = done.stays.iter().map(|it| it.reason.as_str()).collect();
        assert!(
            reasons[0].contains("holds 2 records, and its `batchSize` is 3"),
            "{reasons:?}"
        );
        assert!(
            reasons[1].starts_with("it is no record of a batch"),
            "{reasons:?}"
        );
        // Its own stream is known no more.
        assert!(reasons[2].contains("eventSourceARN"), "{reasons:?}");
        assert!(matches!(
            done.outcome(),
            Err(ReplayError::Stays { count: 3 })
        ));
        assert_eq!(
            done.text()
                .lines()
                .filter(|line| line.contains("STAYS s3://"))
                .count(),
            3
        );
    }
}
