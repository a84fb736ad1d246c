//! The third input of `publish-report`: find late runs and stale data.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The state machine to check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CheckRequest {
    /// The state machine's ARN.
    pub state_machine: String,
}

/// A request to check for late runs and stale data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CheckInput {
    /// Whose runs.
    pub check: CheckRequest,
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CheckOutput {
    /// Running executions.
    pub running: u32,
    /// Late runs for which this call sent a notice.
    pub late: u32,
    /// Pipelines with stale data for which this call sent a notice.
    pub stale: u32,
}
