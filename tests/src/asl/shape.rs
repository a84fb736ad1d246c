//! The inferred shape of a value that passes between states, and whether it matches a schema.

use crate::schema::Node;
use serde_json::Value;
use std::collections::BTreeMap;

/// What is known of a value.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape<'a> {
    /// It is valid against this schema.
    Valid(Node<'a>),
    /// An object of exactly these fields.
    Object(BTreeMap<String, Self>),
    /// This value.
    Constant(&'a Value),
    /// Some text.
    Text,
    /// Nothing is known, and nobody looks into it.
    Anything,
}

impl Shape<'_> {
    /// The field of this name.
    ///
    /// # Errors
    /// Says in a few words why there is none.
    pub fn field(&self, name: &str) -> Result<Self, String> {
        let missing = || format!("there is no field {name:?}");
        match self {
            Self::Valid(node) => match node.field(name) {
                Some((field, true)) => Ok(Self::Valid(field)),
                Some((_, false)) => Err(format!("field {name:?} may be absent")),
                None => Err(missing()),
            },
            Self::Object(fields) => fields.get(name).cloned().ok_or_else(missing),
            Self::Constant(value) => value.get(name).map(Self::Constant).ok_or_else(missing),
            Self::Text | Self::Anything => Err(missing()),
        }
    }

    /// The type's name, if it is known.
    pub fn kind(&self) -> Option<&str> {
        match self {
            Self::Valid(node) => node.kind(),
            Self::Object(_) => Some("object"),
            Self::Constant(value) => Some(kind(value)),
            Self::Text => Some("string"),
            Self::Anything => None,
        }
    }

    /// What keeps the value from being valid against a schema: the path below it, and why.
    pub fn misfits(&self, wanted: Node<'_>) -> Vec<(String, String)> {
        let Some(wanted_kind) = wanted.kind() else {
            return Vec::new();
        };
        let misfit = |problem: String| vec![(String::new(), problem)];
        match self {
            Self::Anything => Vec::new(),
            Self::Object(fields) => misfits(fields, wanted),
            Self::Valid(node) if node.meaning() == wanted.meaning() => Vec::new(),
            Self::Valid(node) => misfit(format!(
                "is {}, where {} is asked for",
                node.meaning(),
                wanted.meaning()
            )),
            Self::Constant(value) => match wanted.values() {
                Some(values) if !value.as_str().is_some_and(|text| values.contains(&text)) => {
                    misfit(format!("{value} is none of {}", values.join(", ")))
                }
                _ if fits(kind(value), wanted_kind) => Vec::new(),
                _ => misfit(format!("{value} is no {wanted_kind}")),
            },
            Self::Text if wanted_kind == "string" && wanted.values().is_none() => Vec::new(),
            Self::Text => misfit(format!("is text, where {} is asked for", wanted.meaning())),
        }
    }
}

fn misfits(fields: &BTreeMap<String, Shape<'_>>, wanted: Node<'_>) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for (name, shape) in fields {
        match wanted.field(name) {
            None => all.push((
                format!(".{name}"),
                "is no field of the step's input".to_owned(),
            )),
            Some((wanted, _)) => {
                let below = shape.misfits(wanted).into_iter();
                all.extend(below.map(|(path, problem)| (format!(".{name}{path}"), problem)));
            }
        }
    }
    let missing = wanted.required().filter(|name| !fields.contains_key(*name));
    all.extend(missing.map(|name| (format!(".{name}"), "is missing".to_owned())));
    all
}

fn fits(kind: &str, wanted: &str) -> bool {
    kind == wanted || (kind == "integer" && wanted == "number")
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
