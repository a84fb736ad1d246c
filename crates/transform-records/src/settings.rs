//! The function's settings, as its variables say them.

use definition::Condition;
use std::str::FromStr;

/// What is set if nothing is asked for: Lambda's variables are better not empty.
const NONE: &str = "none";

/// The attributes that each event must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Required(pub Vec<String>);

impl FromStr for Required {
    type Err = std::convert::Infallible;

    /// Paths, separated by commas; or `none`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == NONE {
            return Ok(Self(Vec::new()));
        }
        Ok(Self(text.split(',').map(str::to_owned).collect()))
    }
}

/// The conditions that hold for the events that are kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Conditions(pub Vec<Condition>);

impl FromStr for Conditions {
    type Err = contract::read::ReadError;

    /// The JSON of a list, as `dataset.where` has it.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        contract::read::from_slice(text.as_bytes()).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use definition::Comparison;

    #[test]
    fn what_is_required_is_separated_by_commas() {
        let required = |text: &str| text.parse::<Required>().unwrap().0;
        assert_eq!(required("none"), Vec::<String>::new());
        assert_eq!(required("event_id"), ["event_id"]);
        assert_eq!(required("event_id,context.at"), ["event_id", "context.at"]);
    }

    #[test]
    fn conditions_are_those_of_a_definition() {
        assert!("[]".parse::<Conditions>().unwrap().0.is_empty());
        let text = r#"[{"path": "kind", "op": "notEqual", "value": "test"}]"#;
        let conditions: Conditions = text.parse().unwrap();
        assert_eq!(conditions.0[0].op, Comparison::NotEqual);
        let error = r#"[{"path": "kind", "op": "is"}]"#.parse::<Conditions>().unwrap_err();
        assert!(error.to_string().starts_with("field `[0].op`"), "{error}");
    }
}
