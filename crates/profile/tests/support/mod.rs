//! Items for tests: written as JSON, or arbitrary over few names, so that types collide and values
//! repeat.

#![allow(dead_code, reason = "each test file uses its part")]

use dynamodb_json::{Lines, Map};
use profile::Profile;
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
