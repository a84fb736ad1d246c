//! A gathered vocabulary has a limit, and the error names it.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests may unwrap as the tests do"
)]

mod support;

use contract::{ErrorName, Named};
use dataset::Gatherer;
use profile::MAX_VALUE_BYTES;
use serde_json::json;
use support::{define, plan, with_item};

#[test]
fn a_value_too_long_for_a_category_is_named() {
    let definition =
        define(json!({ "label": "y", "columns": [{ "path": "tags", "encoding": "multiHot" }] }));
    let tagged = |tag: &str| json!({ "y": { "N": "1" }, "tags": { "SS": [tag] } });
    let columns = plan(&definition, &[tagged("a")]);
    let mut gatherer = Gatherer::new(&columns).unwrap().unwrap();
    let mut see = |tag: &str| {
        with_item(&tagged(tag), |item| {
            let path = dynamodb_json::Path::parse("tags").unwrap();
            gatherer.see(&[item.path(&path)])
        })
    };
    see(&"x".repeat(MAX_VALUE_BYTES)).unwrap();
    let error = see(&"x".repeat(MAX_VALUE_BYTES + 1)).unwrap_err();
    assert_eq!(error.name(), ErrorName::QualityGateFailed);
    assert!(error.to_string().contains("`tags`"), "{error}");
}
