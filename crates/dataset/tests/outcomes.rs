//! Outcomes: every item is a row on one side of the split, or is counted under another outcome,
//! alike in every shard and every run.

mod support;

use dataset::{
    Columns, DenseRow, Encoder, PlanError, RowOutcome, Side, check_definition, plan_columns,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use support::{define, key, plan, plan_sampled, profile, with_item};

/// The outcomes of the items of one shard.
fn outcomes(columns: &Columns, items: &[Value]) -> Vec<RowOutcome> {
    let mut encoder = Encoder::new(columns).expect("planned columns");
    if encoder.needs_first_pass() {
        for item in items {
            with_item(item, |item| encoder.see(&encoder.values(item)));
        }
    }
    let mut row = DenseRow::default();
    items
        .iter()
        .map(|item| with_item(item, |item| encoder.encode(&encoder.values(item), &mut row)))
        .collect()
}

#[test]
fn conditions_leave_out_of_serving_what_they_leave_out_of_training() {
    let definition = define(json!({
        "label": "y",
        "columns": [{ "path": "x" }],
        "where": [
            { "path": "state", "op": "notEqual", "value": "draft" },
            { "path": "y", "op": "greater", "value": 0 },
        ],
    }));
    let item = |label: Value, state: &str| {
        let mut item = json!({ "y": label, "x": { "N": "2" }, "state": { "S": state } });
        if item["y"].is_null() {
            item.as_object_mut().expect("an object").remove("y");
        }
        item
    };
    let number = |text: &str| json!({ "N": text });
    let columns = plan(&definition, &[item(number("1"), "paid")]);
    let encoder = Encoder::new(&columns).expect("planned columns");
    for (label, state, is_left_out) in [
        (number("1"), "paid", false),
        (number("0"), "paid", true),
        (number("1"), "draft", true),
        // An item that is predicted has no label yet.
        (Value::Null, "paid", false),
        (json!({ "NULL": true }), "paid", false),
        (Value::Null, "draft", true),
    ] {
        let item = item(label, state);
        let left_out = with_item(&item, |item| encoder.is_left_out(&encoder.values(item)));
        assert_eq!(left_out, is_left_out, "{item}");
    }
}

#[test]
fn only_items_that_satisfy_all_conditions_are_rows() {
    let definition = define(json!({
        "label": "y",
        "columns": [{ "path": "x" }],
        "where": [
            { "path": "state", "op": "in", "value": ["done", "paid"] },
            { "path": "context.score", "op": "greater", "value": 1 },
        ],
    }));
    let item = |state: &str, score: &str| {
        json!({
            "y": { "N": "1" }, "x": { "N": "2" }, "state": { "S": state },
            "context": { "M": { "score": { "N": score } } },
        })
    };
    let items = [
        item("done", "2"),
        item("paid", "1"),
        item("open", "2"),
        item("paid", "1.5"),
    ];
    let outcomes = outcomes(&plan(&definition, &items), &items);
    assert!(matches!(
        outcomes[..],
        [
            RowOutcome::Row(_),
            RowOutcome::Filtered,
            RowOutcome::Filtered,
            RowOutcome::Row(_)
        ]
    ));
}

#[test]
fn a_missing_value_has_the_outcome_that_the_column_declares() {
    let items = [
        json!({ "y": { "N": "1" }, "x": { "N": "2" } }),
        json!({ "y": { "N": "1" } }),
    ];
    let planned = |missing: Value| {
        let column = json!({ "path": "x", "encoding": "number", "missing": missing });
        let definition = define(json!({ "label": "y", "columns": [column] }));
        plan_columns(&definition, &key(), &profile(&items))
    };
    let outcome = |missing: Value| outcomes(&planned(missing).unwrap(), &items)[1].clone();
    assert!(matches!(outcome(json!("empty")), RowOutcome::Row(_)));
    assert!(matches!(
        outcome(json!({ "constant": -1 })),
        RowOutcome::Row(_)
    ));
    assert!(matches!(outcome(json!("drop")), RowOutcome::Filtered));
    assert!(matches!(outcome(json!("reject")), RowOutcome::Rejected(_)));
    let error = planned(json!("fail")).unwrap_err();
    assert!(
        matches!(error, PlanError::Missing { items: 1, .. }),
        "{error}"
    );
    let columns = planned(json!({ "constant": -1 })).unwrap();
    assert_eq!(support::row(&columns, &items[1]).as_deref(), Ok("1,-1\n"));
    let mut columns = columns;
    columns.columns[0].missing = definition::Missing::Fail;
    assert!(matches!(
        outcomes(&columns, &items)[1],
        RowOutcome::Refused(_)
    ));
}

#[test]
fn of_items_with_one_key_the_greatest_becomes_the_row() {
    let definition = define(json!({
        "label": "y",
        "columns": [{ "path": "x" }],
        "deduplicate": { "by": ["user", "product"], "latest": "at" },
    }));
    let item = |id: &str, user: &str, at: Value| {
        json!({
            "id": { "S": id }, "y": { "N": "1" }, "x": { "N": "2" }, "user": { "S": user },
            "product": { "N": "7" }, "at": at,
        })
    };
    let items = [
        item("a", "u", json!({ "N": "-5" })),
        item("b", "u", json!({ "N": "10" })),
        item("c", "u", json!({ "N": "9" })),
        item(
            "d",
            "v",
            json!({ "N": "12345678901234567890123456789012345678" }),
        ),
        item(
            "e",
            "v",
            json!({ "N": "12345678901234567890123456789012345677" }),
        ),
        item("f", "w", json!({ "NULL": true })),
    ];
    let outcomes = outcomes(&plan(&definition, &items), &items);
    let rows: Vec<_> = outcomes
        .iter()
        .map(|outcome| matches!(outcome, RowOutcome::Row(_)))
        .collect();
    assert_eq!(rows, [false, true, false, true, false, true]);
    assert!(
        outcomes
            .iter()
            .all(|outcome| matches!(outcome, RowOutcome::Row(_) | RowOutcome::Duplicate))
    );
    // Moments are compared to the nanosecond; any other value is rejected.
    let text = |text: &str| json!({ "S": text });
    let items = [
        item("a", "u", text("2024-01-01T23:00:00.000000001Z")),
        item("b", "u", text("2024-01-02T00:00:00.000000002+01:00")),
        item("c", "v", text("2024-01-02")),
        item("d", "v", text("v12")),
    ];
    let outcomes = self::outcomes(&plan(&definition, &items), &items);
    let [older, newer, only, unreadable] = &outcomes[..] else {
        panic!("{outcomes:?}")
    };
    assert!(matches!(older, RowOutcome::Duplicate) && matches!(newer, RowOutcome::Row(_)));
    assert!(matches!(only, RowOutcome::Row(_)));
    let RowOutcome::Rejected(reject) = unreadable else {
        panic!("{unreadable:?}")
    };
    assert!(reject.to_string().ends_with(": \"v12\""), "{reject}");
    let no_order = [item("a", "u", text("v1")), item("b", "u", text("v2"))];
    let error = plan_columns(&definition, &key(), &profile(&no_order)).unwrap_err();
    assert!(error.to_string().contains("have no order"), "{error}");
}

#[test]
fn an_item_that_is_rejected_or_dropped_does_not_win_over_one_that_can_be_a_row() {
    let definition = |missing: &str| {
        let column = json!({ "path": "x", "encoding": "number", "missing": missing });
        define(json!({
            "label": "y",
            "columns": [column],
            "deduplicate": { "by": ["user"], "latest": "at" },
            "gate": { "maximumMissingLabel": 1.0 },
        }))
    };
    let item = |id: &str, user: &str, at: u32, more: Value| {
        let mut item = json!({
            "id": { "S": id }, "user": { "S": user }, "at": { "N": at.to_string() },
        });
        let more = more.as_object().unwrap().clone();
        item.as_object_mut().unwrap().extend(more);
        item
    };
    let whole = json!({ "y": { "N": "1" }, "x": { "N": "2" } });
    let (no_label, no_value) = (json!({ "x": { "N": "2" } }), json!({ "y": { "N": "1" } }));
    let items = [
        item("a", "u", 1, whole.clone()),
        item("b", "u", 2, whole.clone()),
        item("c", "u", 3, no_label.clone()),
        item("d", "u", 4, no_value.clone()),
        item("e", "u", 0, no_label.clone()),
        item("f", "v", 1, no_label),
        item("g", "v", 2, no_value),
        item("h", "w", 1, whole),
    ];
    let outcomes = |missing: &str| {
        let columns = plan(&definition(missing), &items);
        let names = outcomes(&columns, &items).into_iter().map(|one| match one {
            RowOutcome::Row(_) => "row",
            RowOutcome::Duplicate => "duplicate",
            RowOutcome::Rejected(_) => "rejected",
            RowOutcome::Filtered => "filtered",
            RowOutcome::Unsampled => "unsampled",
            RowOutcome::Refused(_) => "refused",
        });
        names.collect::<Vec<_>>()
    };
    // The greatest that can be a row is one, what is behind it is a duplicate, and where there is
    // none each has its own reason.
    let (row, duplicate, rejected) = ("row", "duplicate", "rejected");
    let mut expected = [
        duplicate, row, rejected, rejected, duplicate, rejected, rejected, row,
    ];
    assert_eq!(outcomes("reject"), expected);
    (expected[3], expected[6]) = ("filtered", "filtered");
    assert_eq!(outcomes("drop"), expected);
}

#[test]
fn an_item_that_fails_the_run_competes_for_its_row() {
    let definition = define(json!({
        "label": "y",
        "columns": [{ "path": "x", "encoding": "number" }],
        "deduplicate": { "by": ["user"], "latest": "at" },
    }));
    let item = |id: &str, at: u32, more: Value| {
        let mut item = json!({
            "id": { "S": id }, "user": { "S": "u" }, "at": { "N": at.to_string() },
            "y": { "N": "1" },
        });
        let more = more.as_object().unwrap().clone();
        item.as_object_mut().unwrap().extend(more);
        item
    };
    let with = json!({ "x": { "N": "2" } });
    let items = [item("a", 1, with), item("b", 2, json!({}))];
    let mut columns = plan(&definition, &items);
    columns.columns[0].missing = definition::Missing::Fail;
    let outcomes = outcomes(&columns, &items);
    assert_eq!(outcomes[0], RowOutcome::Duplicate);
    assert!(
        matches!(outcomes[1], RowOutcome::Refused(_)),
        "{outcomes:?}"
    );
}

#[test]
fn time_splits_at_the_moments_that_are_declared() {
    let definition = define(json!({
        "label": "y",
        "columns": [{ "path": "x" }],
        "split": { "time": {
            "path": "at", "validationFrom": "2024-02-01", "testFrom": "2024-03-01T00:00:00Z",
        } },
    }));
    let item = |at: Value| json!({ "y": { "N": "1" }, "x": { "N": "2" }, "at": at });
    let items = [
        item(json!({ "S": "2024-01-31T23:59:59.999Z" })),
        item(json!({ "N": "1706745600" })),
        item(json!({ "S": "2024-03-01" })),
        item(json!({ "NULL": true })),
    ];
    let columns = plan(&definition, &items);
    assert!(columns.split.by.is_empty());
    let outcomes = outcomes(&columns, &items);
    assert_eq!(outcomes[0], RowOutcome::Row(Side::Train));
    assert_eq!(outcomes[1], RowOutcome::Row(Side::Validation));
    assert_eq!(outcomes[2], RowOutcome::Row(Side::Test));
    let RowOutcome::Rejected(reject) = &outcomes[3] else {
        panic!("{:?}", outcomes[3])
    };
    let reason = "`at`: what the rows are split by is missing, or not a timestamp";
    assert_eq!(reject.to_string(), reason);
}

#[test]
fn the_latest_rows_validate_and_the_very_latest_test() {
    let definition = |validation: f64, test: f64| {
        define(json!({
            "label": "y",
            "columns": [{ "path": "x" }],
            "split": { "validation": validation, "test": test, "time": { "path": "at" } },
        }))
    };
    let item = |at: u64| json!({ "id": { "N": at.to_string() }, "y": { "N": "1" }, "x": { "N": "2" }, "at": { "N": (1_700_000_000_000 + at).to_string() } });
    // Fewer than the sample takes: the shares are exact.
    let items: Vec<_> = (0..200).map(|at| item(at * 1_000)).collect();
    let sides = |validation, test| {
        let outcomes = outcomes(
            &plan_sampled(&definition(validation, test), &items).unwrap(),
            &items,
        );
        [Side::Train, Side::Validation, Side::Test].map(|side| {
            let on_it = outcomes
                .iter()
                .enumerate()
                .filter(|(_, outcome)| **outcome == RowOutcome::Row(side));
            let places: Vec<_> = on_it.map(|(at, _)| at).collect();
            (places.first().copied(), places.len())
        })
    };
    assert_eq!(
        sides(0.1, 0.05),
        [(Some(0), 170), (Some(170), 20), (Some(190), 10)]
    );
    assert_eq!(
        sides(0.25, 0.0),
        [(Some(0), 150), (Some(150), 50), (None, 0)]
    );
    assert_eq!(
        sides(0.0, 0.5),
        [(Some(0), 100), (None, 0), (Some(100), 100)]
    );
    let at_once: Vec<_> = (0..20).map(|_| item(5)).collect();
    let error = plan_sampled(&definition(0.1, 0.0), &at_once).unwrap_err();
    assert!(
        error.to_string().contains("too few different moments"),
        "{error}"
    );
}

#[test]
fn neither_a_group_nor_the_future_leaks_into_training() {
    let definition = define(json!({
        "label": "y",
        "columns": [{ "path": "x" }],
        "split": {
            "by": ["user"], "validation": 0.3, "test": 0.2,
            "time": { "path": "at", "validationFrom": "2024-02-01", "testFrom": "2024-03-01" },
        },
    }));
    let items: Vec<_> = (0..3000)
        .map(|at| {
            let day = format!("2024-0{}-1{}", 1 + at % 3, at % 10);
            json!({
                "y": { "N": "1" }, "x": { "N": "2" }, "at": { "S": day },
                "user": { "S": format!("u{}", at % 101) },
            })
        })
        .collect();
    let mut sides = BTreeMap::<Side, (BTreeSet<String>, BTreeSet<String>)>::new();
    let outcomes = outcomes(&plan(&definition, &items), &items);
    for (item, outcome) in items.iter().zip(&outcomes) {
        let RowOutcome::Row(side) = outcome else {
            assert_eq!(*outcome, RowOutcome::Filtered);
            continue;
        };
        let text = |name: &str| item[name]["S"].as_str().unwrap().to_owned();
        let (users, months) = sides.entry(*side).or_default();
        users.insert(text("user"));
        months.insert(text("at")[..7].to_owned());
    }
    assert_eq!(sides.len(), 3);
    let [(train, _), (validation, _), (test, _)] =
        [Side::Train, Side::Validation, Side::Test].map(|side| &sides[&side]);
    assert!(
        train.is_disjoint(validation) && train.is_disjoint(test) && validation.is_disjoint(test)
    );
    let months = sides
        .values()
        .map(|(_, months)| months.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(
        months.collect::<Vec<_>>(),
        [["2024-01"], ["2024-02"], ["2024-03"]]
    );
}

#[test]
fn a_split_in_three_has_the_declared_shares() {
    let items: Vec<_> = (0..10_000)
        .map(|at| json!({ "id": { "S": format!("i{at}") }, "y": { "N": "1" }, "x": { "N": "1" } }))
        .collect();
    let split = |test: f64| {
        let definition = define(json!({
            "label": "y", "columns": [{ "path": "x" }], "split": { "validation": 0.2, "test": test },
        }));
        outcomes(&plan(&definition, &items), &items)
    };
    let count = |outcomes: &[RowOutcome], side| {
        outcomes
            .iter()
            .filter(|outcome| **outcome == RowOutcome::Row(side))
            .count()
    };
    let with_test = split(0.1);
    assert!((900..1100).contains(&count(&with_test, Side::Test)));
    assert!((1850..2150).contains(&count(&with_test, Side::Validation)));
    let without = split(0.0);
    for (one, other) in with_test.iter().zip(&without) {
        let same = (*one == RowOutcome::Row(Side::Validation))
            == (*other == RowOutcome::Row(Side::Validation));
        assert!(same, "what tests is taken from what trains");
    }
}

#[test]
fn invalid_splits_and_conditions_are_refused() {
    for (part, field) in [
        (
            json!({ "split": { "validation": 0.6, "test": 0.4 } }),
            "split.test",
        ),
        (
            json!({ "split": { "time": { "path": "a[0]" } } }),
            "split.time.path",
        ),
        (
            json!({ "split": { "time": { "path": "a", "validationFrom": "soon" } } }),
            "split.time.validationFrom",
        ),
        (
            json!({ "split": { "time": { "path": "a", "testFrom": "2024-01-01" } } }),
            "split.time.testFrom",
        ),
        (
            json!({ "split": { "time": {
                "path": "a", "validationFrom": "2024-01-01", "testFrom": "2024-01-01",
            } } }),
            "split.time.testFrom",
        ),
        (
            json!({ "where": [{ "path": "a", "op": "in", "value": 1 }] }),
            "where[0].value",
        ),
        (json!({ "deduplicate": { "by": [] } }), "deduplicate.by"),
        (json!({ "weight": "y" }), "weight"),
    ] {
        let mut definition = json!({ "label": "y" });
        definition
            .as_object_mut()
            .unwrap()
            .extend(part.as_object().unwrap().clone());
        match check_definition(&define(definition)) {
            Err(PlanError::Definition { field: found, .. }) => assert_eq!(found, field),
            other => panic!("{field}: {other:?}"),
        }
    }
}

proptest! {
    #[test]
    fn of_items_with_one_key_one_becomes_a_row_in_whatever_order(items in support::arbitrary_items()) {
        let definition = define(json!({
            "label": "label", "columns": [{ "path": "label2", "encoding": "number" }],
            "deduplicate": { "by": ["a", "b"], "latest": "c" }, "gate": { "maximumMissingLabel": 1.0 },
        }));
        // Every item has its own key, as in a table, and a row.
        let items: Vec<_> = items.into_iter().enumerate().map(|(at, mut item)| {
            item["id"] = json!({ "N": at.to_string() });
            item["label"] = json!({ "N": "1" });
            item["label2"] = json!({ "N": "1" });
            item
        }).collect();
        // Where most values of `c` have no order, the plan is refused.
        let Ok(columns) = plan_columns(&definition, &key(), &profile(&items)) else {
            return Ok(());
        };
        let there = outcomes(&columns, &items);
        let backwards: Vec<_> = items.iter().rev().cloned().collect();
        let mut back = outcomes(&columns, &backwards);
        back.reverse();
        prop_assert_eq!(&there, &back);
        let rows = there.iter().filter(|outcome| matches!(outcome, RowOutcome::Row(_))).count();
        let duplicates = there.iter().filter(|outcome| **outcome == RowOutcome::Duplicate).count();
        let rejected = there.iter().filter(|outcome| matches!(outcome, RowOutcome::Rejected(_))).count();
        prop_assert_eq!(rows + duplicates + rejected, items.len());
        prop_assert!(rows >= 1 || rejected == items.len());
    }
}
