//! The split into training, validation and test rows. The crate `dataset` checks its paths and
//! shares.

use super::TimeUnit;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The split into training, validation and test rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Split {
    /// Attribute paths that form groups: rows that agree in them are on one side. By default the
    /// table's whole key, so that rows are split one by one; with `time` alone, none.
    #[serde(default)]
    pub by: Vec<String>,
    /// The share of the groups for validation, 0 to 0.9.
    #[serde(default = "default_validation")]
    #[schemars(range(min = 0.0, max = 0.9))]
    pub validation: f64,
    /// The share of the groups for testing, 0 to 0.9; together with `validation` at most 0.9.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 0.9))]
    pub test: f64,
    /// Another seed gives another split; the same seed always gives the same.
    #[serde(default)]
    pub seed: u64,
    /// Splits by time: the latest rows validate. Together with `by`, rows of validation groups
    /// count only if they are late enough, and rows of other groups only if they are not; the rest
    /// is left out, so that neither a group nor the future leaks into training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<TimeSplit>,
}

/// A split by time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TimeSplit {
    /// The path of the row's timestamp: ISO 8601 text, or numbers since 1970. A row without it is
    /// rejected.
    pub path: String,
    /// The unit of its numbers; by default seconds, or milliseconds if most of the table's numbers
    /// reach 100,000,000,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<TimeUnit>,
    /// The moment from which on rows validate, in ISO 8601. By default the shares of the split
    /// decide: the latest rows of the table, by a uniform sample of its items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation_from: Option<String>,
    /// The moment from which on rows are test rows, in ISO 8601; later than `validationFrom`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_from: Option<String>,
}

const fn default_validation() -> f64 {
    0.1
}

impl Default for Split {
    fn default() -> Self {
        Self {
            by: Vec::new(),
            validation: default_validation(),
            test: 0.0,
            seed: 0,
            time: None,
        }
    }
}
