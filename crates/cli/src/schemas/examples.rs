//! Examples of the definition's fields, out of whole definitions that are valid: each field of the
//! schema shows a value that one of them has.

use serde_json::{Map, Value};

/// The definitions in `docs/src/examples/`, by name: together they have every field.
const DEFINITIONS: [(&str, &str); 22] = [
    (
        "interactions",
        include_str!("../../../../docs/src/examples/interactions.json"),
    ),
    (
        "houses",
        include_str!("../../../../docs/src/examples/houses.json"),
    ),
    (
        "churn",
        include_str!("../../../../docs/src/examples/churn.json"),
    ),
    (
        "recommender",
        include_str!("../../../../docs/src/examples/recommender.json"),
    ),
    (
        "export",
        include_str!("../../../../docs/src/examples/export.json"),
    ),
    (
        "clicks",
        include_str!("../../../../docs/src/examples/clicks.json"),
    ),
    (
        "pairs",
        include_str!("../../../../docs/src/examples/pairs.json"),
    ),
    (
        "orders",
        include_str!("../../../../docs/src/examples/orders.json"),
    ),
    (
        "changes",
        include_str!("../../../../docs/src/examples/changes.json"),
    ),
    (
        "query",
        include_str!("../../../../docs/src/examples/query.json"),
    ),
    (
        "images",
        include_str!("../../../../docs/src/examples/images.json"),
    ),
    (
        "labelled-images",
        include_str!("../../../../docs/src/examples/labelled-images.json"),
    ),
    (
        "listed-images",
        include_str!("../../../../docs/src/examples/listed-images.json"),
    ),
    (
        "named-signs",
        include_str!("../../../../docs/src/examples/named-signs.json"),
    ),
    (
        "folder-signs",
        include_str!("../../../../docs/src/examples/folder-signs.json"),
    ),
    (
        "few-signs",
        include_str!("../../../../docs/src/examples/few-signs.json"),
    ),
    (
        "tagged-images",
        include_str!("../../../../docs/src/examples/tagged-images.json"),
    ),
    (
        "sidecar-images",
        include_str!("../../../../docs/src/examples/sidecar-images.json"),
    ),
    (
        "table-images",
        include_str!("../../../../docs/src/examples/table-images.json"),
    ),
    (
        "old-exports",
        include_str!("../../../../docs/src/examples/old-exports.json"),
    ),
    (
        "cells",
        include_str!("../../../../docs/src/examples/cells.json"),
    ),
    (
        "events",
        include_str!("../../../../docs/src/examples/events.json"),
    ),
];

/// Adds to each field of the definition's schema the first value that an example has there.
pub fn add(schema: &mut Value) {
    for (name, text) in DEFINITIONS {
        let definition: Value = serde_json::from_str(text)
            .unwrap_or_else(|error| panic!("docs/src/examples/{name}.json: {error}"));
        for (field, value) in fields(schema, &definition) {
            let field = schema.pointer_mut(&field).and_then(Value::as_object_mut);
            let field = field.expect("a field that was found in the schema");
            field
                .entry("examples")
                .or_insert_with(|| Value::Array(vec![value]));
        }
    }
}

/// The fields that a definition has: each as the JSON Pointer of its schema, with its value.
fn fields(schema: &Value, definition: &Value) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    visit(schema, "", definition, &mut found);
    found
}

fn visit(schema: &Value, at: &str, value: &Value, found: &mut Vec<(String, Value)>) {
    let Some(here) = schema.pointer(at).and_then(Value::as_object) else {
        return;
    };
    if let Some(name) = here.get("$ref").and_then(Value::as_str) {
        visit(schema, name.trim_start_matches('#'), value, found);
    }
    for choice in ["oneOf", "anyOf"] {
        let variants = here.get(choice).and_then(Value::as_array);
        for (index, _) in variants.into_iter().flatten().enumerate() {
            visit(schema, &format!("{at}/{choice}/{index}"), value, found);
        }
    }
    match value {
        Value::Array(all) => {
            for value in all {
                visit(schema, &format!("{at}/items"), value, found);
            }
        }
        Value::Object(all) => visit_object(schema, at, here, all, found),
        _ => {}
    }
}

fn visit_object(
    schema: &Value,
    at: &str,
    here: &Map<String, Value>,
    all: &Map<String, Value>,
    found: &mut Vec<(String, Value)>,
) {
    let properties = here.get("properties").and_then(Value::as_object);
    for (name, value) in all {
        if properties.is_some_and(|it| it.contains_key(name)) {
            let at = format!("{at}/properties/{name}");
            found.push((at.clone(), value.clone()));
            visit(schema, &at, value, found);
        } else if here
            .get("additionalProperties")
            .is_some_and(Value::is_object)
        {
            visit(schema, &format!("{at}/additionalProperties"), value, found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::{Document, check};

    fn with_examples() -> Value {
        let mut schema = serde_json::to_value(definition::schema()).unwrap();
        add(&mut schema);
        schema
    }

    /// Calls `visit` with each object of the schema that has fields.
    fn objects(at: &str, schema: &Value, visit: &mut impl FnMut(&str, &Map<String, Value>)) {
        match schema {
            Value::Object(all) => {
                if all.get("properties").is_some_and(Value::is_object) {
                    visit(at, all);
                }
                for (name, inner) in all.iter().filter(|(name, _)| *name != "examples") {
                    objects(&format!("{at}/{name}"), inner, visit);
                }
            }
            Value::Array(all) => {
                for (index, inner) in all.iter().enumerate() {
                    objects(&format!("{at}/{index}"), inner, visit);
                }
            }
            _ => {}
        }
    }

    #[test]
    fn every_example_is_a_valid_definition() {
        for (name, text) in DEFINITIONS {
            let checked = check(Document::new(name.to_owned(), text));
            assert!(checked.faults().is_empty(), "{:#?}", checked.faults());
        }
    }

    #[test]
    fn every_field_has_an_example() {
        let (mut fields, mut without) = (0, Vec::new());
        objects("", &with_examples(), &mut |at, object| {
            for (name, field) in object["properties"].as_object().unwrap() {
                fields += 1;
                if !field["examples"].is_array() {
                    without.push(format!("{at}/{name}"));
                }
            }
        });
        assert!(fields > 150, "{fields}");
        assert!(
            without.is_empty(),
            "no definition of docs/src/examples has these fields: {without:#?}"
        );
    }

    #[test]
    fn every_object_refuses_unknown_fields() {
        objects("", &with_examples(), &mut |at, object| {
            let others = object.get("additionalProperties");
            assert_eq!(others, Some(&Value::Bool(false)), "{at}");
        });
    }
}
