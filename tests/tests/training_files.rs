//! The training files in every format, read by independent readers: XGBoost, protobuf with
//! SageMaker's published schema, `DuckDB`, Python's csv and json.

#![allow(clippy::unwrap_used)] // helpers of tests may unwrap as the tests do

use contract::states::{MergeToCsvInput, RunInput};
use contract::{Invocation, RunId};
use dataset::Columns;
use end_to_end::python;
use lake::part::PartWriter;
use lake::records::{DatasetRecord, Plan, SegmentRecord};
use lake::{MemoryStore, ObjectStore, RunKeys, documents, sample, segment};
use profile::Profile;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

const ITEMS: u16 = 3000;

#[tokio::test]
async fn independent_readers_find_the_same_rows_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    let columns =
        json!([{"path": "user"}, {"path": "item"}, {"path": "context.price"}, {"path": "new"}]);
    let mut expected = Value::Null;
    for (name, format) in [
        ("csv", json!("csv")),
        ("csvWithHeader", json!("csvWithHeader")),
        ("recordIo", json!("recordIo")),
        ("recordIoSparse", json!("recordIoSparse")),
        ("parquet", json!("parquet")),
        (
            "jsonLines",
            json!({"jsonLines": {"in0": ["user"], "in1": ["item"]}}),
        ),
    ] {
        let store = lake(&columns, format).await;
        let dataset = made(&store).await;
        let rows = dataset.rows;
        assert_eq!(rows.total(), u64::from(ITEMS), "{name}");
        // What cannot say that a value is missing rejects the item instead.
        let may_miss = !name.starts_with("recordIo");
        assert_eq!(rows.rejected == 0, may_miss, "{name}: {rows:?}");
        keep(&store, &dataset, &folder.path().join(name)).await;
        expected = rows_of(&serde_json::from_value(dataset.columns).unwrap());
    }
    let text = expected.to_string();
    std::fs::write(folder.path().join("expected.json"), text).unwrap();
    read("read_training_files.py", folder.path(), "rows in 6 formats");
}

/// What SageMaker's built-in recommender trains on: a slot for each user and each item.
#[tokio::test]
async fn a_factorization_machine_learns_from_users_and_items() {
    let folder = tempfile::tempdir().unwrap();
    let columns = json!([
        {"path": "user", "encoding": "oneHot"},
        {"path": "item", "encoding": "oneHot"},
    ]);
    let store = lake(&columns, json!("recordIoSparse")).await;
    let dataset = made(&store).await;
    assert_eq!(dataset.rows.train, u64::from(ITEMS));
    assert_eq!(dataset.features, Some(1 + 50 + 1 + 60));
    let sample = dataset.sample.as_ref().unwrap();
    assert_eq!(sample.content_type, "application/json");
    keep(&store, &dataset, folder.path()).await;
    let columns: Columns = serde_json::from_value(dataset.columns).unwrap();
    let width = columns.columns[0].width();
    let rows: Vec<_> = (0..ITEMS)
        .map(|n| {
            let user = columns.code("user", &format!("ü{}", n % 50)).unwrap();
            let item = columns.code("item", &format!("i{}", n / 50)).unwrap();
            json!([rating(n), user, width + item as usize])
        })
        .collect();
    let expected = json!({"rows": rows, "slots": dataset.features});
    std::fs::write(folder.path().join("expected.json"), expected.to_string()).unwrap();
    read("train_factorization_machine.py", folder.path(), "learned");
}

/// Writes the channels' files below a folder.
async fn keep(store: &MemoryStore, dataset: &DatasetRecord, folder: &Path) {
    for file in &dataset.files {
        let path = folder.join(&file.channel);
        std::fs::create_dir_all(&path).unwrap();
        let bytes = store.get(&file.key).await.unwrap();
        let (_, file_name) = file.key.rsplit_once('/').unwrap();
        std::fs::write(path.join(file_name), bytes).unwrap();
    }
}

/// Runs a reader over the folder, which ends by saying something.
fn read(script: &str, folder: &Path, last: &str) {
    let script = end_to_end::workspace::root()
        .join("tests/python")
        .join(script);
    let mut python = Command::new(python::program("python"));
    let output = python::output(python.arg(script).arg(folder));
    let said = python::said(&output);
    assert!(output.status.success(), "{said}");
    assert!(said.contains(last), "{said}");
}

/// The price of item `n`, which every seventh lacks.
fn price(n: u16) -> Option<f32> {
    (!n.is_multiple_of(7)).then(|| f32::from(n % 400) / 8.0 - 12.5)
}

fn rating(n: u16) -> f32 {
    f32::from(n % 400) / 16.0
}

fn line(n: u16) -> Vec<u8> {
    let price = price(n).map_or(String::new(), |price| {
        format!(r#","context":{{"M":{{"price":{{"N":"{price}"}}}}}}"#)
    });
    let (user, item, rating) = (n % 50, n / 50, rating(n));
    format!(
        r#"{{"Item":{{"user":{{"S":"ü{user}"}},"item":{{"S":"i{item}"}},"rating":{{"N":"{rating}"}},"new":{{"BOOL":{}}}{price}}}}}"#,
        n.is_multiple_of(2)
    )
    .into_bytes()
}

/// The rows that the files must hold, in any order.
fn rows_of(columns: &Columns) -> Value {
    let rows: Vec<Value> = (0..ITEMS)
        .map(|n| {
            let code = |path, value: String| columns.code(path, &value).unwrap();
            json!([
                rating(n),
                code("user", format!("ü{}", n % 50)),
                code("item", format!("i{}", n / 50)),
                price(n),
                u8::from(n.is_multiple_of(2)),
            ])
        })
        .collect();
    json!({"names": ["rating", "user", "item", "context.price", "new"], "rows": rows})
}

fn input() -> RunInput {
    RunInput {
        pipeline: "default".to_owned(),
        run: RunId::parse("20261120-173000-1a2b3c4d").unwrap(),
    }
}

fn keys() -> RunKeys {
    RunKeys::new(&input().pipeline, &input().run)
}

fn invocation() -> Invocation {
    Invocation {
        attempt: "a".to_owned(),
        deadline: SystemTime::now() + Duration::from_mins(15),
    }
}

/// A lake as the export leaves it.
async fn lake(columns: &Value, format: Value) -> MemoryStore {
    let store = MemoryStore::new();
    let definition = json!({
        "source": {"dynamodb": {"table": "t"}},
        "dataset": {
            "label": "rating",
            "columns": columns,
            "split": {"validation": 0.0},
            "format": format,
            "shardBytes": 100_000,
        },
        "training": {"image": "i"},
        "promotion": {"metric": "m", "goal": "minimize"},
    });
    let plan = Plan {
        key_attributes: vec!["user".to_owned(), "item".to_owned()],
        segments: 1,
        ..sample::plan(definition)
    };
    documents::write(&store, &keys().plan(), &plan)
        .await
        .unwrap();
    let mut record = SegmentRecord::new(0, 1, Profile::new());
    let numbers: Vec<u16> = (0..ITEMS).collect();
    for (part, numbers) in (0..).zip(numbers.chunks(300)) {
        let mut writer = PartWriter::new(&store, keys().part(0, part, "a")).unwrap();
        for n in numbers {
            let line = line(*n);
            record
                .profile
                .observe(&dynamodb_json::parse_line(&line).unwrap());
            let bytes = [&line, &b"\n"[..]].concat();
            writer
                .append(&bytes, std::iter::once(&line[..]), |_, _| ())
                .await
                .unwrap();
        }
        let part = writer.finish().await.unwrap().unwrap();
        record.totals.add_part(&part);
        record.parts.push(part);
    }
    segment::commit(&store, &keys(), 0, &record, None)
        .await
        .unwrap();
    store
}

/// Plans, merges and seals.
async fn made(store: &MemoryStore) -> DatasetRecord {
    let planned = plan_dataset::handle(store, 40, input(), invocation())
        .await
        .unwrap();
    assert!(planned.shards > 1);
    for shard in 0..planned.shards {
        let RunInput { pipeline, run } = input();
        let input = MergeToCsvInput {
            pipeline,
            run,
            shard,
        };
        Box::pin(merge_to_csv::handle(store, input, invocation()))
            .await
            .unwrap();
    }
    seal_dataset::handle(store, input(), invocation())
        .await
        .unwrap();
    documents::read(store, &keys().dataset(), "the dataset")
        .await
        .unwrap()
}
