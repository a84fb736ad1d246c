//! What reading a run again says of it: that it is sound, or which object is not as committed.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

use bytes::Bytes;
use contract::RunId;
use contract::states::{ExportTask, RowCounts};
use lake::part::PartWriter;
use lake::records::{
    ChannelFile, Checksum, DatasetRecord, FileDigest, FilePiece, ListedObject, Objects, Part,
    ScanTotals, SegmentRecord,
};
use lake::verify::{Verification, verify};
use lake::{MemoryStore, ObjectStore, RunKeys, documents, segment, vocabulary};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Mutex;

const SEGMENTS: u32 = 3;
const ROWS: &str = "1,2\n3,4\n";

fn keys() -> RunKeys {
    RunKeys::new("p", &RunId::parse("20261120-173000-1a2b3c4d").unwrap())
}

async fn part(store: &MemoryStore, segment: u32, attempt: &str) -> Part {
    let key = keys().part(segment, 0, attempt);
    let mut writer = PartWriter::new(store, key).unwrap();
    for number in 0..100 {
        let line = format!("{{\"Item\":{{\"n\":{{\"N\":\"{segment}{number}\"}}}}}}\n");
        let (bytes, text) = (line.as_bytes(), line.trim_end().as_bytes());
        writer
            .append(bytes, std::iter::once(text), |_, _| ())
            .await
            .unwrap();
    }
    writer.finish().await.unwrap().unwrap()
}

async fn commit(store: &MemoryStore, segment: u32, parts: Vec<Part>) {
    let mut totals = ScanTotals::default();
    for part in &parts {
        totals.add_part(part);
    }
    let record = SegmentRecord {
        parts,
        totals,
        ..SegmentRecord::new(segment, SEGMENTS, json!({"items": 100}))
    };
    segment::commit(store, &keys(), 0, &record, None)
        .await
        .unwrap();
}

/// A whole run: a segment of two parts, one of one, an empty one; and a part of a killed attempt.
async fn run() -> MemoryStore {
    let store = MemoryStore::new();
    let tasks = [(0, 0, 2), (1, 2, 1)].map(|(index, first_segment, segment_count)| ExportTask {
        index,
        first_segment,
        segment_count,
    });
    documents::write(&store, &keys().tasks(), &tasks)
        .await
        .unwrap();
    let (one, other) = (part(&store, 0, "a").await, part(&store, 0, "b").await);
    commit(&store, 0, vec![one, other]).await;
    let only = part(&store, 1, "a").await;
    commit(&store, 1, vec![only]).await;
    part(&store, 1, "killed").await;
    commit(&store, 2, Vec::new()).await;
    store
}

/// The same, with a dataset.
async fn dataset(store: &MemoryStore, rejected: u64) {
    let mut checksum = Checksum::default();
    ROWS.lines().for_each(|line| {
        checksum.add_line(line.as_bytes());
    });
    let key = keys().channel_file("train", 0, "csv");
    store
        .put(&key, Bytes::from_static(ROWS.as_bytes()))
        .await
        .unwrap();
    let users = BTreeMap::from([("user".to_owned(), vec!["u1".to_owned(), "u2".to_owned()])]);
    let record = DatasetRecord {
        run: keys().run().clone(),
        rows: RowCounts {
            train: 2,
            validation: 0,
            rejected,
            ..RowCounts::default()
        },
        channels: vec!["train".to_owned()],
        content_type: "text/csv".to_owned(),
        features: None,
        classes: None,
        vocabularies: vocabulary::write(store, &keys(), &users).await.unwrap(),
        columns: json!({}),
        sample: None,
        rejected: Vec::new(),
        files: vec![ChannelFile {
            channel: "train".to_owned(),
            key,
            rows: 2,
            bytes: ROWS.len() as u64,
            digest: None,
            pieces: Vec::new(),
            checksum: Some(checksum),
            objects: None,
        }],
    };
    documents::write(store, &keys().dataset(), &record)
        .await
        .unwrap();
}

async fn verified(store: &MemoryStore) -> Verification {
    verify(store, &keys(), &|_, _| ()).await.unwrap()
}

#[tokio::test]
async fn a_damaged_vocabulary_is_told() {
    let store = run().await;
    dataset(&store, 298).await;
    assert!(verified(&store).await.is_sound());
    let key = keys().vocabulary(0);
    let whole = store.get(&key).await.unwrap();
    let cut = whole.slice(..whole.len() - 3);
    store.put(&key, cut).await.unwrap();
    assert!(finding(&store).await.contains(&key));
}

/// The only finding's line.
async fn finding(store: &MemoryStore) -> String {
    let findings = verified(store).await.findings;
    assert_eq!(findings.len(), 1, "{findings:?}");
    findings[0].to_string()
}

#[tokio::test]
async fn a_sound_run_is_told_with_its_counts() {
    let store = run().await;
    let progress = Mutex::new(Vec::new());
    let told = verify(&store, &keys(), &|done, total| {
        progress.lock().unwrap().push((done, total));
    })
    .await
    .unwrap();
    assert!(told.is_sound(), "{:?}", told.findings);
    assert_eq!((told.segments, told.parts, told.files), (3, 3, 0));
    assert_eq!((told.exported.items, told.rows), (300, None));
    let killed = keys().part(1, 0, "killed");
    assert_eq!(told.unlisted, [killed]);
    let progress = progress.into_inner().unwrap();
    assert_eq!((progress[0].0, progress.len()), (0, 4));
    assert!(progress.is_sorted() && progress[3].0 == progress[3].1);

    dataset(&store, 298).await;
    let told = verified(&store).await;
    assert!(told.is_sound(), "{:?}", told.findings);
    assert_eq!(
        (told.files, told.rows.map(RowCounts::total)),
        (1, Some(300))
    );
}

#[tokio::test]
async fn a_part_that_is_gone_cut_or_another_ones_is_found() {
    let store = run().await;
    let (one, other) = (keys().part(0, 0, "a"), keys().part(1, 0, "a"));
    let whole = store.get(&one).await.unwrap();
    store
        .put(&one, whole.slice(..whole.len() - 7))
        .await
        .unwrap();
    assert!(finding(&store).await.contains("is not readable as zstd"));
    store
        .put(&one, store.get(&other).await.unwrap())
        .await
        .unwrap();
    let line = finding(&store).await;
    assert!(line.contains(&one) && line.contains("100 items") && line.contains("instead of"));
    store.delete(&one).await.unwrap();
    assert!(finding(&store).await.contains("there is no object"));
}

#[tokio::test]
async fn a_segment_without_manifest_and_counts_that_differ_are_found() {
    let store = run().await;
    store.delete(&keys().segment_manifest(2)).await.unwrap();
    assert!(
        finding(&store)
            .await
            .starts_with("segment 2 has no manifest")
    );

    let store = run().await;
    let manifest = keys().segment_manifest(1);
    let text = String::from_utf8(store.get(&manifest).await.unwrap().to_vec()).unwrap();
    let totals = text.replace("\"totals\":{\"items\":100", "\"totals\":{\"items\":101");
    assert_ne!(text, totals);
    store.put(&manifest, Bytes::from(totals)).await.unwrap();
    assert!(
        finding(&store)
            .await
            .contains("segment 1, its parts together")
    );
}

#[tokio::test]
async fn a_dataset_that_lost_a_row_is_found() {
    let store = run().await;
    dataset(&store, 297).await;
    let line = finding(&store).await;
    assert!(
        line.contains("items exported") && line.contains("300 and 299"),
        "{line}"
    );

    dataset(&store, 298).await;
    let key = keys().channel_file("train", 0, "csv");
    store
        .put(&key, Bytes::from_static(b"1,2\n3,5\n"))
        .await
        .unwrap();
    let line = finding(&store).await;
    assert!(
        line.contains(&key) && line.contains("instead of 2 rows"),
        "{line}"
    );
}

/// The pieces of a joined file. Two are of the same length, and one is longer than a frame.
const PIECES: [&[u8]; 4] = [b"first", &[7; 5000], b"other", b"!"];

/// A run whose training file was joined of pieces, each of a row.
async fn joined() -> (MemoryStore, String) {
    let store = run().await;
    dataset(&store, 296).await;
    let mut record: DatasetRecord = documents::read(&store, &keys().dataset(), "a dataset")
        .await
        .unwrap();
    let piece = |bytes: &&[u8]| {
        let mut digest = FileDigest::default();
        digest.add(bytes);
        FilePiece {
            bytes: bytes.len() as u64,
            digest: digest.finish(),
        }
    };
    let key = keys().channel_whole("train", "rec");
    record.rows.train = 4;
    record.files[0] = ChannelFile {
        key: key.clone(),
        rows: 4,
        bytes: PIECES.concat().len() as u64,
        pieces: PIECES.iter().map(piece).collect(),
        checksum: None,
        ..record.files[0].clone()
    };
    documents::write(&store, &keys().dataset(), &record)
        .await
        .unwrap();
    (store, key)
}

#[tokio::test]
async fn a_joined_file_is_compared_piece_by_piece() {
    let (store, key) = joined().await;
    let put = async |pieces: [&[u8]; 4]| {
        let file = Bytes::from(pieces.concat());
        store.put(&key, file).await.unwrap();
    };
    put(PIECES).await;
    let sound = verified(&store).await;
    assert!(sound.is_sound(), "{:?}", sound.findings);

    let [first, long, other, last] = PIECES;
    let mut flipped = long.to_vec();
    flipped[4321] ^= 1;
    for (what, pieces) in [
        (
            "two of the same length are exchanged",
            [other, long, first, last],
        ),
        ("one is another one's", [first, long, first, last]),
        ("they are in another order", [first, other, long, last]),
        ("a bit is flipped", [first, &flipped, other, last]),
        ("the last one is gone", [first, long, other, b""]),
        ("one is cut", [first, &long[1..], other, last]),
        ("something is behind them", [first, long, other, b"!!"]),
    ] {
        put(pieces).await;
        let findings = verified(&store).await.findings;
        assert_eq!(findings.len(), 1, "{what}: {findings:?}");
        let line = findings[0].to_string();
        assert!(
            line.contains(&key) && line.contains("instead of 4 rows"),
            "{what}: {line}"
        );
    }
}

/// A channel of an object for each row, with the list of them.
async fn with_objects(store: &MemoryStore) -> String {
    dataset(store, 298).await;
    let prefix = keys().objects("train", 0, "a");
    let mut lines = String::new();
    for name in ["cat/1.jpg", "dog/2.jpg"] {
        let mut digest = FileDigest::default();
        digest.add(name.as_bytes());
        let object = ListedObject {
            digest: digest.finish(),
            bytes: name.len() as u64,
            path: name.to_owned(),
        };
        lines += &object.line();
        let key = format!("{prefix}{name}");
        store.put(&key, name.into()).await.unwrap();
    }
    let mut digest = FileDigest::default();
    digest.add(lines.as_bytes());
    let key = keys().packed("train", 0, "a", "objects");
    let mut record: DatasetRecord = documents::read(store, &keys().dataset(), "the dataset")
        .await
        .unwrap();
    record.files[0] = ChannelFile {
        channel: "train".to_owned(),
        key: key.clone(),
        rows: 2,
        bytes: lines.len() as u64,
        digest: Some(digest.finish()),
        pieces: Vec::new(),
        checksum: None,
        objects: Some(Objects {
            prefix: prefix.clone(),
            bytes: 18,
        }),
    };
    store.put(&key, lines.into()).await.unwrap();
    documents::write(store, &keys().dataset(), &record)
        .await
        .unwrap();
    prefix
}

#[tokio::test]
async fn an_object_that_is_gone_replaced_or_not_listed_is_found() {
    let store = run().await;
    let prefix = with_objects(&store).await;
    let progress = Mutex::new(Vec::new());
    let told = verify(&store, &keys(), &|done, total| {
        progress.lock().unwrap().push((done, total));
    })
    .await
    .unwrap();
    assert!(told.is_sound(), "{:?}", told.findings);
    let (done, total) = *progress.lock().unwrap().last().unwrap();
    assert_eq!(done, total);

    let (cat, other) = (format!("{prefix}cat/1.jpg"), format!("{prefix}cat/3.jpg"));
    store.put(&cat, "dog/2.jpg".into()).await.unwrap();
    let line = finding(&store).await;
    assert!(
        line.contains(&cat) && line.contains("does not hold"),
        "{line}"
    );
    store.delete(&cat).await.unwrap();
    let line = finding(&store).await;
    assert!(
        line.contains("there is no object") && line.contains(&cat),
        "{line}"
    );
    store.put(&cat, "cat/1.jpg".into()).await.unwrap();
    store.put(&other, "x".into()).await.unwrap();
    let line = finding(&store).await;
    assert!(
        line.contains(&other) && line.contains("does not have it"),
        "{line}"
    );
}
