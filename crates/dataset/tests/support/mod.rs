//! Items for tests: written as JSON, or arbitrary over few names, so that types collide and values
//! repeat.

#![allow(dead_code, reason = "each test file uses its part")]

use dataset::{Columns, CsvRows, DenseRow, Encoder, Fate, PlanError, Profile, plan_columns};
use definition::{Column, Dataset, Encoding};
use dynamodb_json::{Lines, Map};
use proptest::prelude::*;
use serde_json::{Value, json};
use twox_hash::XxHash3_64;

/// An item as DynamoDB JSON.
pub fn with_item<T>(item: &Value, read: impl FnOnce(&Map<'_>) -> T) -> T {
    let text = item.to_string();
    read(&dynamodb_json::parse_item(text.as_bytes()).expect("tests write items"))
}

pub fn profile(items: &[Value]) -> Profile {
    let mut profile = Profile::new();
    let mut lines = Lines::new();
    for item in items {
        with_item(item, |item| profile.observe(item));
        let line = json!({ "Item": item }).to_string();
        lines.push_line(line.as_bytes()).expect("tests write items");
    }
    // Both ways to observe say the same, always.
    let mut together = Profile::new();
    together.observe_lines(&lines);
    assert_eq!(together, profile);
    profile
}

/// Adds items to a profile as an export does it: page by page, and each line with its hash.
pub fn take_in(profile: &mut Profile, items: impl IntoIterator<Item = Value>) {
    let mut lines = Lines::new();
    for item in items {
        let line = json!({ "Item": item }).to_string();
        lines.push_line(line.as_bytes()).expect("tests write items");
        if lines.len() == 500 {
            pass(profile, &lines);
            lines.clear();
        }
    }
    pass(profile, &lines);
}

fn pass(profile: &mut Profile, lines: &Lines) {
    profile.observe_lines(lines);
    for line in lines.lines().map(str::as_bytes) {
        profile.sample(XxHash3_64::oneshot(line), line);
    }
}

pub fn sampled(items: impl IntoIterator<Item = Value>) -> Profile {
    let mut profile = Profile::new();
    take_in(&mut profile, items);
    profile
}

/// A definition that says no more than its label.
pub fn infer(label: &str) -> Dataset {
    serde_json::from_value(json!({ "label": label })).expect("a definition")
}

/// A definition as its JSON has it.
pub fn define(definition: Value) -> Dataset {
    serde_json::from_value(definition).expect("a definition")
}

pub fn declare(label: &str, columns: &[(&str, Option<Encoding>)]) -> Dataset {
    let column = |(path, encoding): &(&str, Option<Encoding>)| Column {
        path: (*path).to_owned(),
        encoding: *encoding,
        ..Column::default()
    };
    Dataset {
        columns: Some(columns.iter().map(column).collect()),
        ..infer(label)
    }
}

pub fn key() -> Vec<String> {
    vec!["id".to_owned()]
}

/// A plan by a profile with its sample, as an export's is.
pub fn plan_sampled(definition: &Dataset, items: &[Value]) -> Result<Columns, PlanError> {
    let mut profile = Profile::new();
    take_in(&mut profile, items.iter().cloned());
    plan_columns(definition, &key(), &profile)
}

pub fn plan(definition: &Dataset, items: &[Value]) -> Columns {
    plan_columns(definition, &key(), &profile(items)).expect("a plan")
}

/// The item's row, or why it has none.
pub fn row(columns: &Columns, item: &Value) -> Result<String, String> {
    let mut encoder = Encoder::new(columns).expect("planned columns");
    let mut rows = CsvRows::new();
    match with_item(item, |item| {
        encoder.encode(&encoder.values(item), &mut rows)
    }) {
        Fate::Row(_) => Ok(text(&rows)),
        Fate::Rejected(reject) => {
            assert!(
                rows.as_bytes().is_empty(),
                "a rejected item leaves nothing behind"
            );
            Err(reject.to_string())
        }
        fate => panic!("{fate:?}"),
    }
}

pub fn text(rows: &CsvRows) -> String {
    String::from_utf8(rows.as_bytes().to_vec()).expect("cells are ASCII")
}

/// Whether XGBoost's reader takes the cell as a number, or as missing.
fn is_cell(cell: &str) -> bool {
    let (mantissa, exponent) = cell.split_once('e').unwrap_or((cell, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let mantissa = mantissa.strip_prefix('-').unwrap_or(mantissa);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    cell.is_empty()
        || digits(whole)
            && digits(fraction)
            && digits(exponent.strip_prefix('-').unwrap_or(exponent))
}

/// Holds the rows of items against each other: the same as CSV and as numbers, the same in training
/// and serving, every cell a number, and nothing left of an item that is no row.
pub fn rows_agree(encoder: &mut Encoder, items: &[Value]) -> Result<(), TestCaseError> {
    let (mut rows, mut features) = (CsvRows::new(), CsvRows::new());
    let (mut dense, mut asked) = (DenseRow::default(), DenseRow::default());
    let mut lines = 0;
    for item in items {
        let before = text(&rows);
        let fate = with_item(item, |item| {
            encoder.encode(&encoder.values(item), &mut rows)
        });
        with_item(item, |item| {
            encoder.encode(&encoder.values(item), &mut dense)
        });
        features.clear();
        let tail = with_item(item, |item| {
            encoder.features(&encoder.values(item), &mut features)
        });
        let again = with_item(item, |item| {
            encoder.features(&encoder.values(item), &mut asked)
        });
        prop_assert_eq!(&again, &tail);
        let all = text(&rows);
        let Fate::Row(_) = fate else {
            prop_assert_eq!(all, before);
            prop_assert_eq!(&dense, &DenseRow::default());
            continue;
        };
        lines += 1;
        let line = all
            .strip_prefix(&before)
            .and_then(|line| line.strip_suffix('\n'))
            .expect("a row is appended");
        let cells: Vec<_> = line.split(',').collect();
        prop_assert_eq!(cells.len(), 1 + encoder.width());
        prop_assert!(cells.iter().all(|cell| is_cell(cell)), "{}", line);
        prop_assert!(!cells[0].is_empty());
        prop_assert_eq!(tail, Ok(()));
        prop_assert_eq!(text(&features), format!("{}\n", cells[1..].join(",")));
        let bits = |slots: &[f32]| slots.iter().map(|slot| slot.to_bits()).collect::<Vec<_>>();
        let read = |cell: &&str| match *cell {
            "" => f32::NAN,
            cell => cell.parse().expect("a cell is a number"),
        };
        prop_assert_eq!(dense.label, Some(read(&cells[0])));
        let numbers: Vec<_> = cells[1..].iter().map(read).collect();
        prop_assert_eq!(bits(&dense.slots), bits(&numbers));
        prop_assert_eq!((bits(&asked.slots), asked.label), (bits(&numbers), None));
    }
    prop_assert_eq!(text(&rows).lines().count(), lines);
    Ok(())
}

pub fn arbitrary_value() -> impl Strategy<Value = Value> {
    let number = prop_oneof![
        "-?[0-9]{1,3}(\\.[0-9]{1,2})?",
        "-?[1-9][0-9]{0,37}",
        "[1-9]E-?1?[0-9]{1,2}"
    ];
    let leaf = prop_oneof![
        4 => number.clone().prop_map(|n| json!({ "N": n })),
        4 => "[abé\",\n]{0,2}".prop_map(|s| json!({ "S": s })),
        1 => any::<String>().prop_map(|s| json!({ "S": s })),
        1 => "x{0,300}".prop_map(|s| json!({ "S": s })),
        2 => any::<bool>().prop_map(|b| json!({ "BOOL": b })),
        1 => Just(json!({ "NULL": true })),
        1 => Just(json!({ "B": "AAEC" })),
        1 => proptest::collection::vec(number, 0..3).prop_map(|ns| json!({ "NS": ns })),
        1 => proptest::collection::vec("[abé]?", 0..3).prop_map(|ss| json!({ "SS": ss })),
        1 => "20[0-9]{2}-0[1-9]-[0-3][0-9](T1[0-9]:30:00Z)?".prop_map(|s| json!({ "S": s })),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::btree_map("[p.q]", inner.clone(), 0..3)
                .prop_map(|m| json!({ "M": m })),
            proptest::collection::vec(inner, 0..3).prop_map(|l| json!({ "L": l })),
        ]
    })
}

/// An item of few attributes; `label` is often a number.
pub fn arbitrary_item() -> impl Strategy<Value = Value> {
    let label = prop_oneof![
        6 => "[1-5](\\.5)?".prop_map(|n| Some(json!({ "N": n }))),
        1 => arbitrary_value().prop_map(Some),
        1 => Just(None),
    ];
    let attributes = proptest::collection::btree_map("[a-d]|id", arbitrary_value(), 0..6);
    (label, attributes).prop_map(|(label, mut attributes)| {
        attributes.extend(label.map(|label| ("label".to_owned(), label)));
        json!(attributes)
    })
}

pub fn arbitrary_items() -> impl Strategy<Value = Vec<Value>> {
    proptest::collection::vec(arbitrary_item(), 1..30)
}
