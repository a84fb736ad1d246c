//! What is said of a table in few bytes: shares, means and quantiles of a sample, about how many distinct
//! values; the same however the table was cut.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

mod support;

use profile::{
    FREQUENT_VALUES, HISTOGRAM_BARS, MAX_DISTINCT, MAX_PATHS, Profile, SAMPLE_BYTES, SAMPLE_ITEMS,
    Statistics, Vocabularies,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use support::{arbitrary_items, sampled, take_in};

fn text(profile: &Profile) -> String {
    serde_json::to_string(profile).unwrap()
}

fn merged(profiles: impl IntoIterator<Item = Profile>) -> Profile {
    let together = profiles.into_iter().reduce(|mut left, right| {
        left.merge(right);
        left
    });
    together.unwrap_or_default()
}

// Of a small table everything is exact.

#[test]
fn a_small_table_is_told_exactly() {
    let item = |at: u32| {
        let mut item = json!({ "rating": { "N": (at % 5 + 1).to_string() },
            "context": { "M": { "device": { "S": if at < 30 { "tv" } else { "phone" } } } } });
        if at.is_multiple_of(10) {
            item["note"] = json!({ "NULL": true });
        } else if at.is_multiple_of(2) {
            item["note"] = json!({ "BOOL": at.is_multiple_of(4) });
        }
        item
    };
    let statistics = sampled((0..100).map(item)).statistics();
    assert!(statistics.is_exact());
    let rating = statistics.attribute("rating").unwrap();
    let numbers = rating.numbers.as_ref().unwrap();
    assert!((numbers.mean - 3.0).abs() < 1e-9);
    assert!((numbers.standard_deviation - 2.0_f64.sqrt()).abs() < 1e-9);
    assert_eq!(numbers.deciles, [1.0, 2.0, 3.0, 4.0, 5.0]);
    for (share, wanted) in numbers.shares.iter().zip([0.2, 0.2, 0.2, 0.2, 0.2, 0.0]) {
        assert!((share - wanted).abs() < 1e-9, "{numbers:?}");
    }
    assert_eq!(numbers.histogram.len(), HISTOGRAM_BARS);
    assert!((numbers.histogram.iter().sum::<f64>() - 1.0).abs() < 1e-9);
    assert_eq!(rating.distinct.map(|d| (d.count, d.exact)), Some((5, true)));
    let device = statistics.attribute("context.device").unwrap();
    let frequent: Vec<_> = device
        .frequent
        .iter()
        .map(|f| (f.value.as_str(), f.share))
        .collect();
    assert_eq!(frequent, [("phone", 0.7), ("tv", 0.3)]);
    let note = statistics.attribute("note").unwrap();
    assert!(
        (note.missing - 0.6).abs() < 1e-9,
        "absent and null are missing"
    );
    assert_eq!(note.sampled, 40);
    assert_eq!(note.distinct, None);
    assert!((statistics.missing("never") - 1.0).abs() < f64::EPSILON);
    let stored = serde_json::to_string(&statistics).unwrap();
    assert_eq!(
        serde_json::from_str::<Statistics>(&stored).unwrap(),
        statistics
    );
}

// Of a large one, what is said of the sample is near.

#[test]
fn a_large_table_is_told_nearly() {
    let item = |at: u32| {
        json!({ "id": { "S": format!("item {at}") }, "n": { "N": (at % 1000).to_string() },
        "label": { "BOOL": at.is_multiple_of(4) } })
    };
    let profile = sampled((0..20_000).map(item));
    let statistics = profile.statistics();
    assert_eq!(
        (statistics.items, statistics.sampled),
        (20_000, SAMPLE_ITEMS as u64)
    );
    assert!(!statistics.is_exact());
    // Five standard errors of a sample of a thousand.
    let numbers = statistics.attribute("n").unwrap().numbers.clone().unwrap();
    assert!(
        (numbers.mean - 499.5).abs() < 5.0 * 289.0 / 31.6,
        "{numbers:?}"
    );
    assert_eq!(
        (numbers.minimum, numbers.maximum),
        (0.0, 999.0),
        "bounds are of all items"
    );
    let label = statistics.attribute("label").unwrap();
    assert_eq!(label.frequent[1].value, "true");
    assert!(
        (label.frequent[1].share - 0.25).abs() < 5.0 * 0.0137,
        "{label:?}"
    );
    let id = statistics.attribute("id").unwrap();
    assert_eq!(id.frequent.len(), FREQUENT_VALUES);
    assert_eq!(
        id.distinct.map(|d| (d.count, d.exact)),
        Some((20_000, true))
    );
}

// The same however the table was cut.

/// Items that overflow everything: distinct values, the sample's items, and its bytes.
fn large(at: usize) -> Value {
    let mut item = json!({ "id": { "S": format!("{at:07}") } });
    if at.is_multiple_of(40) {
        let wide = (0..50).map(|n| (format!("wide {n}"), json!({ "S": "x".repeat(50) })));
        item["map"] = json!({ "M": Value::Object(wide.collect()) });
        item["few"] = json!({ "N": format!("{}.5", at % 7) });
    }
    item
}

#[test]
fn parts_that_overflow_make_the_whole_in_any_order_and_grouping() {
    let all = MAX_DISTINCT + 5_000;
    let whole = sampled((0..all).map(large));
    assert_eq!(
        (whole.distinct("id"), whole.distinct("few")),
        (None, Some(7))
    );
    let known = text(&whole);
    // Seven parts, some of which overflow by themselves and some together only.
    let cuts = [0, 10, all / 10, all / 9, all / 2, all / 2 + 1, all - 4, all];
    let parts: Vec<_> = cuts
        .windows(2)
        .map(|cut| sampled((cut[0]..cut[1]).map(large)))
        .collect();
    assert_eq!(text(&merged(parts.clone())), known);
    assert_eq!(text(&merged(parts.clone().into_iter().rev())), known);
    let (left, right) = parts.split_at(4);
    let groups = [right, left].map(|group| {
        let stored = text(&merged(group.to_vec()));
        serde_json::from_str(&stored).unwrap()
    });
    assert_eq!(text(&merged(groups)), known, "also by way of the lake");
    assert_eq!(whole.statistics(), merged(parts).statistics());
    // Segments side by side share their values, and are cut across.
    let vocabularies = Vocabularies::new();
    let mut shared = [0, 1, 2].map(|_| Profile::sharing(&vocabularies));
    for (at, part) in shared.iter_mut().enumerate() {
        take_in(part, (0..all).skip(at).step_by(3).map(large));
    }
    assert_eq!(text(&merged(shared)), known);
}

#[test]
fn distinct_values_beyond_the_bound_are_counted_nearly() {
    let count = 3 * MAX_DISTINCT as u64;
    let profile = sampled((0..count).map(|at| json!({ "id": { "N": at.to_string() } })));
    let distinct = profile.statistics().attributes["id"].distinct.unwrap();
    assert!(!distinct.exact);
    // Three standard errors.
    assert!(distinct.count.abs_diff(count) < count / 10, "{distinct:?}");
}

proptest! {
    #[test]
    fn samples_of_any_items_merge(a in arbitrary_items(), b in arbitrary_items()) {
        let whole = sampled([a.clone(), b.clone()].concat());
        prop_assert_eq!(whole.statistics().sampled, whole.items());
        prop_assert_eq!(&merged([sampled(a.clone()), sampled(b.clone())]), &whole);
        prop_assert_eq!(text(&merged([sampled(b), sampled(a)])), text(&whole));
        let again: Profile = serde_json::from_str(&text(&whole)).unwrap();
        prop_assert_eq!(text(&again), text(&whole));
        prop_assert_eq!(again.statistics(), whole.statistics());
    }
}

// Bounded, whatever the table holds.

#[test]
fn a_profile_of_arbitrary_names_stays_small() {
    // Every item has names of its own; all of them together have many times what is kept.
    let item = |at: usize| {
        let names = (0..40).map(|n| {
            (
                format!("name {}", (at * 40 + n) % 10_000),
                json!({ "S": format!("value {at} {n}") }),
            )
        });
        json!({ "id": { "S": at.to_string() }, "map": { "M": Value::Object(names.collect()) } })
    };
    let profile = sampled((0..4_000).map(item));
    assert_eq!(profile.attributes().count(), MAX_PATHS);
    assert!(profile.paths_overflowed() > 4_000 * 40 / 2);
    let stored: Value = serde_json::from_str(&text(&profile)).unwrap();
    let sample = stored["sample"].to_string().len();
    assert!(sample < 2 * SAMPLE_BYTES, "{sample}");
}
