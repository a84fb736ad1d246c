//! Checks the members of a request against tables of the API's constraints, and reports violations
//! in SageMaker's words.
//!
//! Patterns, lengths and enumerations are those of the service's published model.

use crate::protocol::refusal::Refusal;
use regex::Regex;
use serde_json::Value;

pub const NAME: &str = "[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}";
pub const ROLE: &str = r"arn:aws[a-z\-]*:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+";
pub const S3_URI: &str = "(https|s3)://([^/]+)/?(.*)";

/// The type of a member, with its bounds.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// A string. An empty pattern allows any.
    Text {
        min: usize,
        max: usize,
        pattern: &'static str,
    },
    /// One of these strings.
    OneOf(&'static [&'static str]),
    /// A whole number.
    Integer { min: i64, max: i64 },
    /// A number.
    Number { min: f64 },
    /// A list.
    List { min: usize, max: usize },
    /// A map of strings, with the most entries and the longest key and value.
    TextMap {
        entries: usize,
        key: usize,
        value: usize,
    },
    /// `true` or `false`.
    Boolean,
    /// A structure.
    Object,
}

/// The constraint on one member.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// The names on the way to the member, joined by dots. `[]` means every element of a list.
    pub path: &'static str,
    pub required: bool,
    pub kind: Kind,
}

/// A required member.
pub const fn required(path: &'static str, kind: Kind) -> Rule {
    Rule {
        path,
        required: true,
        kind,
    }
}

/// An optional member.
pub const fn optional(path: &'static str, kind: Kind) -> Rule {
    Rule {
        path,
        required: false,
        kind,
    }
}

/// A string of 1 to `max` characters.
pub const fn text(max: usize, pattern: &'static str) -> Kind {
    Kind::Text {
        min: 1,
        max,
        pattern,
    }
}

/// Checks a request against its constraints. The refusal names all violations.
pub fn check(request: &Value, rules: &[Rule]) -> Result<(), Refusal> {
    let mut found = Vec::new();
    for rule in rules {
        visit(request, rule.path, "", rule, &mut found)?;
    }
    match found.len() {
        0 => Ok(()),
        1 => Err(Refusal::validation(format!(
            "1 validation error detected: {}",
            found[0]
        ))),
        count => {
            let all = found.join("; ");
            Err(Refusal::validation(format!(
                "{count} validation errors detected: {all}"
            )))
        }
    }
}

/// The refusal of a request without a required member.
pub fn missing(path: &str) -> Refusal {
    let shown = member(path);
    Refusal::validation(format!("1 validation error detected: {}", null(&shown)))
}

fn null(shown: &str) -> String {
    format!("Value null at '{shown}' failed to satisfy constraint: Member must not be null")
}

/// A member's name as the service shows it: `TrainingJobName` is `trainingJobName`.
fn member(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(|letter| letter.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}

fn visit(
    value: &Value,
    path: &str,
    above: &str,
    rule: &Rule,
    found: &mut Vec<String>,
) -> Result<(), Refusal> {
    let (step, rest) = path.split_once('.').unwrap_or((path, ""));
    let (name, every) = step
        .strip_suffix("[]")
        .map_or((step, false), |name| (name, true));
    let dot = if above.is_empty() { "" } else { "." };
    let shown = format!("{above}{dot}{}", member(name));
    let value = &value[name];
    if every {
        for (index, element) in value.as_array().into_iter().flatten().enumerate() {
            let shown = format!("{shown}.{}.member", index + 1);
            visit(element, rest, &shown, rule, found)?;
        }
        return Ok(());
    }
    if !rest.is_empty() {
        // Whether the structure itself is required is the matter of another rule.
        return if value.is_object() {
            visit(value, rest, &shown, rule, found)
        } else {
            Ok(())
        };
    }
    if value.is_null() {
        if rule.required {
            found.push(null(&shown));
        }
        return Ok(());
    }
    if let Some(constraint) = unmet(value, rule.kind).map_err(|kind| {
        Refusal::malformed(format!(
            "{shown}: {} can not be converted to {kind}",
            json_kind(value)
        ))
    })? {
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        found.push(format!(
            "Value '{text}' at '{shown}' failed to satisfy constraint: {constraint}"
        ));
    }
    Ok(())
}

/// The violated constraint, or the expected type if `value` has another one.
fn unmet(value: &Value, kind: Kind) -> Result<Option<String>, &'static str> {
    Ok(match kind {
        Kind::Text { min, max, pattern } => {
            let text = value.as_str().ok_or("a String")?;
            let length = text.chars().count();
            if length > max {
                Some(format!(
                    "Member must have length less than or equal to {max}"
                ))
            } else if length < min {
                Some(format!(
                    "Member must have length greater than or equal to {min}"
                ))
            } else {
                let whole = format!("^(?s:{pattern})$");
                let is_met =
                    pattern.is_empty() || Regex::new(&whole).is_ok_and(|r| r.is_match(text));
                (!is_met)
                    .then(|| format!("Member must satisfy regular expression pattern: ^{pattern}$"))
            }
        }
        Kind::OneOf(values) => {
            let text = value.as_str().ok_or("a String")?;
            (!values.contains(&text)).then(|| {
                format!(
                    "Member must satisfy enum value set: [{}]",
                    values.join(", ")
                )
            })
        }
        Kind::Integer { min, max } => {
            let number = value.as_i64().ok_or("an Integer")?;
            if number < min {
                Some(format!(
                    "Member must have value greater than or equal to {min}"
                ))
            } else {
                (number > max)
                    .then(|| format!("Member must have value less than or equal to {max}"))
            }
        }
        Kind::Number { min } => {
            let number = value.as_f64().ok_or("a Float")?;
            (number < min).then(|| format!("Member must have value greater than or equal to {min}"))
        }
        Kind::List { min, max } => {
            let length = value.as_array().ok_or("a List")?.len();
            if length < min {
                Some(format!(
                    "Member must have length greater than or equal to {min}"
                ))
            } else {
                (length > max)
                    .then(|| format!("Member must have length less than or equal to {max}"))
            }
        }
        Kind::TextMap {
            entries,
            key,
            value: longest,
        } => {
            let map = value.as_object().ok_or("a Map")?;
            if map.values().any(|value| !value.is_string()) {
                return Err("a Map of Strings");
            }
            let is_long = |text: &str, max: usize| text.chars().count() > max;
            if map.len() > entries {
                Some(format!(
                    "Member must have length less than or equal to {entries}"
                ))
            } else if map.keys().any(|name| is_long(name, key)) {
                Some(format!(
                    "Map keys must satisfy constraint: [Member must have length less than or equal to {key}]"
                ))
            } else {
                map.values().filter_map(Value::as_str).any(|text| is_long(text, longest)).then(|| {
                    format!("Map value must satisfy constraint: [Member must have length less than or equal to {longest}]")
                })
            }
        }
        Kind::Boolean => {
            value.as_bool().ok_or("a Boolean")?;
            None
        }
        Kind::Object => {
            value.as_object().ok_or("a Structure")?;
            None
        }
    })
}

fn json_kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "NULL_VALUE",
        Value::Bool(_) => "BOOLEAN_VALUE",
        Value::Number(_) => "NUMBER_VALUE",
        Value::String(_) => "STRING_VALUE",
        Value::Array(_) => "LIST_VALUE",
        Value::Object(_) => "MAP_VALUE",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const RULES: &[Rule] = &[
        required("TrainingJobName", text(63, NAME)),
        required("RoleArn", text(2048, ROLE)),
        optional("Config", Kind::Object),
        required("Config.Mode", Kind::OneOf(&["File", "Pipe"])),
        optional("Channels", Kind::List { min: 1, max: 2 }),
        required("Channels[].Name", text(4, "")),
        optional("Channels[].Weight", Kind::Number { min: 0.0 }),
        optional(
            "HyperParameters",
            Kind::TextMap {
                entries: 2,
                key: 3,
                value: 5,
            },
        ),
        optional("Seconds", Kind::Integer { min: 1, max: 9 }),
    ];

    fn message(change: &Value) -> String {
        let mut request =
            json!({"TrainingJobName": "job-1", "RoleArn": "arn:aws:iam::000000000000:role/x"});
        for (name, value) in change.as_object().unwrap() {
            request[name] = value.clone();
        }
        match check(&request, RULES) {
            Ok(()) => String::new(),
            Err(refusal) => refusal.to_string(),
        }
    }

    #[test]
    fn a_violation_is_reported_in_the_services_words() {
        assert_eq!(message(&json!({})), "");
        assert_eq!(
            message(&json!({"TrainingJobName": "my_job"})),
            "ValidationException: 1 validation error detected: Value 'my_job' at 'trainingJobName' \
             failed to satisfy constraint: Member must satisfy regular expression pattern: \
             ^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$"
        );
        let two = message(&json!({"RoleArn": null, "Config": {"Mode": "Fast"}}));
        assert!(
            two.contains("2 validation errors detected: Value null at 'roleArn'"),
            "{two}"
        );
        assert!(
            two.contains("'config.mode'") && two.contains("[File, Pipe]"),
            "{two}"
        );
    }

    #[test]
    fn every_type_is_checked_against_its_bounds() {
        for (change, part) in [
            (json!({"TrainingJobName": ""}), "greater than or equal to 1"),
            (
                json!({"TrainingJobName": "x".repeat(64)}),
                "less than or equal to 63",
            ),
            (json!({"Config": {}}), "'config.mode'"),
            (json!({"Channels": []}), "greater than or equal to 1"),
            (
                json!({"Channels": [{"Name": "a"}, {"Name": "abcde"}]}),
                "'channels.2.member.name'",
            ),
            (
                json!({"Channels": [{"Name": "a", "Weight": -1}]}),
                "'channels.1.member.weight'",
            ),
            (
                json!({"HyperParameters": {"a": "", "b": "", "c": ""}}),
                "less than or equal to 2",
            ),
            (
                json!({"HyperParameters": {"a": "123456"}}),
                "less than or equal to 5",
            ),
            (
                json!({"HyperParameters": {"a": 1}}),
                "SerializationException",
            ),
            (json!({"Seconds": 0}), "greater than or equal to 1"),
            (json!({"Seconds": 10}), "less than or equal to 9"),
            (
                json!({"Seconds": "5"}),
                "SerializationException: seconds: STRING_VALUE",
            ),
        ] {
            let message = message(&change);
            assert!(message.contains(part), "{change}: {message}");
        }
    }
}
