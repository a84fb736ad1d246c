//! Records of a deployment, and the champion.

use contract::RunId;
use definition::ComputeKind;
use serde::{Deserialize, Serialize};

/// The intended update of an endpoint. It is written before the update is requested, and again
/// after the service accepted the request. Only this distinguishes a rollback from an update that
/// was never requested: both show the endpoint in service on its old configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeploymentIntent {
    /// The endpoint configuration in force before.
    pub from: String,
    /// The desired endpoint configuration.
    pub to: String,
    /// When the service took the request, in seconds since 1970; absent before that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_at: Option<u64>,
    /// The alarms that may roll the update back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alarms: Vec<String>,
    /// Alarms that were in `ALARM` before the update, and may therefore not roll it back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alarms_left_out: Vec<String>,
    /// What the smoke test found wrong, once it did: the endpoint then goes back to `from`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smoke_failed: Option<String>,
}

/// A champion's endpoint that a run found gone, and recreates. It is asked before it counts as
/// serving.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EndpointRecreated {
    /// The endpoint.
    pub endpoint: String,
    /// Its configuration.
    pub config: String,
}

/// A verified deployment: in service on this configuration, and a real request was answered; or a
/// completed transform job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeploymentRecord {
    /// The run.
    pub run: RunId,
    /// The endpoint; absent where a transform job scores in its stead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Its configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint_config: Option<String>,
    /// The model behind it.
    pub model: String,
    /// The endpoint configuration before this one: what a rollback returns to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_endpoint_config: Option<String>,
    /// Alarms that were in `ALARM` before the update, and could therefore not roll it back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alarms_left_out: Vec<String>,
    /// Rows of the dataset that the endpoint was asked about and answered.
    pub smoke_rows: u32,
    /// The batch that was scored instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transform: Option<TransformRecord>,
}

/// A completed transform job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TransformRecord {
    /// The job's name.
    pub job: String,
    /// `s3://…` of what was scored.
    pub input: String,
    /// `s3://…` below which the predictions are.
    pub output: String,
    /// How many rows were scored; unknown of what lies below a prefix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
}

/// The champion: the model in service, or the one that scores batches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Champion {
    /// The run that made it.
    pub run: RunId,
    /// The stack that its endpoint, if it has one, belongs to.
    pub stack: String,
    /// The metric that decided.
    pub metric: String,
    /// Its value.
    pub value: f64,
    /// The model's name.
    pub model: String,
    /// The endpoint configuration in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint_config: Option<String>,
    /// The endpoint; absent if the model scores batches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// What kind of compute serves; unknown of older records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compute: Option<ComputeKind>,
    /// Key of the dataset contract that serving reads.
    pub dataset: String,
    /// The endpoint configuration before this one: what a rollback returns to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_endpoint_config: Option<String>,
    /// If a rollback made it the champion: the endpoint configuration that it came back from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolled_back_from: Option<String>,
}
