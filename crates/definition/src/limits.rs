//! What a run may cost at most, and by which prices. It must not know how the cost comes about.

use crate::faults::Faults;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a run may cost at most; refused before anything is read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Limits {
    /// Read request units that the export may consume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_read_units: Option<u64>,
    /// Minutes that the export may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_minutes: Option<f64>,
    /// US dollars that the export may cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_cost: Option<f64>,
    /// What AWS charges where the table is.
    #[serde(default, skip_serializing_if = "Prices::are_defaults")]
    pub prices: Prices,
}

/// What AWS charges, in US dollars. An absent price is the list price of us-east-1, as
/// `crates/plan-export/src/prices.rs` has it with its date; other regions differ.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Prices {
    /// A million read request units of a table on demand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_request_units_per_million: Option<f64>,
    /// A gigabyte-second of a function.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lambda_gb_second: Option<f64>,
    /// A million invocations of functions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lambda_requests_per_million: Option<f64>,
    /// A thousand writing or listing requests to S3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3_puts_per_thousand: Option<f64>,
    /// A thousand reading requests to S3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3_gets_per_thousand: Option<f64>,
    /// A thousand state transitions of Step Functions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_transitions_per_thousand: Option<f64>,
    /// A gigabyte of table that `DynamoDB` exports by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub export_gb: Option<f64>,
}

impl Prices {
    /// Whether nothing is said.
    pub fn are_defaults(&self) -> bool {
        *self == Self::default()
    }
}

impl Limits {
    pub(crate) fn validate(&self, faults: &mut Faults) {
        let prices = &self.prices;
        // A cap or a price below nothing is a slip, and NaN compares with nothing.
        let amounts = [
            ("limits.maxMinutes", self.max_minutes),
            ("limits.maxCost", self.max_cost),
            (
                "limits.prices.readRequestUnitsPerMillion",
                prices.read_request_units_per_million,
            ),
            ("limits.prices.lambdaGbSecond", prices.lambda_gb_second),
            (
                "limits.prices.lambdaRequestsPerMillion",
                prices.lambda_requests_per_million,
            ),
            (
                "limits.prices.s3PutsPerThousand",
                prices.s3_puts_per_thousand,
            ),
            (
                "limits.prices.s3GetsPerThousand",
                prices.s3_gets_per_thousand,
            ),
            (
                "limits.prices.stateTransitionsPerThousand",
                prices.state_transitions_per_thousand,
            ),
            ("limits.prices.exportGb", prices.export_gb),
        ];
        for (path, amount) in amounts {
            if amount.is_some_and(|amount| !amount.is_finite() || amount < 0.0) {
                faults.add(path, "must be 0 or more");
            }
        }
    }
}
