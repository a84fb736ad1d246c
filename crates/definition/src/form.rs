//! The form of a definition: unknown and missing fields, types and choices, compared with the
//! definition's own JSON Schema, so that one answer names them all. What a schema cannot say is in
//! `validate`.

use crate::faults::{Faults, FieldError};
use crate::source;
use jsonschema::error::ValidationErrorKind;
use jsonschema::{ValidationError, Validator};
use serde_json::Value;
use std::fmt::Write;
use std::sync::LazyLock;

/// The similarity from which a name is taken for a misspelt other one.
const SIMILAR: f64 = 0.75;
/// Characters of a name that are compared: more than any field has.
const COMPARED: usize = 64;

static SCHEMA: LazyLock<Value> = LazyLock::new(|| crate::schema().to_value());

static VALIDATOR: LazyLock<Validator> =
    LazyLock::new(|| jsonschema::validator_for(&SCHEMA).expect("schemars writes valid schemas"));

/// What the form of a definition is, compared with the schema.
pub(crate) struct Form {
    /// What is wrong.
    pub faults: Faults,
    /// The definition without the fields that the schema does not have.
    pub known: Value,
    /// The fields that are missing.
    missing: Vec<FieldError>,
    /// The fields that are there under a misspelt name.
    misspelt: Vec<String>,
}

/// Compares a definition with the schema.
pub(crate) fn check(definition: &Value) -> Form {
    let mut form = Form {
        faults: Faults::default(),
        known: definition.clone(),
        missing: Vec::new(),
        misspelt: Vec::new(),
    };
    if let Value::Object(fields) = &mut form.known {
        fields.remove("$schema");
    }
    let kinds = source::check_one_kind(definition).err();
    let has_one_kind = kinds.is_none();
    form.faults
        .extend(kinds.map(|message| FieldError::new("source", message)));
    for error in VALIDATOR.iter_errors(definition) {
        if has_one_kind || error.instance_path().as_str() != "/source" {
            form.add(definition, &error);
        }
    }
    let missing = std::mem::take(&mut form.missing);
    let is_there = |field: &FieldError| form.misspelt.contains(&field.path);
    form.faults
        .extend(missing.into_iter().filter(|field| !is_there(field)));
    form
}

impl Form {
    fn add(&mut self, definition: &Value, error: &ValidationError<'_>) {
        let pointer = error.instance_path().as_str();
        let path = path_of(definition, pointer);
        match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected } => {
                let known = siblings(error.schema_path().as_str());
                for name in unexpected {
                    if let Some(Value::Object(fields)) = self.known.pointer_mut(pointer) {
                        fields.remove(name);
                    }
                    let message = format!("is no field{}", instead_of(name, &known));
                    self.faults.add(join(&path, name), message);
                    let meant = closest(name, &known).map(|meant| join(&path, meant));
                    self.misspelt.extend(meant);
                }
            }
            ValidationErrorKind::Required { property } => {
                let name = property.as_str().unwrap_or_default();
                let what = description(error.schema_path().as_str(), name);
                let message = format!("is missing{what}");
                self.missing
                    .push(FieldError::new(join(&path, name), message));
            }
            ValidationErrorKind::OneOfNotValid { context }
            | ValidationErrorKind::AnyOf { context } => {
                self.add_choice(definition, error, context);
            }
            _ => self.faults.add(path, reason(error)),
        }
    }

    /// Adds what is wrong with a value that may have one of several forms.
    fn add_choice(
        &mut self,
        definition: &Value,
        error: &ValidationError<'_>,
        context: &[Vec<ValidationError<'static>>],
    ) {
        let pointer = error.instance_path().as_str();
        let forms: Vec<_> = context.iter().filter(|faults| !is_null(faults)).collect();
        let is_other_form = |fault: &ValidationError<'_>| {
            fault.instance_path().as_str() == pointer
                && match fault.kind() {
                    ValidationErrorKind::Type { .. }
                    | ValidationErrorKind::Constant { .. }
                    | ValidationErrorKind::Enum { .. } => true,
                    ValidationErrorKind::Required { .. } => forms.len() > 1,
                    _ => false,
                }
        };
        let meant = forms
            .iter()
            .find(|faults| !faults.iter().any(is_other_form));
        if let Some(meant) = meant {
            for fault in *meant {
                self.add(definition, fault);
            }
            return;
        }
        let value = error.instance();
        let keyword = error.schema_path().as_str();
        let choices = if forms.len() > 1 {
            choices(keyword)
        } else {
            Vec::new()
        };
        let key = value.as_object().and_then(|fields| fields.keys().next());
        let message = match value.as_str().or(key.map(String::as_str)) {
            Some(name) if !choices.is_empty() => {
                format!("`{name}` is no choice{}", instead_of(name, &choices))
            }
            _ if choices.is_empty() => format!("is {}{}", kind_of(value), expected(keyword)),
            _ => format!("is {}{}", kind_of(value), instead_of("", &choices)),
        };
        self.faults.add(path_of(definition, pointer), message);
    }
}

/// Whether these are the faults of a value that is not null where null was possible.
fn is_null(faults: &[ValidationError<'_>]) -> bool {
    let is_null = |fault: &ValidationError<'_>| {
        schema_around(fault.schema_path().as_str()).is_some_and(|schema| schema["type"] == "null")
    };
    faults.iter().all(is_null)
}

/// Says why a value is refused that has one form only.
fn reason(error: &ValidationError<'_>) -> String {
    match error.kind() {
        ValidationErrorKind::Type { .. } => format!(
            "is {}{}",
            kind_of(error.instance()),
            expected(error.schema_path().as_str())
        ),
        ValidationErrorKind::Minimum { limit } => {
            format!("is {}: it must be at least {limit}", error.instance())
        }
        ValidationErrorKind::Maximum { limit } => {
            format!("is {}: it must be at most {limit}", error.instance())
        }
        _ => error.to_string(),
    }
}

/// The known name that this one is similar to.
fn closest<'k>(name: &str, known: &'k [String]) -> Option<&'k String> {
    let name: String = name.to_lowercase().chars().take(COMPARED).collect();
    let similarity = |other: &String| strsim::jaro_winkler(&name, &other.to_lowercase());
    let ranked = known.iter().map(|other| (similarity(other), other));
    let (similarity, closest) = ranked.max_by(|(a, _), (b, _)| a.total_cmp(b))?;
    (similarity >= SIMILAR).then_some(closest)
}

/// Names the closest of the names that are known, or all of them.
fn instead_of(name: &str, known: &[String]) -> String {
    if let Some(closest) = closest(name, known) {
        return format!(": did you mean `{closest}`?");
    }
    if known.is_empty() {
        return String::new();
    }
    let all: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
    format!(": there are {}", all.join(", "))
}

/// The part of the schema at a keyword's place, without the keyword.
fn schema_around(keyword: &str) -> Option<&'static Value> {
    let (around, _) = keyword.rsplit_once('/')?;
    SCHEMA.pointer(around)
}

/// The part of the schema that a reference names, or the part itself.
fn referred(schema: &Value) -> &Value {
    let reference = schema["$ref"].as_str().and_then(|it| it.strip_prefix('#'));
    match reference.and_then(|pointer| SCHEMA.pointer(pointer)) {
        Some(referred) => referred,
        None => schema,
    }
}

/// The fields of the object whose `additionalProperties` is at that place.
fn siblings(keyword: &str) -> Vec<String> {
    let object = schema_around(keyword).map(|schema| &schema["properties"]);
    let fields = object.and_then(Value::as_object);
    fields
        .into_iter()
        .flatten()
        .map(|(name, _)| name.clone())
        .collect()
}

/// What a missing field is for.
fn description(keyword: &str, field: &str) -> String {
    let field = schema_around(keyword).map(|schema| &schema["properties"][field]);
    let described = field.and_then(|field| {
        let own = field["description"].as_str();
        own.or_else(|| referred(field)["description"].as_str())
    });
    let Some(text) = described else {
        return String::new();
    };
    let text = text.replace('\n', " ");
    let sentence = text
        .split_once(". ")
        .map_or(text.as_str(), |(first, _)| first);
    format!(": {}", sentence.trim_end_matches('.'))
}

/// The names that a value may have where one of several is to be chosen: texts, and keys of objects.
fn choices(keyword: &str) -> Vec<String> {
    let branches = SCHEMA.pointer(keyword).and_then(Value::as_array);
    let mut names = Vec::new();
    for branch in branches.into_iter().flatten() {
        let branch = referred(branch);
        if let Some(text) = branch["const"].as_str() {
            names.push(text.to_owned());
        }
        let keys = branch["required"].as_array();
        if let Some([Value::String(key)]) = keys.map(Vec::as_slice) {
            names.push(key.clone());
        }
        for key in ["oneOf", "anyOf"] {
            for inner in branch[key].as_array().into_iter().flatten() {
                names.extend(inner["const"].as_str().map(str::to_owned));
            }
        }
    }
    names
}

/// The types that a schema accepts.
fn expected(keyword: &str) -> String {
    let Some(schema) = schema_around(keyword) else {
        return String::new();
    };
    let mut types = Vec::new();
    let branches = ["anyOf", "oneOf"].map(|key| schema[key].as_array());
    let branches = branches.into_iter().flatten().flatten().map(referred);
    for schema in std::iter::once(schema).chain(branches) {
        match &schema["type"] {
            Value::String(one) => types.push(one.as_str()),
            several => types.extend(
                several
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str),
            ),
        }
    }
    let names: Vec<_> = types
        .into_iter()
        .filter(|name| *name != "null")
        .map(with_article)
        .collect();
    match names.as_slice() {
        [] => String::new(),
        names => format!(": it must be {}", names.join(" or ")),
    }
}

fn with_article(kind: &str) -> &str {
    match kind {
        "object" => "an object",
        "array" => "a list",
        "string" => "text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        other => other,
    }
}

fn kind_of(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) if text.len() <= 40 => format!("the text {text:?}"),
        Value::String(_) => "text".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

fn join(path: &str, name: &str) -> String {
    if path == "." {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

/// A JSON Pointer as the path of a field: `/dataset/columns/2` is `dataset.columns[2]`.
fn path_of(definition: &Value, pointer: &str) -> String {
    let mut path = String::new();
    let mut place = definition;
    for step in pointer.split('/').skip(1) {
        let name = step.replace("~1", "/").replace("~0", "~");
        match place {
            Value::Array(elements) => {
                // Writing into a String does not fail.
                let _ = write!(path, "[{name}]");
                let at = name.parse().unwrap_or(usize::MAX);
                place = elements.get(at).unwrap_or(&Value::Null);
            }
            object => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(&name);
                place = &object[name.as_str()];
            }
        }
    }
    if path.is_empty() {
        ".".to_owned()
    } else {
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn faults(change: &dyn Fn(&mut Value)) -> Vec<String> {
        let mut definition = json!({
            "source": {"dynamodb": {"table": "interactions"}},
            "dataset": {"label": "rating"},
            "training": {"image": "recommender"},
            "promotion": {"metric": "validation:rmse", "goal": "minimize"},
        });
        change(&mut definition);
        let found = check(&definition).faults;
        found.as_slice().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_definition_of_the_right_form_has_no_faults() {
        assert_eq!(faults(&|_| {}), [""; 0]);
    }

    #[test]
    fn six_mistakes_are_six_faults() {
        let found = faults(&|it| {
            it["dataset"] = json!({
                "lable": "rating",
                "split": {"validatoin": 0.2, "by": 5},
                "columns": [{"path": "device", "encoding": "ordnal"}],
            });
            it["promotion"]["goal"] = json!("minimise");
            it["training"]["instnaceType"] = json!("ml.m5.large");
        });
        let expected = [
            "field `dataset.lable`: is no field: did you mean `label`?",
            "field `dataset.split.validatoin`: is no field: did you mean `validation`?",
            "field `dataset.split.by`: is 5: it must be a list",
            "field `dataset.columns[0].encoding`: `ordnal` is no choice: did you mean `ordinal`?",
            "field `promotion.goal`: `minimise` is no choice: did you mean `minimize`?",
            "field `training.instnaceType`: is no field: did you mean `instanceType`?",
        ];
        let mut sorted = found.clone();
        sorted.sort();
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(sorted, expected);
    }

    #[test]
    fn what_is_missing_is_explained_by_its_first_sentence() {
        let found = faults(&|it| it["dataset"] = json!({}));
        let expected = "field `dataset.label`: is missing: The attribute to predict, a path such as `rating` or `context.score`";
        assert_eq!(found, [expected]);
    }

    #[test]
    fn the_form_that_is_meant_is_the_one_that_is_explained() {
        for (path, value, fault) in [
            (
                "/endpoint",
                json!({"compute": {"instances": {"instanceType": "ml.m5.large", "cuont": 2}}}),
                "field `endpoint.compute.instances.cuont`: is no field: did you mean `count`?",
            ),
            (
                "/endpoint",
                json!({"compute": {"servreless": {}}}),
                "field `endpoint.compute`: `servreless` is no choice: did you mean `serverless`?",
            ),
            (
                "/batch",
                json!({"input": 7}),
                "field `batch.input`: is 7: there are `validation`, `test`, `prefix`",
            ),
            (
                "/batch",
                json!({"input": "validation", "conut": 2}),
                "field `batch.conut`: is no field: did you mean `count`?",
            ),
            (
                "/batch",
                json!(7),
                "field `batch`: is 7: it must be an object",
            ),
            (
                "/source",
                json!({"mysql": {}}),
                "field `source`: `mysql` is no choice: there are `dynamodb`, `sql`, `images`, `files`, `events`, `toy`",
            ),
            (
                "/limits",
                json!({"maxReadUnits": -1}),
                "field `limits.maxReadUnits`: is -1: it must be at least 0",
            ),
        ] {
            let found = faults(&|it| {
                it[path.trim_start_matches('/')] = value.clone();
            });
            assert!(found.contains(&fault.to_owned()), "{fault}\n{found:#?}");
        }
    }

    #[test]
    fn what_is_known_is_read_without_what_is_not() {
        let definition = json!({"dataset": {"label": "y", "lable": "x"}, "sourec": {}});
        let known = check(&definition).known;
        assert_eq!(known, json!({"dataset": {"label": "y"}}));
    }
}
