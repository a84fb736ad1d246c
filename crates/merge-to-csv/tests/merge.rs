//! From raw parts to a sealed dataset over a lake in memory: plan, merge and seal. Every item is
//! counted once.
#![allow(clippy::unwrap_used)] // helpers of tests may unwrap as the tests do

mod support;

use contract::states::{MergeToCsvInput, RunInput};
use contract::{ErrorName, Named};
use dataset::{Columns, CsvRows, Encoder, ItemForm, ItemText};
use lake::records::{DatasetRecord, Encoding};
use lake::{MemoryStore, ObjectStore, documents};
use serde_json::{Value, json};
use support::{csv, input, invocation, keys, merge, merge_all, objects};

/// Ratings of `items` by ten users; every 50th item has no rating.
fn line(n: u32) -> Vec<u8> {
    let (user, item) = (n % 10, n / 10);
    let rating = format!(r#","rating":{{"N":"{}"}}"#, f64::from(n % 9) / 2.0 + 0.5);
    let rating = if n.is_multiple_of(50) { "" } else { &rating };
    format!(
        r#"{{"Item":{{"user":{{"S":"ü{user}"}},"item":{{"S":"i{item}"}},"context":{{"M":{{"hour":{{"N":"{n}"}}}}}}{rating}}}}}"#
    )
    .into_bytes()
}

/// A lake as the export leaves it: two segments of `items` items each, parts of 100 items.
async fn exported(items: u32, dataset: Value) -> MemoryStore {
    let segments: Vec<Vec<Vec<Vec<u8>>>> = (0..2)
        .map(|segment| {
            let numbers: Vec<u32> = (segment * items..(segment + 1) * items).collect();
            let parts = numbers.chunks(100);
            parts
                .map(|part| part.iter().map(|n| line(*n)).collect())
                .collect()
        })
        .collect();
    support::exported(&segments, Encoding::Zstd, dataset, json!({"image": "i"})).await
}

fn recommendations() -> Value {
    json!({
        "label": "rating",
        "columns": [{"path": "user"}, {"path": "item"}, {"path": "context.hour"}],
        "split": {"validation": 0.2},
        "shardBytes": 20_000,
    })
}

#[tokio::test]
async fn every_item_becomes_one_row_or_is_rejected_with_its_key() {
    let store = exported(1000, recommendations()).await;
    let rows = merge_all(&store).await;
    let sealed = seal_dataset::handle(&store, input(), invocation())
        .await
        .unwrap();
    assert_eq!(sealed.rows, rows);
    assert_eq!((rows.total(), rows.rejected), (2000, 40));
    assert!(
        (200..600).contains(&rows.validation),
        "about a fifth: {}",
        rows.validation
    );

    // Row for row: the union of the files is the table.
    let dataset: DatasetRecord = documents::read(&store, &keys().dataset(), "the dataset")
        .await
        .unwrap();
    let columns: Columns = serde_json::from_value(dataset.columns).unwrap();
    let mut written = [csv(&store, "train").await, csv(&store, "validation").await].concat();
    let code = |path, value: String| columns.code(path, &value).unwrap() as f32;
    let mut expected: Vec<Vec<f32>> = (0..2000_u16)
        .filter(|n| !n.is_multiple_of(50))
        .map(|n| {
            let user = code("user", format!("ü{}", n % 10));
            let item = code("item", format!("i{}", n / 10));
            vec![f32::from(n % 9) / 2.0 + 0.5, user, item, f32::from(n)]
        })
        .collect();
    written.sort_by(|a, b| a.partial_cmp(b).unwrap());
    expected.sort_by(|a, b| a.partial_cmp(b).unwrap());
    assert_eq!(written, expected);

    let mut rejected = String::new();
    for object in store.list("processed/default/").await.unwrap() {
        if object.key.contains("/rejected/") {
            let text = store.get(&object.key).await.unwrap();
            rejected.push_str(std::str::from_utf8(&text).unwrap());
        }
    }
    assert_eq!(rejected.lines().count(), 40);
    let first: Value = serde_json::from_str(rejected.lines().next().unwrap()).unwrap();
    assert_eq!(
        first["key"],
        json!({"user": {"S": "ü0"}, "item": {"S": "i0"}})
    );
    assert_eq!(first["path"], "rating");
}

#[tokio::test]
async fn the_same_shard_merged_twice_is_the_same_file() {
    let store = exported(300, recommendations()).await;
    let rows = merge_all(&store).await;
    let before = objects(&store, "processed/").await;
    // As if the process had died before it could commit.
    store.delete(&keys().shard_manifest(0)).await.unwrap();
    merge(&store, 0).await;
    assert_eq!(objects(&store, "processed/").await, before);
    assert_eq!(
        merge_all(&store).await,
        rows,
        "and a committed shard is not merged again"
    );
}

#[tokio::test]
async fn a_damaged_part_fails_the_shard_and_leaves_no_file() {
    let store = exported(300, recommendations()).await;
    plan_dataset::handle(&store, 40, input(), invocation())
        .await
        .unwrap();
    let key = keys().part(0, 0, "a");
    let part = store.get(&key).await.unwrap();
    store.put(&key, part.slice(..part.len() / 2)).await.unwrap();
    let RunInput { pipeline, run } = input();
    let shard = MergeToCsvInput {
        pipeline,
        run,
        shard: 0,
    };
    let error = Box::pin(merge_to_csv::handle(&store, shard, invocation()))
        .await
        .unwrap_err();
    assert_eq!(error.name(), ErrorName::DatasetInvalid);
    assert!(
        store
            .list(&keys().channel("train"))
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_lost_shard_or_item_is_not_sealed() {
    let store = exported(300, recommendations()).await;
    merge_all(&store).await;
    let manifest = keys().shard_manifest(1);
    let whole = store.get(&manifest).await.unwrap();
    store.delete(&manifest).await.unwrap();
    let error = seal_dataset::handle(&store, input(), invocation())
        .await
        .unwrap_err();
    assert_eq!(error.name(), ErrorName::DatasetInvalid);

    let mut record: Value = serde_json::from_slice(&whole).unwrap();
    record["rows"]["train"] = json!(record["rows"]["train"].as_u64().unwrap() - 1);
    store
        .put(&manifest, record.to_string().into())
        .await
        .unwrap();
    let error = seal_dataset::handle(&store, input(), invocation())
        .await
        .unwrap_err();
    assert!(
        error.to_string().starts_with("600 items were exported"),
        "{error}"
    );
    assert!(
        store.get(&keys().dataset()).await.is_err(),
        "nothing is sealed"
    );
}

#[tokio::test]
async fn data_that_does_not_suit_the_definition_fails_before_training() {
    for (dataset, name) in [
        (json!({"label": "stars"}), ErrorName::AttributeMissing),
        (
            json!({"label": "rating", "columns": [{"path": "age"}]}),
            ErrorName::AttributeMissing,
        ),
        (
            json!({"label": "rating", "gate": {"minimumRows": 601}}),
            ErrorName::QualityGateFailed,
        ),
        (
            json!({"label": "rating", "gate": {"maximumMissingLabel": 0.01}}),
            ErrorName::QualityGateFailed,
        ),
    ] {
        let store = exported(300, dataset).await;
        let error = plan_dataset::handle(&store, 40, input(), invocation())
            .await
            .unwrap_err();
        assert_eq!(error.name(), name, "{error}");
    }
    let store = exported(300, recommendations()).await;
    store.delete(&keys().segment_manifest(1)).await.unwrap();
    let error = plan_dataset::handle(&store, 40, input(), invocation())
        .await
        .unwrap_err();
    assert_eq!(error.name(), ErrorName::DatasetInvalid);
}

#[tokio::test]
async fn items_that_are_filtered_repeated_or_kept_to_test_with_are_counted() {
    let dataset = json!({
        "label": "rating",
        "columns": [{"path": "user"}, {"path": "context.hour"}],
        "where": [{"path": "context.hour", "op": "less", "value": 150}],
        "deduplicate": {"by": ["item"], "latest": "context.hour"},
        "split": {"validation": 0.2, "test": 0.2},
    });
    let store = exported(100, dataset.clone()).await;
    let rows = merge_all(&store).await;
    assert_eq!(rows.filtered, 50);
    // Fifteen items are left, each with the last of its ten users, who rated it.
    assert_eq!(rows.duplicates, 135);
    let (train, validation, test) = (
        csv(&store, "train").await,
        csv(&store, "validation").await,
        csv(&store, "test").await,
    );
    let all = [train, validation, test];
    let counts: Vec<_> = all.iter().map(|rows| rows.len() as u64).collect();
    assert_eq!(counts, [rows.train, rows.validation, rows.test]);
    let mut hours: Vec<_> = all.iter().flatten().map(|row| row[2].to_string()).collect();
    let mut last: Vec<_> = (0..15).map(|item| (item * 10 + 9).to_string()).collect();
    hours.sort_unstable();
    last.sort_unstable();
    assert_eq!(hours, last);
    assert_eq!(rows.total(), 200);
    seal_dataset::handle(&store, input(), invocation())
        .await
        .unwrap();

    let mut apart = dataset;
    apart["shardBytes"] = json!(5_000);
    let store = exported(100, apart).await;
    let planned = plan_dataset::handle(&store, 40, input(), invocation()).await;
    assert_eq!(planned.unwrap().shards, 1, "no other shard sees its items");
}

#[tokio::test]
async fn the_sample_has_the_bytes_that_training_got() {
    let store = exported(300, recommendations()).await;
    merge_all(&store).await;
    seal_dataset::handle(&store, input(), invocation())
        .await
        .unwrap();
    let sealed: DatasetRecord = documents::read(&store, &keys().dataset(), "the dataset")
        .await
        .unwrap();
    let columns: Columns = serde_json::from_value(sealed.columns).unwrap();
    let mut trained = Vec::new();
    for file in &sealed.files {
        let text = store.get(&file.key).await.unwrap();
        let rows = std::str::from_utf8(&text).unwrap().lines();
        trained.extend(rows.map(|row| row.split_once(',').unwrap().1.to_owned()));
    }
    let encoder = Encoder::new(&columns).unwrap();
    let mut asked = CsvRows::new();
    for n in (0..600).filter(|n| n % 50 != 0) {
        let item = ItemText::read(&line(n), ItemForm::Either).unwrap();
        encoder
            .features(&encoder.values(&item.item()), &mut asked)
            .unwrap();
    }
    let mut asked: Vec<_> = std::str::from_utf8(asked.as_bytes())
        .unwrap()
        .lines()
        .collect();
    asked.sort_unstable();
    trained.sort_unstable();
    assert_eq!(trained, asked);
}
