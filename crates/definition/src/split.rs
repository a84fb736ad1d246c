//! Which rows train, validate and test. What paths and shares must satisfy is checked where they are
//! understood, in the crate `dataset`.

use super::TimeUnit;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which rows validate, and which are kept to test with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Split {
    /// Attribute paths whose values decide together: rows that agree in them are on one side.
    /// By default the table's whole key, so that rows are split one by one; with `time` alone, none.
    #[serde(default)]
    pub by: Vec<String>,
    /// The share of the groups that validates, 0 to 0.9.
    #[serde(default = "default_validation")]
    #[schemars(range(min = 0.0, max = 0.9))]
    pub validation: f64,
    /// The share of the groups that is kept to test with, 0 to 0.9; together with `validation` at
    /// most 0.9.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 0.9))]
    pub test: f64,
    /// Another seed gives another split; the same seed always gives the same.
    #[serde(default)]
    pub seed: u64,
    /// Splits by time: what is latest validates. Together with `by`, rows of groups that validate
    /// count only if they are late enough, and rows of other groups only if they are not; the rest is
    /// left out, so that neither a group nor the future leaks into training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<TimeSplit>,
}

/// A split by time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TimeSplit {
    /// The path of the attribute that says when: ISO 8601 text, or numbers since 1970. A row without
    /// it is rejected.
    pub path: String,
    /// What its numbers count; by default seconds, or milliseconds where most of the table's numbers
    /// reach 100,000,000,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<TimeUnit>,
    /// From when on rows validate, in ISO 8601. By default the shares of the split say: the latest
    /// rows of the table, as a uniform sample of its items has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation_from: Option<String>,
    /// From when on rows are kept to test with, in ISO 8601; later than `validationFrom`.
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
