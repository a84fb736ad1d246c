//! The differences between two JSON documents, field by field.

use serde_json::Value;

/// A field that differs.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldChange {
    /// The field's path, such as `dataset.columns[2].encoding`.
    pub path: String,
    /// Its value before; `None` if the field was not there.
    pub before: Option<Value>,
    /// Its value now; `None` if the field is not there.
    pub now: Option<Value>,
}

/// The fields that differ, in the order of `before`, then of `now`.
pub fn differences(before: &Value, now: &Value) -> Vec<FieldChange> {
    let mut found = Vec::new();
    compare("", Some(before), Some(now), &mut found);
    found
}

fn compare(path: &str, before: Option<&Value>, now: Option<&Value>, found: &mut Vec<FieldChange>) {
    match (before, now) {
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            let added = new.keys().filter(|name| !old.contains_key(*name));
            for name in old.keys().chain(added) {
                let path = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                compare(&path, old.get(name), new.get(name), found);
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) => {
            for at in 0..old.len().max(new.len()) {
                compare(&format!("{path}[{at}]"), old.get(at), new.get(at), found);
            }
        }
        (before, now) if before == now => {}
        (before, now) => found.push(FieldChange {
            path: path.to_owned(),
            before: before.cloned(),
            now: now.cloned(),
        }),
    }
}
