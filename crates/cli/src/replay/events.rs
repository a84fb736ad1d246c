//! Replays events that the delivery stream's function refused, or that it could not be asked about.

use super::{Left, ReplayError, ReplayedEvents};
use crate::progress::Progress;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use definition::EventsSource;
use events::Transform;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use lake::{ObjectStore, documents};
use plan_export::load;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{Read, Write as _};

/// The ending of the record that says what was replayed of an object.
const REPLAYED: &str = ".replayed.json";
const RECORD: &str = "what was replayed of an object";
/// In the place of a line: the whole object.
const ALL: u64 = 0;
/// The first bytes of every gzip member. Source: RFC 1952, section 2.3.1.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// What was replayed of an object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Replayed {
    /// The objects that its events are in.
    to: Vec<String>,
    /// The records that stay.
    left: Vec<Left>,
}

/// A line of an object that Firehose writes of records whose transformation failed, as far as needed.
///
/// Source: Amazon Data Firehose Developer Guide, "Handle failure in data transformation".
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Failed {
    /// The record as it was put, in base64.
    raw_data: String,
}

/// What the events of a pipeline must have, by its definition in the lake.
///
/// # Errors
/// If the definition cannot be read, or its source is another one.
pub async fn source_of_lake(
    store: &impl ObjectStore,
    pipeline: &str,
) -> Result<EventsSource, ReplayError> {
    let definition = load(store, pipeline, json!({})).await;
    let definition = definition.map_err(|source| ReplayError::Definition {
        pipeline: pipeline.to_owned(),
        source: Box::new(source),
    })?;
    match definition.source.events() {
        Some(source) => Ok(source.clone()),
        None => Err(ReplayError::OtherSource {
            kind: definition.source.kind(),
        }),
    }
}

/// Replays the events of a pipeline, object by object.
///
/// # Errors
/// If the lake fails. Records that cannot be replayed are no error, but in the document.
pub async fn replay(
    store: &impl ObjectStore,
    pipeline: &str,
    source: &EventsSource,
    dry_run: bool,
    progress: &Progress,
) -> Result<ReplayedEvents, ReplayError> {
    let step = progress.step("Replaying events");
    let prefix = lake::events::failed(pipeline);
    let listed = store.list(&prefix).await?;
    let keys: BTreeSet<String> = listed.into_iter().map(|object| object.key).collect();
    let failed = keys.iter().filter(|key| !key.ends_with(REPLAYED));
    let failed: Vec<&String> = failed.collect();
    let mut replay = Replay {
        store,
        pipeline,
        transform: Transform::new(&source.required, &[])?,
        document: ReplayedEvents {
            bucket: store.bucket().to_owned(),
            prefix,
            dry_run,
            ..ReplayedEvents::default()
        },
    };
    for (done, key) in failed.iter().enumerate() {
        step.count(done as u64, failed.len() as u64, "objects");
        let has_record = keys.contains(&record_of(key));
        replay.object(key, has_record).await?;
    }
    let document = replay.document;
    step.done(&format!("{} records", document.replayed));
    Ok(document)
}

fn record_of(key: &str) -> String {
    format!("{key}{REPLAYED}")
}

struct Replay<'a, S> {
    store: &'a S,
    pipeline: &'a str,
    transform: Transform,
    document: ReplayedEvents,
}

impl<S: ObjectStore> Replay<'_, S> {
    /// Replays the records of an object that no earlier call has replayed.
    async fn object(&mut self, key: &str, has_record: bool) -> Result<(), ReplayError> {
        let before: Option<Replayed> = if has_record {
            documents::read_if_there(self.store, &record_of(key), RECORD).await?
        } else {
            None
        };
        let waiting: Option<BTreeSet<u64>> = before
            .as_ref()
            .map(|before| before.left.iter().map(|left| left.line).collect());
        if waiting.as_ref().is_some_and(BTreeSet::is_empty) {
            self.document.already_replayed += 1;
            return Ok(());
        }
        self.document.objects += 1;
        let (mut lines, mut left) = (Vec::new(), Vec::new());
        match text_of(&self.store.get(key).await?) {
            Ok(text) => {
                for (number, record) in (1..).zip(text.split(|byte| *byte == b'\n')) {
                    let is_waiting = waiting
                        .as_ref()
                        .is_none_or(|them| them.contains(&number) || them.contains(&ALL));
                    if !is_waiting || record.trim_ascii().is_empty() {
                        continue;
                    }
                    if let Err(reason) = self.record(record, &mut lines) {
                        left.push(Left {
                            object: key.to_owned(),
                            line: number,
                            reason,
                        });
                    }
                }
            }
            // No line of it can be read: all of it stays.
            Err(error) => left.push(Left {
                object: key.to_owned(),
                line: ALL,
                reason: format!("the object cannot be decompressed: {error}"),
            }),
        }
        let mut record = before.unwrap_or_default();
        self.document.left.extend(left.iter().cloned());
        if self.document.dry_run {
            return Ok(());
        }
        if !lines.is_empty() {
            let to = self.write(&lines).await?;
            if !record.to.contains(&to) {
                record.to.push(to);
            }
        }
        // Written last: a call that ends before writes the same object again, under the same key.
        if left != record.left || !has_record {
            record.left = left;
            documents::write(self.store, &record_of(key), &record).await?;
        }
        Ok(())
    }

    /// Appends the lines of a record, all of them or none.
    fn record(&mut self, record: &[u8], lines: &mut Vec<u8>) -> Result<(), String> {
        let failed: Failed = serde_json::from_slice(record)
            .map_err(|error| format!("it is no record of a failed transformation: {error}"))?;
        let raw = STANDARD
            .decode(&failed.raw_data)
            .map_err(|error| format!("its rawData is not base64: {error}"))?;
        let counts = self
            .transform
            .record(&raw, lines)
            .map_err(|refusal| refusal.to_string())?;
        self.document.replayed += 1;
        self.document.lines += counts.kept;
        self.document.dropped += counts.dropped;
        Ok(())
    }

    /// Writes lines where a run of events finds them. The same lines have the same key.
    async fn write(&self, lines: &[u8]) -> Result<String, ReplayError> {
        let mut hash = String::new();
        for byte in Sha256::digest(lines) {
            // Writing to memory cannot fail.
            let _ = write!(hash, "{byte:02x}");
        }
        let key = lake::events::replayed(self.pipeline, &hash);
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(lines).map_err(ReplayError::Compress)?;
        let body = encoder.finish().map_err(ReplayError::Compress)?;
        self.store.put_if_absent(&key, body.into()).await?;
        Ok(key)
    }
}

/// The text of an object, compressed or not.
fn text_of(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    if !bytes.starts_with(&GZIP) {
        return Ok(bytes.to_vec());
    }
    let mut text = Vec::new();
    MultiGzDecoder::new(bytes).read_to_end(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lake::MemoryStore;

    const FAILED: &str = "events-failed/films/processing-failed/2026/11/29/07/stream-1";

    fn source(required: &[&str]) -> EventsSource {
        let source = json!({"id": ["event_id"], "required": required});
        serde_json::from_value(source).unwrap()
    }

    fn failed(raw: &str) -> String {
        // As in AWS's documents, with the misspelt name that some have.
        let record = json!({
            "attemptsMade": 4, "arrivalTimestamp": 1_795_195_800_000_u64,
            "errorCode": "Lambda.FunctionError", "errorMessage": "The function failed",
            "attemptEndingTimestamp": 1_795_195_860_000_u64, "rawData": STANDARD.encode(raw),
            "lambdaARN": "arn:aws:lambda:eu-central-1:123456789012:function:transform-records",
        });
        format!("{record}\n")
    }

    async fn run(store: &MemoryStore, required: &[&str], dry_run: bool) -> ReplayedEvents {
        let progress = Progress::quiet();
        replay(store, "films", &source(required), dry_run, &progress)
            .await
            .unwrap()
    }

    async fn delivered(store: &MemoryStore) -> Vec<String> {
        let mut lines = Vec::new();
        for object in store.list("events/films/replayed/").await.unwrap() {
            let text = text_of(&store.get(&object.key).await.unwrap()).unwrap();
            let text = String::from_utf8(text).unwrap();
            lines.extend(text.lines().map(str::to_owned));
        }
        lines
    }

    #[tokio::test]
    async fn what_failed_is_replayed_once_and_what_fails_again_stays() {
        let store = MemoryStore::new();
        let text = [
            failed("{\"event_id\": \"e-1\", \"n\": 1.50}"),
            failed("{\"event_id\": \"e-2\"}\n{\"event_id\": \"e-3\"}"),
            failed("{\"n\": 7}"),
            failed("no JSON"),
            "{\"errorCode\": \"of something else\"}\n".to_owned(),
        ]
        .concat();
        store.put(FAILED, text.into()).await.unwrap();

        let dry = run(&store, &["event_id"], true).await;
        assert_eq!((dry.objects, dry.replayed, dry.lines), (1, 2, 3));
        assert!(delivered(&store).await.is_empty());

        let first = run(&store, &["event_id"], false).await;
        let left: Vec<_> = first.left.iter().map(|left| left.line).collect();
        assert_eq!((first.replayed, first.lines, left), (2, 3, vec![3, 4, 5]));
        assert!(first.check().is_err());
        assert!(
            first.left[0].reason.contains("event_id"),
            "{:?}",
            first.left
        );
        assert!(first.text().contains("left: line 4 of"), "{}", first.text());
        let lines = delivered(&store).await;
        assert_eq!(
            lines[0],
            "{\"Item\":{\"event_id\":{\"S\":\"e-1\"},\"n\":{\"N\":\"1.50\"}}}"
        );
        assert_eq!(lines.len(), 3);

        // Twice is once, and a rule that is gone lets one more pass.
        let again = run(&store, &["event_id"], false).await;
        assert_eq!((again.replayed, again.left.len()), (0, 3));
        assert_eq!(delivered(&store).await, lines);
        let third = run(&store, &[], false).await;
        assert_eq!((third.replayed, third.left.len()), (1, 2));
        assert_eq!(delivered(&store).await.len(), 4);
        let record: Replayed = documents::read(&store, &record_of(FAILED), RECORD)
            .await
            .unwrap();
        assert_eq!((record.to.len(), record.left.len()), (2, 2));
    }

    #[tokio::test]
    async fn a_call_that_dies_anywhere_leaves_each_event_once() {
        for polls in 0..40 {
            let store = MemoryStore::new();
            for number in 0..3 {
                let text = failed(&format!("{{\"event_id\": \"e-{number}\"}}"));
                let key = format!("{FAILED}-{number}");
                store.put(&key, text.into()).await.unwrap();
            }
            let _ = lake::memory::poll_at_most(polls, run(&store, &["event_id"], false));
            let rest = run(&store, &["event_id"], false).await;
            assert!(rest.check().is_ok());
            let mut lines = delivered(&store).await;
            lines.sort_unstable();
            lines.dedup();
            assert_eq!((lines.len(), delivered(&store).await.len()), (3, 3));
            let last = run(&store, &["event_id"], false).await;
            assert_eq!((last.objects, last.already_replayed), (0, 3));
        }
    }

    #[tokio::test]
    async fn an_object_is_read_whether_it_is_compressed_or_not() {
        let store = MemoryStore::new();
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        let text = failed("{\"event_id\": \"e-1\"}") + &failed("{\"event_id\": \"e-2\"}");
        encoder.write_all(text.as_bytes()).unwrap();
        let body = encoder.finish().unwrap();
        let cut = body[..body.len() / 2].to_vec();
        store.put(FAILED, body.into()).await.unwrap();
        let broken = format!("{FAILED}-cut");
        store.put(&broken, cut.into()).await.unwrap();
        let document = run(&store, &["event_id"], false).await;
        assert_eq!((document.replayed, document.left.len()), (2, 1));
        assert_eq!(document.left[0].object, broken);
        // The object itself is mended.
        store.put(&broken, text.into()).await.unwrap();
        let document = run(&store, &["event_id"], false).await;
        assert_eq!((document.replayed, document.left.len()), (2, 0));
        assert_eq!(delivered(&store).await.len(), 2, "the same events, once");
    }
}
