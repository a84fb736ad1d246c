//! What only definitions with images may ask for, and what they are warned about.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

use definition::Definition;
use serde_json::{Value, json};

fn images(change: &Value) -> Definition {
    let mut definition = json!({
        "source": {"images": {
            "keys": "images/{class}/trip={trip}/{name}.{ext}",
            "labels": {"key": "class"},
        }},
        "dataset": {"label": "label", "labelEncoding": "classes"},
    });
    for (pointer, value) in change.as_object().unwrap() {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        definition.pointer_mut(parent).unwrap()[name] = value.clone();
    }
    contract::read::from_value(definition).unwrap()
}

#[test]
fn limits_and_gates_of_images_are_for_images_alone() {
    let all = [
        ("limits.maxObjects", json!({"limits": {"maxObjects": 1}})),
        ("limits.maxBytes", json!({"limits": {"maxBytes": 1}})),
        (
            "gate.maximumQuarantined",
            json!({"gate": {"maximumQuarantined": 0.1}}),
        ),
        (
            "dataset.gate.maximumLeak",
            json!({"dataset": {"label": "y", "gate": {"maximumLeak": 0.1}}}),
        ),
    ];
    for (field, change) in all {
        let mut definition = json!({"source": {"dynamodb": {"table": "films"}}});
        for (name, value) in change.as_object().unwrap() {
            definition[name] = value.clone();
        }
        let definition: Definition = contract::read::from_value(definition).unwrap();
        let faults = definition.validate().unwrap_err().to_string();
        assert!(faults.contains(field), "{faults}");
        assert!(faults.contains("is for `source.images`"), "{faults}");
    }
    let whole = images(&json!({
        "/limits": {"maxObjects": 1, "maxBytes": 1},
        "/gate": {"maximumQuarantined": 0.1},
        "/dataset/gate": {"maximumLeak": 0.1},
    }));
    whole.validate().unwrap();
}

#[test]
fn a_leak_is_measured_where_images_are_decoded() {
    let unread = images(&json!({
        "/source/images/verify": "structure",
        "/dataset/gate": {"maximumLeak": 0.1},
    }));
    let faults = unread.validate().unwrap_err().to_string();
    assert!(faults.contains("`source.images.verify`"), "{faults}");
    for wrong in [-0.1, 1.1] {
        let definition = images(&json!({"/dataset/gate": {"maximumLeak": wrong}}));
        let faults = definition.validate().unwrap_err().to_string();
        assert!(faults.contains("dataset.gate.maximumLeak"), "{faults}");
    }
}

#[test]
fn a_series_that_the_split_tears_apart_is_a_warning() {
    let torn = images(&json!({})).warnings();
    assert_eq!(torn.len(), 1, "{torn:?}");
    assert!(torn[0].contains("does not name `trip`"), "{torn:?}");
    let by_class = images(&json!({"/dataset/split": {"by": ["class"]}})).warnings();
    assert_eq!(by_class, torn);
    for whole in [
        json!({"/dataset/split": {"by": ["trip"]}}),
        json!({"/dataset/split": {"by": ["class", "trip"]}}),
        json!({"/dataset/split": {"time": {"path": "capturedAt"}}}),
    ] {
        assert!(images(&whole).warnings().is_empty(), "{whole}");
    }
}
