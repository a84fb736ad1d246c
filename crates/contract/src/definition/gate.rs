//! What the data must satisfy before training is paid for. It must not know how that is measured: that
//! is said in the crate `dataset`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the data must satisfy before training is paid for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Gate {
    /// Fewest items in the table.
    #[serde(default = "default_minimum_rows")]
    pub minimum_rows: u64,
    /// Largest share of items without a usable label, 0 to 1.
    #[serde(default = "default_maximum_missing_label")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub maximum_missing_label: f64,
}

const fn default_minimum_rows() -> u64 {
    1
}

const fn default_maximum_missing_label() -> f64 {
    0.5
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            minimum_rows: default_minimum_rows(),
            maximum_missing_label: default_maximum_missing_label(),
        }
    }
}
