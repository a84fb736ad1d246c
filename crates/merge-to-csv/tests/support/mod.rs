//! A lake in memory after an export, and the steps to a sealed dataset.

#![allow(
    clippy::unwrap_used,
    dead_code,
    reason = "helpers of several test files"
)]

use contract::states::{MergeToCsvInput, RowCounts, RunInput};
use contract::{Invocation, RunId};
use definition::Definition;
use flate2::Compression;
use flate2::write::GzEncoder;
use lake::part::{LineCount, PartWriter};
use lake::records::{DatasetRecord, Encoding, Part, Plan, SegmentRecord};
use lake::{MemoryStore, ObjectStore, RunKeys, documents, sample, segment};
use merge_to_csv::MergeToCsvError;
use profile::Profile;
use serde_json::{Value, json};
use std::io::Write as _;
use std::time::{Duration, SystemTime};
use twox_hash::XxHash3_64;

pub fn input() -> RunInput {
    RunInput {
        pipeline: "default".to_owned(),
        run: RunId::parse("20261120-173000-1a2b3c4d").unwrap(),
    }
}

pub fn keys() -> RunKeys {
    RunKeys::new(&input().pipeline, &input().run)
}

pub fn invocation() -> Invocation {
    Invocation {
        attempt: "a".to_owned(),
        deadline: SystemTime::now() + Duration::from_mins(15),
    }
}

/// A lake of these segments, each of parts of lines.
pub async fn exported(
    segments: &[Vec<Vec<Vec<u8>>>],
    encoding: Encoding,
    dataset: Value,
    training: Value,
) -> MemoryStore {
    let store = MemoryStore::new();
    let definition = json!({
        "source": {"dynamodb": {"table": "t"}},
        "dataset": dataset,
        "training": training,
        "promotion": {"metric": "m", "goal": "minimize"},
    });
    let count = u32::try_from(segments.len()).unwrap();
    let plan = Plan {
        key_attributes: vec!["user".to_owned(), "item".to_owned()],
        segments: count,
        ..sample::plan(definition)
    };
    documents::write(&store, &keys().plan(), &plan)
        .await
        .unwrap();
    for (number, parts) in (0..).zip(segments) {
        let mut record = SegmentRecord::new(number, count, Profile::new());
        for (part, lines) in (0..).zip(parts) {
            for line in lines {
                record
                    .profile
                    .observe(&dynamodb_json::parse_line(line).unwrap());
            }
            let key = keys().part(number, part, "a");
            let part = match encoding {
                Encoding::Zstd => scanned(&store, key, lines, Some(lake::part::LEVEL)).await,
                Encoding::Plain => scanned(&store, key, lines, None).await,
                Encoding::Gzip => gzip(&store, key, lines).await,
            };
            record.totals.add_part(&part);
            record.parts.push(part);
        }
        segment::commit(&store, &keys(), 0, &record, None)
            .await
            .unwrap();
    }
    store
}

/// The keys of the champion's run.
pub fn champion_keys() -> RunKeys {
    let run = RunId::parse("20261119-173000-1a2b3c4d").unwrap();
    RunKeys::new(&input().pipeline, &run)
}

/// Writes the export of a whole definition's table: one segment of one part. The key is the items'
/// attribute `id` or `customerID`.
pub async fn export_case(store: &MemoryStore, definition: Value, items: &[Value]) {
    let definition: Definition = contract::read::from_value(definition).unwrap();
    definition.validate().unwrap();
    dataset::check_definition(definition.dataset().unwrap()).unwrap();
    let mut profile = Profile::new();
    let paths = definition.paths();
    profile.declare(paths.iter().map(|named| named.text));
    let mut page = dynamodb_json::Lines::new();
    let lines = items
        .iter()
        .map(|item| json!({ "Item": item }).to_string().into_bytes());
    let lines: Vec<Vec<u8>> = lines.collect();
    let names = items[0].as_object().unwrap().keys();
    let key = names.filter(|name| *name == "id" || *name == "customerID");
    let key: Vec<_> = key.collect();
    for line in &lines {
        page.push_line(line).unwrap();
    }
    profile.observe_lines(&page);
    for line in page.lines().map(str::as_bytes) {
        profile.sample(XxHash3_64::oneshot(line), line);
    }
    let plan = json!({
        "run": input().run, "execution": "arn:1", "started": "2026-11-20T17:30:00Z",
        "definition": definition, "keyAttributes": key, "route": "Scan", "reason": "a test", "segments": 1, "tasks": [],
        "estimate": {"items": 0, "bytes": 0, "readUnits": 0},
    });
    documents::write(store, &keys().plan(), &plan)
        .await
        .unwrap();
    let part = scanned(
        store,
        keys().part(0, 0, "a"),
        &lines,
        Some(lake::part::LEVEL),
    )
    .await;
    let mut record = SegmentRecord::new(0, 1, profile);
    record.totals.add_part(&part);
    record.parts.push(part);
    segment::commit(store, &keys(), 0, &record, None)
        .await
        .unwrap();
}

/// Writes a part as the scan does.
async fn scanned(store: &MemoryStore, key: String, lines: &[Vec<u8>], level: Option<i32>) -> Part {
    let mut writer = PartWriter::with_level(store, key, level).unwrap();
    for line in lines {
        writer
            .append(
                &[line, &b"\n"[..]].concat(),
                std::iter::once(&line[..]),
                |_, _| (),
            )
            .await
            .unwrap();
    }
    writer.finish().await.unwrap().unwrap()
}

/// Writes a part as DynamoDB's own export does.
async fn gzip(store: &MemoryStore, key: String, lines: &[Vec<u8>]) -> Part {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let mut count = LineCount::default();
    for line in lines {
        encoder.write_all(line).unwrap();
        encoder.write_all(b"\n").unwrap();
        count.add_line(line);
        count.raw_bytes += line.len() as u64 + 1;
    }
    let object = encoder.finish().unwrap();
    let bytes = object.len() as u64;
    store.put(&key, object.into()).await.unwrap();
    Part {
        key,
        items: count.items,
        raw_bytes: count.raw_bytes,
        bytes,
        checksum: count.checksum,
        encoding: Encoding::Gzip,
    }
}

pub async fn merge_all(store: &MemoryStore) -> RowCounts {
    let planned = plan_dataset::handle(store, 40, input(), invocation())
        .await
        .unwrap();
    let mut rows = RowCounts::default();
    for shard in 0..planned.shards {
        rows += merge(store, shard).await;
    }
    rows
}

pub async fn merge(store: &MemoryStore, shard: u32) -> RowCounts {
    try_merge(store, shard).await.unwrap()
}

pub async fn try_merge(store: &MemoryStore, shard: u32) -> Result<RowCounts, MergeToCsvError> {
    let RunInput { pipeline, run } = input();
    let input = MergeToCsvInput {
        pipeline,
        run,
        shard,
    };
    let merged = Box::pin(merge_to_csv::handle(store, input, invocation())).await?;
    Ok(merged.rows)
}

pub async fn csv(store: &MemoryStore, channel: &str) -> Vec<Vec<f32>> {
    let mut rows = Vec::new();
    for object in store.list(&keys().channel(channel)).await.unwrap() {
        let text = store.get(&object.key).await.unwrap();
        let text = std::str::from_utf8(&text).unwrap();
        rows.extend(
            text.lines()
                .map(|line| line.split(',').map(|c| c.parse().unwrap()).collect()),
        );
    }
    rows
}

/// Plans, merges and seals.
pub async fn sealed(store: &MemoryStore) -> DatasetRecord {
    let rows = merge_all(store).await;
    let sealed = seal_dataset::handle(store, input(), invocation())
        .await
        .unwrap();
    assert_eq!(sealed.rows, rows);
    documents::read(store, &keys().dataset(), "the dataset")
        .await
        .unwrap()
}

/// Every object below the prefix, with its bytes.
pub async fn objects(store: &MemoryStore, prefix: &str) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for object in store.list(prefix).await.unwrap() {
        let bytes = store.get(&object.key).await.unwrap().to_vec();
        all.push((object.key, bytes));
    }
    all
}
