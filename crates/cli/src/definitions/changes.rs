//! The differences between two definitions, field by field.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use std::fmt::Write as _;

/// A field that differs.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Change {
    /// The field's path, such as `dataset.columns[2].encoding`.
    pub path: String,
    /// Its value in the lake; absent if the lake's definition does not have the field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lake: Option<Value>,
    /// Its value in the file; absent if the file does not have the field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<Value>,
}

/// What a file and the lake's definition differ in.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Difference {
    /// The pipeline.
    pub pipeline: String,
    /// The file.
    pub file: String,
    /// Whether the lake has a definition of this pipeline.
    pub in_lake: bool,
    /// Whether the lake's definition is another version than the one that the folder pulled or
    /// pushed last.
    pub changed_in_lake: bool,
    /// The fields that differ.
    pub changes: Vec<Change>,
}

/// What files and the lake's definitions differ in.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Differences {
    /// One entry for each file.
    pub definitions: Vec<Difference>,
}

impl Difference {
    /// Whether nothing differs.
    pub const fn is_none(&self) -> bool {
        self.in_lake && self.changes.is_empty()
    }
}

impl Differences {
    /// Those that differ.
    pub fn count(&self) -> usize {
        let all = self.definitions.iter();
        all.filter(|difference| !difference.is_none()).count()
    }

    /// A few lines for each file: `-` is the lake's, `+` the file's.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for difference in &self.definitions {
            let Difference {
                pipeline,
                file,
                in_lake,
                changed_in_lake,
                changes,
            } = difference;
            let state = match (in_lake, changes.is_empty()) {
                (false, _) => "not in the lake",
                (true, true) => "as in the lake",
                (true, false) => "differs from the lake",
            };
            // Writing to memory cannot fail.
            let _ = write!(text, "{file} (pipeline {pipeline}): {state}");
            if *changed_in_lake {
                text.push_str(", where somebody else changed it");
            }
            text.push('\n');
            for change in changes {
                let mut line = |mark: char, value: &Option<Value>| {
                    if let Some(value) = value {
                        let _ = writeln!(text, "  {mark} {}: {value}", change.path);
                    }
                };
                line('-', &change.lake);
                line('+', &change.file);
            }
        }
        text
    }
}

/// The fields that differ, in the order of the lake's definition, then of the file's.
pub(crate) fn changes(lake: &Value, file: &Value) -> Vec<Change> {
    let found = definition::differences(lake, file).into_iter();
    found
        .map(|change| Change {
            path: change.path,
            lake: change.before,
            file: change.now,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_are_compared_whatever_their_order() {
        let lake = json!({"a": 1, "b": {"c": [1, 2]}, "gone": true});
        let file = json!({"b": {"c": [1, 3, 4]}, "a": 1, "new": {"x": null}});
        let difference = Difference {
            pipeline: "p".to_owned(),
            file: "p.json".to_owned(),
            in_lake: true,
            changed_in_lake: true,
            changes: changes(&lake, &file),
        };
        let all = Differences {
            definitions: vec![difference],
        };
        assert_eq!(all.count(), 1);
        assert_eq!(
            all.text(),
            "p.json (pipeline p): differs from the lake, where somebody else changed it\n  \
             - b.c[1]: 2\n  + b.c[1]: 3\n  + b.c[2]: 4\n  - gone: true\n  + new: {\"x\":null}\n"
        );
        assert!(changes(&lake, &lake).is_empty());
    }
}
