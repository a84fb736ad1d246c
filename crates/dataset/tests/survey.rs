//! What inference makes of attributes before there is a label.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

mod support;

use dataset::{Surveyed, survey};
use definition::Encoding;
use dynamodb_json::Kind;
use serde_json::{Value, json};
use support::{infer, key, plan_sampled, sampled};

fn item(n: u32) -> Value {
    let colour = ["red", "green"][n as usize % 2];
    let device = ["tv", "phone", "car"][n as usize % 3];
    json!({
        "id": {"S": format!("id-{n:04}")},
        "at": {"S": format!("2026-11-{:02}T{:02}:00:00Z", n % 28 + 1, n % 24)},
        "seen": {"N": (1_790_000_000 + n * 60).to_string()},
        "ms": {"N": (1_790_000_000_000_u64 + u64::from(n)).to_string()},
        "price": {"N": format!("{n}.5")},
        "country": {"S": "AT"},
        "flag": {"BOOL": true},
        "colour": {"S": colour},
        "context": {"M": {"device": {"S": device}}},
        "label": {"N": (n % 5).to_string()},
    })
}

fn found(items: &[Value]) -> Vec<Surveyed> {
    survey(&sampled(items.iter().cloned()), &key())
}

#[test]
fn constants_moments_and_encodings_are_told() {
    let items: Vec<_> = (0..100).map(item).collect();
    let found = found(&items);
    let of = |path: &str| found.iter().find(|it| it.path == path).unwrap();
    let constant = found.iter().filter(|it| it.is_constant);
    let constant: Vec<_> = constant.map(|it| it.path.as_str()).collect();
    assert_eq!(constant, ["country", "flag"]);
    let moments = found
        .iter()
        .filter_map(|it| Some((it.path.as_str(), it.moments?)));
    let expected = [("at", Kind::S), ("ms", Kind::N), ("seen", Kind::N)];
    assert_eq!(moments.collect::<Vec<_>>(), expected);
    assert_eq!(of("colour").inferred, Ok((Encoding::Ordinal, false)));
    assert_eq!(of("colour").distinct, Some(2));
    assert_eq!(of("flag").distinct, Some(1));
    assert_eq!(of("price").inferred, Ok((Encoding::Number, false)));
    assert!(
        of("id")
            .inferred
            .as_ref()
            .unwrap_err()
            .contains("key attribute")
    );
    assert!(
        found.iter().all(|it| it.path != "context"),
        "its members are"
    );
}

#[test]
fn a_survey_and_a_plan_agree() {
    let items: Vec<_> = (0..100).map(item).collect();
    let columns = plan_sampled(&infer("label"), &items).unwrap();
    let planned: Vec<_> = columns
        .columns
        .iter()
        .map(|column| (column.path.as_str(), column.encoding))
        .collect();
    let found = found(&items);
    let surveyed: Vec<_> = found
        .iter()
        .filter(|it| it.path != "label")
        .filter_map(|it| Some((it.path.as_str(), it.inferred.as_ref().ok()?.0)))
        .collect();
    assert_eq!(planned, surveyed);
}

#[test]
fn one_value_in_some_items_alone_is_no_constant() {
    let mut items: Vec<_> = (0..100).map(item).collect();
    items[7].as_object_mut().unwrap().remove("country");
    let found = found(&items);
    let country = found.iter().find(|it| it.path == "country").unwrap();
    assert_eq!((country.is_constant, country.values), (false, 99));
}
