//! The reference pages of `docs/`, written from the JSON Schemas: the definition and the error names.

use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

const WIDTH: usize = 100;

/// Bytes of the longest example that a field's entry shows.
const EXAMPLE: usize = 60;
const DEFINITION: &str = "#/$defs/";

/// The page on every field of a pipeline's definition.
pub fn definition(schema: &Value) -> String {
    let mut page = Page::new(schema);
    page.text.push_str("# The definition\n\n");
    page.paragraph("", DEFINITION_INTRODUCTION);
    page.object("", schema);
    while let Some((path, schema)) = page.pending.pop() {
        let _ = write!(page.text, "\n## `{path}`\n\n");
        page.type_of(&path, schema);
    }
    page.text
}

const DEFINITION_INTRODUCTION: &str = "Every field of `config/<pipeline>.json`. `cargo run -- schemas` \
    writes this page from [the JSON Schema](../../../statemachine/schema/definition.schema.json), \
    which editors can check a definition with. Unknown fields are refused. \
    [Write a definition](../how-to/write-a-definition.md) is the guide.";

/// The page on every name that an execution can fail with.
pub fn error_names(schema: &Value) -> String {
    let mut page = Page::new(schema);
    page.text.push_str("# Error names\n\n");
    page.paragraph("", ERRORS_INTRODUCTION);
    page.text
        .push_str("\n| Name | What happened |\n|---|---|\n");
    for variant in variants(schema) {
        let name = variant["const"].as_str().unwrap_or_default();
        let _ = writeln!(page.text, "| `{name}` | {} |", one_line(variant));
    }
    page.text
}

const ERRORS_INTRODUCTION: &str = "A failed execution shows one of these names as *Error*, and as \
    *Cause* one line that says what happened, where, and what to do. \
    [The runbook](../../../statemachine/README.md#errors) says what to do about each, and lists the \
    names of Step Functions and Lambda. `cargo run -- schemas` writes this page.";

/// The page on what each command prints with `--json`.
pub fn outputs(all: &[(&str, Value)]) -> String {
    let mut text = "# JSON output\n\n".to_owned();
    for (index, (command, schema)) in all.iter().enumerate() {
        let mut page = Page::new(schema);
        // Two commands may have a type at the same path: their headings name the command.
        page.owner = format!("-of-{command}");
        if index == 0 {
            page.paragraph("", JSON_INTRODUCTION);
        }
        // The output of a run is JSON in any case.
        let option = if *command == "watch" { "" } else { " --json" };
        let _ = write!(page.text, "\n## `millrace {command}{option}`\n\n");
        page.paragraph("", &one_line(schema));
        page.object("", schema);
        while let Some((path, schema)) = page.pending.pop() {
            let _ = write!(page.text, "\n### `{path}` of `{command}`\n\n");
            page.type_of(&path, schema);
        }
        text.push_str(&page.text);
    }
    text
}

const JSON_INTRODUCTION: &str = "What commands print with `--json`: one document each, on standard output. \
    Not listed are commands that print no document: `demo`, `local`, `encode`, `schemas`, `completions` \
    and `man`. Times are RFC 3339 in UTC, durations are seconds. Fields may be added; none of \
    these changes its meaning before the next minor version. `cargo run -- schemas` writes this page.";

/// A page in the making.
struct Page<'a> {
    types: &'a Map<String, Value>,
    text: String,
    /// What the anchors of its sections end with.
    owner: String,
    /// Types that need a section, with the path of the field that names them; the next one is last.
    pending: Vec<(String, &'a Value)>,
    /// The path of each type's section, by the type's name.
    sections: BTreeMap<&'a str, String>,
}

impl<'a> Page<'a> {
    fn new(schema: &'a Value) -> Self {
        static NONE: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);
        Self {
            types: schema["$defs"].as_object().unwrap_or(&NONE),
            text: String::new(),
            owner: String::new(),
            pending: Vec::new(),
            sections: BTreeMap::new(),
        }
    }

    /// What a type's section says.
    fn type_of(&mut self, path: &str, schema: &'a Value) {
        self.paragraph("", &one_line(schema));
        if schema["properties"].is_object() {
            self.text.push('\n');
            self.object(path, schema);
        } else {
            self.text.push('\n');
            self.choices("", path, schema);
        }
    }

    /// The fields of an object, and their types' sections after this one.
    fn object(&mut self, path: &str, schema: &'a Value) {
        if path.is_empty() {
            self.text.push('\n');
        }
        let before = self.pending.len();
        self.fields("", path, schema);
        self.pending[before..].reverse();
    }

    fn fields(&mut self, indent: &str, path: &str, schema: &'a Value) {
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            let path = join(path, name);
            let required = schema["required"].as_array();
            let required = required.is_some_and(|all| all.iter().any(|it| it == name.as_str()));
            let mut notes = self.kind(&path, field);
            let _ = match (required, self.default(field)) {
                (true, _) => write!(notes, ", required"),
                (_, Some(default)) => write!(notes, ", default `{default}`"),
                (_, None) => write!(notes, ", optional"),
            };
            let mut item = format!("- **`{name}`** ({notes}). {}", one_line(field));
            if let Some(example) = self.example(field) {
                let _ = write!(item, " Example: `{example}`.");
            }
            self.paragraph(indent, item.trim_end());
            let listed = self.named(field).or_else(|| self.named_values(field));
            if let Some(choice) = listed.filter(|it| is_short_choice(it)) {
                self.choices(&format!("{indent}  "), &path, choice);
            }
        }
    }

    /// A short example of a field whose values are not listed elsewhere.
    fn example(&self, field: &'a Value) -> Option<String> {
        let example = &field["examples"][0];
        let is_listed = self.named(field).is_some_and(|named| {
            named["properties"].is_object() || variants(named).next().is_some()
        });
        let text = example.to_string();
        let is_shown = !(example.is_null() || example.is_boolean() || is_listed);
        (is_shown && text.len() <= EXAMPLE).then_some(text)
    }

    /// What a field's value is, in words.
    fn kind(&mut self, path: &str, schema: &'a Value) -> String {
        if let Some(named) = reference(schema) {
            return self.named_kind(path, named);
        }
        if let Some(schema) = without_null(schema) {
            return self.kind(path, schema);
        }
        let kind = match &schema["type"] {
            Value::Array(all) => all[0].as_str(),
            other => other.as_str(),
        };
        match kind {
            Some("string") => "text".to_owned(),
            Some("boolean") => "`true` or `false`".to_owned(),
            Some("integer") => format!("whole number{}", bounds(schema)),
            Some("number") => format!("number{}", bounds(schema)),
            Some("array") => format!(
                "list of {}",
                self.kind(&format!("{path}[]"), &schema["items"])
            ),
            Some("object") if schema["additionalProperties"].is_object() => {
                let path = format!("{path}.<name>");
                let kind = self.kind(&path, &schema["additionalProperties"]);
                format!("object of {kind} by name")
            }
            Some("object") => "object".to_owned(),
            _ => "any value".to_owned(),
        }
    }

    fn named_kind(&mut self, path: &str, name: &'a str) -> String {
        let schema = &self.types[name];
        if is_short_choice(schema) {
            return "one of the values below".to_owned();
        }
        if let Some(scalars) = scalars(schema) {
            return scalars;
        }
        if schema["type"] == "string" {
            return "text".to_owned();
        }
        let section = self.sections.entry(name).or_insert_with(|| {
            self.pending.push((path.to_owned(), schema));
            path.to_owned()
        });
        format!("[`{section}`](#{}{})", anchor(section), self.owner)
    }

    /// The values that a type may have, each with its meaning.
    fn choices(&mut self, indent: &str, path: &str, schema: &'a Value) {
        for variant in variants(schema) {
            let value = match (&variant["const"], variant["properties"].as_object()) {
                (Value::String(text), _) => format!("\"{text}\""),
                (_, Some(fields)) => {
                    let names: Vec<_> = fields.keys().map(|it| format!("\"{it}\": …")).collect();
                    format!("{{{}}}", names.join(", "))
                }
                _ => self.kind(path, variant),
            };
            let value = if value.contains('`') {
                value
            } else {
                format!("`{value}`")
            };
            self.paragraph(indent, &format!("- {value}: {}", one_line(variant)));
            for (name, inner) in variant["properties"].as_object().into_iter().flatten() {
                let inner_path = join(path, name);
                if inner["properties"].is_object() {
                    self.fields(&format!("{indent}  "), &inner_path, inner);
                } else if let Some(named) = reference(inner) {
                    let kind = self.named_kind(&inner_path, named);
                    self.paragraph(&format!("{indent}  "), &format!("- **`{name}`** ({kind})."));
                }
            }
        }
    }

    /// The default of a field, as JSON. Where the schema has none, that of a choice is its first value,
    /// and a flag is off. An object's is what its own fields' defaults say.
    fn default(&self, field: &'a Value) -> Option<String> {
        if let Some(default) = field.get("default") {
            let has_fields = self
                .named(field)
                .is_some_and(|it| it["properties"].is_object());
            let is_its_fields = default.is_object() && has_fields;
            return (!is_its_fields).then(|| default.to_string());
        }
        if field["type"] == "boolean" {
            return Some("false".to_owned());
        }
        let first = variants(self.named(field).filter(|_| field["anyOf"].is_null())?).next()?;
        first["const"].as_str().map(|it| format!("\"{it}\""))
    }

    /// The type that a field names, if it names one.
    fn named(&self, field: &'a Value) -> Option<&'a Value> {
        let field = without_null(field).unwrap_or(field);
        let items = if field["items"].is_object() {
            &field["items"]
        } else {
            field
        };
        reference(items).map(|name| &self.types[name])
    }

    /// The type that the values of a field name, if it is a map.
    fn named_values(&self, field: &'a Value) -> Option<&'a Value> {
        let field = without_null(field).unwrap_or(field);
        reference(&field["additionalProperties"]).map(|name| &self.types[name])
    }

    /// Appends text, wrapped; what follows the first line of a list's item is indented below it.
    fn paragraph(&mut self, indent: &str, text: &str) {
        let hanging = if text.starts_with("- ") { "  " } else { "" };
        let mut line = indent.to_owned();
        let mut columns = indent.len();
        for (index, word) in text.split(' ').enumerate() {
            let width = word.chars().count();
            if index > 0 && columns + 1 + width > WIDTH {
                self.text.push_str(&line);
                self.text.push('\n');
                line = format!("{indent}{hanging}");
                columns = line.len();
            } else if index > 0 {
                line.push(' ');
                columns += 1;
            }
            line.push_str(word);
            columns += width;
        }
        self.text.push_str(&line);
        self.text.push('\n');
    }
}

/// The name of the type that a schema refers to.
fn reference(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.strip_prefix(DEFINITION)
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

/// The other half of "this or null".
fn without_null(schema: &Value) -> Option<&Value> {
    let all = schema["anyOf"].as_array()?;
    let is_null = |it: &&Value| it["type"] == "null";
    let other = all.iter().find(|it| !is_null(it))?;
    all.iter().any(|it| is_null(&it)).then_some(other)
}

fn variants(schema: &Value) -> impl Iterator<Item = &Value> {
    let all = schema["oneOf"].as_array().or(schema["anyOf"].as_array());
    all.into_iter().flatten()
}

/// Whether a type is a list of words, which a field explains in its place.
fn is_short_choice(schema: &Value) -> bool {
    variants(schema).next().is_some() && variants(schema).all(|it| it["const"].is_string())
}

/// "text, a number or a boolean" of types that are nothing else.
fn scalars(schema: &Value) -> Option<String> {
    let mut all = Vec::new();
    for variant in variants(schema) {
        all.push(match variant["type"].as_str()? {
            "string" => "text",
            "number" => "number",
            "boolean" => "`true` or `false`",
            _ => return None,
        });
    }
    (!all.is_empty()).then(|| all.join(", "))
}

fn bounds(schema: &Value) -> String {
    let one = |name: &str| schema.get(name).map(short);
    match (one("minimum"), one("maximum")) {
        (Some(least), Some(greatest)) => format!(", {least} to {greatest}"),
        (Some(least), None) => format!(" from {least}"),
        (None, Some(greatest)) => format!(" up to {greatest}"),
        (None, None) => String::new(),
    }
}

/// A bound without a superfluous fraction.
fn short(number: &Value) -> String {
    let text = number.to_string();
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

/// As GitHub and mdBook make anchors of headings.
fn anchor(heading: &str) -> String {
    let kept = heading
        .chars()
        .filter(|c| c.is_alphanumeric() || "-_".contains(*c));
    kept.collect::<String>().to_lowercase()
}

/// A description as one line; Rust's line breaks and its links to code mean nothing here.
fn one_line(schema: &Value) -> String {
    let text = schema["description"].as_str().unwrap_or_default();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.replace("[`", "`").replace("`]", "`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use definition::Definition;
    use serde_json::json;

    fn schema(name: &str) -> Value {
        let schemas = crate::schemas::all();
        let (_, schema) = schemas.into_iter().find(|(it, _)| *it == name).unwrap();
        serde_json::to_value(schema).unwrap()
    }

    fn fields(schema: &Value, found: &mut Vec<String>) {
        match schema {
            Value::Object(all) => {
                if let Some(properties) = all.get("properties").and_then(Value::as_object) {
                    found.extend(properties.keys().cloned());
                }
                all.values().for_each(|it| fields(it, found));
            }
            Value::Array(all) => all.iter().for_each(|it| fields(it, found)),
            _ => {}
        }
    }

    #[test]
    fn every_field_is_on_the_page_in_lines_of_100_columns() {
        let schema = schema("definition");
        let page = definition(&schema);
        let mut all = Vec::new();
        fields(&schema, &mut all);
        assert!(all.len() > 100, "{}", all.len());
        for field in all {
            let shown = [format!("**`{field}`**"), format!("{{\"{field}\": …}}")];
            assert!(
                shown.iter().any(|it| page.contains(it)),
                "{field} is missing"
            );
        }
        for name in schema["$defs"].as_object().unwrap().values() {
            for variant in variants(name).filter_map(|it| it["const"].as_str()) {
                assert!(
                    page.contains(&format!("`\"{variant}\"`")),
                    "{variant} is missing"
                );
            }
        }
        for line in page.lines() {
            assert!(line.chars().count() <= WIDTH, "{line}");
        }
    }

    #[test]
    fn a_default_that_the_schema_leaves_out_is_the_real_one() {
        let with = |dataset: Value| {
            let mut text = json!({
                "source": {"dynamodb": {"table": "t"}}, "dataset": {"label": "l"},
                "training": {"image": "i"}, "promotion": {"metric": "m", "goal": "minimize"}
            });
            text["dataset"]
                .as_object_mut()
                .unwrap()
                .extend(dataset.as_object().unwrap().clone());
            serde_json::from_value::<Definition>(text).unwrap()
        };
        let schema = schema("definition");
        let page = Page::new(&schema);
        let dataset = &schema["$defs"]["Dataset"]["properties"];
        let mut checked = 0;
        for (name, field) in dataset.as_object().unwrap() {
            if field.get("default").is_none()
                && let Some(default) = page.default(field)
            {
                let default: Value = serde_json::from_str(&default).unwrap();
                let explicit = with(json!({ (name.as_str()): default }));
                assert_eq!(explicit, with(json!({})), "{name}");
                checked += 1;
            }
        }
        assert!(checked > 2, "{checked}");
    }

    #[test]
    fn every_error_name_is_on_its_page() {
        let page = error_names(&schema("error-name"));
        for name in contract::ErrorName::ALL {
            assert!(
                page.contains(&format!("\n| `{name}` | ")),
                "{name} is missing"
            );
        }
    }
}
