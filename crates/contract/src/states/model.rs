//! The states that train, judge and deploy a model, and report the run.

use super::{ExecutionContext, Outcome, RowCounts, Status, Then};
use crate::RunId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Output of `StartTraining`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StartTrainingOutput {
    /// `Done` when the job has completed.
    pub status: Status,
    /// The pipeline.
    pub pipeline: String,
    /// The run's id.
    pub run: RunId,
    /// The training job's name.
    pub training_job: String,
    /// SageMaker's secondary status, such as `Downloading` or `Training`.
    pub phase: String,
    /// Whether the model is judged.
    pub then: Then,
    /// Seconds to wait before the next poll; grows with the job's age.
    pub wait_seconds: u32,
}

/// Input of `JudgeModel`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct JudgeModelInput {
    /// The pipeline.
    pub pipeline: String,
    /// The run's id.
    pub run: RunId,
    /// `$$.Execution`.
    #[serde(default)]
    pub execution: ExecutionContext,
    /// The token of a task that waits for a person's decision; the decision sends it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_token: Option<String>,
}

/// State of the decision on a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Decision {
    /// The model replaces the champion.
    Promote,
    /// The champion stays.
    Keep,
    /// A person has to approve the model, and a message must be sent.
    AskApproval,
    /// The message was sent, and the person has not decided yet.
    AwaitApproval,
    /// The model and the champion are still predicting the same rows, or the endpoint of a champion
    /// that stays is being recreated: call again, with the same input.
    Compare,
}

impl From<Verdict> for Decision {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Promote => Self::Promote,
            Verdict::Keep => Self::Keep,
        }
    }
}

/// Whether a model may serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Verdict {
    /// The model replaces the champion.
    Promote,
    /// The champion stays.
    Keep,
}

/// Output of `JudgeModel`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct JudgeModelOutput {
    /// The pipeline.
    pub pipeline: String,
    /// The run's id.
    pub run: RunId,
    /// The decision so far.
    pub verdict: Decision,
    /// The metric that decided.
    pub metric: String,
    /// Its value for this run's model.
    pub value: f64,
    /// Its value for the champion, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub champion: Option<f64>,
    /// Why, in one line; the message while a person is asked; the progress while the models are
    /// compared.
    pub reason: String,
    /// The subject of the message, while a person is asked.
    pub subject: String,
    /// Seconds to wait before the next poll, while the models are compared; otherwise 0.
    pub wait_seconds: u32,
}

/// Output of `DeployEndpoint`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeployEndpointOutput {
    /// `Done` when the endpoint is in service on this run's model and answered a real request, or
    /// the transform job has completed.
    pub status: Status,
    /// The pipeline.
    pub pipeline: String,
    /// The run's id.
    pub run: RunId,
    /// The endpoint's name, or the transform job's.
    pub endpoint: String,
    /// SageMaker's status of it, such as `Creating` or `InService`.
    pub phase: String,
    /// Seconds to wait before the next poll.
    pub wait_seconds: u32,
}

/// Input of `PublishReport`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PublishReportInput {
    /// The pipeline.
    pub pipeline: String,
    /// The run's id.
    pub run: RunId,
    /// How the run ended.
    pub outcome: Outcome,
}

/// Output of `PublishReport`, and so of the execution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PublishReportOutput {
    /// The pipeline.
    pub pipeline: String,
    /// The run's id.
    pub run: RunId,
    /// How the run ended.
    pub outcome: Outcome,
    /// Items that were exported.
    pub items: u64,
    /// The outcomes of the items, if the run made a dataset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<RowCounts>,
    /// The deciding metric's value for this run's model, if the model was judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// The endpoint in service; absent while no model was good enough for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The `s3://…` prefix of the champion's predictions, if it scores a batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predictions: Option<String>,
    /// Key of the JSON report; the Markdown report is beside it (`report.md`).
    pub report_key: String,
    /// Key of the record of the pipeline's newest good data: this run's, unless a later run has
    /// ended before.
    pub latest_key: String,
}
