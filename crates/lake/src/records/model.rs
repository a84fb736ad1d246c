//! Records of training and judging: job, verdict, approval, registered version.

use contract::RunId;
use contract::states::Verdict;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A completed training job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TrainingRecord {
    /// The job's name.
    pub job: String,
    /// The image that trained.
    pub image: String,
    /// `s3://…/model.tar.gz`.
    pub artifact: String,
    /// The artifact's `ETag` when training completed; absent if the store has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_etag: Option<String>,
    /// The final metrics by name.
    pub metrics: BTreeMap<String, f64>,
    /// The values of metrics over the training by the metrics' names, oldest first: at most 200 each
    /// at even distances. A metric with one value is left out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub curves: BTreeMap<String, Vec<f64>>,
    /// Seconds of training that are billed, if SageMaker says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billable_seconds: Option<u64>,
    /// The search that found it, if there was one; the seconds are the found job's alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tuning: Option<TuningRecord>,
}

/// A completed tuning job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TuningRecord {
    /// The tuning job's name.
    pub job: String,
    /// The metric that decided which training job is best.
    pub metric: String,
    /// The values that were found best.
    pub hyperparameters: BTreeMap<String, String>,
    /// Training jobs that completed.
    pub completed: u32,
    /// Training jobs that failed.
    pub failed: u32,
    /// Training jobs that were stopped, early or by hand.
    pub stopped: u32,
}

/// The decision on a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VerdictRecord {
    /// Whether the model may serve.
    pub verdict: Verdict,
    /// The metric that decided.
    pub metric: String,
    /// Its value for this model.
    pub value: f64,
    /// Its value for the champion at the time, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub champion: Option<f64>,
    /// The champion's run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub champion_run: Option<RunId>,
    /// What decided in place of these values, if both models were asked about the same rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reevaluation: Option<Reevaluation>,
    /// Why, in one line.
    pub reason: String,
}

/// What the metric is for both models on the same rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Reevaluation {
    /// Its value for this model.
    pub value: f64,
    /// Its value for the champion.
    pub champion: f64,
    /// The rows that both were asked about.
    pub rows: JudgedRows,
}

/// Rows of a run's validation data that its model and the champion are asked about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct JudgedRows {
    /// How many.
    pub rows: u64,
    /// Rows left out because the champion's dataset rejects them, or they have no feature at all.
    pub unfit: u64,
    /// Rows left out because the champion was trained on them, as its split has it.
    pub trained: u64,
}

/// The rows of a comparison, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SampleRecord {
    /// The rows.
    pub rows: JudgedRows,
    /// Why the two models cannot be compared, if they cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incomparable: Option<String>,
}

/// Since when a person is asked to approve a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApprovalRequest {
    /// When the person was asked first, in seconds since 1970.
    pub asked_at: u64,
    /// The token of the task that waits now.
    pub task_token: String,
}

/// What became of a request for approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ApprovalDecision {
    /// The model may serve.
    Approved,
    /// It may not.
    Rejected,
    /// Nobody decided in time.
    Expired,
}

/// What a person decided about a model, or that the time was over. It is written once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApprovalRecord {
    /// What became of it.
    pub decision: ApprovalDecision,
    /// When, in seconds since 1970.
    pub at: u64,
    /// Who, in their own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why, in their own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A model's version in SageMaker's model registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ModelPackageRecord {
    /// The model package group.
    pub group: String,
    /// The version's ARN.
    pub arn: String,
    /// Its approval status, in SageMaker's words.
    pub approval: String,
}
