//! Every check of the gate passes at its limit and fails beyond it, and all failures are reported.

mod support;

use contract::states::RowCounts;
use contract::{ErrorName, Named, RunId};
use dataset::{GateFailed, GateVerdict, judge, judge_rejected, plan_columns};
use definition::{ColumnGate, Dataset};
use profile::{Drift, Profile};
use serde_json::{Value, json};
use support::{infer, key, profile, sampled};

/// Forty items: `age` is missing or null in ten, from 18 to 47; the label is 1 in eight of them.
fn items() -> Vec<Value> {
    let item = |at: u32| {
        let mut item = json!({
            "id": { "S": format!("i{at}") }, "label": { "N": u32::from(at < 8).to_string() },
            "device": { "S": if at.is_multiple_of(2) { "tv" } else { "phone" } },
        });
        match at {
            0..5 => item["age"] = json!({ "NULL": true }),
            10.. => item["age"] = json!({ "N": (at + 8).to_string() }),
            _ => {}
        }
        item
    };
    (0..40).map(item).collect()
}

fn verdicts(definition: &Dataset, profile: &Profile) -> Vec<GateVerdict> {
    let columns = plan_columns(definition, &key(), profile).ok();
    judge(definition, columns.as_ref(), &profile.statistics(), None)
}

/// The failed checks with this gate; empty if all pass.
fn broken(set: impl Fn(&mut Dataset)) -> Vec<String> {
    let mut definition = infer("label");
    set(&mut definition);
    let all = verdicts(&definition, &sampled(items()));
    let failed = all.iter().filter(|verdict| !verdict.passed);
    failed.map(ToString::to_string).collect()
}

fn column(path: &str, bounds: ColumnGate) -> impl Fn(&mut Dataset) {
    let path = path.to_owned();
    move |definition| {
        definition.gate.columns.insert(path.clone(), bounds);
    }
}

fn one(broken: &[String], expected: &str) {
    assert_eq!(broken, [expected]);
}

#[test]
fn the_defaults_refuse_nothing_ordinary() {
    assert!(broken(|_| ()).is_empty());
}

#[test]
fn rows() {
    assert!(broken(|d| d.gate.minimum_rows = 40).is_empty());
    one(
        &broken(|d| d.gate.minimum_rows = 41),
        "the number of items is 40, and `dataset.gate.minimumRows` is 41",
    );
    let empty = verdicts(&infer("label"), &Profile::new());
    assert_eq!(empty.iter().filter(|verdict| !verdict.passed).count(), 1);
}

#[test]
fn missing_values_of_every_column_and_of_one() {
    assert!(broken(|d| d.gate.maximum_missing = Some(0.25)).is_empty());
    one(
        &broken(|d| d.gate.maximum_missing = Some(0.2499)),
        "`age`: the share of items in which it is missing is 0.25, and `dataset.gate.maximumMissing` is 0.2499",
    );
    let own = |most| ColumnGate {
        maximum_missing: Some(most),
        ..ColumnGate::default()
    };
    assert!(broken(column("age", own(0.25))).is_empty());
    one(
        &broken(column("age", own(0.2))),
        "`age`: the share of items in which it is missing is 0.25, and `dataset.gate.columns.age.maximumMissing` is 0.2",
    );
    // A column's own limit replaces the general one; an attribute without items is missing in all.
    assert!(
        broken(|d| {
            d.gate.maximum_missing = Some(0.0);
            column("age", own(0.5))(d);
        })
        .is_empty()
    );
    assert_eq!(broken(column("never", own(0.99))).len(), 1);
}

#[test]
fn ranges() {
    let within = |minimum, maximum| ColumnGate {
        minimum,
        maximum,
        ..ColumnGate::default()
    };
    assert!(broken(column("age", within(Some(18.0), Some(47.0)))).is_empty());
    let beyond = broken(column("age", within(Some(18.5), Some(46.5))));
    assert_eq!(
        beyond,
        [
            "`age`: the least number is 18, and `dataset.gate.columns.age.minimum` is 18.5",
            "`age`: the greatest number is 47, and `dataset.gate.columns.age.maximum` is 46.5",
        ]
    );
    one(
        &broken(column("device", within(Some(0.0), None))),
        "`device`: the least number is unknown, and `dataset.gate.columns.device.minimum` is 0",
    );
}

#[test]
fn labels_that_are_missing() {
    let some = profile(&[
        json!({ "label": { "N": "1" }, "a": { "N": "1" } }),
        json!({ "label": { "S": "1" }, "a": { "N": "1" } }),
        json!({ "label": { "NULL": true }, "a": { "N": "1" } }),
        json!({ "label": { "N": "2" } }),
    ]);
    let mut definition = infer("label");
    let failed = |definition: &Dataset| {
        verdicts(definition, &some)
            .iter()
            .filter(|v| !v.passed)
            .count()
    };
    assert_eq!(failed(&definition), 0);
    definition.gate.maximum_missing_label = 0.49;
    assert_eq!(failed(&definition), 1);
}

#[test]
fn labels_that_are_all_the_same() {
    let of = |value: Value| {
        let items = (0..30).map(move |at| json!({ "label": value, "a": { "N": at.to_string() } }));
        verdicts(&infer("label"), &sampled(items))
    };
    for value in [json!({ "N": "1" }), json!({ "BOOL": true })] {
        let failed: Vec<_> = of(value).into_iter().filter(|v| !v.passed).collect();
        assert_eq!(
            failed[0].to_string(),
            "`label`: the number of the label's values is 1, and `dataset.gate.allowConstantLabel` is false"
        );
    }
    let mut allowed = infer("label");
    allowed.gate.allow_constant_label = true;
    let constant = sampled((0..30).map(|_| json!({ "label": { "N": "1" }, "a": { "N": "1" } })));
    assert!(verdicts(&allowed, &constant).iter().all(|v| v.passed));
    // The values of booleans beyond the sample are unknown.
    let rare = |at: u32| json!({ "label": { "BOOL": at == 7 }, "a": { "N": at.to_string() } });
    let rare = verdicts(&infer("label"), &sampled((0..3_000).map(rare)));
    assert!(rare.iter().all(|v| v.passed), "{rare:?}");
}

#[test]
fn the_rarest_class() {
    assert!(broken(|d| d.gate.minimum_class_share = Some(0.2)).is_empty());
    one(
        &broken(|d| d.gate.minimum_class_share = Some(0.21)),
        "`label`: the share of the rarest class is 0.2, and `dataset.gate.minimumClassShare` is 0.21",
    );
    // Among thirty classes, not only among the named ones.
    let mut definition = infer("label");
    definition.gate.minimum_class_share = Some(0.03);
    let classes =
        |at: u32| json!({ "label": { "N": (at % 30).min(28).to_string() }, "a": { "N": "1" } });
    let of = |count: u32| verdicts(&definition, &sampled((0..count).map(classes)));
    assert!(of(300).iter().all(|v| v.passed));
    assert_eq!(of(299).iter().filter(|v| !v.passed).count(), 0);
    assert!(of(298).iter().all(|v| v.passed));
    assert_eq!(of(28).len(), of(300).len());
    // A class that the sample missed is rarer than any in it.
    let rare = |at: u32| json!({ "label": { "N": u32::from(at == 3).to_string() }, "a": { "N": at.to_string() } });
    let all = verdicts(&definition, &sampled((0..4_000).map(rare)));
    let balance = all
        .iter()
        .find(|v| v.bound == "minimumClassShare")
        .expect("it is judged");
    assert!(
        !balance.passed && balance.measure.contains("in a sample of 1000 labels"),
        "{balance}"
    );
}

#[test]
fn rejected_items() {
    let gate = infer("label").gate;
    let rows = |rejected| RowCounts {
        train: 100 - rejected,
        rejected,
        ..RowCounts::default()
    };
    assert!(judge_rejected(&gate, rows(50), None).passed);
    let verdict = judge_rejected(&gate, rows(51), None);
    assert!(!verdict.passed);
    assert!(
        verdict
            .to_string()
            .contains("is 0.51, and `dataset.gate.maximumRejected` is 0.5"),
        "{verdict}"
    );
    assert!(judge_rejected(&gate, RowCounts::default(), None).passed);
}

// Drift from the champion's run.

fn against(set: impl Fn(&mut Dataset), before: &[Value], columns: &[&str]) -> Vec<String> {
    let mut definition = infer("label");
    // Another test covers new columns.
    definition.gate.drift.allow_new_columns = true;
    set(&mut definition);
    let (before, now) = (sampled(before.to_vec()), sampled(many(0)));
    let statistics = now.statistics();
    let run = RunId::parse("20261120-173000-1a2b3c4d").expect("a run's id");
    let drift = Drift::since(run, &before.statistics(), &now, &statistics);
    let planned = plan_columns(&definition, &key(), &now).expect("a plan");
    let columns: Vec<_> = columns.iter().map(|path| (*path).to_owned()).collect();
    let all = judge(
        &definition,
        Some(&planned),
        &statistics,
        Some((&drift, &columns)),
    );
    assert!(
        all.iter().any(|v| v.bound.starts_with("drift.")),
        "it is compared"
    );
    all.iter()
        .filter(|v| !v.passed)
        .map(ToString::to_string)
        .collect()
}

/// Two hundred items, every fourth with the label 1; `shift` of them more.
fn many(shift: u32) -> Vec<Value> {
    let item = |at: u32| json!({ "label": { "N": u32::from(at.is_multiple_of(4) || at % 4 == 1 && at < 4 * shift).to_string() }, "a": { "N": (at % 10).to_string() } });
    (0..200).map(item).collect()
}

#[test]
fn columns_that_have_vanished() {
    let mut before = many(0);
    for item in &mut before {
        item["gone"] = json!({ "N": "1" });
    }
    assert!(
        against(|_| (), &before, &["a"]).is_empty(),
        "it was no column"
    );
    one(
        &against(|_| (), &before, &["a", "gone"]),
        "`gone`: the number of its values, a column of the data compared with, is 0, and `dataset.gate.drift.allowVanishedColumns` is false",
    );
    assert!(
        against(
            |d| {
                d.gate.drift.allow_vanished_columns = true;
                d.gate.drift.maximum_row_drop = Some(0.0);
            },
            &before,
            &["gone"]
        )
        .is_empty()
    );
}

#[test]
fn rows_that_have_vanished() {
    let before: Vec<_> = [many(0), many(0)[..50].to_vec()].concat();
    assert!(against(|d| d.gate.drift.maximum_row_drop = Some(0.2), &before, &[]).is_empty());
    one(
        &against(|d| d.gate.drift.maximum_row_drop = Some(0.19), &before, &[]),
        "the share of 250 items that is gone is 0.2, and `dataset.gate.drift.maximumRowDrop` is 0.19",
    );
}

#[test]
fn distributions_that_differ() {
    let before = many(40);
    let limit = |most| move |d: &mut Dataset| d.gate.drift.maximum_psi = Some(most);
    // A quarter was 0.45: (0.25 - 0.45) ln (0.25 / 0.45) + (0.75 - 0.55) ln (0.75 / 0.55).
    let psi = -0.2 * (0.25_f64 / 0.45).ln() + 0.2 * (0.75_f64 / 0.55).ln();
    assert!(against(limit(psi + 1e-9), &before, &[]).is_empty());
    let broken = against(limit(psi - 1e-9), &before, &[]);
    assert_eq!(broken.len(), 1);
    assert!(
        broken[0].starts_with("`label`: the population stability index is 0.1796, and"),
        "{broken:?}"
    );
    let own = ColumnGate {
        maximum_psi: Some(1.0),
        ..ColumnGate::default()
    };
    assert!(
        against(
            |d| {
                limit(0.0)(d);
                column("label", own)(d);
                column("a", own)(d);
            },
            &before,
            &[]
        )
        .is_empty()
    );
}

#[test]
fn values_that_are_missing_more_often() {
    let mut now_has_all = many(0);
    now_has_all
        .iter_mut()
        .take(50)
        .for_each(|item| item["a"] = json!({ "NULL": true }));
    let limit = |d: &mut Dataset| d.gate.drift.maximum_missing_rise = Some(0.0);
    assert!(
        against(limit, &now_has_all, &[]).is_empty(),
        "it is missing less often"
    );
    // The other way round: a complete column is missing in a quarter.
    let run = RunId::parse("20261120-173000-1a2b3c4d").expect("a run's id");
    let (before, now) = (sampled(many(0)), sampled(now_has_all));
    let drift = Drift::since(run, &before.statistics(), &now, &now.statistics());
    for (most, holds) in [(0.25, true), (0.24, false)] {
        let mut definition = infer("label");
        definition.gate.drift.maximum_missing_rise = Some(most);
        definition.gate.drift.allow_new_columns = true;
        let planned = plan_columns(&definition, &key(), &now).expect("a plan");
        let all = judge(
            &definition,
            Some(&planned),
            &now.statistics(),
            Some((&drift, &[])),
        );
        assert_eq!(all.iter().all(|v| v.passed), holds, "{all:?}");
    }
}

#[test]
fn all_failed_checks_are_named_in_one_line() {
    let mut definition = infer("label");
    definition.gate.minimum_rows = 100;
    definition.gate.maximum_missing = Some(0.1);
    let error = GateFailed::check(&verdicts(&definition, &sampled(items()))).unwrap_err();
    assert_eq!(error.name(), ErrorName::QualityGateFailed);
    assert_eq!(
        error.to_string(),
        "the data fails 2 checks of the quality gate: the number of items is 40, and `dataset.gate.minimumRows` is 100; \
         `age`: the share of items in which it is missing is 0.25, and `dataset.gate.maximumMissing` is 0.1"
    );
    assert!(GateFailed::check(&[]).is_ok());
}
