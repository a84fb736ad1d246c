//! Vocabularies that the export's profile does not have are gathered from the items, and large ones
//! are objects of their own; training and serving use the same.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests may unwrap as the tests do"
)]

mod support;

use contract::{ErrorName, Invocation, Named};
use dataset::{Columns, CsvRows, Encoder};
use lake::records::{DatasetRecord, Encoding};
use lake::{MemoryStore, vocabulary};
use plan_dataset::PlanDatasetError;
use profile::MAX_DISTINCT;
use serde_json::{Value, json};
use std::time::SystemTime;
use support::{csv, exported, input, invocation, sealed};

fn lines(items: &[Value]) -> Vec<Vec<u8>> {
    let line = |item| json!({ "Item": item }).to_string().into_bytes();
    items.iter().map(line).collect()
}

async fn lake(items: &[Value], columns: Value) -> MemoryStore {
    let (first, second) = items.split_at(items.len() / 2);
    let segments = [vec![lines(first)], vec![lines(second)]];
    let dataset = json!({ "label": "rating", "columns": columns, "split": {"validation": 0} });
    exported(&segments, Encoding::Zstd, dataset, json!({"image": "i"})).await
}

/// The row of a request to an endpoint.
async fn served(store: &MemoryStore, record: &DatasetRecord, item: &Value) -> Vec<f32> {
    let mut columns: Columns = serde_json::from_value(record.columns.clone()).unwrap();
    columns.set_vocabularies(vocabulary::read(store, &record.vocabularies).await.unwrap());
    let encoder = Encoder::new(&columns).unwrap();
    let text = item.to_string();
    let item = dynamodb_json::parse_item(text.as_bytes()).unwrap();
    let mut row = CsvRows::new();
    encoder.features(&encoder.values(&item), &mut row).unwrap();
    let row = String::from_utf8(row.as_bytes().to_vec()).unwrap();
    row.trim()
        .split(',')
        .map(|cell| cell.parse().unwrap())
        .collect()
}

#[tokio::test]
async fn members_and_elements_need_no_list() {
    let item = |rating: u32, tags: Value, first: &str| {
        json!({ "user": {"S": "u"}, "item": {"S": rating.to_string()}, "rating": {"N": rating.to_string()},
            "tags": tags, "history": {"L": [{"S": first}, {"N": "1"}]} })
    };
    let items = [
        item(1, json!({"SS": ["b", "a"]}), "y"),
        item(2, json!({"L": [{"S": "c"}, {"N": "1.0"}]}), "x"),
        item(3, json!({"NS": ["1"]}), "y"),
    ];
    let columns = json!([
        { "path": "tags", "encoding": "multiHot" },
        { "path": "history[0]", "encoding": "ordinal" },
    ]);
    let store = lake(&items, columns).await;
    let record = sealed(&store).await;
    let mut rows = csv(&store, "train").await;
    rows.sort_by(|one, other| one[0].total_cmp(&other[0]));
    // The label; a slot for unseen values, `1`, `a`, `b` and `c`; the element's code.
    let expected = [
        [1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 2.0],
        [2.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0],
        [3.0, 0.0, 1.0, 0.0, 0.0, 0.0, 2.0],
    ];
    assert_eq!(rows, expected.map(Vec::from));
    assert!(
        record.vocabularies.is_empty(),
        "small ones stand in the record"
    );
    for (item, row) in items.iter().zip(&rows) {
        assert_eq!(served(&store, &record, item).await, row[1..]);
    }
    let unknown = item(4, json!({"SS": ["z"]}), "z");
    let row = served(&store, &record, &unknown).await;
    assert_eq!(row, [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
}

#[tokio::test]
async fn more_values_than_a_profile_holds_are_gathered_into_an_object() {
    let count = MAX_DISTINCT + 500;
    let items: Vec<_> = (0..count)
        .map(|at| {
            let device = ["tv", "phone"][at % 2];
            json!({ "user": {"S": format!("u{at:06}")}, "rating": {"N": (at % 5).to_string()},
                "device": {"S": device} })
        })
        .collect();
    let columns = json!([{ "path": "user", "encoding": "ordinal" }, { "path": "device" }]);
    let store = lake(&items, columns).await;
    let record = sealed(&store).await;
    assert_eq!(record.vocabularies.keys().collect::<Vec<_>>(), ["user"]);
    assert_eq!(record.vocabularies["user"].items, count as u64);
    assert!(
        record.columns.to_string().len() < 1000,
        "the record stays small"
    );
    let mut rows = csv(&store, "train").await;
    rows.sort_by(|one, other| one[1].total_cmp(&other[1]));
    assert_eq!(rows.len(), count);
    for (at, row) in rows.iter().enumerate() {
        let device = if at % 2 == 0 { 2.0 } else { 1.0 };
        assert_eq!(*row, [(at % 5) as f32, (at + 1) as f32, device]);
    }
    for at in [0, 77, count - 1] {
        assert_eq!(served(&store, &record, &items[at]).await, rows[at][1..]);
    }
}

fn tagged(rating: &str, tags: &Value) -> Value {
    json!({ "user": {"S": "u"}, "item": {"S": rating}, "rating": {"N": rating}, "tags": tags })
}

#[tokio::test]
async fn gathering_that_takes_too_long_is_reported() {
    let items = ["1", "2"].map(|rating| tagged(rating, &json!({"SS": ["a"]})));
    let store = lake(&items, json!([{ "path": "tags", "encoding": "multiHot" }])).await;
    let ended = Invocation {
        deadline: SystemTime::now(),
        ..invocation()
    };
    let error = plan_dataset::handle(&store, 40, input(), ended)
        .await
        .unwrap_err();
    assert!(matches!(error, PlanDatasetError::NoTime { .. }), "{error}");
    assert_eq!(error.name(), ErrorName::InvalidDefinition);
    assert!(error.to_string().contains("`tags`"), "{error}");
}

#[tokio::test]
async fn empty_sets_make_no_vocabulary() {
    let items = ["1", "2"].map(|rating| tagged(rating, &json!({"L": []})));
    let store = lake(&items, json!([{ "path": "tags", "encoding": "multiHot" }])).await;
    let error = plan_dataset::handle(&store, 40, input(), invocation())
        .await
        .unwrap_err();
    assert_eq!(error.name(), ErrorName::InvalidDefinition);
}
