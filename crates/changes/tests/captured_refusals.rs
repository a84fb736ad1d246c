//! What is no object of captured changes is refused by name, with the object, the line and the reason.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

mod support;

use changes::{Compact, Compacted, seal_captured};
use contract::{ErrorName, Named};
use lake::captured::{CapturedStream, Hour, SequenceNumber};
use lake::part::PartWriter;
use lake::records::{
    CaptureSource, CapturedChanges, CapturedFile, ChangeView, ChangedRecord, ChangesRecord,
};
use lake::{ObjectStore, RunKeys};
use std::time::{Duration, SystemTime};
use support::stream::ARN;
use support::{KEY, Table, World, now};
use tokio::time::Instant;

const NEW: &str = r#"{"pk":{"S":"k"},"sk":{"N":"1"},"v":{"N":"1"}}"#;
const KEYS: &str = r#"{"pk":{"S":"k"},"sk":{"N":"1.0"}}"#;

fn metadata(number: &str, event: &str) -> String {
    format!(r#"{{"SequenceNumber":{{"S":"{number}"}},"EventName":{{"S":"{event}"}}}}"#)
}

fn insert(number: &str) -> String {
    let metadata = metadata(number, "INSERT");
    format!(r#"{{"Metadata":{metadata},"Keys":{KEYS},"NewImage":{NEW}}}"#)
}

fn number(text: &str) -> SequenceNumber {
    text.parse().unwrap()
}

/// A run over an empty base that merges an object with these lines, whose key says these numbers.
struct Run {
    world: World,
    keys: RunKeys,
    changes: ChangesRecord,
    object: String,
}

impl Run {
    fn new(lines: &[String], first: &str, last: &str) -> Self {
        let mut random = fastrand::Rng::with_seed(1);
        let mut world = World::default();
        let (base, export) = world.adopt(&mut random, &Table::new());
        let source = CaptureSource {
            stream_arn: ARN.to_owned(),
            mapping: "m-1".to_owned(),
            listed_at: 1_795_860_000,
        };
        let segments = export.segments();
        let sealed = seal_captured(&world.lake, &base, &source, segments, source.listed_at);
        let base = now(sealed).unwrap();
        let stream = CapturedStream::of_arn(ARN).unwrap();
        let hour = Hour::of(SystemTime::UNIX_EPOCH + Duration::from_hours(498_850));
        let object = stream.object(&hour, &number(first), &number(last), "a");
        let mut writer = PartWriter::new(&world.lake, object.clone()).unwrap();
        for line in lines {
            let only = std::iter::once(line.as_bytes());
            let text = format!("{line}\n");
            now(writer.append(text.as_bytes(), only, |_, _| ())).unwrap();
        }
        let part = now(writer.finish()).unwrap().unwrap();
        let changes = ChangesRecord {
            key_attributes: KEY.map(str::to_owned).to_vec(),
            view: ChangeView::NewAndOldImages,
            segments: changes::bins(&world.parts(&base), 400),
            base,
            windows: Vec::new(),
            captured: Some(CapturedChanges {
                source,
                objects: vec![CapturedFile {
                    key: object.clone(),
                    size: part.bytes,
                }],
                keep_expired: false,
                settles: true,
            }),
            audit: false,
        };
        let keys = world.run();
        Self {
            world,
            keys,
            changes,
            object,
        }
    }

    fn compact(&self) -> Result<ChangedRecord, (ErrorName, String)> {
        let compact = Compact {
            store: &self.world.lake,
            keys: &self.keys,
            changes: &self.changes,
            declared: &[],
            attempt: "a",
            part_bytes: u64::MAX,
            stop: Instant::now() + Duration::from_hours(1),
        };
        match now(compact.run()) {
            Ok(Compacted::Done(record)) => Ok(record),
            Ok(other) => panic!("{other:?}"),
            Err(error) => Err((error.name(), contract::chain(&error))),
        }
    }

    fn refused(&self) -> (ErrorName, String) {
        self.compact().unwrap_err()
    }
}

#[test]
fn numbers_of_all_lengths_are_read_and_equal_ones_are_one() {
    let longest = "9".repeat(40);
    for (first, last) in [
        ("000000000000000000007", "0000000000000000000000000008"),
        ("111111111111111111111", longest.as_str()),
        ("0", "0"),
    ] {
        let lines = [first, last, last].map(insert);
        let record = Run::new(&lines, first, last).compact().unwrap();
        assert_eq!((record.keys, record.changes), (1, 3));
        // The second insertion does not follow from the first.
        assert_eq!(record.disagreed, u64::from(first != last), "{first}");
    }
}

#[test]
fn a_line_that_is_no_change_is_named() {
    let metadata = metadata("7", "MODIFY");
    let long = insert(&"1".repeat(41));
    let other = NEW.replace(r#""sk":{"N":"1"}"#, r#""sk":{"N":"2"}"#);
    let line = |event: &str, members: &str| {
        let metadata = self::metadata("7", event);
        format!(r#"{{"Metadata":{metadata},"Keys":{KEYS}{members}}}"#)
    };
    let new = format!(r#","NewImage":{NEW}"#);
    let old = format!(r#","OldImage":{NEW}"#);
    for (bad, says) in [
        (
            format!(r#"{{"Metadata":{metadata}{new}}}"#),
            "`Keys` is missing",
        ),
        (
            format!(r#"{{"Keys":{KEYS}{new}}}"#),
            "`Metadata` is missing",
        ),
        (
            format!(r#"{{"Metadata":{{}},"Keys":{KEYS}{new}}}"#),
            "`SequenceNumber`",
        ),
        (long, "`SequenceNumber`"),
        (insert("7").replace("\"7\"", "\"-7\""), "`SequenceNumber`"),
        (line("UPSERT", &new), "\"UPSERT\""),
        (line("MODIFY", &new), "does not fit its images"),
        (
            line("INSERT", &format!("{new}{old}")),
            "does not fit its images",
        ),
        (line("REMOVE", ""), "does not fit its images"),
        (line("REMOVE", &new), "does not fit its images"),
        (line("INSERT", r#","NewImage":null"#), "expected"),
        (line("INSERT", r#","NewImage":{}"#), "is missing"),
        (
            line("INSERT", &format!(r#","NewImage":{other}"#)),
            "another key",
        ),
        (format!(r#"{{"Item":{NEW}}}"#), "full export"),
        (line("INSERT", &new)[..90].to_owned(), "expected"),
    ] {
        let run = Run::new(&[insert("5"), bad.clone()], "5", "7");
        let (name, words) = run.refused();
        assert_eq!(name, ErrorName::DatasetInvalid, "{bad}: {words}");
        let place = format!("line 2 of s3://memory/{}", run.object);
        assert!(
            words.contains(&place) && words.contains(says),
            "{bad}: {words}"
        );
    }
}

#[test]
fn an_object_that_is_not_as_it_was_listed_is_refused() {
    let lines: Vec<_> = (10..60).map(|at| insert(&at.to_string())).collect();
    let run = || Run::new(&lines, "10", "59");
    let whole = now(run().world.lake.get(&run().object)).unwrap();

    let cut = run();
    now(cut
        .world
        .lake
        .put(&cut.object, whole.slice(..whole.len() - 5)))
    .unwrap();
    let (name, words) = cut.refused();
    assert_eq!(name, ErrorName::DatasetInvalid);
    assert!(words.contains("the number of its bytes"), "{words}");

    for at in [6, whole.len() / 2, whole.len() - 1] {
        let flipped = run();
        let mut bytes = whole.to_vec();
        bytes[at] ^= 4;
        now(flipped.world.lake.put(&flipped.object, bytes.into())).unwrap();
        let (name, words) = flipped.refused();
        assert_eq!(name, ErrorName::DatasetInvalid, "{at}: {words}");
    }

    let gone = run();
    now(gone.world.lake.delete(&gone.object)).unwrap();
    let (name, words) = gone.refused();
    assert_eq!(name, ErrorName::NotFound);
    assert!(words.contains("start a new run"), "{words}");

    // Lines of another object under its key.
    let (name, words) = Run::new(&lines, "10", "60").refused();
    assert_eq!(name, ErrorName::DatasetInvalid);
    assert!(
        words.contains("the range of its sequence numbers"),
        "{words}"
    );
}
