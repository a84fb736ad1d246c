//! The selection of a table: one of its indexes, some of its attributes, some of its items.
//! Attribute paths become expressions of the service.

use contract::{ErrorName, Named};
use definition::{DynamoDbSource, Filter};
use dynamodb_json::{ItemError, Path, PathError, Step};
use serde_json::Value;
use std::collections::BTreeMap;

const PROJECTION: &str = "source.dynamodb.projection";

/// Why a projection cannot be requested.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectionError {
    /// Text that is no path.
    #[error("field `{PROJECTION}[{at}]`")]
    Path {
        /// Its position in the projection.
        at: usize,
        /// What is wrong with it.
        source: PathError,
    },
    /// Two paths of which one leads into the other.
    #[error(
        "field `{PROJECTION}`: `{inner}` lies within `{outer}`, which comes whole: leave one of them out"
    )]
    Overlap {
        /// The longer path.
        inner: String,
        /// The shorter one, or the same.
        outer: String,
    },
    /// A value of the filter that is none.
    #[error(
        "field `source.dynamodb.filter.values`: {name:?} is no DynamoDB JSON (such as {{\"N\": \"3\"}})"
    )]
    Value {
        /// Its placeholder.
        name: String,
        /// What is wrong with it.
        source: ItemError,
    },
}

impl Named for SelectionError {
    fn name(&self) -> ErrorName {
        ErrorName::InvalidDefinition
    }
}

/// The paths of the attributes to read: those of the projection, and the key attributes. Empty, and
/// so all attributes, where there is no projection.
///
/// # Errors
/// If a path is none, or two of them overlap.
pub fn projected(
    projection: &[String],
    key_attributes: &[String],
) -> Result<Vec<Path>, SelectionError> {
    let mut paths: Vec<Path> = Vec::new();
    for (at, text) in projection.iter().enumerate() {
        let path = Path::parse(text).map_err(|source| SelectionError::Path { at, source })?;
        let overlap = paths
            .iter()
            .find(|other| path.is_within(other) || other.is_within(&path));
        if let Some(other) = overlap {
            let (inner, outer) = if path.is_within(other) {
                (&path, other)
            } else {
                (other, &path)
            };
            return Err(SelectionError::Overlap {
                inner: inner.to_string(),
                outer: outer.to_string(),
            });
        }
        paths.push(path);
    }
    if paths.is_empty() {
        return Ok(paths);
    }
    for name in key_attributes {
        let key = Path::attribute(name);
        // A key is text, a number or binary: what leads into it leads nowhere.
        paths.retain(|path| !path.is_within(&key));
        paths.push(key);
    }
    Ok(paths)
}

/// What of a table is read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Selection {
    /// The index to read instead of the table itself.
    pub index: Option<String>,
    /// The attributes of each item; all if absent.
    pub projection_expression: Option<String>,
    /// Which items; all if absent.
    pub filter_expression: Option<String>,
    /// What the expressions' `#names` stand for.
    pub names: BTreeMap<String, String>,
    /// What the filter's `:values` stand for, in `DynamoDB` JSON.
    pub values: BTreeMap<String, Value>,
}

impl Selection {
    /// What a definition's source asks for, of the attributes `paths` as [`projected`] gives them.
    pub fn new(source: &DynamoDbSource, paths: &[Path]) -> Self {
        let (filter_expression, mut names, values) = match source.filter.clone() {
            Some(Filter {
                expression,
                names,
                values,
            }) => (Some(expression), names, values),
            None => (None, BTreeMap::new(), BTreeMap::new()),
        };
        let expressions: Vec<String> = paths
            .iter()
            .map(|path| expression(path, &mut names))
            .collect();
        Self {
            index: source.index.clone(),
            projection_expression: (!expressions.is_empty()).then(|| expressions.join(", ")),
            filter_expression,
            names,
            values,
        }
    }

    /// Checks that the filter's values are DynamoDB JSON.
    ///
    /// # Errors
    /// Names the one that is not.
    pub fn check(&self) -> Result<(), SelectionError> {
        for (name, value) in &self.values {
            let item = serde_json::json!({ name: value }).to_string();
            dynamodb_json::parse_item(item.as_bytes()).map_err(|source| SelectionError::Value {
                name: name.clone(),
                source,
            })?;
        }
        Ok(())
    }
}

/// The path as the service writes it. Names are behind placeholders, because many are reserved
/// words, and others hold characters that are syntax.
fn expression(path: &Path, names: &mut BTreeMap<String, String>) -> String {
    let mut text = placeholder(path.first(), names);
    for step in path.rest() {
        match step {
            Step::Name(name) => {
                text.push('.');
                text.push_str(&placeholder(name, names));
            }
            Step::Index(at) => text.extend(["[", &at.to_string(), "]"]),
        }
    }
    text
}

fn placeholder(name: &str, names: &mut BTreeMap<String, String>) -> String {
    let known = names.iter().find(|(_, other)| *other == name);
    if let Some((known, _)) = known {
        return known.clone();
    }
    let mut number = names.len();
    let mut fresh = format!("#a{number}");
    while names.contains_key(&fresh) {
        number += 1;
        fresh = format!("#a{number}");
    }
    names.insert(fresh.clone(), name.to_owned());
    fresh
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn source(more: &Value) -> DynamoDbSource {
        let mut json = json!({"table": "interactions"});
        let fields = json.as_object_mut().unwrap();
        fields.extend(more.as_object().unwrap().clone());
        contract::read::from_value(json).unwrap()
    }

    #[test]
    fn key_attributes_always_come_along_and_once() {
        let keys = texts(&["user_id", "at"]);
        assert_eq!(projected(&[], &keys).unwrap(), [], "all attributes");
        for projection in [&["rating"][..], &["user_id", "rating"], &["rating", "at.x"]] {
            let paths = projected(&texts(projection), &keys).unwrap();
            let mut names: Vec<_> = paths.iter().map(ToString::to_string).collect();
            names.sort_unstable();
            assert_eq!(names, ["at", "rating", "user_id"]);
        }
    }

    #[test]
    fn paths_that_overlap_are_refused_as_the_service_would() {
        for (projection, inner, outer) in [
            (["a", "a"], "a", "a"),
            (["a.b", "a"], "a.b", "a"),
            (["a", "a[1].c"], "a[1].c", "a"),
        ] {
            assert_eq!(
                projected(&texts(&projection), &[]),
                Err(SelectionError::Overlap {
                    inner: inner.to_owned(),
                    outer: outer.to_owned()
                })
            );
        }
        projected(&texts(&["a.b", "a.c", "ab"]), &[]).unwrap();
        let error = projected(&texts(&["a", "b..c"]), &[]).unwrap_err();
        assert!(matches!(error, SelectionError::Path { at: 1, .. }));
    }

    #[test]
    fn names_are_behind_placeholders_that_the_filter_does_not_use() {
        let source = source(&json!({
            "index": "by-rating",
            "filter": {
                "expression": "#a1 > :x",
                "names": {"#a1": "size"},
                "values": {":x": {"N": "1"}},
            },
        }));
        let paths = projected(&texts(&["size", "context.de\\.vice", "tags[0].size"]), &[]).unwrap();
        let selection = Selection::new(&source, &paths);
        assert_eq!(selection.index.as_deref(), Some("by-rating"));
        assert_eq!(selection.filter_expression.as_deref(), Some("#a1 > :x"));
        let mut projection = selection.projection_expression.unwrap();
        assert_eq!(projection.matches("#a1").count(), 2, "a name is given once");
        for (placeholder, name) in &selection.names {
            projection = projection.replace(placeholder, name);
        }
        assert_eq!(projection, "size, context.de.vice, tags[0].size");
        assert_eq!(selection.names.len(), 4);
    }

    #[test]
    fn a_value_that_is_none_is_refused() {
        let filter = |value: &Value| {
            let filter = json!({"expression": "a > :x", "values": {":x": value}});
            Selection::new(&source(&json!({ "filter": filter })), &[]).check()
        };
        for good in [
            json!({"N": "3"}),
            json!({"S": "\u{e9}"}),
            json!({"L": [{"NULL": true}]}),
        ] {
            filter(&good).unwrap();
        }
        for bad in [json!(3), json!({"N": 3}), json!({"N": "three"}), json!({})] {
            assert!(filter(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_table_that_is_read_whole_needs_no_expression() {
        assert_eq!(
            Selection::new(&source(&json!({})), &[]),
            Selection::default()
        );
    }
}
