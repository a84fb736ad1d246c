//! A pipeline of AWS Data Pipeline: its objects with their fields, parameters and values, whatever
//! form it was read from.

use crate::ConvertError;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::OnceLock;

/// One value of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FieldValue {
    /// Text, which may hold expressions.
    Text(String),
    /// The id of another object.
    Ref(String),
}

/// A field. A scalar and a list of one element are the same, as in Data Pipeline's API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    /// The key; `*` before it marks a secret.
    pub key: String,
    /// Its values. The file form can have an empty list.
    pub values: Vec<FieldValue>,
}

impl Field {
    /// Whether its values are secrets.
    pub(crate) fn is_secret(&self) -> bool {
        self.key.starts_with('*')
    }

    /// The key without the mark of secrets.
    pub(crate) fn name(&self) -> &str {
        self.key.trim_start_matches('*')
    }

    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        self.values.iter().filter_map(|value| match value {
            FieldValue::Text(text) => Some(text.as_str()),
            FieldValue::Ref(_) => None,
        })
    }

    pub(crate) fn refs(&self) -> impl Iterator<Item = &str> {
        self.values.iter().filter_map(|value| match value {
            FieldValue::Ref(id) => Some(id.as_str()),
            FieldValue::Text(_) => None,
        })
    }

    /// The values as the report shows them.
    pub(crate) fn shown(&self) -> String {
        let values: Vec<_> = self
            .values
            .iter()
            .map(|value| match value {
                FieldValue::Text(text) => text.clone(),
                FieldValue::Ref(id) => format!("→ {id}"),
            })
            .collect();
        match values.as_slice() {
            [] => "[]".to_owned(),
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        }
    }
}

/// An object of a pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Object {
    /// Unique in the pipeline.
    pub id: String,
    /// All fields but `id`, by key; `name` only if it differs from the id.
    pub fields: Vec<Field>,
}

impl Object {
    /// Sorts fields as the API lists them, and joins those of one key.
    pub(crate) fn new(id: String, name: Option<String>, fields: Vec<Field>) -> Self {
        let mut joined: BTreeMap<String, Vec<FieldValue>> = BTreeMap::new();
        for field in fields {
            joined.entry(field.key).or_default().extend(field.values);
        }
        if let Some(name) = name.filter(|name| *name != id) {
            let values = joined.entry("name".to_owned()).or_default();
            values.insert(0, FieldValue::Text(name));
        }
        let fields = joined.into_iter();
        let fields = fields.map(|(key, values)| Field { key, values }).collect();
        Self { id, fields }
    }

    /// Its own field of this name, whether it is secret or not.
    pub(crate) fn own(&self, name: &str) -> Option<&Field> {
        let at = |key: &str| {
            self.fields
                .binary_search_by(|field| field.key.as_str().cmp(key))
        };
        let found = at(name).or_else(|_| at(&format!("*{name}")));
        found.ok().map(|at| &self.fields[at])
    }
}

/// A pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pipeline {
    /// The file that it was read from.
    pub file: String,
    /// Its name, if the form has one: the resource of a template.
    pub name: Option<String>,
    /// What the form says of the whole pipeline: `Description`, `Activate`, `PipelineTags`.
    pub properties: Vec<Field>,
    /// Its objects.
    pub objects: Vec<Object>,
    /// Its parameters: objects whose fields are their attributes.
    pub parameters: Vec<Object>,
    /// The values of its parameters.
    pub values: Vec<Field>,
    /// Values from options, which outrank those of the pipeline. They are no fields of it.
    pub overrides: BTreeMap<String, Vec<String>>,
    /// What a template leaves open, as its functions are shown in texts: `⟨Bucket⟩` to `Bucket`.
    pub placeholders: BTreeMap<String, String>,
    /// Values that a template or an option marks as secrets.
    pub other_secrets: BTreeSet<String>,
    /// Names that a template's functions refer to, which options can fill.
    pub template_parameters: BTreeSet<String>,
    /// The positions of objects by id.
    pub index: OnceLock<HashMap<String, usize>>,
}

/// The longest line of parents.
const MAX_PARENTS: usize = 100;

/// The object that all others inherit from.
const DEFAULT: &str = "Default";

impl Pipeline {
    pub(crate) fn object(&self, id: &str) -> Option<&Object> {
        let index = self.index.get_or_init(|| {
            let objects = self.objects.iter().enumerate();
            objects
                .map(|(at, object)| (object.id.clone(), at))
                .collect()
        });
        index.get(id).map(|at| &self.objects[*at])
    }

    /// The object and those that it inherits from, nearest first.
    pub(crate) fn lineage<'p>(&'p self, object: &'p Object) -> Vec<&'p Object> {
        let mut lineage = vec![object];
        let mut at = object;
        while let Some(parent) = at.own("parent").and_then(|field| field.refs().next()) {
            match self.object(parent) {
                // A cycle was refused when the pipeline was checked.
                Some(parent) if lineage.len() <= MAX_PARENTS => {
                    lineage.push(parent);
                    at = parent;
                }
                _ => break,
            }
        }
        if let Some(default) = self.object(DEFAULT)
            && lineage.iter().all(|object| object.id != DEFAULT)
        {
            lineage.push(default);
        }
        lineage
    }

    /// A field of the object, or the one that it inherits, with its owner.
    pub(crate) fn find<'p>(
        &'p self,
        object: &'p Object,
        name: &str,
    ) -> Option<(&'p Object, &'p Field)> {
        self.lineage(object)
            .into_iter()
            .find_map(|owner| owner.own(name).map(|field| (owner, field)))
    }

    /// The type of the object.
    pub(crate) fn type_of<'p>(&'p self, object: &'p Object) -> &'p str {
        self.find(object, "type")
            .and_then(|(_, field)| field.texts().next())
            .unwrap_or("")
    }

    /// The objects that a field refers to, inherited or not.
    pub(crate) fn referred<'p>(&'p self, object: &'p Object, name: &str) -> Vec<&'p Object> {
        let found = self.find(object, name);
        found
            .into_iter()
            .flat_map(|(_, field)| field.refs())
            .filter_map(|id| self.object(id))
            .collect()
    }

    pub(crate) fn inconsistent(&self, place: &str, why: impl Into<String>) -> ConvertError {
        ConvertError::Inconsistent {
            file: self.file.clone(),
            place: crate::text::visible(place),
            why: why.into(),
        }
    }

    /// Checks what every conversion relies on.
    ///
    /// # Errors
    /// Two objects of one id, references to nothing, parents in a circle.
    pub(crate) fn check(&self) -> Result<(), ConvertError> {
        for (all, kind) in [(&self.objects, "objects"), (&self.parameters, "parameters")] {
            let mut ids = BTreeSet::new();
            for object in all {
                if !ids.insert(&object.id) {
                    let why = format!("two {kind} have this id: rename one");
                    return Err(self.inconsistent(&object.id, why));
                }
            }
        }
        let ids: BTreeSet<_> = self.objects.iter().map(|object| &*object.id).collect();
        for object in &self.objects {
            for field in &object.fields {
                for id in field.refs() {
                    if !ids.contains(id) {
                        let place = format!("{}.{}", object.id, field.key);
                        let id = crate::text::visible(id);
                        let why = format!("refers to `{id}`, and there is no such object");
                        return Err(self.inconsistent(&place, why));
                    }
                }
            }
        }
        self.objects
            .iter()
            .try_for_each(|object| self.check_parents(object))
    }

    fn check_parents(&self, object: &Object) -> Result<(), ConvertError> {
        let mut seen = vec![object.id.as_str()];
        let mut at = object;
        while let Some(id) = at.own("parent").and_then(|field| field.refs().next()) {
            if let Some(first) = seen.iter().position(|seen| *seen == id) {
                let circle = [&seen[first..], &[id]].concat().join(" → ");
                let why = format!("its parents form a circle: {circle}");
                return Err(self.inconsistent(&object.id, crate::text::visible(&why)));
            }
            seen.push(id);
            if seen.len() > MAX_PARENTS {
                let why = format!("it has more than {MAX_PARENTS} parents, one above another");
                return Err(self.inconsistent(&object.id, why));
            }
            let Some(parent) = self.object(id) else { break };
            at = parent;
        }
        Ok(())
    }

    /// The values of a parameter: from an option, its value, or its default.
    pub(crate) fn value_of(&self, parameter: &str) -> Option<Vec<String>> {
        let name = parameter.trim_start_matches('*');
        if let Some(values) = self.overrides.get(name) {
            return Some(values.clone());
        }
        let texts = |field: &Field| field.texts().map(str::to_owned).collect::<Vec<_>>();
        let value = self.values.iter().find(|value| value.name() == name);
        let value = value.map(texts).filter(|values| !values.is_empty());
        value.or_else(|| {
            let default = self.parameter(name)?.own("default")?;
            Some(texts(default)).filter(|values| !values.is_empty())
        })
    }

    /// A declared parameter.
    pub(crate) fn parameter(&self, name: &str) -> Option<&Object> {
        let is = |object: &&Object| object.id.trim_start_matches('*') == name;
        self.parameters.iter().find(is)
    }

    /// Whether a `*` marks the parameter as a secret, where it is declared or where it has its value.
    pub(crate) fn is_secret_parameter(&self, name: &str) -> bool {
        let declared = self.parameter(name);
        let mut values = self.values.iter();
        declared.is_some_and(|parameter| parameter.id.starts_with('*'))
            || values.any(|value| value.is_secret() && value.name() == name)
    }

    /// Whether a parameter is declared, or has a value.
    pub(crate) fn has_parameter(&self, name: &str) -> bool {
        let name = name.trim_start_matches('*');
        self.parameter(name).is_some()
            || self.values.iter().any(|value| value.name() == name)
            || self.overrides.contains_key(name)
    }
}
