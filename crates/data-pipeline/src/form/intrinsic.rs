//! `CloudFormation`'s functions. `Ref`, `Fn::Sub` and `Fn::Join` of parameters with a default are
//! resolved; whatever only a stack knows becomes a placeholder, which an option can fill.

use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// A template's parameters.
pub(super) struct Template<'t> {
    parameters: Option<&'t Map<String, Value>>,
    sets: &'t BTreeMap<String, Vec<String>>,
    /// What stayed open: the text that stands for it, and the name that fills it.
    pub placeholders: BTreeMap<String, String>,
    /// Values of parameters with `NoEcho`.
    pub secrets: BTreeSet<String>,
    /// All names that functions refer to.
    pub names: BTreeSet<String>,
}

impl<'t> Template<'t> {
    pub(super) fn new(template: &'t Value, sets: &'t BTreeMap<String, Vec<String>>) -> Self {
        Self {
            parameters: template["Parameters"].as_object(),
            sets,
            placeholders: BTreeMap::new(),
            secrets: BTreeSet::new(),
            names: BTreeSet::new(),
        }
    }

    /// The value with its functions resolved. The reader limits how deeply it is nested.
    pub(super) fn resolve(&mut self, value: &Value) -> Value {
        match value {
            Value::Object(fields) => {
                if let (1, Some((name, argument))) = (fields.len(), fields.iter().next())
                    && (name == "Ref" || name.starts_with("Fn::"))
                {
                    return Value::String(self.call(name, argument));
                }
                let resolved = fields
                    .iter()
                    .map(|(key, value)| (key.clone(), self.resolve(value)));
                Value::Object(resolved.collect())
            }
            Value::Array(elements) => {
                Value::Array(elements.iter().map(|value| self.resolve(value)).collect())
            }
            other => other.clone(),
        }
    }

    fn call(&mut self, name: &str, argument: &Value) -> String {
        match (name, argument) {
            ("Ref", Value::String(name)) => self.named(name),
            ("Fn::Sub", Value::String(text)) => self.substitute(text, None),
            ("Fn::Sub", Value::Array(parts)) => match parts.as_slice() {
                [Value::String(text), Value::Object(names)] => self.substitute(text, Some(names)),
                _ => self.open("Fn::Sub"),
            },
            ("Fn::Join", Value::Array(parts)) => match parts.as_slice() {
                [Value::String(between), Value::Array(parts)] => {
                    let parts: Vec<_> = parts.iter().map(|part| self.text(part)).collect();
                    parts.join(between)
                }
                _ => self.open("Fn::Join"),
            },
            ("Fn::GetAtt", Value::Array(parts)) => {
                let parts: Vec<_> = parts.iter().map(|part| self.text(part)).collect();
                self.open(&parts.join("."))
            }
            ("Fn::GetAtt", Value::String(name)) => self.open(name),
            ("Fn::ImportValue", argument) => {
                let name = self.text(argument);
                self.open(name.trim_matches(['⟨', '⟩']))
            }
            (name, _) => self.open(name),
        }
    }

    fn text(&mut self, value: &Value) -> String {
        match self.resolve(value) {
            Value::String(text) => text,
            other => other.to_string(),
        }
    }

    /// A parameter's value, or a placeholder for it.
    fn named(&mut self, name: &str) -> String {
        self.names.insert(name.to_owned());
        let parameter = self.parameters.and_then(|all| all.get(name));
        let set = self.sets.get(name).and_then(|values| values.first());
        let default = parameter.and_then(|parameter| match parameter.get("Default") {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        });
        let Some(value) = set.cloned().or(default) else {
            return self.open(name);
        };
        let no_echo = parameter.and_then(|parameter| parameter.get("NoEcho"));
        // CloudFormation reads YAML 1.1, where `yes` is true.
        if no_echo.is_some_and(|flag| *flag != false && *flag != "false") {
            self.secrets.insert(value.clone());
        }
        value
    }

    fn open(&mut self, name: &str) -> String {
        self.names.insert(name.to_owned());
        if let Some(set) = self.sets.get(name).and_then(|values| values.first()) {
            return set.clone();
        }
        let shown = format!("⟨{name}⟩");
        self.placeholders.insert(shown.clone(), name.to_owned());
        shown
    }

    /// Replaces each `${Name}`; `${!Name}` is `${Name}` as text.
    fn substitute(&mut self, text: &str, names: Option<&Map<String, Value>>) -> String {
        let mut made = String::new();
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            made.push_str(&rest[..start]);
            let after = &rest[start + 2..];
            let Some(end) = after.find('}') else {
                made.push_str(&rest[start..]);
                return made;
            };
            let name = &after[..end];
            if let Some(name) = name.strip_prefix('!') {
                made.extend(["${", name, "}"]);
            } else if let Some(value) = names.and_then(|names| names.get(name)) {
                made.push_str(&self.text(value));
            } else {
                made.push_str(&self.named(name));
            }
            rest = &after[end + 1..];
        }
        made.push_str(rest);
        made
    }
}
