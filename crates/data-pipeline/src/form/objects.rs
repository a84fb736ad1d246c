//! The file form, the API's form, and mixtures: each part is read by what it holds, because public
//! definitions mix them.

use crate::ConvertError;
use crate::pipeline::{Field, FieldValue, Object, Pipeline};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

/// Keys of both forms and of a `CloudFormation` resource, lower case first.
const OBJECTS: [&str; 3] = ["objects", "pipelineObjects", "PipelineObjects"];
const PARAMETERS: [&str; 3] = ["parameters", "parameterObjects", "ParameterObjects"];
const VALUES: [&str; 3] = ["values", "parameterValues", "ParameterValues"];

/// Reads one pipeline.
///
/// # Errors
/// Names the object and field that has another form.
pub(super) fn read(file: &str, value: &Value) -> Result<Pipeline, ConvertError> {
    let Value::Object(parts) = value else {
        return Err(wrong(file, ".", "is no object"));
    };
    let objects = list(file, parts, &OBJECTS)?;
    let objects = objects
        .iter()
        .map(|(place, value)| object(file, place, value));
    let parameters = list(file, parts, &PARAMETERS)?;
    let parameters = parameters
        .iter()
        .map(|(place, value)| object(file, place, value));
    let mut given = Vec::new();
    for key in VALUES {
        if let Some(part) = parts.get(key) {
            given.extend(values(file, key, part)?);
        }
    }
    let pipeline = Pipeline {
        file: file.to_owned(),
        name: None,
        properties: properties(file, parts)?,
        objects: objects.collect::<Result<_, _>>()?,
        parameters: parameters.collect::<Result<_, _>>()?,
        // As if they were the fields of one object: sorted, and of one key joined.
        values: Object::new(String::new(), None, given).fields,
        overrides: BTreeMap::new(),
        placeholders: BTreeMap::new(),
        other_secrets: BTreeSet::new(),
        template_parameters: BTreeSet::new(),
        index: OnceLock::new(),
    };
    if pipeline.objects.is_empty() {
        return Err(wrong(
            file,
            "objects",
            "there are none: this pipeline is empty",
        ));
    }
    Ok(pipeline)
}

fn wrong(file: &str, place: &str, why: &str) -> ConvertError {
    ConvertError::Inconsistent {
        file: file.to_owned(),
        place: crate::text::visible(place),
        why: why.to_owned(),
    }
}

/// What is said of the whole pipeline, such as `pipelineId`; nested values as they are written.
fn properties(file: &str, parts: &Map<String, Value>) -> Result<Vec<Field>, ConvertError> {
    let known = [OBJECTS, PARAMETERS, VALUES].concat();
    let mut fields = Vec::new();
    for (key, value) in parts {
        if known.contains(&key.as_str()) {
            continue;
        }
        let values = match value {
            Value::Array(elements) => elements.iter().map(property).collect(),
            other => vec![property(other)],
        };
        if key.is_empty() {
            return Err(wrong(file, ".", "a field has no name"));
        }
        let key = key.clone();
        fields.push(Field { key, values });
    }
    Ok(Object::new(String::new(), None, fields).fields)
}

fn property(value: &Value) -> FieldValue {
    let tag = |key: &str| {
        let lower = key.to_ascii_lowercase();
        value
            .get(key)
            .or_else(|| value.get(lower))
            .and_then(Value::as_str)
    };
    FieldValue::Text(match (value, tag("Key"), tag("Value")) {
        (Value::String(text), ..) => text.clone(),
        (_, Some(key), Some(value)) => format!("{key}={value}"),
        _ => value.to_string(),
    })
}

type Placed<'v> = Vec<(String, &'v Value)>;

fn list<'v>(
    file: &str,
    parts: &'v Map<String, Value>,
    keys: &[&str],
) -> Result<Placed<'v>, ConvertError> {
    let mut all = Vec::new();
    for key in keys {
        match parts.get(*key) {
            None | Some(Value::Null) => {}
            Some(Value::Array(elements)) => {
                let place = |(at, element)| (format!("{key}[{at}]"), element);
                all.extend(elements.iter().enumerate().map(place));
            }
            Some(_) => return Err(wrong(file, key, "is no list")),
        }
    }
    Ok(all)
}

/// An object, or a parameter.
fn object(file: &str, place: &str, value: &Value) -> Result<Object, ConvertError> {
    let Value::Object(parts) = value else {
        return Err(wrong(file, place, "is no object"));
    };
    let text = |small: &str, large: &str| match parts.get(small).or_else(|| parts.get(large)) {
        None => Ok(None),
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(text.clone())),
        Some(_) => {
            let place = format!("{place}.{small}");
            Err(wrong(file, &place, "is no text, or empty"))
        }
    };
    let Some(id) = text("id", "Id")? else {
        return Err(wrong(file, place, "has no `id`"));
    };
    let mut name = text("name", "Name")?;
    let mut fields = Vec::new();
    for (key, value) in parts {
        match (key.as_str(), value) {
            ("id" | "Id" | "name" | "Name", _) => {}
            ("fields" | "Fields" | "attributes" | "Attributes", Value::Array(entries)) => {
                for entry in entries {
                    let field = entry_of(file, &id, entry)?;
                    let found = field.texts().next().map(str::to_owned);
                    // Some list the name among the fields.
                    if field.key == "name" && name.is_none() && found.is_some() {
                        name = found;
                    } else {
                        fields.push(field);
                    }
                }
            }
            (key, value) => fields.push(field(file, &id, key, value)?),
        }
    }
    Ok(Object::new(id, name, fields))
}

/// A field of the file form.
fn field(file: &str, id: &str, key: &str, value: &Value) -> Result<Field, ConvertError> {
    let one = |value: &Value| match value {
        Value::String(text) => Ok(FieldValue::Text(text.clone())),
        Value::Number(number) => Ok(FieldValue::Text(number.to_string())),
        Value::Bool(value) => Ok(FieldValue::Text(value.to_string())),
        Value::Object(parts) => match (parts.len(), parts.get("ref")) {
            (1, Some(Value::String(id))) => Ok(FieldValue::Ref(id.clone())),
            _ => Err("is an object other than {\"ref\": \"ID\"}"),
        },
        Value::Null => Err("is null: give it a value, or remove it"),
        Value::Array(_) => Err("is a list within a list"),
    };
    let values = match value {
        Value::Array(elements) => elements.iter().map(one).collect::<Result<_, _>>(),
        other => one(other).map(|value| vec![value]),
    };
    let key = key.to_owned();
    match values {
        Ok(values) => Ok(Field { key, values }),
        Err(why) => Err(wrong(file, &format!("{id}.{key}"), why)),
    }
}

/// A field of the API's form.
fn entry_of(file: &str, id: &str, entry: &Value) -> Result<Field, ConvertError> {
    let part = |small: &str, large: &str| entry.get(small).or_else(|| entry.get(large));
    let Some(Value::String(key)) = part("key", "Key") else {
        return Err(wrong(file, id, "a field has no `key`"));
    };
    let found = match (
        part("stringValue", "StringValue"),
        part("refValue", "RefValue"),
    ) {
        (Some(text), None | Some(Value::Null)) => text,
        (None | Some(Value::Null), Some(Value::String(id))) => {
            let values = vec![FieldValue::Ref(id.clone())];
            let key = key.clone();
            return Ok(Field { key, values });
        }
        _ => {
            let place = format!("{id}.{key}");
            let why = "has not one of `stringValue` and `refValue`";
            return Err(wrong(file, &place, why));
        }
    };
    if found.is_array() || found.is_object() {
        let place = format!("{id}.{key}");
        return Err(wrong(file, &place, "its `stringValue` is no text"));
    }
    field(file, id, key, found)
}

/// Values of parameters: by name, or in the API's form.
pub(crate) fn values(file: &str, place: &str, value: &Value) -> Result<Vec<Field>, ConvertError> {
    let mut fields = Vec::new();
    match value {
        Value::Null => {}
        Value::Object(parts) => {
            for (key, value) in parts {
                fields.push(field(file, place, key, value)?);
            }
        }
        Value::Array(entries) => {
            for entry in entries {
                let part = |small: &str, large: &str| entry.get(small).or_else(|| entry.get(large));
                let (Some(Value::String(id)), Some(value)) =
                    (part("id", "Id"), part("stringValue", "StringValue"))
                else {
                    let why = "an entry has not both of `id` and `stringValue`";
                    return Err(wrong(file, place, why));
                };
                fields.push(field(file, place, id, value)?);
            }
        }
        _ => return Err(wrong(file, place, "is neither an object nor a list")),
    }
    Ok(fields)
}
