//! A definition as people write it: JSON with comments and trailing commas, where every field has
//! its place in the text.

use definition::FieldError;
use jsonc_parser::ast::{Object, ObjectProp, Value as Node};
use jsonc_parser::common::{Range as Span, Ranged};
use jsonc_parser::{CollectOptions, ParseOptions};
use serde_json::{Map, Value};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The largest definition, in bytes. The widest tables, of 400 columns, need some 60 KB.
pub const MAX_BYTES: usize = 1 << 20;

/// The deepest nesting: a definition has seven levels, and expressions of conditions some more.
const MAX_DEPTH: usize = 64;

/// What is allowed beyond JSON: comments and trailing commas, as editors' JSONC.
const JSONC: ParseOptions = ParseOptions {
    allow_comments: true,
    allow_trailing_commas: true,
    allow_loose_object_property_names: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// Why a file cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// The file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is larger than a definition may be.
    #[error("{path} has {bytes} bytes, a definition at most {MAX_BYTES}: is it another file?")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// The file is no text.
    #[error("{path} is not UTF-8 text: byte {at} cannot be read; save the file as UTF-8")]
    NotText {
        /// The file.
        path: PathBuf,
        /// Bytes before the first one that is not UTF-8.
        at: usize,
    },
}

/// A fault and its place in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacedFault {
    /// The field, as `dataset.columns[2].encoding`, `.` for the whole text.
    pub path: String,
    /// What is wrong and what would be right.
    pub message: String,
    /// Bytes of the text.
    pub span: Range<usize>,
}

/// The text of a definition.
#[derive(Debug)]
pub struct Document {
    /// The file's name, as the person wrote it.
    pub name: String,
    /// The text, without a byte order mark.
    pub text: String,
}

impl Document {
    /// Reads a file.
    ///
    /// # Errors
    /// If it cannot be read, is too large, or is not UTF-8.
    pub fn read(path: &Path) -> Result<Self, DocumentError> {
        let unreadable = |source| DocumentError::Read {
            path: path.to_owned(),
            source,
        };
        let bytes = std::fs::metadata(path).map_err(unreadable)?.len();
        if bytes > MAX_BYTES as u64 {
            return Err(DocumentError::TooLarge {
                path: path.to_owned(),
                bytes,
            });
        }
        let bytes = std::fs::read(path).map_err(unreadable)?;
        let text = String::from_utf8(bytes).map_err(|error| DocumentError::NotText {
            path: path.to_owned(),
            at: error.utf8_error().valid_up_to(),
        })?;
        Ok(Self::new(path.display().to_string(), &text))
    }

    /// A text that was read before.
    pub fn new(name: String, text: &str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Self {
            name,
            text: text.to_owned(),
        }
    }

    /// The value of the text.
    ///
    /// # Errors
    /// The place where the text is no JSON, or each field that is there twice.
    pub fn value(&self) -> Result<Value, Vec<PlacedFault>> {
        let root = self.parse().map_err(|fault| vec![fault])?;
        let mut faults = Vec::new();
        let value = value_of(&root, "", 1, &mut faults);
        if faults.is_empty() {
            Ok(value)
        } else {
            Err(faults)
        }
    }

    /// Where faults of fields are in the text: each at its field, or else at the closest field
    /// around it.
    pub fn place<'a>(&self, faults: impl IntoIterator<Item = &'a FieldError>) -> Vec<PlacedFault> {
        // A text that cannot be parsed has no fields.
        let root = self.parse().ok();
        let place = |fault: &FieldError| PlacedFault {
            path: fault.path.clone(),
            message: fault.message.clone(),
            span: root
                .as_ref()
                .map_or(0..0, |root| span_of(root, &fault.path)),
        };
        let mut placed: Vec<_> = faults.into_iter().map(place).collect();
        placed.sort_by_key(|fault| fault.span.start);
        placed
    }

    /// Line and column of a byte of the text, both from 1; the column in characters.
    pub fn line_and_column(&self, byte: usize) -> (usize, usize) {
        let before = &self.text[..byte];
        let line = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        (line, before[start..].chars().count() + 1)
    }

    fn parse(&self) -> Result<Node<'_>, PlacedFault> {
        let fault = |message, span| PlacedFault {
            path: ".".to_owned(),
            message,
            span,
        };
        let parsed = jsonc_parser::parse_to_ast(&self.text, &CollectOptions::default(), &JSONC);
        match parsed {
            Ok(parsed) => parsed.value.ok_or_else(|| {
                fault(
                    "the text is empty: a definition is an object".to_owned(),
                    0..0,
                )
            }),
            Err(error) => {
                let range = error.range();
                let reason = error.kind().to_string();
                Err(fault(
                    format!("this is not JSON: {}", with_small_letter(&reason)),
                    range.start..range.end,
                ))
            }
        }
    }
}

fn with_small_letter(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(char::to_lowercase);
    first.into_iter().flatten().chain(letters).collect()
}

fn span(span: Span) -> Range<usize> {
    span.start..span.end
}

/// The value of a node. Adds a fault for each field that is there twice, and for what is nested
/// too deeply.
fn value_of(node: &Node<'_>, path: &str, depth: usize, faults: &mut Vec<PlacedFault>) -> Value {
    let mut add = |path: &str, message: String, range: Span| {
        faults.push(PlacedFault {
            path: path.to_owned(),
            message,
            span: span(range),
        });
    };
    if depth > MAX_DEPTH {
        let message = format!("is nested more than {MAX_DEPTH} levels deep");
        add(path, message, node.range());
        return Value::Null;
    }
    match node {
        Node::StringLit(text) => Value::String(text.value.clone().into_owned()),
        Node::NumberLit(number) => {
            if let Ok(number) = serde_json::from_str(number.value) {
                Value::Number(number)
            } else {
                let message = format!("`{}` is no JSON number", number.value);
                add(path, message, number.range);
                Value::Null
            }
        }
        Node::BooleanLit(literal) => Value::Bool(literal.value),
        Node::NullKeyword(_) => Value::Null,
        Node::Array(array) => {
            let element =
                |(at, element)| value_of(element, &format!("{path}[{at}]"), depth + 1, faults);
            Value::Array(array.elements.iter().enumerate().map(element).collect())
        }
        Node::Object(object) => {
            let mut fields = Map::new();
            for property in &object.properties {
                let name = property.name.as_str();
                let path = join(path, name);
                let value = value_of(&property.value, &path, depth + 1, faults);
                if fields.insert(name.to_owned(), value).is_some() {
                    let message = "is there twice: remove one".to_owned();
                    let span = span(property.name.range());
                    faults.push(PlacedFault {
                        path,
                        message,
                        span,
                    });
                }
            }
            Value::Object(fields)
        }
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

/// The place of a field, or of the closest one around it.
fn span_of(root: &Node<'_>, path: &str) -> Range<usize> {
    let mut node = root;
    let start = root.range().start;
    let mut place = start..start + 1;
    let mut rest = if path == "." { "" } else { path };
    while !rest.is_empty() {
        if let Some((index, after)) = leading_index(rest)
            && let Node::Array(array) = node
            && let Some(element) = array.elements.get(index)
        {
            node = element;
            place = element_span(element);
            rest = after;
        } else if let Node::Object(object) = node
            && let Some((property, after)) = leading_field(object, rest)
        {
            node = &property.value;
            place = property_span(property);
            rest = after;
        } else {
            break;
        }
    }
    place
}

/// `[2].encoding` is the index 2 and `.encoding`.
fn leading_index(path: &str) -> Option<(usize, &str)> {
    let (index, after) = path.strip_prefix('[')?.split_once(']')?;
    Some((index.parse().ok()?, after))
}

/// The field at a path's beginning; of several, as where names contain dots, the longest one.
fn leading_field<'n, 't, 'p>(
    object: &'n Object<'t>,
    path: &'p str,
) -> Option<(&'n ObjectProp<'t>, &'p str)> {
    let path = path.strip_prefix('.').unwrap_or(path);
    let after = |property: &&'n ObjectProp<'t>| {
        let after = path.strip_prefix(property.name.as_str())?;
        let ends = after.is_empty() || after.starts_with(['.', '[']);
        ends.then_some(after)
    };
    let fields = object.properties.iter();
    let found = fields.filter_map(|property| Some((property, after(&property)?)));
    found.min_by_key(|(_, after)| after.len())
}

/// A field with its value, or its name alone if the value is not a single word.
fn property_span(property: &ObjectProp<'_>) -> Range<usize> {
    match property.value {
        Node::Object(_) | Node::Array(_) => span(property.name.range()),
        _ => span(property.range),
    }
}

fn element_span(element: &Node<'_>) -> Range<usize> {
    match element {
        Node::Object(_) | Node::Array(_) => element.range().start..element.range().start + 1,
        _ => span(element.range()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn document(text: &str) -> Document {
        Document::new("default.json".to_owned(), text)
    }

    fn at<'a>(document: &'a Document, path: &str) -> &'a str {
        let fault = FieldError::new(path, "is wrong");
        let placed = document.place([&fault]);
        &document.text[placed[0].span.clone()]
    }

    #[test]
    fn comments_and_trailing_commas_are_allowed_and_nothing_else() {
        let text = "\u{feff}{\r\n  // the table\r\n  \"a\": [1, 2.50, /* no more */],\r\n}\r\n";
        assert_eq!(document(text).value().unwrap(), json!({"a": [1, 2.50]}));
        for text in [
            "{a: 1}",
            "{'a': 1}",
            "{\"a\": 0x10}",
            "{\"a\": 1 \"b\": 2}",
            "{\"a\": NaN}",
            "{",
            "",
        ] {
            let faults = document(text).value().unwrap_err();
            assert_eq!(faults.len(), 1, "{text}: {faults:?}");
            assert_eq!(faults[0].path, ".", "{text}");
        }
    }

    #[test]
    fn a_field_that_is_there_twice_is_named_with_its_second_place() {
        let document = document("{\"a\": {\"b\": 1,\n \"b\": 2}, \"c\": [{\"d\": 1, \"d\": 1}]}");
        let faults = document.value().unwrap_err();
        let found: Vec<_> = faults
            .iter()
            .map(|fault| {
                (
                    fault.path.as_str(),
                    document.line_and_column(fault.span.start),
                )
            })
            .collect();
        assert_eq!(found, [("a.b", (2, 2)), ("c[0].d", (2, 26))]);
    }

    #[test]
    fn deep_nesting_is_a_fault_and_no_overflow() {
        for depth in [65, 511, 10_000, 400_000] {
            let text = "[".repeat(depth) + &"]".repeat(depth);
            let faults = document(&text).value().unwrap_err();
            assert!(faults[0].message.contains("nest"), "{depth}: {faults:?}");
        }
        let text = "[".repeat(64) + &"]".repeat(64);
        assert!(document(&text).value().is_ok());
    }

    #[test]
    fn a_fault_is_placed_at_its_field_or_the_closest_one_around_it() {
        let document = document(
            r#"{"dataset": {"label": "y", "columns": [{"path": "a"}, "b"],
                "where": {"a.b": {"c": 1}, "a": 2}}}"#,
        );
        for (path, text) in [
            ("dataset.label", r#""label": "y""#),
            ("dataset.columns", r#""columns""#),
            ("dataset.columns[0].path", r#""path": "a""#),
            ("dataset.columns[0].encoding", "{"),
            ("dataset.columns[1]", r#""b""#),
            ("dataset.columns[7]", r#""columns""#),
            ("dataset.split.by", r#""dataset""#),
            ("dataset.where.a.b.c", r#""c": 1"#),
            ("dataset.where.a", r#""a": 2"#),
            ("training", "{"),
            (".", "{"),
        ] {
            assert_eq!(at(&document, path), text, "{path}");
        }
    }

    #[test]
    fn columns_count_characters() {
        let document = document("{\n  \"é\": \"x\", \"b\": 1}");
        let place = document.text.find("\"b\"").unwrap();
        assert_eq!(document.line_and_column(place), (2, 13));
    }
}
