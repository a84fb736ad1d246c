//! What a profile says of its items, and that it says the same in parts.

mod support;

use dynamodb_json::Kind;
use profile::{MAX_DEPTH, MAX_DISTINCT, MAX_PATHS, Profile, Vocabularies};
use proptest::prelude::*;
use serde_json::{Value, json};
use support::{arbitrary_items, profile};

#[test]
fn an_attribute_is_counted_by_type_and_summarised_by_value() {
    let profile = profile(&[
        json!({ "a": { "N": "1.50" }, "m": { "M": { "x.y": { "S": "é" }, "n": { "NULL": true } } } }),
        json!({ "a": { "N": "-20" }, "m": { "M": { "x.y": { "S": "abc" } } }, "l": { "L": [{ "S": "deep" }] } }),
        json!({ "a": { "S": "1.5" } }),
    ]);
    assert_eq!(profile.items(), 3);
    let stored = serde_json::to_value(&profile).unwrap();
    assert_eq!(
        stored,
        json!({
            "items": 3,
            "pathsOverflowed": 0,
            "attributes": {
                "a": {
                    "types": { "N": 2, "S": 1 },
                    "numbers": { "minimum": "-20", "maximum": "1.5", "integers": false, "digits": 2 },
                    "texts": { "maxLength": 3, "totalLength": 3 },
                    "distinct": { "values": ["-20", "1.5"] },
                    "examples": ["-20", "1.5"],
                },
                "l": {
                    "types": { "L": 1 },
                    "distinct": { "values": [] },
                    "examples": [],
                },
                "m": {
                    "types": { "M": 2 },
                    "distinct": { "values": [] },
                    "examples": [],
                },
                "m.n": {
                    "types": { "NULL": 1 },
                    "distinct": { "values": [] },
                    "examples": [],
                },
                "m.x\\.y": {
                    "types": { "S": 2 },
                    "texts": { "maxLength": 3, "totalLength": 4 },
                    "distinct": { "values": ["abc", "é"] },
                    "examples": ["abc", "é"],
                },
            },
        })
    );
}

#[test]
fn maps_are_descended_into_to_a_depth() {
    let mut item = json!({ "N": "1" });
    for _ in 0..MAX_DEPTH + 2 {
        item = json!({ "M": { "m": item } });
    }
    let profile = profile(&[json!({ "m": item })]);
    let paths: Vec<_> = profile
        .attributes()
        .map(|(path, _)| path.to_owned())
        .collect();
    assert_eq!(paths.len(), MAX_DEPTH);
    assert_eq!(paths.last(), Some(&["m"; MAX_DEPTH].join(".")));
}

#[test]
fn paths_beyond_the_bound_are_counted_and_not_kept() {
    let item = |prefix: &str| {
        let names = (0..=MAX_PATHS).map(|at| (format!("{prefix}{at}"), json!({ "NULL": true })));
        Value::Object(names.collect())
    };
    let mut left = profile(&[item("a"), json!({ "a": { "M": { "": { "N": "1" } } } })]);
    assert_eq!(left.attributes().count(), MAX_PATHS);
    assert_eq!(left.paths_overflowed(), 3);
    left.merge(profile(&[item("b")]));
    assert_eq!(left.attributes().count(), MAX_PATHS);
    assert_eq!(left.paths_overflowed(), 4 + MAX_PATHS as u64);
    assert!(left.attributes().all(|(path, _)| path.starts_with('a')));
}

#[test]
fn values_that_take_too_much_memory_are_given_up_where_they_are_most() {
    let mut whole = profile(&[json!({ "few": { "S": "kept" } })]);
    // Two attributes of 40 MB each, below the bound on their own.
    for name in ["large", "larger"] {
        let mut part = Profile::new();
        for at in 0..40_000 {
            let text = json!({ name: { "S": format!("{at:01000}") } }).to_string();
            part.observe(&dynamodb_json::parse_item(text.as_bytes()).unwrap());
        }
        assert!(part.values(name).is_some());
        whole.merge(part);
    }
    let kept = |name| whole.values(name).is_some();
    assert!(kept("few"));
    assert!(
        kept("large") != kept("larger"),
        "one is given up, the other then has room"
    );
}

#[test]
fn profiles_that_share_their_values_say_what_they_say_alone() {
    let items: Vec<_> = (0..300)
        .map(
            |at| json!({ "id": { "S": format!("item {at}") }, "n": { "N": (at % 7).to_string() } }),
        )
        .collect();
    let vocabularies = Vocabularies::new();
    let mut shared: Vec<_> = (0..3).map(|_| Profile::sharing(&vocabularies)).collect();
    for (at, item) in items.iter().enumerate() {
        let text = item.to_string();
        shared[at % 3].observe(&dynamodb_json::parse_item(text.as_bytes()).unwrap());
    }
    for (at, one) in shared.iter().enumerate() {
        let mine: Vec<_> = items.iter().skip(at).step_by(3).cloned().collect();
        assert_eq!(one, &profile(&mine));
        assert_eq!(one.distinct("id"), Some(100));
        let stored = serde_json::to_string(one).unwrap();
        assert_eq!(stored, serde_json::to_string(&profile(&mine)).unwrap());
        let again: Profile = serde_json::from_str(&stored).unwrap();
        assert_eq!(&again.share(&vocabularies), one);
    }
    let whole = shared.into_iter().reduce(|mut left, right| {
        left.merge(right);
        left
    });
    assert_eq!(whole, Some(profile(&items)));
}

#[test]
fn what_is_too_much_for_all_that_share_is_given_up_in_each() {
    let vocabularies = Vocabularies::new();
    let mut halves = [
        Profile::sharing(&vocabularies),
        Profile::sharing(&vocabularies),
    ];
    for at in 0..=MAX_DISTINCT {
        let text = json!({ "id": { "N": at.to_string() }, "few": { "S": "x" } }).to_string();
        halves[at % 2].observe(&dynamodb_json::parse_item(text.as_bytes()).unwrap());
    }
    for half in halves {
        assert_eq!(half.distinct("id"), None);
        assert_eq!(half.values("few"), Some(vec!["x".to_owned()]));
        let stored = serde_json::to_value(&half).unwrap();
        assert!(stored["attributes"]["id"]["distinct"]["sketch"].is_string());
    }
}

#[test]
fn a_stored_profile_goes_on_as_it_was() {
    let items = [
        json!({ "a": { "N": "0.1" } }),
        json!({ "a": { "N": "0.30000000000000004" } }),
    ];
    let text = serde_json::to_string(&profile(&items[..1])).unwrap();
    let mut again: Profile = serde_json::from_str(&text).unwrap();
    again.merge(profile(&items[1..]));
    assert_eq!(again, profile(&items));
    let unknown = text.replacen("items", "rows", 1);
    assert!(serde_json::from_str::<Profile>(&unknown).is_err());
    let no_type = text.replacen("\"N\"", "\"X\"", 1);
    let error = serde_json::from_str::<Profile>(&no_type)
        .unwrap_err()
        .to_string();
    assert!(error.contains("`X` is no type of DynamoDB"), "{error}");
}

/// Texts and numbers that resemble each other: of few forms, with zeros to be dropped, with escapes.
fn alike() -> impl Strategy<Value = Value> {
    let number = prop_oneof![
        4 => "-?[0-9]{1,2}(\\.[0-9]{1,2})?",
        2 => "-?0\\.[0-9]{1,3}",
        1 => "1[0-9]{13}|[0-9]{1,9}E[0-9]|[1-9][0-9]{16,30}",
    ];
    let text = prop_oneof![
        "[a-c]{0,2}",
        "[ -~é最👍\n\t]{0,40}",
        "aaaaaaaaaaaaaaaa[a-b]{0,3}",
        // Longer in bytes than in characters, and few, so that they come again.
        "größe, 最高, größe[a-b]{0,1}"
    ];
    prop_oneof![
        4 => number.prop_map(|number| json!({ "N": number })),
        4 => text.prop_map(|text| json!({ "S": text })),
        1 => Just(json!({ "BOOL": true })),
    ]
}

proptest! {
    #[test]
    fn values_that_are_only_counted_are_counted_as_they_are_kept(
        values in prop::collection::vec(alike(), 1..60), at in prop_oneof![Just(0), 0..60_usize],
    ) {
        let mut items: Vec<_> = values.into_iter().map(|value| json!({ "v": value })).collect();
        // A value too long for a category: from here on none is kept.
        items.insert(at.min(items.len()), json!({ "v": { "S": "m".repeat(1025) } }));
        let known = profile(&items);
        prop_assert_eq!(known.distinct("v"), None);
        let text = serde_json::to_string(&known).unwrap();
        let whole: Profile = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(whole, known);
    }

    #[test]
    fn parts_in_any_order_and_grouping_make_the_whole(
        a in arbitrary_items(), b in arbitrary_items(), c in arbitrary_items(),
    ) {
        let merged = |mut left: Profile, right: Profile| { left.merge(right); left };
        let whole = profile(&[a.clone(), b.clone(), c.clone()].concat());
        let [a, b, c] = [profile(&a), profile(&b), profile(&c)];
        prop_assert_eq!(&merged(merged(a.clone(), b.clone()), c.clone()), &whole);
        prop_assert_eq!(&merged(a.clone(), merged(b.clone(), c.clone())), &whole);
        prop_assert_eq!(&merged(merged(c.clone(), a.clone()), b.clone()), &whole);
        prop_assert_eq!(&merged(whole.clone(), Profile::new()), &whole);
    }

    #[test]
    fn a_profile_is_stored_the_same_and_reads_back(items in arbitrary_items()) {
        let known = profile(&items);
        let text = serde_json::to_string(&known).unwrap();
        let again: Profile = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(serde_json::to_string(&again).unwrap(), text);
        prop_assert_eq!(again, known);
        let reversed: Vec<_> = items.iter().rev().cloned().collect();
        prop_assert_eq!(serde_json::to_string(&profile(&reversed)).unwrap(), serde_json::to_string(&profile(&items)).unwrap());
    }

    #[test]
    fn every_top_level_value_is_counted_once(items in arbitrary_items()) {
        let known = profile(&items);
        for name in ["a", "b", "c", "d", "id", "label"] {
            let having = items.iter().filter(|item| item.get(name).is_some()).count() as u64;
            let types = known.attribute(name).map(|attribute| attribute.types);
            prop_assert_eq!(types.map_or(0, |types| types.total()), having);
            let nulls = items.iter().filter(|item| item[name].get("NULL").is_some()).count() as u64;
            prop_assert_eq!(types.map_or(0, |types| types.of(Kind::Null)), nulls);
        }
    }
}
