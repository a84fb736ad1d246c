//! Which items are rows at all. What a condition's value may be is checked where conditions are
//! understood, in the crate `dataset`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A condition that an item must satisfy to become a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Condition {
    /// The attribute's path.
    pub path: String,
    /// How it is compared.
    pub op: Comparison,
    /// With what: text, a number or a boolean; a list of them for `in`; nothing for `exists` and
    /// `absent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Operand>,
}

/// How an attribute is compared. What is missing, null or of another type than the value satisfies
/// `notEqual` and `absent` only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Comparison {
    /// Equal to the value.
    Equal,
    /// Not equal to the value.
    NotEqual,
    /// Below the value: numbers by value, texts byte by byte.
    Less,
    /// Below or equal to the value.
    LessOrEqual,
    /// Above the value.
    Greater,
    /// Above or equal to the value.
    GreaterOrEqual,
    /// Equal to one of the values.
    In,
    /// There, and not null.
    Exists,
    /// Missing, or null.
    Absent,
}

/// What an attribute is compared with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Operand {
    /// One of these.
    Many(Vec<Literal>),
    /// This.
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
