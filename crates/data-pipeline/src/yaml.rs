//! YAML as JSON: `CloudFormation`'s short forms become the functions that they stand for.

use crate::ConvertError;
use crate::text::Excerpt;
use serde_json::{Map, Number, Value as Json};
use serde_yaml_ng::Value as Yaml;

/// Reads a text.
///
/// # Errors
/// Names line and column, or what has no counterpart in JSON.
pub(crate) fn read(file: &str, text: &str) -> Result<Json, ConvertError> {
    let value: Yaml = serde_yaml_ng::from_str(text).map_err(|error| {
        let place = error.location();
        let (line, column) = place.map_or((1, 1), |place| (place.line(), place.column()));
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or_default();
        ConvertError::Syntax {
            file: file.to_owned(),
            line,
            column,
            message: crate::text::visible(message),
            excerpt: Excerpt::of(text, line, column),
        }
    })?;
    json(value).map_err(|why| ConvertError::Form {
        file: file.to_owned(),
        why,
    })
}

/// The parser itself limits nesting to 128 levels.
fn json(value: Yaml) -> Result<Json, String> {
    Ok(match value {
        Yaml::Null => Json::Null,
        Yaml::Bool(value) => Json::Bool(value),
        Yaml::Number(value) => Json::Number(number(&value)?),
        Yaml::String(value) => Json::String(value),
        Yaml::Sequence(values) => {
            Json::Array(values.into_iter().map(json).collect::<Result<_, _>>()?)
        }
        Yaml::Mapping(fields) => {
            let mut object = Map::new();
            for (key, value) in fields {
                let key = match key {
                    Yaml::String(key) => key,
                    // Account ids are keys of mappings.
                    Yaml::Number(key) => key.to_string(),
                    Yaml::Bool(key) => key.to_string(),
                    _ => return Err("a key of a YAML mapping is no text".to_owned()),
                };
                object.insert(key, json(value)?);
            }
            Json::Object(object)
        }
        Yaml::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            let name = match tag.trim_start_matches('!') {
                name @ ("Ref" | "Condition") => name.to_owned(),
                name => format!("Fn::{name}"),
            };
            Json::Object(Map::from_iter([(name, json(tagged.value)?)]))
        }
    })
}

fn number(value: &serde_yaml_ng::Number) -> Result<Number, String> {
    let whole = value
        .as_u64()
        .map(Number::from)
        .or_else(|| value.as_i64().map(Number::from));
    whole
        .or_else(|| value.as_f64().and_then(Number::from_f64))
        .ok_or_else(|| format!("the YAML number {value} has no counterpart in JSON"))
}
