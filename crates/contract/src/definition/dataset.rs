//! How items become rows. What its paths and shares must satisfy is said where they are understood,
//! in the crate `dataset`.

use super::Gate;
use crate::FieldError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How items become rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Dataset {
    /// The attribute to learn, a path such as `rating` or `context.score`. It becomes the first column.
    pub label: String,
    /// The feature columns, in order. If absent they are inferred: every attribute that is not the
    /// label, not excluded, and is a number, a boolean or text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<Column>>,
    /// Attribute paths that inference leaves out.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// Which rows validate.
    #[serde(default)]
    pub split: Split,
    /// What the data must satisfy before training is paid for.
    #[serde(default)]
    pub gate: Gate,
    /// Raw bytes (uncompressed) of one shard, which is what one function turns into CSV; by default
    /// 256 MiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub shard_bytes: Option<u64>,
}

/// One feature column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Column {
    /// The attribute's path: names joined by `.` descend into maps.
    pub path: String,
    /// How its value becomes a number; inferred from the data if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// What a missing value becomes.
    #[serde(default)]
    pub missing: Missing,
}

/// How an attribute's value becomes a numeric cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Encoding {
    /// The number itself, as float32.
    Number,
    /// `true` is 1, `false` is 0.
    Boolean,
    /// The position of the value in a saved, sorted vocabulary of the whole table, from 1;
    /// 0 is kept for values that training never saw.
    Ordinal,
}

/// What a missing value becomes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Missing {
    /// An empty cell, which SageMaker's algorithms read as missing; 0 for an ordinal column.
    #[default]
    Empty,
    /// The row is rejected.
    Reject,
}

/// Which rows validate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Split {
    /// Attribute paths whose values decide together: rows that agree in them are on one side.
    /// By default the table's whole key, so that rows are split one by one.
    #[serde(default)]
    pub by: Vec<String>,
    /// The share of the groups that validates, 0 to 0.9.
    #[serde(default = "default_validation")]
    #[schemars(range(min = 0.0, max = 0.9))]
    pub validation: f64,
    /// Another seed gives another split; the same seed always gives the same.
    #[serde(default)]
    pub seed: u64,
}

const fn default_validation() -> f64 {
    0.1
}

impl Default for Split {
    fn default() -> Self {
        Self {
            by: Vec::new(),
            validation: default_validation(),
            seed: 0,
        }
    }
}

impl Dataset {
    pub(crate) fn validate(&self) -> Result<(), FieldError> {
        if self.shard_bytes == Some(0) {
            return Err(FieldError {
                path: "dataset.shardBytes",
                message: "must be at least 1".to_owned(),
            });
        }
        self.gate.validate()
    }
}
