//! Whatever the items hold, each is counted once, and every cell is a number or empty.
#![allow(clippy::unwrap_used)] // helpers of tests may unwrap as the tests do

mod support;

use contract::Named;
use lake::MemoryStore;
use lake::records::Encoding;
use proptest::prelude::*;
use serde_json::{Value, json};
use support::{exported, input, invocation, keys, objects};

fn value() -> impl Strategy<Value = Value> {
    let number = "-?(0|[1-9][0-9]{0,37})(\\.[0-9]{1,10})?(E-?[0-9]{1,2})?";
    let leaf = prop_oneof![
        4 => number.prop_map(|n| json!({"N": n})),
        2 => "\\PC{0,12}".prop_map(|s| json!({"S": s})),
        1 => any::<bool>().prop_map(|b| json!({"BOOL": b})),
        1 => Just(json!({"NULL": true})),
        1 => Just(json!({"B": "AAEC"})),
        1 => Just(json!({"SS": []})),
        1 => Just(json!({"NS": ["1", "1E30"]})),
        1 => "[\\x00-\\x7f\"\\\\\n,]{0,8}".prop_map(|s| json!({"SS": [s]})),
    ];
    leaf.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(|l| json!({"L": l})),
            prop::collection::hash_map("[a-c.\\[\"é]{1,3}", inner, 0..3)
                .prop_map(|m| json!({"M": m})),
        ]
    })
}

fn item() -> impl Strategy<Value = Vec<u8>> {
    let name = prop_oneof![Just("rating"), Just("a"), Just("b,\"c"), Just("d.e")];
    let rating =
        prop::option::weighted(0.8, (-50..50_i32).prop_map(|n| json!({"N": n.to_string()})));
    (
        prop::collection::hash_map(name, value(), 0..4),
        rating,
        any::<u16>(),
    )
        .prop_map(|(attributes, rating, n)| {
            let mut item =
                json!({"user": {"S": format!("u{}", n % 7)}, "item": {"N": n.to_string()}});
            for (name, value) in attributes {
                item[name] = value;
            }
            if let Some(rating) = rating {
                item["rating"] = rating;
            }
            json!({ "Item": item }).to_string().into_bytes()
        })
}

/// Segments of parts of lines; no part is empty.
fn segments() -> impl Strategy<Value = Vec<Vec<Vec<Vec<u8>>>>> {
    let part = prop::collection::vec(item(), 1..12);
    prop::collection::vec(prop::collection::vec(part, 0..4), 1..4)
}

async fn holds(store: &MemoryStore, items: usize) {
    // The gate may refuse the table; then there is no dataset to check.
    if let Err(error) = plan_dataset::handle(store, 40, input(), invocation()).await {
        assert!(!error.to_string().is_empty());
        assert_ne!(error.name(), contract::ErrorName::Bug, "{error}");
        return;
    }
    let rows = support::merge_all(store).await;
    assert_eq!(rows.total(), items as u64, "{rows:?}");
    let rejected: usize = objects(store, "processed/")
        .await
        .iter()
        .filter(|(key, _)| key.contains("/rejected/"))
        .map(|(_, text)| text.split(|byte| *byte == b'\n').count() - 1)
        .sum();
    assert_eq!(rejected as u64, rows.rejected);
    if rows.train > 0 {
        match seal_dataset::handle(store, input(), invocation()).await {
            Ok(sealed) => assert_eq!(sealed.rows, rows),
            // A dataset that training or the judge would refuse is not sealed.
            Err(error) => assert_eq!(
                error.name(),
                contract::ErrorName::QualityGateFailed,
                "{error}"
            ),
        }
    }
    let mut width = None;
    let mut lines = 0;
    for channel in ["train", "validation", "test"] {
        for (key, text) in objects(store, &keys().channel(channel)).await {
            let text = String::from_utf8(text).unwrap();
            assert!(text.ends_with('\n'), "{key}");
            for line in text.lines() {
                lines += 1;
                let cells: Vec<&str> = line.split(',').collect();
                assert_eq!(cells.len(), *width.get_or_insert(cells.len()), "{line}");
                assert!(cells.len() > 1 && !cells[0].is_empty(), "{line}");
                for cell in cells.iter().filter(|cell| !cell.is_empty()) {
                    let number: f32 = cell.parse().unwrap();
                    assert!(number.is_finite(), "{cell}");
                    let plain = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
                    assert!(cell.bytes().all(plain), "{cell}");
                }
            }
        }
    }
    assert_eq!(lines, rows.train + rows.validation + rows.test);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_item_is_accounted_for_and_every_cell_is_a_number(segments in segments()) {
        let items = segments.iter().flatten().map(Vec::len).sum();
        let dataset = json!({
            "label": "rating",
            "split": {"by": ["user"], "validation": 0.3},
            "gate": {"minimumRows": 0, "maximumMissingLabel": 1.0, "maximumRejected": 1.0},
            "shardBytes": 700,
        });
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let store = exported(&segments, Encoding::Zstd, dataset, json!({"image": "i"})).await;
            holds(&store, items).await;
        });
    }
}
