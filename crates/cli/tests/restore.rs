//! Restoring a run into a local table: item for item, also under throttling, after a kill in the middle
//! and at every step, and never into a table that holds something else.
#![allow(clippy::unwrap_used)] // helpers of tests may unwrap as the tests do

use aws::dynamodb::Tables;
use contract::RunId;
use lake::part::PartWriter;
use lake::records::SegmentRecord;
use lake::{MemoryStore, ObjectStore, RunKeys, documents, sample, segment};
use local_servers::dynamodb::DynamoDb;
use millrace::progress::Progress;
use millrace::restore::{self, Costs, Exported, Request, RestoreError, Restored};
use profile::Profile;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const TABLE: &str = "copy";
const SEGMENTS: u32 = 3;
const ITEMS: usize = 1500;

/// Every type, numbers of 38 digits, and an item of several kilobytes now and then.
fn item(number: usize) -> Value {
    let mut item = json!({
        "id": {"S": format!("i-{number}")},
        "n": {"N": format!("12345678901234567890123456789012.{:06}", number * 7 + 1)},
        "b": {"B": "AP8="}, "z": {"NULL": true}, "t": {"BOOL": number.is_multiple_of(2)},
        "ss": {"SS": ["x", format!("{number}")]}, "ns": {"NS": ["1", "2.5"]}, "bs": {"BS": ["AQ=="]},
        "m": {"M": {"l": {"L": [{"S": "\u{e9}\n"}, {"M": {}}]}}},
    });
    if number.is_multiple_of(100) {
        item["text"] = json!({"S": "x".repeat(5000)});
    }
    item
}

struct World {
    store: MemoryStore,
    server: DynamoDb,
    tables: Tables,
    run: RunId,
    folder: tempfile::TempDir,
}

impl World {
    /// A run of so many segments in a lake, and an empty table.
    async fn new() -> Self {
        Self::with(|number| vec![item(number)]).await
    }

    /// The same of other items, by their number.
    async fn with(items: impl Fn(usize) -> Vec<Value>) -> Self {
        let store = MemoryStore::new();
        let run = RunId::parse("20261120-173000-1a2b3c4d").unwrap();
        let keys = RunKeys::new("default", &run);
        let plan = lake::records::Plan {
            segments: SEGMENTS,
            ..sample::plan(json!({}))
        };
        documents::write(&store, &keys.plan(), &plan).await.unwrap();
        for number in 0..SEGMENTS {
            let mut record = SegmentRecord::new(number, SEGMENTS, Profile::new());
            let numbers: Vec<_> = (0..ITEMS)
                .filter(|n| n % SEGMENTS as usize == number as usize)
                .collect();
            // The last segment has two parts, the others one.
            let half = if number + 1 == SEGMENTS {
                numbers.len() / 2
            } else {
                numbers.len()
            };
            for (part, numbers) in [&numbers[..half], &numbers[half..]].into_iter().enumerate() {
                let key = keys.part(number, u32::try_from(part).unwrap(), "a");
                let mut writer = PartWriter::new(&store, key).unwrap();
                for item in numbers.iter().flat_map(|number| items(*number)) {
                    let line = format!("{}\n", json!({"Item": item}));
                    let lines = std::iter::once(line.trim_end().as_bytes());
                    writer
                        .append(line.as_bytes(), lines, |_, _| ())
                        .await
                        .unwrap();
                }
                if let Some(part) = writer.finish().await.unwrap() {
                    record.totals.add_part(&part);
                    record.parts.push(part);
                }
            }
            segment::commit(&store, &keys, 0, &record, None)
                .await
                .unwrap();
        }
        let server = DynamoDb::start(200).await;
        server.create(TABLE, &[("id", "S")]);
        Self {
            tables: Tables::new(&aws::local(server.url()).await),
            store,
            server,
            run,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn request(&self) -> Request {
        Request {
            pipeline: "default".to_owned(),
            run: self.run.clone(),
            table: TABLE.to_owned(),
            wcu: 1_000_000,
            overwrite: false,
            state: self.state(),
        }
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state.json")
    }

    /// Restores until some items are known to be written, and then is killed.
    async fn killed(&self, request: &Request) {
        let some_are_written = async {
            loop {
                let state = std::fs::read(&request.state).unwrap_or_default();
                let state: Value = serde_json::from_slice(&state).unwrap_or_default();
                if state["items"].as_u64() > Some(0) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::select! {
            restored = self.restore(request) => panic!("it ended first: {restored:?}"),
            () = some_are_written => {}
        }
    }

    async fn exported(&self) -> Exported {
        restore::exported(&self.store, "default", &self.run)
            .await
            .unwrap()
    }

    async fn restore(&self, request: &Request) -> Result<Restored, RestoreError> {
        let exported = self.exported().await;
        let target = restore::target(&self.tables, &request.table, &exported.plan).await?;
        let progress = Progress::quiet();
        restore::restore(
            &self.store,
            &self.tables,
            request,
            &exported,
            &target,
            &progress,
        )
        .await
    }

    /// The table has every item of the run, and nothing else.
    fn is_restored(&self) {
        let canonical = |item: &Value| {
            let mut item = item.clone();
            for set in ["ss", "ns", "bs"] {
                let tag = set.to_ascii_uppercase();
                item[set][&tag]
                    .as_array_mut()
                    .unwrap()
                    .sort_by_key(ToString::to_string);
            }
            // Without trailing zeros, as DynamoDB returns it.
            let number = item["n"]["N"]
                .as_str()
                .unwrap()
                .trim_end_matches('0')
                .trim_end_matches('.');
            item["n"] = json!({ "N": number });
            (item["id"]["S"].as_str().unwrap().to_owned(), item)
        };
        let found: BTreeMap<_, _> = self.server.items(TABLE).iter().map(canonical).collect();
        let expected: BTreeMap<_, _> = (0..ITEMS).map(item).map(|item| canonical(&item)).collect();
        assert_eq!(found.len(), expected.len());
        for (key, item) in &expected {
            assert_eq!(found.get(key), Some(item), "{key}");
        }
    }
}

#[tokio::test]
async fn a_table_is_the_run_item_for_item() {
    let world = World::new().await;
    let restored = world.restore(&world.request()).await.unwrap();
    assert_eq!((restored.items, restored.continued), (ITEMS as u64, 0));
    assert!(restored.compared);
    world.is_restored();
    assert!(!world.state().exists(), "nothing is left to continue");
    let error = world.restore(&world.request()).await.unwrap_err();
    assert!(matches!(error, RestoreError::NotEmpty { .. }), "{error}");
    // Putting the same items again changes nothing.
    let overwriting = Request {
        overwrite: true,
        ..world.request()
    };
    let restored = world.restore(&overwriting).await.unwrap();
    assert!(!restored.compared, "it held items before");
    world.is_restored();
}

#[tokio::test]
async fn a_table_that_throttles_gets_every_item() {
    let world = World::new().await;
    world.server.throttle_writes(true);
    let restored = world.restore(&world.request()).await.unwrap();
    assert_eq!(restored.items, ITEMS as u64);
    let batches = (ITEMS / 25) as u64;
    assert!(
        world.server.writes() > batches * 5 / 4,
        "{}",
        world.server.writes()
    );
    world.is_restored();
}

#[tokio::test]
async fn a_restore_that_was_killed_continues() {
    let world = World::new().await;
    world.server.throttle_writes(true);
    // So slow that it cannot end before it is killed.
    let slow = Request {
        wcu: 400,
        ..world.request()
    };
    world.killed(&slow).await;
    let first = world.server.writes();
    let restored = world.restore(&world.request()).await.unwrap();
    assert!(world.server.writes() > first);
    assert!(restored.continued > 0);
    assert!(restored.compared);
    assert_eq!(restored.items, ITEMS as u64);
    world.is_restored();
}

#[tokio::test]
async fn the_pace_is_kept() {
    let world = World::new().await;
    let begun = Instant::now();
    let request = Request {
        wcu: 1000,
        ..world.request()
    };
    world.restore(&request).await.unwrap();
    // 1,500 items of a unit, and 15 of five more.
    assert!(
        begun.elapsed() > Duration::from_millis(1400),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn what_does_not_fit_is_refused_before_it_is_written() {
    let world = World::new().await;
    world.server.create("other", &[("name", "S")]);
    world.server.create("sorted", &[("id", "S"), ("n", "N")]);
    world.server.create("numbered", &[("id", "N")]);
    for (table, words) in [
        ("nowhere", "there is no table"),
        ("other", "has the key name, and the run's items id"),
        ("sorted", "has the key id and n"),
        ("numbered", "line 1 of s3://memory/raw/"),
    ] {
        let request = Request {
            table: table.to_owned(),
            state: world.folder.path().join(table),
            ..world.request()
        };
        let error = world.restore(&request).await.unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
        if table != "nowhere" {
            assert!(world.server.items(table).is_empty());
        }
    }
    std::fs::write(world.state(), r#"{"bucket":"b","pipeline":"p","run":"20261120-173000-1a2b3c4d","table":"t","wasEmpty":true,"parts":0,"lines":0,"items":0,"checksum":0}"#).unwrap();
    let error = world.restore(&world.request()).await.unwrap_err();
    assert!(matches!(error, RestoreError::OtherState { .. }), "{error}");
}

#[tokio::test]
async fn a_table_that_somebody_else_writes_into_is_told() {
    let world = World::new().await;
    let slow = Request {
        wcu: 400,
        ..world.request()
    };
    // Killed in the middle; then an item comes from elsewhere.
    world.killed(&slow).await;
    let stranger = json!({"id": {"S": "stranger"}});
    world.tables.write_batch(TABLE, &[stranger]).await.unwrap();
    let error = world.restore(&world.request()).await.unwrap_err();
    assert!(matches!(error, RestoreError::Differs { .. }), "{error}");
    assert!(error.to_string().contains("1,501 items"), "{error}");
}

#[tokio::test]
async fn of_two_items_with_one_key_the_last_stays_or_both_are_named() {
    let older = |number: usize| {
        let mut older = item(number);
        older["older"] = json!({"BOOL": true});
        older
    };
    // Two in one request, and two in requests that are sent together.
    let world = World::with(|number| match number {
        7 => vec![older(7), item(7)],
        10 => vec![item(10), older(100)],
        _ => vec![item(number)],
    })
    .await;
    let error = world.restore(&world.request()).await.unwrap_err();
    assert!(matches!(error, RestoreError::Item { .. }), "{error}");
    let error = error.to_string();
    assert!(error.contains("has the key of line 3, and"), "{error}");
    assert!(error.contains("line 4 of s3://memory/raw/"), "{error}");
    let overwriting = Request {
        overwrite: true,
        ..world.request()
    };
    let restored = world.restore(&overwriting).await.unwrap();
    assert_eq!(restored.items, ITEMS as u64 + 2);
    assert!(!restored.compared);
    world.is_restored();
}

#[tokio::test]
async fn a_damaged_part_is_not_taken_for_the_run() {
    let world = World::new().await;
    let exported = world.exported().await;
    let key = exported.parts[1].key.clone();
    let other = world.store.get(&exported.parts[0].key).await.unwrap();
    world.store.put(&key, other).await.unwrap();
    let error = world.restore(&world.request()).await.unwrap_err();
    assert!(matches!(error, RestoreError::Part(_)), "{error}");
}

#[tokio::test]
async fn both_ways_have_their_price() {
    let world = World::new().await;
    let exported = world.exported().await;
    let request = world.request();
    let target = restore::target(&world.tables, TABLE, &exported.plan)
        .await
        .unwrap();
    let costs = Costs::of("memory", &request, &exported, &target.key, target.on_demand);
    assert_eq!(costs.items, ITEMS as u64);
    assert!(costs.writing.write_units >= ITEMS as u64);
    assert!(
        costs.writing.dollars > 0.0 && costs.import.dollars > 0.0,
        "{costs:?}"
    );
    // A copy of each part, and the import.
    assert_eq!(costs.import.commands.len(), exported.parts.len() + 1);
    let text = costs.text();
    for part in &exported.parts {
        assert!(text.contains(&part.key), "{text}");
    }
    assert!(text.contains("--input-compression-type ZSTD"), "{text}");
    assert!(!Path::new("state").exists());
}

#[tokio::test]
async fn a_table_that_does_not_exist_gets_the_key_that_the_items_have() {
    let world = World::new().await;
    let mut exported = world.exported().await;
    exported.plan.key_attributes = vec!["n".to_owned(), "b".to_owned()];
    let key = exported.key(&world.store).await.unwrap();
    let costs = Costs::of("memory", &world.request(), &exported, &key, true);
    let import = costs.import.commands.last().unwrap();
    for (name, kind) in [("n", "N"), ("b", "B")] {
        let definition = json!({"AttributeName": name, "AttributeType": kind}).to_string();
        assert!(import.contains(&definition), "{import}");
    }
    exported.plan.key_attributes = vec!["absent".to_owned()];
    let error = exported.key(&world.store).await.unwrap_err();
    assert!(
        error.to_string().contains("line 1 of s3://memory/raw/"),
        "{error}"
    );
}
