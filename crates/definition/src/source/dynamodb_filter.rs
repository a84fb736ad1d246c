//! Checks of a filter expression before `DynamoDB` sees it: its placeholders match the given names
//! and values. The service checks the expression's grammar.

use crate::Filter;
use crate::faults::Faults;
use std::collections::BTreeSet;

const EXPRESSION: &str = "source.dynamodb.filter.expression";
const NAMES: &str = "source.dynamodb.filter.names";
const VALUES: &str = "source.dynamodb.filter.values";

impl Filter {
    /// Checks that every placeholder of the expression has a value, and that every value is used.
    ///
    /// # Errors
    /// Names the field at fault.
    pub(crate) fn validate(&self, faults: &mut Faults) {
        if self.expression.trim().is_empty() {
            faults.add(
                EXPRESSION,
                "is empty: leave the filter out to export every item",
            );
            return;
        }
        let used = placeholders(&self.expression);
        let given = [
            (NAMES, '#', self.names.keys().collect::<Vec<_>>()),
            (VALUES, ':', self.values.keys().collect()),
        ];
        for (path, sign, keys) in given {
            let is_placeholder =
                |key: &str| key.starts_with(sign) && placeholders(key).first() == Some(&key);
            for key in &keys {
                if !is_placeholder(key) {
                    faults.add(
                        path,
                        format!("{key:?} is no placeholder: `{sign}` and letters, digits or `_`"),
                    );
                } else if !used.contains(key.as_str()) {
                    faults.add(path, format!("{key:?} is not used by the expression"));
                }
            }
            // A misspelt key is reported once, not again as the placeholder that lacks its value.
            if !keys.iter().all(|key| is_placeholder(key)) {
                continue;
            }
            let unknown = used
                .iter()
                .filter(|name| name.starts_with(sign) && !keys.iter().any(|key| key == *name));
            for unknown in unknown {
                faults.add(
                    path,
                    format!("the expression's {unknown:?} stands for nothing"),
                );
            }
        }
    }
}

/// The `#names` and `:values` of an expression, which has no quoted text that could look like them.
fn placeholders(expression: &str) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    let mut rest = expression;
    while let Some(start) = rest.find(['#', ':']) {
        let name = &rest[start + 1..];
        let end = name
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(name.len());
        found.insert(&rest[start..=start + end]);
        rest = &name[end..];
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn check(filter: Value) -> Result<(), crate::FieldError> {
        let filter: Filter = contract::read::from_value(filter).unwrap();
        Faults::first_of(|faults| filter.validate(faults))
    }

    #[test]
    fn placeholders_and_what_they_stand_for_belong_together() {
        check(json!({"expression": "attribute_exists(rating)"})).unwrap();
        check(json!({
            "expression": "#r BETWEEN :low AND :high OR #c.#d=:tv",
            "names": {"#r": "rating", "#c": "context", "#d": "device"},
            "values": {":low": {"N": "1"}, ":high": {"N": "5"}, ":tv": {"S": "tv"}},
        }))
        .unwrap();
    }

    #[test]
    fn each_mistake_names_its_field() {
        let one = json!({"N": "1"});
        for (filter, path, says) in [
            (json!({"expression": " "}), EXPRESSION, "empty"),
            (
                json!({"expression": "#r = :x", "values": {":x": one}}),
                NAMES,
                "\"#r\"",
            ),
            (json!({"expression": "r = :x"}), VALUES, "\":x\""),
            (
                json!({"expression": "r = :x", "names": {"#r": "r"}, "values": {":x": one}}),
                NAMES,
                "not used",
            ),
            (
                json!({"expression": "r = :x", "values": {":x": one, ":xy": one}}),
                VALUES,
                "not used",
            ),
            (
                json!({"expression": "r = :x", "values": {"x": one, ":x": one}}),
                VALUES,
                "no placeholder",
            ),
            (
                json!({"expression": "#a-b = r", "names": {"#a-b": "a"}}),
                NAMES,
                "no placeholder",
            ),
        ] {
            let error = check(filter.clone()).unwrap_err();
            assert_eq!(error.path, path, "{filter}: {error}");
            assert!(error.message.contains(says), "{filter}: {error}");
        }
    }
}
