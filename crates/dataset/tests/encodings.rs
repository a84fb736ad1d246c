//! Encodings and their settings: how each encodes a value, one that did not occur in training, and
//! a missing one.

mod support;

use dataset::{
    Columns, DenseRow, Encoder, PlanError, check_definition, plan_columns, read_definition,
};
use definition::Dataset;
use proptest::prelude::*;
use serde_json::{Value, json};
use support::{define, key, plan, plan_sampled, profile, row, with_item};

/// A definition of one column beside the label `y`.
fn one(column: &Value) -> Dataset {
    define(json!({ "label": "y", "columns": [column] }))
}

fn labelled(values: &[Value]) -> Vec<Value> {
    values
        .iter()
        .map(|value| json!({ "y": { "N": "1" }, "x": value }))
        .collect()
}

/// The row of an item with this `x`, without the label.
fn cells(columns: &Columns, value: Value) -> String {
    let mut item = json!({ "y": { "N": "1" } });
    if !value.is_null() {
        item["x"] = value;
    }
    match row(columns, &item) {
        Ok(row) => {
            let (_label, cells) = row.trim_end().split_once(',').expect("a label and more");
            cells.to_owned()
        }
        Err(reason) => reason,
    }
}

#[test]
fn one_hot_has_its_first_slot_for_unseen_values() {
    let table = labelled(&[
        json!({ "S": "b" }),
        json!({ "N": "1.0" }),
        json!({ "S": "a" }),
    ]);
    let columns = plan(&one(&json!({ "path": "x", "encoding": "oneHot" })), &table);
    for (value, expected) in [
        (json!({ "N": "1" }), "0,1,0,0"),
        (json!({ "S": "a" }), "0,0,1,0"),
        (json!({ "S": "b" }), "0,0,0,1"),
        (json!({ "S": "c" }), "1,0,0,0"),
        (json!(null), "0,0,0,0"),
        (
            json!({ "BOOL": true }),
            "`x`: the value is BOOL, neither text nor a number",
        ),
    ] {
        assert_eq!(cells(&columns, value.clone()), expected, "{value}");
    }
    let encoder = Encoder::new(&columns).unwrap();
    assert_eq!(encoder.slot_names(), ["x=", "x=1", "x=a", "x=b"]);
}

#[test]
fn a_declared_vocabulary_needs_no_other() {
    let table = labelled(&[json!({ "S": "b" }), json!({ "S": "z" })]);
    let declared = one(&json!({ "path": "x", "encoding": "ordinal", "vocabulary": ["b", "a"] }));
    let columns = plan(&declared, &table);
    assert_eq!(columns.columns[0].vocabulary, ["a", "b"]);
    assert_eq!(cells(&columns, json!({ "S": "b" })), "2");
    assert_eq!(cells(&columns, json!({ "S": "z" })), "0");
}

#[test]
fn a_hash_is_the_same_for_the_same_value_and_within_its_buckets() {
    let table = labelled(&[json!({ "S": "a" })]);
    let declared = one(&json!({ "path": "x", "encoding": "hash", "buckets": 1000 }));
    let columns = plan(&declared, &table);
    // XXH3-64 of `a` is e6c632b61e964e1f: 622 of 1000.
    let code = format!("{}", 0xe6c6_32b6_1e96_4e1f_u64 % 1000 + 1);
    assert_eq!(cells(&columns, json!({ "S": "a" })), code);
    assert_eq!(cells(&columns, json!({ "S": "\u{61}" })), code);
    assert_eq!(
        cells(&columns, json!({ "N": "1.0" })),
        cells(&columns, json!({ "N": "1E0" }))
    );
    assert_eq!(cells(&columns, json!(null)), "0");
    assert_eq!(
        cells(&columns, json!({ "BOOL": true })),
        "`x`: the value is BOOL, not text, a number or binary"
    );
    let binary = cells(&columns, json!({ "B": "AAEC" }))
        .parse::<u32>()
        .unwrap();
    assert!((1..=1000).contains(&binary));
    let declared = one(&json!({ "path": "x", "encoding": "hashOneHot", "buckets": 3 }));
    let columns = plan(&declared, &table);
    let hot = cells(&columns, json!({ "S": "a" }));
    let bucket = 0xe6c6_32b6_1e96_4e1f_usize % 3;
    let expected: Vec<_> = (0..3)
        .map(|at| if at == bucket { "1" } else { "0" })
        .collect();
    assert_eq!(hot, expected.join(","));
    assert_eq!(cells(&columns, json!(null)), "0,0,0");
}

#[test]
fn members_of_sets_and_lists_have_a_slot_each() {
    let table = labelled(&[json!({ "SS": ["a", "b"] }), json!({ "L": [{ "N": "1" }] })]);
    let declared =
        one(&json!({ "path": "x", "encoding": "multiHot", "vocabulary": ["b", "a", "1"] }));
    let columns = plan(&declared, &table);
    for (value, expected) in [
        (json!({ "SS": ["b", "a"] }), "0,0,1,1"),
        (json!({ "NS": ["1.00", "2"] }), "1,1,0,0"),
        (
            json!({ "L": [{ "S": "b" }, { "NULL": true }, { "S": "b" }, { "S": "?" }] }),
            "1,0,0,1",
        ),
        (json!({ "L": [] }), "0,0,0,0"),
        (json!(null), "0,0,0,0"),
        (
            json!({ "L": [{ "S": "a" }, { "M": {} }] }),
            "`x`: the value is L, not a set or list of only texts, numbers or binary",
        ),
        (
            json!({ "S": "a" }),
            "`x`: the value is S, not a set or list of only texts, numbers or binary",
        ),
    ] {
        assert_eq!(cells(&columns, value.clone()), expected, "{value}");
    }
    let declared = one(&json!({ "path": "x", "encoding": "multiHot", "buckets": 2 }));
    let hot = cells(
        &plan(&declared, &table),
        json!({ "SS": ["a", "b", "c", "d", "e", "f"] }),
    );
    assert_eq!(hot, "1,1");
}

#[test]
fn length_counts_what_a_value_holds() {
    let table = labelled(&[json!({ "S": "a" })]);
    let columns = plan(&one(&json!({ "path": "x", "encoding": "length" })), &table);
    for (value, expected) in [
        (json!({ "S": "é\n日" }), "3"),
        (json!({ "B": "AAEC" }), "3"),
        (
            json!({ "B": "%" }),
            "`x`: the value is B, which has no length",
        ),
        (json!({ "SS": ["a", "b"] }), "2"),
        (json!({ "NS": ["1", "1.0", "2"] }), "2"),
        (json!({ "L": [] }), "0"),
        (json!({ "M": { "a": { "N": "1" } } }), "1"),
        (
            json!({ "N": "12" }),
            "`x`: the value is N, which has no length",
        ),
        (json!(null), ""),
    ] {
        assert_eq!(cells(&columns, value.clone()), expected, "{value}");
    }
}

#[test]
fn a_timestamp_gives_its_parts() {
    let table = labelled(&[
        json!({ "S": "2024-02-29T13:45:30Z" }),
        json!({ "N": "1709214330" }),
    ]);
    let columns = plan(
        &one(&json!({ "path": "x", "encoding": "timestamp" })),
        &table,
    );
    let encoder = Encoder::new(&columns).unwrap();
    assert_eq!(encoder.slot_names(), ["x:days", "x:weekday", "x:hour"]);
    for value in [
        json!({ "S": "2024-02-29T13:45:30Z" }),
        json!({ "S": "2024-02-29T14:45:30+01:00" }),
        json!({ "N": "1709214330" }),
    ] {
        assert_eq!(cells(&columns, value.clone()), "1520.5732,4,13", "{value}");
    }
    assert_eq!(cells(&columns, json!(null)), ",,");
    assert_eq!(
        cells(&columns, json!({ "S": "soon" })),
        "`x`: the value is not a timestamp up to the year 9999"
    );
    let table = labelled(&[json!({ "N": "1709214330000" })]);
    let declared = json!({ "path": "x", "encoding": "timestamp", "parts": ["minute", "year"] });
    let columns = plan(&one(&declared), &table);
    assert_eq!(cells(&columns, json!({ "N": "1709214330000" })), "45,2024");
}

#[test]
fn a_list_element_is_a_column_if_the_definition_says_how() {
    let table = labelled(&[json!({ "L": [{ "N": "7" }, { "M": { "a.b": { "S": "q" } } }] })]);
    let definition = define(json!({ "label": "y", "columns": [
        { "path": "x[0]", "encoding": "number" },
        { "path": r"x[1].a\.b", "encoding": "ordinal", "vocabulary": ["q"] },
    ] }));
    let columns = plan(&definition, &table);
    assert_eq!(row(&columns, &table[0]).as_deref(), Ok("1,7,1\n"));
    let large = json!({ "y": { "N": "1" }, "x": { "L": [{ "N": "16777217" }] } });
    assert_eq!(
        row(&columns, &large),
        Err("`x[0]`: the whole number is beyond 2^24, and float32 rounds it".to_owned())
    );
    let refused = |column: Value| {
        plan_columns(&one(&column), &key(), &profile(&table))
            .unwrap_err()
            .to_string()
    };
    assert!(refused(json!({ "path": "x[0]" })).contains("say how it is encoded"));
    assert!(
        refused(json!({ "path": "x[0]", "encoding": "number", "scale": "range" }))
            .contains("keeps no profile")
    );
    assert!(
        refused(json!({ "path": "z[0]", "encoding": "number" })).contains("`z` occurs in none")
    );
}

#[test]
fn numbers_that_float32_changes_are_handled_as_declared() {
    let table = labelled(&[json!({ "N": "16777217" }), json!({ "N": "-3" })]);
    let number = |settings: Value| {
        let mut column = json!({ "path": "x", "encoding": "number" });
        column
            .as_object_mut()
            .unwrap()
            .extend(settings.as_object().unwrap().clone());
        one(&column)
    };
    let error = plan_columns(&number(json!({})), &key(), &profile(&table)).unwrap_err();
    assert!(matches!(error, PlanError::Rounded { .. }), "{error}");
    let columns = plan(&number(json!({ "precision": "round" })), &table);
    assert_eq!(cells(&columns, json!({ "N": "16777217" })), "16777216");
    assert_eq!(
        cells(&columns, json!({ "N": "1E39" })),
        "`x`: the number is beyond float32"
    );
    let columns = plan(&number(json!({ "precision": "clamp" })), &table);
    assert_eq!(cells(&columns, json!({ "N": "1E39" })), "3.402823e38");
    let columns = plan(&number(json!({ "scale": "range" })), &table);
    assert_eq!(cells(&columns, json!({ "N": "16777217" })), "1");
    assert_eq!(cells(&columns, json!({ "N": "-3" })), "0");
    assert_eq!(cells(&columns, json!({ "N": "8388607" })), "0.5");
}

#[test]
fn a_standardised_number_has_mean_0_and_deviation_1() {
    // Mean 1e12, standard deviation 2: equal in float32.
    let table = labelled(&[
        json!({ "N": "999999999998" }),
        json!({ "N": "1000000000002" }),
        json!({ "NULL": true }),
    ]);
    let declared = one(&json!({ "path": "x", "encoding": "number", "scale": "standard" }));
    let columns = plan_sampled(&declared, &table).unwrap();
    assert_eq!(cells(&columns, json!({ "N": "999999999998" })), "-1");
    assert_eq!(cells(&columns, json!({ "N": "1000000000003" })), "1.5");
    assert_eq!(cells(&columns, json!(null)), "");
    let same = labelled(&[json!({ "N": "7" }), json!({ "N": "7" })]);
    assert_eq!(
        cells(
            &plan_sampled(&declared, &same).unwrap(),
            json!({ "N": "7" })
        ),
        "0"
    );
}

#[test]
fn a_label_of_classes_counts_from_zero() {
    let table: Vec<_> = [
        json!({ "S": "no" }),
        json!({ "S": "yes" }),
        json!({ "BOOL": true }),
    ]
    .map(|label| json!({ "y": label, "x": { "N": "5" } }))
    .into();
    let mut definition = one(&json!({ "path": "x" }));
    definition.label_encoding = definition::LabelEncoding::Classes;
    let columns = plan(&definition, &table);
    assert_eq!(columns.label_classes, ["false", "no", "true", "yes"]);
    let label = |label: Value| row(&columns, &json!({ "y": label, "x": { "N": "5" } }));
    assert_eq!(label(json!({ "S": "no" })).as_deref(), Ok("1,5\n"));
    assert_eq!(label(json!({ "BOOL": true })).as_deref(), Ok("2,5\n"));
    assert_eq!(
        label(json!({ "S": "maybe" })),
        Err("`y`: the label is a class that the table did not have".to_owned())
    );
    assert_eq!(
        label(json!({ "NULL": true })).unwrap_err(),
        "`y`: the label is missing"
    );
    let numbers: Vec<_> = ["10", "9", "-1.50"]
        .map(|label| json!({ "y": { "N": label }, "x": { "N": "5" } }))
        .into();
    assert_eq!(
        plan(&definition, &numbers).label_classes,
        ["-1.5", "9", "10"]
    );
}

#[test]
fn a_label_that_float32_rounds_is_refused() {
    let table = [json!({ "y": { "N": "99999999" }, "x": { "N": "5" } })];
    let mut definition = one(&json!({ "path": "x" }));
    let error = plan_columns(&definition, &key(), &profile(&table)).unwrap_err();
    assert!(matches!(error, PlanError::LabelRounded { .. }), "{error}");
    definition.label_precision = definition::Precision::Round;
    assert_eq!(
        row(&plan(&definition, &table), &table[0]).as_deref(),
        Ok("100000000,5\n")
    );
}

#[test]
fn a_weight_stands_behind_the_label() {
    let item = |weight: Value| json!({ "y": { "N": "1" }, "x": { "N": "5" }, "w": weight });
    let definition = define(json!({ "label": "y", "weight": "w" }));
    let columns = plan(&definition, &[item(json!({ "N": "0.5" }))]);
    assert_eq!(columns.columns.len(), 1, "a weight is no feature");
    assert_eq!(
        row(&columns, &item(json!({ "N": "0.5" }))).as_deref(),
        Ok("1,0.5,5\n")
    );
    for (weight, reason) in [
        (json!({ "NULL": true }), "`w`: the weight is missing"),
        (
            json!({ "N": "-1" }),
            "`w`: the weight is not a number from 0",
        ),
        (
            json!({ "S": "x" }),
            "`w`: the weight is not a number from 0",
        ),
    ] {
        assert_eq!(row(&columns, &item(weight)), Err(reason.to_owned()));
    }
}

#[test]
fn contradictory_settings_are_refused_before_anything_is_read() {
    for (column, field) in [
        (json!({ "path": "x", "buckets": 5 }), "columns[0].buckets"),
        (
            json!({ "path": "x", "encoding": "hash" }),
            "columns[0].buckets",
        ),
        (
            json!({ "path": "x", "encoding": "hash", "buckets": 0 }),
            "columns[0].buckets",
        ),
        (
            json!({ "path": "x", "vocabulary": ["a"] }),
            "columns[0].vocabulary",
        ),
        (
            json!({ "path": "x", "encoding": "oneHot", "vocabulary": ["a", "a"] }),
            "columns[0].vocabulary",
        ),
        (
            json!({ "path": "x", "encoding": "ordinal", "scale": "range" }),
            "columns[0].scale",
        ),
        (
            json!({ "path": "x", "precision": "round" }),
            "columns[0].precision",
        ),
        (
            json!({ "path": "x", "encoding": "number", "unit": "seconds" }),
            "columns[0].unit",
        ),
        (
            json!({ "path": "x", "encoding": "timestamp", "parts": [] }),
            "columns[0].parts",
        ),
        (
            json!({ "path": "x", "encoding": "oneHot", "missing": { "constant": 1 } }),
            "columns[0].missing",
        ),
        (
            json!({ "path": "x", "encoding": "number", "missing": { "constant": 1e39 } }),
            "columns[0].missing",
        ),
    ] {
        match check_definition(&one(&column)) {
            Err(PlanError::Definition { field: found, .. }) => assert_eq!(found, field, "{column}"),
            other => panic!("{column}: {other:?}"),
        }
    }
}

#[test]
fn every_contradictory_setting_of_a_column_is_named() {
    let column = json!({
        "path": "x", "encoding": "hash", "buckets": 0, "vocabulary": ["a"], "scale": "range",
        "precision": "round", "unit": "seconds", "fromText": true, "parts": [],
        "missing": { "constant": 1e39 },
    });
    let definition = json!({
        "source": { "dynamodb": { "table": "films" } },
        "dataset": { "label": "y", "columns": [column] },
    });
    let faults = read_definition(&definition).unwrap_err();
    let faults = faults.as_slice().iter();
    let fields: Vec<_> = faults
        .filter_map(|fault| fault.path.strip_prefix("dataset.columns[0]."))
        .collect();
    let expected = [
        "buckets",
        "vocabulary",
        "scale",
        "precision",
        "unit",
        "fromText",
        "parts",
        "missing",
    ];
    assert_eq!(fields, expected);
}

/// A column over one of the attributes of arbitrary items.
fn arbitrary_column() -> impl Strategy<Value = Value> {
    let path = prop_oneof!["[a-d]", r"[a-d]\.(p|q|\\\.)", r"[a-d]\[[01]\]"];
    let settings = prop_oneof![
        Just(json!({ "encoding": "number", "precision": "round" })),
        Just(json!({ "encoding": "number", "precision": "clamp" })),
        Just(json!({ "encoding": "boolean" })),
        Just(json!({ "encoding": "ordinal", "vocabulary": ["a", "b", "1"] })),
        Just(json!({ "encoding": "oneHot", "vocabulary": ["a", "b", "é"] })),
        Just(json!({ "encoding": "hash", "buckets": 7 })),
        Just(json!({ "encoding": "hashOneHot", "buckets": 3 })),
        Just(json!({ "encoding": "multiHot", "vocabulary": ["a", "1"] })),
        Just(json!({ "encoding": "multiHot", "buckets": 2 })),
        Just(json!({ "encoding": "length" })),
        Just(json!({ "encoding": "timestamp" })),
    ];
    let missing = prop_oneof![
        4 => Just(json!("empty")),
        1 => Just(json!("reject")),
        1 => Just(json!("drop")),
    ];
    (path, settings, missing).prop_map(|(path, mut column, missing)| {
        column["path"] = json!(path);
        column["missing"] = missing;
        column
    })
}

/// Columns as a plan stores them, without checking them against a profile.
fn store(columns: &[Value]) -> Option<Columns> {
    let definition = define(json!({ "label": "label", "columns": columns }));
    check_definition(&definition).ok()?;
    let mut columns = columns.to_vec();
    for column in &mut columns {
        if let Some(vocabulary) = column.get_mut("vocabulary").and_then(Value::as_array_mut) {
            vocabulary.sort_by_key(ToString::to_string);
        }
        if column["encoding"] == "timestamp" {
            column["parts"] = json!(["days", "month"]);
        }
    }
    let split = json!({ "by": ["id"], "validation": 0.3, "test": 0.2, "seed": 1 });
    let columns =
        json!({ "label": "label", "columns": columns, "split": split, "inferred": false });
    Some(serde_json::from_value(columns).expect("columns"))
}

proptest! {
    #[test]
    fn whatever_an_item_holds_every_cell_of_its_row_is_a_number(
        columns in proptest::collection::vec(arbitrary_column(), 1..6),
        items in support::arbitrary_items(),
    ) {
        let Some(columns) = store(&columns) else { return Ok(()) };
        let mut encoder = Encoder::new(&columns).unwrap();
        prop_assert_eq!(encoder.width(), columns.columns.iter().map(dataset::FeatureColumn::width).sum::<usize>());
        prop_assert_eq!(encoder.slot_names().len(), encoder.width());
        support::rows_agree(&mut encoder, &items)?;
    }

    #[test]
    fn a_column_that_the_plan_makes_suits_some_item(
        column in arbitrary_column(), items in support::arbitrary_items(),
    ) {
        let definition = define(json!({ "label": "label", "columns": [column], "gate": { "maximumMissingLabel": 1.0 } }));
        let Ok(columns) = plan_columns(&definition, &key(), &profile(&items)) else { return Ok(()) };
        let text = serde_json::to_string(&columns).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Columns>(&text).unwrap(), &columns);
        let encoder = Encoder::new(&columns).unwrap();
        let mut row = DenseRow::default();
        for item in &items {
            with_item(item, |item| {
                if encoder.features(&encoder.values(item), &mut row).is_ok() {
                    assert_eq!(row.slots.len(), encoder.width());
                }
            });
        }
    }
}
