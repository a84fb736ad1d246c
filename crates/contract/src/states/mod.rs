//! Each state's input and output. Payloads are ids, keys and counts, never data: a step reads
//! everything else from the lake, where its progress is too. So a step that is called again with
//! the same input continues from the last commit and repeats nothing.

mod dataset;
mod export;
mod model;

pub use dataset::{
    MergeToCsvInput, MergeToCsvOutput, PlanDatasetOutput, RowCounts, RowsOf, SealDatasetOutput,
};
pub use export::{
    AfterExport, AfterRequest, CompactChangesOutput, Cost, Estimate, ExportSegmentInput,
    ExportSegmentOutput, ExportTask, MOST_CHILDREN, PlanExportInput, PlanExportOutput,
    RequestExportOutput, Route,
};
pub use model::{
    Decision, DeployEndpointOutput, JudgeModelInput, JudgeModelOutput, PublishReportInput,
    PublishReportOutput, StartTrainingOutput, Verdict,
};

use crate::RunId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether a step has to be called again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Status {
    /// Call again, with the same input.
    InProgress,
    /// The step's work is committed.
    Done,
}

/// What follows a step whose work is done, by the run's definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Then {
    /// The next step.
    Continue,
    /// The report: the definition ends here.
    End,
}

impl Then {
    /// Continues if the definition has the part that the next step carries out.
    pub const fn if_any<T>(part: Option<&T>) -> Self {
        if part.is_some() {
            Self::Continue
        } else {
            Self::End
        }
    }
}

/// The execution that a run belongs to, from the Step Functions context object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Execution {
    /// `$$.Execution.Id`, its ARN.
    pub id: String,
    /// `$$.Execution.StartTime`, RFC 3339.
    pub start_time: String,
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self, f)
    }
}

/// Input of the steps that need no more than the run: `RequestExport`, `CompactChanges`,
/// `PlanDataset`, `SealDataset`, `DeployEndpoint`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RunInput {
    /// The pipeline.
    pub pipeline: String,
    /// The run's id.
    pub run: RunId,
}

/// What a step that begins jobs has to know of the execution, from `$$.Execution`. All else in
/// there is passed over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct ExecutionContext {
    /// How often the execution was redriven. Local engines, which cannot redrive, do not say.
    #[serde(default)]
    pub redrive_count: u32,
}

/// Input of the steps that begin jobs, each of which costs money and uses up its name:
/// `StartTraining`, `DeployEndpoint`. Such a step reports a failure until the execution is
/// redriven, and only then starts another job; so it has to distinguish a redrive from a retry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct JobInput {
    /// The pipeline.
    pub pipeline: String,
    /// The run's id.
    pub run: RunId,
    /// `$$.Execution`.
    #[serde(default)]
    pub execution: ExecutionContext,
}

/// The outcome of a successful run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Outcome {
    /// The items are exported; the definition has no `dataset`.
    Exported,
    /// The training files are made; the definition has no `training`.
    DatasetSealed,
    /// A model is trained, and nothing is deployed; the definition has no `promotion`.
    Trained,
    /// The run's model serves.
    Deployed,
    /// The run's model is not better; the champion still serves.
    KeptChampion,
    /// The items are those of the last run: nothing was made of them.
    NothingNew,
}
