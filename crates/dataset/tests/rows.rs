//! Rows: every cell by its rule, the same in training and serving, and on the side of the split.

mod support;

use dataset::{Columns, ColumnsError, DenseRow, Encoder, RowOutcome, Side, plan_columns};
use definition::{Encoding, Missing};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use support::{arbitrary_items, declare, infer, key, plan, profile, row, rows_agree, with_item};

fn table() -> Vec<Value> {
    vec![
        json!({ "y": { "N": "4.5" }, "n": { "N": "1.10" }, "b": { "BOOL": true }, "o": { "S": "tv" } }),
        json!({ "y": { "N": "3" }, "n": { "N": "2" }, "b": { "BOOL": false }, "o": { "N": "7.0" } }),
    ]
}

fn columns() -> Columns {
    plan(
        &declare("y", &[("n", None), ("b", None), ("o", None)]),
        &table(),
    )
}

#[test]
fn a_value_is_encoded_by_its_column() {
    let columns = columns();
    for (item, expected) in [
        (table()[0].clone(), "4.5,1.1,1,2\n"),
        (table()[1].clone(), "3,2,0,1\n"),
        (json!({ "y": { "BOOL": true } }), "1,,,0\n"),
        (
            json!({ "y": { "N": "1" }, "n": { "NULL": true }, "o": { "NULL": true } }),
            "1,,,0\n",
        ),
        (
            json!({ "y": { "N": "1" }, "o": { "S": "never seen" } }),
            "1,,,0\n",
        ),
        (json!({ "y": { "N": "1" }, "o": { "S": "7" } }), "1,,,1\n"),
        (
            json!({ "y": { "N": "-0" }, "n": { "N": "1E30" } }),
            "0,1e30,,0\n",
        ),
        (
            json!({ "y": { "N": "0.1000000000000000000000001" }, "n": { "N": "1E-100" } }),
            "0.1,0,,0\n",
        ),
    ] {
        assert_eq!(row(&columns, &item).as_deref(), Ok(expected), "{item}");
    }
}

#[test]
fn an_item_that_is_no_row_says_why() {
    let columns = columns();
    for (item, reason) in [
        (json!({ "n": { "N": "1" } }), "`y`: the label is missing"),
        (
            json!({ "y": { "NULL": true } }),
            "`y`: the label is missing",
        ),
        (
            json!({ "y": { "S": "x" } }),
            "`y`: the label is S, neither a number nor a boolean",
        ),
        (
            json!({ "y": { "N": "1E39" } }),
            "`y`: the number is beyond float32",
        ),
        (
            json!({ "y": { "N": "1" }, "n": { "N": "-1E39" } }),
            "`n`: the number is beyond float32",
        ),
        (
            json!({ "y": { "N": "1" }, "n": { "S": "1" } }),
            "`n`: the value is S, not a number",
        ),
        (
            json!({ "y": { "N": "1" }, "b": { "N": "1" } }),
            "`b`: the value is N, not a boolean",
        ),
        (
            json!({ "y": { "N": "1" }, "o": { "BOOL": true } }),
            "`o`: the value is BOOL, neither text nor a number",
        ),
    ] {
        assert_eq!(row(&columns, &item), Err(reason.to_owned()), "{item}");
    }
}

#[test]
fn a_missing_value_is_rejected_where_the_definition_says_so() {
    let mut definition = declare("y", &[("o", None), ("n", None)]);
    for column in definition.columns.as_mut().unwrap() {
        column.missing = Missing::Reject;
    }
    let columns = plan(&definition, &table());
    let item = json!({ "y": { "N": "1" }, "o": { "S": "tv" }, "n": { "NULL": true } });
    assert_eq!(
        row(&columns, &item),
        Err("`n`: the value is missing".to_owned())
    );
    let unseen = json!({ "y": { "N": "1" }, "o": { "S": "unseen" }, "n": { "N": "1" } });
    assert_eq!(row(&columns, &unseen).as_deref(), Ok("1,0,1\n"));
}

#[test]
fn codes_and_categories_convert_to_each_other() {
    let columns = columns();
    assert_eq!(columns.code("o", "tv"), Some(2));
    assert_eq!(columns.decode_ordinal("o", 2), Some("tv"));
    assert_eq!(columns.code("o", "unseen"), None);
    assert_eq!(columns.decode_ordinal("o", 0), None);
    assert_eq!(columns.decode_ordinal("o", 3), None);
    assert_eq!(columns.decode_ordinal("n", 1), None);
    assert_eq!(columns.code("nowhere", "tv"), None);
}

#[test]
fn columns_that_were_tampered_with_are_refused() {
    let refused = |change: fn(&mut Columns)| {
        let mut columns = columns();
        change(&mut columns);
        Encoder::new(&columns).unwrap_err()
    };
    assert!(matches!(
        refused(|c| c.label = "a[".to_owned()),
        ColumnsError::Path { .. }
    ));
    assert!(matches!(
        refused(|c| c.columns[2].vocabulary.reverse()),
        ColumnsError::Vocabulary { .. }
    ));
    assert!(matches!(
        refused(|c| c.columns[2].vocabulary = vec!["a".to_owned(); 2]),
        ColumnsError::Vocabulary { .. }
    ));
}

#[test]
fn stored_columns_are_stable_and_strict() {
    let text = serde_json::to_string(&columns()).unwrap();
    assert_eq!(
        text,
        r#"{"label":"y","columns":[{"path":"n","encoding":"number","missing":"empty","precision":"round"},{"path":"b","encoding":"boolean","missing":"empty"},{"path":"o","encoding":"ordinal","missing":"empty","vocabulary":["7","tv"]}],"split":{"by":["id"],"validation":0.1,"seed":0},"inferred":false,"leftOut":[]}"#
    );
    assert_eq!(serde_json::from_str::<Columns>(&text).unwrap(), columns());
    assert!(serde_json::from_str::<Columns>(&text.replacen('{', "{\"more\":1,", 1)).is_err());
}

/// The side of an item that differs only in `group`.
fn side(by: &str, seed: u64, group: &str) -> Side {
    let mut definition = declare("y", &[("n", None)]);
    definition.split.validation = 0.5;
    definition.split.seed = seed;
    // No item of the table has the group; the plan would be refused.
    let mut columns = plan(&definition, &table());
    columns.split.by = vec![by.to_owned()];
    let mut encoder = Encoder::new(&columns).expect("planned columns");
    let text = format!("{{\"y\":{{\"N\":\"1\"}}{group}}}");
    let item = dynamodb_json::parse_item(text.as_bytes()).expect("tests write items");
    match encoder.encode(&encoder.values(&item), &mut DenseRow::default()) {
        RowOutcome::Row(side) => side,
        outcome => panic!("{outcome:?}"),
    }
}

#[test]
fn the_value_of_a_group_decides_its_side_and_not_its_notation() {
    let same = [
        [r#","g":{"S":"é"}"#, r#","g":{"S":"\u00e9"}"#],
        [r#","g":{"N":"1"}"#, r#","g":{"N":"1.0"}"#],
        [r#","g":{"SS":["a","b"]}"#, r#","g":{"SS":["b","\u0061"]}"#],
        [
            r#","g":{"M":{"a":{"N":"1"},"b":{"S":"x"}}}"#,
            r#","g":{"M":{"b":{"S":"x"},"a":{"N":"1E0"}}}"#,
        ],
        ["", r#","h":{"S":"x"}"#],
    ];
    let differ = [
        [r#","g":{"S":"1"}"#, r#","g":{"N":"1"}"#],
        ["", r#","g":{"NULL":true}"#],
        [r#","g":{"BOOL":true}"#, r#","g":{"BOOL":false}"#],
        [r#","g":{"SS":["ab"]}"#, r#","g":{"SS":["a","b"]}"#],
        [
            r#","g":{"L":[{"N":"1"},{"N":"2"}]}"#,
            r#","g":{"L":[{"N":"2"},{"N":"1"}]}"#,
        ],
    ];
    let sides = |group| {
        (0..64)
            .map(|seed| side("g", seed, group))
            .collect::<Vec<_>>()
    };
    for [left, right] in same {
        assert_eq!(sides(left), sides(right), "{left} {right}");
    }
    for [left, right] in differ {
        assert_ne!(sides(left), sides(right), "{left} {right}");
    }
    assert_eq!(
        side("g[1]", 3, r#","g":{"L":[{"N":"2"},{"N":"1"}]}"#),
        side("g[1]", 3, r#","g":{"L":[{"N":"9"},{"N":"1"}]}"#)
    );
}

#[test]
fn the_share_that_validates_is_the_declared_one() {
    let items: Vec<_> = (0..20_000)
        .map(|at| json!({ "id": { "S": format!("i{at}") }, "y": { "N": "1" }, "n": { "N": "1" } }))
        .collect();
    let mut definition = declare("y", &[("n", None)]);
    for (asked, low, high) in [(0.0, 0, 0), (0.1, 1_800, 2_200), (0.9, 17_800, 18_200)] {
        definition.split.validation = asked;
        let mut encoder = Encoder::new(&plan(&definition, &items)).unwrap();
        let validates = |item: &&Value| {
            with_item(item, |item| {
                encoder.encode(&encoder.values(item), &mut DenseRow::default())
            }) == RowOutcome::Row(Side::Validation)
        };
        let count = items.iter().filter(validates).count();
        assert!((low..=high).contains(&count), "{asked}: {count}");
    }
}

proptest! {
    #[test]
    fn every_item_is_a_whole_row_or_rejected(items in arbitrary_items(), others in arbitrary_items()) {
        let mut definition = infer("label");
        definition.gate.maximum_missing_label = 1.0;
        let Ok(columns) = plan_columns(&definition, &key(), &profile(&items)) else {
            return Ok(());
        };
        let both: Vec<_> = items.iter().chain(&others).cloned().collect();
        rows_agree(&mut Encoder::new(&columns).unwrap(), &both)?;
    }

    #[test]
    fn a_category_that_training_saw_has_a_code_of_its_own(items in arbitrary_items()) {
        let mut definition = infer("label");
        definition.gate.maximum_missing_label = 1.0;
        let Ok(columns) = plan_columns(&definition, &key(), &profile(&items)) else {
            return Ok(());
        };
        for (at, column) in columns.columns.iter().enumerate() {
            if column.encoding != Encoding::Ordinal || column.path.contains(['.', '\\']) {
                continue;
            }
            let mut codes = BTreeMap::new();
            for item in &items {
                let Ok(row) = row(&columns, item) else { continue };
                let code: u32 = row.trim_end().split(',').nth(at + 1).unwrap().parse().unwrap();
                let Some(text) = item[&column.path].get("S").and_then(Value::as_str) else { continue };
                prop_assert!(code > 0);
                prop_assert_eq!(columns.decode_ordinal(&column.path, code), Some(text));
                prop_assert_eq!(columns.code(&column.path, text), Some(code));
                prop_assert_eq!(*codes.entry(text.to_owned()).or_insert(code), code);
            }
        }
    }
}
