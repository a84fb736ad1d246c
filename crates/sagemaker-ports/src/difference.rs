//! Differences between an existing and a desired resource, field by field, in words. All serialised
//! fields of a specification are compared, so that none is forgotten.

use serde::Serialize;
use serde_json::Value;

/// One phrase for each field that differs, such as `volumeGb is 31, wanted 30`.
///
/// # Panics
/// If one of them cannot be written as JSON, which specifications of names, texts and numbers can.
pub fn differences<T: Serialize>(wanted: &T, there: &T) -> Vec<String> {
    let as_json = |spec: &T| serde_json::to_value(spec).expect("a specification is JSON");
    let mut found = Vec::new();
    compare("", &as_json(wanted), &as_json(there), &mut found);
    found
}

fn compare(path: &str, wanted: &Value, there: &Value, found: &mut Vec<String>) {
    if let (Value::Object(wanted), Value::Object(there)) = (wanted, there) {
        let only_there = there.keys().filter(|name| !wanted.contains_key(*name));
        for name in wanted.keys().chain(only_there) {
            let path = if path.is_empty() {
                name.clone()
            } else {
                format!("{path}.{name}")
            };
            let value = |fields: &serde_json::Map<String, Value>| {
                fields.get(name).cloned().unwrap_or_default()
            };
            compare(&path, &value(wanted), &value(there), found);
        }
        return;
    }
    if wanted != there {
        found.push(format!(
            "{path} is {}, wanted {}",
            words(there),
            words(wanted)
        ));
    }
}

fn words(value: &Value) -> String {
    match value {
        Value::Null => "absent".to_owned(),
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::differences;
    use serde_json::json;

    #[test]
    fn every_field_that_differs_is_named_at_any_depth() {
        let wanted = json!({"a": 1, "b": {"c": "x", "d": null}, "e": [1]});
        let there = json!({"a": 2, "b": {"c": "x", "d": 5}, "e": [1], "f": true});
        assert_eq!(
            differences(&wanted, &there),
            [
                "a is 2, wanted 1",
                "b.d is 5, wanted absent",
                "f is true, wanted absent"
            ]
        );
        assert!(differences(&wanted, &wanted).is_empty());
    }
}
