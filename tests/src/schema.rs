//! A view of the contract's JSON Schemas: fields, required fields, values of enums. It covers what
//! schemars writes for the contract's types.

use serde_json::Value;
use std::collections::BTreeMap;

/// Every schema of the contract, by the name of its file.
#[derive(Debug)]
pub struct Schemas(BTreeMap<String, Value>);

impl Schemas {
    /// The contract's.
    pub fn of_contract() -> Self {
        let schemas = millrace::schemas::all();
        let named = schemas
            .into_iter()
            .map(|(name, schema)| (name.to_owned(), schema.to_value()));
        Self(named.collect())
    }

    /// The schema of this name, such as `plan-export.input`.
    pub fn get(&self, name: &str) -> Option<Node<'_>> {
        let root = self.0.get(name)?;
        Some(Node { root, at: root }.resolved())
    }
}

/// A place in a schema.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Node<'a> {
    root: &'a Value,
    at: &'a Value,
}

impl<'a> Node<'a> {
    fn resolved(self) -> Self {
        let mut at = self.at;
        while let Some(reference) = at.get("$ref").and_then(Value::as_str) {
            let pointer = reference.trim_start_matches('#');
            at = self
                .root
                .pointer(pointer)
                .expect("schemars' references lead somewhere");
        }
        Self { at, ..self }
    }

    /// A field's schema, and whether the field is always there.
    pub fn field(self, name: &str) -> Option<(Self, bool)> {
        let at = self.at.get("properties")?.get(name)?;
        let required = self.required().any(|required| required == name);
        Some((Self { at, ..self }.resolved(), required))
    }

    /// The names of the fields that are always there.
    pub fn required(self) -> impl Iterator<Item = &'a str> {
        let names = self.at.get("required").and_then(Value::as_array);
        names.into_iter().flatten().filter_map(Value::as_str)
    }

    /// The type's name, such as `string` or `integer`; none if anything will do.
    pub fn kind(self) -> Option<&'a str> {
        if self.values().is_some() {
            return Some("string");
        }
        self.at.get("type").and_then(Value::as_str)
    }

    /// The values of an enum of texts.
    pub fn values(self) -> Option<Vec<&'a str>> {
        if let Some(values) = self.at.get("enum").and_then(Value::as_array) {
            return values.iter().map(Value::as_str).collect();
        }
        let branches = self.at.get("oneOf")?.as_array()?;
        branches
            .iter()
            .map(|branch| branch.get("const").and_then(Value::as_str))
            .collect()
    }

    /// What the schema says, without its explanations, references followed.
    pub fn meaning(self) -> Value {
        let node = self.resolved();
        match node.at {
            Value::Object(object) => {
                let explains = ["description", "title", "$schema", "$defs"];
                let kept = object
                    .iter()
                    .filter(|(name, _)| !explains.contains(&name.as_str()));
                let kept = kept.map(|(name, at)| (name.clone(), Self { at, ..node }.meaning()));
                Value::Object(kept.collect())
            }
            Value::Array(elements) => {
                let elements = elements.iter().map(|at| Self { at, ..node }.meaning());
                Value::Array(elements.collect())
            }
            other => other.clone(),
        }
    }
}
