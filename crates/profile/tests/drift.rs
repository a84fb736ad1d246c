//! What has changed between two runs' data is told, and what has not is not.

mod support;

use contract::RunId;
use profile::{Drift, MIN_SAMPLED};
use serde_json::{Value, json};
use support::sampled;

fn since(before: impl IntoIterator<Item = Value>, now: impl IntoIterator<Item = Value>) -> Drift {
    let run = RunId::parse("20261120-173000-1a2b3c4d").expect("a run's id");
    let (before, now) = (sampled(before), sampled(now));
    Drift::since(run, &before.statistics(), &now, &now.statistics())
}

fn near(value: f64, wanted: f64) {
    assert!((value - wanted).abs() < 1e-9, "{value} is not {wanted}");
}

fn rating(at: u32) -> Value {
    json!({ "id": { "N": at.to_string() }, "rating": { "N": (at % 5).to_string() }, "device": { "S": format!("d{}", at % 3) } })
}

#[test]
fn the_same_data_has_not_drifted() {
    let drift = since((0..600).map(rating), (0..600).map(rating));
    assert!(drift.new.is_empty() && drift.vanished.is_empty());
    near(drift.row_drop(), 0.0);
    for (path, attribute) in &drift.attributes {
        near(attribute.psi.expect("enough is sampled"), 0.0);
        near(attribute.mean_shift.unwrap_or(0.0), 0.0);
        near(attribute.new_values.expect("a sketch"), 0.0);
        near(attribute.vanished_values.expect("a sketch"), 0.0);
        assert!(
            attribute.types.is_none() && attribute.minimum.is_none(),
            "{path}"
        );
    }
    let stored = serde_json::to_string(&drift).expect("a document");
    let again: Drift = serde_json::from_str(&stored).expect("it reads back");
    assert_eq!((again.items, again.attributes.len()), (drift.items, 3));
}

#[test]
fn attributes_come_and_go_and_change_their_types() {
    let before = (0..10).map(|at| json!({ "a": { "N": at.to_string() }, "old": { "BOOL": true } }));
    let now = (0..8).map(|at| json!({ "a": { "S": at.to_string() }, "new": { "NULL": true } }));
    let drift = since(before, now);
    assert_eq!(
        (drift.new, drift.vanished),
        (vec!["new".to_owned()], vec!["old".to_owned()])
    );
    let types = drift.attributes["a"].types.clone().expect("it is retyped");
    assert_eq!(
        (types.before, types.now),
        (vec!["N".to_owned()], vec!["S".to_owned()])
    );
}

#[test]
fn fewer_rows_are_a_share_of_those_before() {
    near(
        since((0..200).map(rating), (0..150).map(rating)).row_drop(),
        0.25,
    );
    near(
        since((0..150).map(rating), (0..200).map(rating)).row_drop(),
        0.0,
    );
    near(since([], (0..200).map(rating)).row_drop(), 0.0);
}

#[test]
fn ranges_means_and_missing_shares_shift() {
    let before = (0..200).map(|at| json!({ "n": { "N": (at % 2).to_string() } }));
    let now = (0..200).map(|at| {
        if at % 4 == 0 {
            json!({ "m": { "N": "1" } })
        } else {
            json!({ "n": { "N": (at % 2 + 1).to_string() } })
        }
    });
    let drift = since(before, now);
    let n = &drift.attributes["n"];
    near(n.missing.before, 0.0);
    near(n.missing.now, 0.25);
    let (minimum, maximum) = (n.minimum.expect("moved"), n.maximum.expect("moved"));
    near(minimum.before, 0.0);
    near(minimum.now, 1.0);
    near(maximum.now, 2.0);
    let mean = n.mean.expect("numbers");
    near(mean.before, 0.5);
    near(mean.now, 5.0 / 3.0);
    near(n.mean_shift.expect("it varied"), (5.0 / 3.0 - 0.5) / 0.5);
}

#[test]
fn the_stability_index_is_that_of_the_textbook() {
    // Half and half becomes four to one: (0.8 - 0.5) ln 1.6 + (0.2 - 0.5) ln 0.4.
    let wanted = 0.3 * 1.6_f64.ln() - 0.3 * 0.4_f64.ln();
    let of = |kind: &'static str, ones: u32| {
        (0..100).map(move |at| {
            let value = if at < ones { "1" } else { "0" };
            json!({ "v": if kind == "BOOL" { json!({ kind: at < ones }) } else { json!({ kind: value }) } })
        })
    };
    for kind in ["S", "BOOL", "N"] {
        let drift = since(of(kind, 50), of(kind, 80));
        near(
            drift.attributes["v"].psi.expect("enough is sampled"),
            wanted,
        );
    }
    // What is not there any more counts as half a value.
    let gone = since(of("S", 50), of("S", 100)).attributes["v"].psi;
    near(
        gone.expect("enough is sampled"),
        0.5 * 2.0_f64.ln() - 0.495 * (0.005_f64 / 0.5).ln(),
    );
}

#[test]
fn too_few_values_are_not_compared() {
    let of = |count: u64| (0..count).map(|at| json!({ "v": { "S": (at % 2).to_string() } }));
    let psi = |before, now| since(of(before), of(now)).attributes["v"].psi;
    assert!(psi(MIN_SAMPLED, MIN_SAMPLED).is_some());
    assert!(psi(MIN_SAMPLED - 1, MIN_SAMPLED).is_none());
    assert!(psi(MIN_SAMPLED, MIN_SAMPLED - 1).is_none());
    // Values that are all different have no frequent one.
    let ids = || (0..500).map(|at| json!({ "v": { "S": format!("id {at}") } }));
    assert_eq!(since(ids(), ids()).attributes["v"].psi, None);
}

#[test]
fn a_large_table_that_did_not_change_seems_not_to_have() {
    // Two samples of a thousand out of as many as like.
    let of = |from: u32| {
        (from..from + 20_000)
            .map(|at| json!({ "n": { "N": (at.wrapping_mul(2_654_435_761) % 1_000).to_string() } }))
    };
    let psi = since(of(0), of(1_000_000)).attributes["n"]
        .psi
        .expect("enough is sampled");
    assert!(psi < 0.1, "{psi}");
    let halved = (0..20_000).map(|at: u32| json!({ "n": { "N": (at % 500).to_string() } }));
    let psi = since(of(0), halved).attributes["n"]
        .psi
        .expect("enough is sampled");
    assert!(psi > 0.25, "{psi}");
}

#[test]
fn new_and_vanished_categories_are_shares() {
    let of =
        |range: std::ops::Range<u32>| range.map(|at| json!({ "v": { "S": format!("kind {at}") } }));
    let drift = since(of(0..100), of(75..125));
    let v = &drift.attributes["v"];
    near(v.new_values.expect("a sketch"), 0.5);
    near(v.vanished_values.expect("a sketch"), 0.75);
}
