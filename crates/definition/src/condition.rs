//! Conditions that items must satisfy. The crate `dataset` checks a condition's value.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A condition that an item must satisfy to become a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Condition {
    /// The attribute's path.
    pub path: String,
    /// The comparison.
    pub op: Comparison,
    /// The value: text, a number or a boolean; a list of them for `in`; none for `exists` and
    /// `absent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Operand>,
}

/// A comparison. An attribute that is missing, null or of another type than the value satisfies
/// only `notEqual` and `absent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Comparison {
    /// Equal to the value.
    Equal,
    /// Not equal to the value.
    NotEqual,
    /// Less than the value: numbers by value, texts byte by byte.
    Less,
    /// Less than or equal to the value.
    LessOrEqual,
    /// Greater than the value.
    Greater,
    /// Greater than or equal to the value.
    GreaterOrEqual,
    /// Equal to one of the values.
    In,
    /// Present, and not null.
    Exists,
    /// Missing, or null.
    Absent,
}

/// The value of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Operand {
    /// One of several values.
    Many(Vec<Literal>),
    /// A single value.
    One(Literal),
}

/// Text, a number or a boolean.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Literal {
    /// A boolean.
    Boolean(bool),
    /// A number.
    Number(serde_json::Number),
    /// Text.
    Text(String),
}
