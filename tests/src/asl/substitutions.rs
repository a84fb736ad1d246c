//! Checks the `${…}` of the definition against the template's substitutions.

use crate::Finding;
use serde_json::Value;
use std::collections::BTreeSet;

/// The names between `${` and `}`.
pub fn used(machine: &Value) -> BTreeSet<String> {
    let text = machine.to_string();
    let pieces = text.split("${").skip(1);
    let names = pieces.filter_map(|piece| Some(piece.split_once('}')?.0.to_owned()));
    names.collect()
}

/// What one side has and the other has not.
pub fn findings(machine: &Value, defined: &BTreeSet<String>) -> Vec<Finding> {
    let used = used(machine);
    let undefined = used.difference(defined).map(|name| {
        Finding::new(
            format!("${{{name}}}"),
            "is not among the template's DefinitionSubstitutions",
        )
    });
    let unused = defined.difference(&used).map(|name| {
        Finding::new(
            format!("DefinitionSubstitutions.{name}"),
            "is not used by the state machine",
        )
    });
    undefined.chain(unused).collect()
}

/// The definition with its substitutions made.
pub fn substituted(machine: &Value, value: impl Fn(&str) -> String) -> Value {
    let mut text = machine.to_string();
    for name in used(machine) {
        text = text.replace(&format!("${{{name}}}"), &value(&name));
    }
    serde_json::from_str(&text).expect("substitutions are plain text")
}

/// `PlanExport` as `plan-export`.
pub fn kebab(camel: &str) -> String {
    let mut kebab = String::new();
    for letter in camel.chars() {
        if letter.is_ascii_uppercase() && !kebab.is_empty() {
            kebab.push('-');
        }
        kebab.push(letter.to_ascii_lowercase());
    }
    kebab
}
