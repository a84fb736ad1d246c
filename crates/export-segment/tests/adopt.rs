//! Adopting the files of a native export in a lake in memory: that the parts are the files, exactly,
//! whatever stops or overlaps, and that nothing is adopted that the export's manifest does not say.
#![allow(clippy::unwrap_used)] // helpers of tests may unwrap as the tests do

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use contract::states::{ExportSegmentInput, ExportSegmentOutput, ExportTask, Route, Status};
use contract::{ErrorName, Invocation, Named, RunId};
use export_segment::{ExportSegmentError, Settings, handle};
use flate2::Compression;
use flate2::write::GzEncoder;
use lake::memory::poll_at_most;
use lake::native::{ExportFile, NativeExport};
use lake::records::{Encoding, Plan, SegmentRecord};
use lake::{MemoryStore, ObjectStore, RunKeys, documents, part, sample, segment};
use md5::{Digest, Md5};
use profile::Profile;
use serde_json::json;
use source::memory::MemoryTable;
use std::io::Write;
use std::time::{Duration, SystemTime};

const FILES: u32 = 6;
const TASK: ExportTask = ExportTask {
    index: 0,
    first_segment: 0,
    segment_count: FILES,
};

fn run() -> RunId {
    RunId::parse("20261120-173000-1a2b3c4d").unwrap()
}

fn keys() -> RunKeys {
    RunKeys::new("default", &run())
}

/// The lines of a file, the third of which has none.
fn lines(file: u32) -> Vec<String> {
    let count = if file == 2 { 0 } else { 300 + file };
    let line = |n| format!(r#"{{"Item": {{"id":{{"S":"{file}-{n}"}},"n":{{"N":"{n}"}}}}}}"#);
    (0..count).map(line).collect()
}

fn gzip(lines: &[String]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    for line in lines {
        writeln!(encoder, "{line}").unwrap();
    }
    encoder.finish().unwrap()
}

fn file(number: u32, lines: &[String]) -> (ExportFile, Vec<u8>) {
    let bytes = gzip(lines);
    let file = ExportFile {
        key: format!("{}/AWSDynamoDB/1-a/data/{number}.json.gz", keys().native(1)),
        items: lines.len() as u64,
        bytes: bytes.len() as u64,
        md5: STANDARD.encode(Md5::digest(&bytes)),
    };
    (file, bytes)
}

/// A lake with a completed export, changed by `change` before it is written down.
async fn exported(change: impl FnOnce(&mut NativeExport)) -> MemoryStore {
    let store = MemoryStore::new();
    let definition = json!({
        "source": {"dynamodb": {"table": "t"}},
        "dataset": {"label": "n"},
        "training": {"image": "i"},
        "promotion": {"metric": "m", "goal": "minimize"},
    });
    let plan = Plan {
        route: Route::Export,
        segments: 0,
        ..sample::plan(definition)
    };
    documents::write(&store, &keys().plan(), &plan)
        .await
        .unwrap();
    let mut files = Vec::new();
    for number in 0..FILES {
        let (file, bytes) = file(number, &lines(number));
        store.put(&file.key, bytes.into()).await.unwrap();
        files.push(file);
    }
    let mut export = NativeExport {
        first_segment: 0,
        arn: "arn:e".to_owned(),
        items: files.iter().map(|file| file.items).sum(),
        files,
        tasks: vec![TASK],
    };
    change(&mut export);
    documents::write(&store, &keys().native_export(), &export)
        .await
        .unwrap();
    store
}

async fn adopt(
    store: &MemoryStore,
    left: Duration,
) -> Result<ExportSegmentOutput, ExportSegmentError> {
    let input = ExportSegmentInput {
        pipeline: "default".to_owned(),
        run: run(),
        task: TASK,
    };
    let invocation = Invocation {
        attempt: "a".to_owned(),
        deadline: SystemTime::now() + left,
    };
    // A table that would be missed if it were scanned.
    let table = MemoryTable::new("t", Vec::new(), 1);
    let output = handle(store, &table, Settings::default(), input, invocation).await;
    assert!(table.pages_read().is_empty(), "nothing is scanned");
    output
}

const LONG: Duration = Duration::from_mins(10);

/// Compares the manifests and what they list with the files.
async fn is_adopted(store: &MemoryStore) {
    for number in 0..FILES {
        let manifest: SegmentRecord<Profile> = segment::manifest(store, &keys(), number)
            .await
            .unwrap()
            .expect("the segment is whole");
        let wanted = lines(number);
        assert_eq!(manifest.total_segments, FILES);
        assert_eq!(manifest.totals.items, wanted.len() as u64);
        assert_eq!(manifest.profile.items(), wanted.len() as u64);
        assert_eq!(manifest.parts.len(), usize::from(!wanted.is_empty()));
        let mut read = Vec::new();
        for listed in &manifest.parts {
            assert_eq!(listed.encoding, Encoding::Gzip);
            assert_eq!(listed.key, file(number, &wanted).0.key, "in place");
            assert_eq!(listed.bytes, gzip(&wanted).len() as u64);
            part::read_lines(store, listed, |line| {
                read.push(String::from_utf8(line.to_vec()).unwrap());
            })
            .await
            .unwrap();
        }
        assert_eq!(read, wanted);
    }
}

// ---- what is adopted ----

#[tokio::test]
async fn files_become_parts_where_they_lie() {
    let store = exported(|_| ()).await;
    let output = adopt(&store, LONG).await.unwrap();
    assert_eq!((output.status, output.segments_done), (Status::Done, FILES));
    let items: usize = (0..FILES).map(|file| lines(file).len()).sum();
    assert_eq!(output.items, items as u64);
    is_adopted(&store).await;
    let before = store.list("").await.unwrap();
    assert_eq!(adopt(&store, LONG).await.unwrap(), output, "it is done");
    assert_eq!(store.list("").await.unwrap(), before);
}

#[tokio::test]
async fn an_invocation_without_time_adopts_one_file_and_the_next_goes_on() {
    let store = exported(|_| ()).await;
    let mut before = 0;
    for calls in 1.. {
        let output = adopt(&store, Duration::ZERO).await.unwrap();
        assert!(output.segments_done > before, "every call moves on");
        before = output.segments_done;
        if output.status == Status::Done {
            assert!(calls > 1, "the time was respected");
            break;
        }
    }
    is_adopted(&store).await;
}

#[tokio::test]
async fn an_attempt_killed_anywhere_loses_nothing() {
    for (kills, polls) in (1..4000).step_by(3).enumerate() {
        let store = exported(|_| ()).await;
        let ended = poll_at_most(polls, adopt(&store, LONG)).is_some();
        let output = adopt(&store, LONG).await.unwrap();
        assert_eq!(output.status, Status::Done);
        is_adopted(&store).await;
        if ended {
            assert!(kills > 5, "it was killed on its way");
            return;
        }
    }
    panic!("it was never let end");
}

#[tokio::test]
async fn attempts_at_once_adopt_each_file_once_and_remove_none() {
    let store = exported(|_| ()).await;
    let (one, other) = tokio::join!(adopt(&store, LONG), adopt(&store, LONG));
    assert_eq!(one.unwrap(), other.unwrap());
    is_adopted(&store).await;
}

// ---- what is refused ----

async fn refusal(store: &MemoryStore) -> String {
    let error = adopt(store, LONG).await.unwrap_err();
    assert_eq!(error.name(), ErrorName::DatasetInvalid, "{error}");
    let manifest: Option<SegmentRecord<Profile>> =
        segment::manifest(store, &keys(), 1).await.unwrap();
    assert!(manifest.is_none(), "what is refused is not committed");
    format!("{error:#}")
}

#[tokio::test]
async fn a_changed_file_is_refused_by_its_md5_wherever_it_breaks_first() {
    let (one, whole) = file(1, &lines(1));
    let changed = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        bytes
    };
    let mut other = lines(1);
    other[0] = other[0].replace("\"N\"", "\"S\"");
    for (what, bytes) in [
        ("in its header", changed(0)),
        ("in its middle", changed(whole.len() / 2)),
        ("in its checksum", changed(whole.len() - 6)),
        ("cut short", whole[..whole.len() - 20].to_vec()),
        ("of other items", gzip(&other)),
        ("of no items", gzip(&["no item".to_owned()])),
        ("empty", Vec::new()),
    ] {
        let store = exported(|_| ()).await;
        store.put(&one.key, bytes.into()).await.unwrap();
        let says = refusal(&store).await;
        assert!(
            says.contains("MD5") && says.contains(&one.md5) && says.contains(&one.key),
            "{what}: {says}"
        );
    }
}

#[tokio::test]
async fn another_number_of_items_is_refused_with_both() {
    let store = exported(|export| export.files[1].items = 300).await;
    let says = refusal(&store).await;
    assert!(says.contains("items 301 instead of 300"), "{says}");
}

#[tokio::test]
async fn a_line_that_is_no_item_is_refused_though_the_export_vouches_for_it() {
    let mut bad = lines(1);
    bad[7] = r#"{"Item": {"n": {"N": "seven"}}}"#.to_owned();
    let (file, bytes) = file(1, &bad);
    let store = exported(|export| export.files[1] = file.clone()).await;
    store.put(&file.key, bytes.into()).await.unwrap();
    let says = refusal(&store).await;
    assert!(
        says.contains("line 8") && says.contains(&file.key),
        "{says}"
    );
}

#[tokio::test]
async fn a_missing_file_is_told() {
    let store = exported(|_| ()).await;
    let (one, _) = file(1, &lines(1));
    store.delete(&one.key).await.unwrap();
    let error = adopt(&store, LONG).await.unwrap_err();
    assert_eq!(error.name(), ErrorName::NotFound);
    let source = std::error::Error::source(&error).map(ToString::to_string);
    let says = format!("{error}: {source:?}");
    assert!(says.contains(&one.key), "{says}");
}

#[tokio::test]
async fn a_task_that_the_export_does_not_have_is_refused() {
    let store = exported(|export| export.tasks.clear()).await;
    let error = adopt(&store, LONG).await.unwrap_err();
    assert_eq!(error.name(), ErrorName::InvalidRequest);
}
