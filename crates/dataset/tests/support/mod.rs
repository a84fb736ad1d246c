//! Definitions, plans and rows for tests, with the items of the profile's tests.

#![allow(dead_code, unused_imports, reason = "each test file uses its part")]

#[path = "../../../profile/tests/support/mod.rs"]
mod items;

use dataset::{Columns, CsvRows, DenseRow, Encoder, PlanError, RowOutcome, plan_columns};
use definition::{Column, Dataset, Encoding};
use proptest::prelude::*;
use serde_json::{Value, json};

pub use items::{arbitrary_items, profile, sampled, with_item};

/// A definition with nothing but a label.
pub fn infer(label: &str) -> Dataset {
    serde_json::from_value(json!({ "label": label })).expect("a definition")
}

/// A definition from its JSON.
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

/// A plan from a profile with a sample, as an export has it.
pub fn plan_sampled(definition: &Dataset, items: &[Value]) -> Result<Columns, PlanError> {
    let profile = sampled(items.iter().cloned());
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
        RowOutcome::Row(_) => Ok(text(&rows)),
        RowOutcome::Rejected(reject) => {
            assert!(
                rows.as_bytes().is_empty(),
                "a rejected item leaves nothing behind"
            );
            Err(format!("`{}`: {}", reject.path, reject.reason))
        }
        outcome => panic!("{outcome:?}"),
    }
}

pub fn text(rows: &CsvRows) -> String {
    String::from_utf8(rows.as_bytes().to_vec()).expect("cells are ASCII")
}

/// Whether XGBoost's reader parses the cell as a number, or as missing.
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

/// Compares the rows of items: the same as CSV and as numbers, the same in training and serving,
/// every cell a number, and nothing left of an item that is not a row.
pub fn rows_agree(encoder: &mut Encoder, items: &[Value]) -> Result<(), TestCaseError> {
    let (mut rows, mut features) = (CsvRows::new(), CsvRows::new());
    let (mut dense, mut asked) = (DenseRow::default(), DenseRow::default());
    let mut lines = 0;
    for item in items {
        let before = text(&rows);
        let outcome = with_item(item, |item| {
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
        let RowOutcome::Row(_) = outcome else {
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
