//! Limits of a run's cost, and the prices.

use crate::faults::Faults;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Limits of a run; a run above them is refused before anything is read.
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
    /// Objects that may lie below the images' prefix, included or not; for `source.images`. Compared
    /// with what the plan has counted, and again when all are listed. What the plan only estimates
    /// is warned of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_objects: Option<u64>,
    /// Bytes that these objects may have; for `source.images`. Compared in the same way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
    /// The prices of AWS in your region.
    #[serde(default, skip_serializing_if = "Prices::are_defaults")]
    pub prices: Prices,
}

/// The prices of AWS, in US dollars. An absent price is the list price of us-east-1 in
/// `crates/plan-export/src/dynamodb/prices.rs`, with its date; other regions differ.
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
    /// A thousand write or list requests to S3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3_puts_per_thousand: Option<f64>,
    /// A thousand read requests to S3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3_gets_per_thousand: Option<f64>,
    /// A thousand state transitions of Step Functions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_transitions_per_thousand: Option<f64>,
    /// A gigabyte of table in a native export.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub export_gb: Option<f64>,
}

/// A limit of what may be counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountLimit {
    /// The field that sets it.
    pub field: &'static str,
    /// What is counted, such as `objects`.
    pub unit: &'static str,
    /// The limit.
    pub most: u64,
    /// The count that it is compared with.
    pub count: u64,
}

impl CountLimit {
    /// Whether the count is above it.
    pub const fn is_exceeded(&self) -> bool {
        self.count > self.most
    }
}

impl Prices {
    /// Whether no price is set.
    pub fn are_defaults(&self) -> bool {
        *self == Self::default()
    }
}

impl Limits {
    /// The limits that are set of what lies below the images' prefix, with these counts of it.
    pub fn of_images(&self, objects: u64, bytes: u64) -> impl Iterator<Item = CountLimit> + use<> {
        let limit = |field, unit, most: Option<u64>, count| {
            most.map(|most| CountLimit {
                field,
                unit,
                most,
                count,
            })
        };
        let limits = [
            limit("limits.maxObjects", "objects", self.max_objects, objects),
            limit("limits.maxBytes", "bytes", self.max_bytes, bytes),
        ];
        limits.into_iter().flatten()
    }

    pub(crate) fn validate(&self, faults: &mut Faults) {
        let prices = &self.prices;
        // A negative limit or price is a mistake, and NaN compares with nothing.
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
