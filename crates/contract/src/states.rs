//! Each state's input and output. Payloads are ids, keys and counts, never data: what a step needs
//! beyond them it reads from the lake, where a step's progress lives as well. So a step that is
//! called again with the same input goes on from the last commit, and repeats nothing.

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

/// The execution that a run belongs to, from the Step Functions context object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Execution {
    /// `$$.Execution.Id`, its ARN.
    pub id: String,
    /// `$$.Execution.StartTime`, RFC 3339.
    pub start_time: String,
}

/// Input of `PlanExport`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlanExportInput {
    /// The execution that asks.
    pub execution: Execution,
    /// The execution's whole input: `{}`, `{"pipeline": "…"}`, or any part of the definition,
    /// merged over the stored one (RFC 7396: objects merge, `null` removes, all else replaces).
    pub input: serde_json::Value,
}

/// How the items leave the source: which function exports.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Route {
    /// By a parallel scan of the table.
    #[default]
    Scan,
    /// By the table's native export.
    Export,
}

impl std::fmt::Display for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Scan => "scan",
            Self::Export => "export",
        })
    }
}

/// Output of `PlanExport`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlanExportOutput {
    /// The pipeline.
    pub pipeline: String,
    /// The run's id.
    pub run: RunId,
    /// How the items leave the source: which function exports.
    pub route: Route,
    /// Why, in one sentence.
    pub reason: String,
    /// Scan segments in all; 0 for an export.
    pub segments: u32,
    /// Tasks that share the segments, one child of the Distributed Map each; 0 for an export.
    pub tasks: u32,
    /// Key of the JSON array of tasks.
    pub tasks_key: String,
    /// Children of the Distributed Map that run at once.
    pub concurrency: u32,
    /// What the export will take.
    pub estimate: Estimate,
    /// What the definition may have wrong although it is carried out, one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// What the export will take, from the table's own (six-hourly) figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Estimate {
    /// Items in the table.
    pub items: u64,
    /// Bytes of the table.
    pub bytes: u64,
    /// Read request units; 0 where the source is not paid by them.
    pub read_units: u64,
    /// Minutes at the read budget, or at what the functions manage if that is slower; of a native
    /// export the fewest that it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<f64>,
    /// US dollars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
}

/// What the export will cost, in US dollars.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cost {
    /// All of it.
    pub total: f64,
    /// Reads of the table, or its native export; nothing where the capacity is provisioned, which is paid for anyway.
    pub reads: f64,
    /// The functions' time.
    pub lambda: f64,
    /// Requests: to S3, to Lambda, and Step Functions' transitions.
    pub requests: f64,
}

/// Output of `RequestExport`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RequestExportOutput {
    /// `Done` when the export has completed and its tasks are written.
    pub status: Status,
    /// The pipeline.
    pub pipeline: String,
    /// The run's id.
    pub run: RunId,
    /// The plan's route, by which a child chooses the function that exports.
    pub route: Route,
    /// `DynamoDB`'s status of the export, such as `IN_PROGRESS`.
    pub phase: String,
    /// Seconds to wait before the next look; grows with the run's age.
    pub wait_seconds: u32,
    /// Files of the export, each of them a segment; 0 before it has completed.
    pub segments: u32,
    /// Tasks that share the segments, one child of the Distributed Map each.
    pub tasks: u32,
    /// Key of the JSON array of tasks.
    pub tasks_key: String,
    /// Children of the Distributed Map that run at once.
    pub concurrency: u32,
}

/// Children of a Distributed Map at most: an export's tasks, or a dataset's shards. The Map's result
/// lists each in 18 bytes, and a state's payload ends at 256 KiB.
pub const MOST_CHILDREN: u32 = 10_000;

/// Some consecutive segments that one function scans side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExportTask {
    /// The task's number, from 0.
    pub index: u32,
    /// Its first segment.
    pub first_segment: u32,
    /// How many segments it has, at least 1.
    pub segment_count: u32,
}

impl ExportTask {
    /// Shares segments out to so many tasks of nearly equal size.
    pub fn share(segments: u32, tasks: u32) -> Vec<Self> {
        let mut first_segment = 0;
        (0..tasks)
            .map(|index| {
                // The first `segments % tasks` tasks take one more.
                let segment_count = segments / tasks + u32::from(index < segments % tasks);
                let task = Self {
                    index,
                    first_segment,
                    segment_count,
                };
                first_segment += segment_count;
                task
            })
            .collect()
    }
}

/// Input of `ExportSegment`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExportSegmentInput {
    /// The pipeline.
    pub pipeline: String,
    /// The run's id.
    pub run: RunId,
    /// The task, as `PlanExport` wrote it.
    pub task: ExportTask,
}

/// Output of `ExportSegment`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExportSegmentOutput {
    /// Whether all the task's segments are committed.
    pub status: Status,
    /// The pipeline.
    pub pipeline: String,
    /// The run's id.
    pub run: RunId,
    /// The task.
    pub task: ExportTask,
    /// Segments of the task that are committed whole.
    pub segments_done: u32,
    /// Items that are committed so far, by all invocations of the task.
    pub items: u64,
}

/// Input of the steps that need no more than the run: `RequestExport`, `PlanDataset`, `SealDataset`,
/// `DeployEndpoint`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RunInput {
    /// The pipeline.
    pub pipeline: String,
    /// The run's id.
    pub run: RunId,
}

/// What a step that begins jobs has to know of the execution, from `$$.Execution`. All else in there is
/// passed over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct ExecutionContext {
    /// How often the execution was redriven. Local engines, which cannot redrive, do not say.
    #[serde(default)]
    pub redrive_count: u32,
}

/// Input of the steps that begin jobs, each of which costs money and uses up its name: `StartTraining`,
/// `DeployEndpoint`.
/// Such a step tells a failure until the execution is redriven, and only then begins another job; so it
/// has to tell a redrive from a retry.
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

/// Output of `PlanDataset`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlanDatasetOutput {
    /// The pipeline.
    pub pipeline: String,
    /// The run's id.
    pub run: RunId,
    /// Items that were exported.
    pub items: u64,
    /// Feature columns, the label not counted.
    pub columns: u32,
    /// Shards; one child of the Distributed Map each.
    pub shards: u32,
    /// Key of the JSON array of shard numbers.
    pub shards_key: String,
    /// Children of the Distributed Map that run at once.
    pub concurrency: u32,
}

/// Input of `MergeToCsv`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MergeToCsvInput {
    /// The pipeline.
    pub pipeline: String,
    /// The run's id.
    pub run: RunId,
    /// The shard's number, from 0.
    pub shard: u32,
}

/// Output of `MergeToCsv`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MergeToCsvOutput {
    /// Whether the shard is committed.
    pub status: Status,
    /// The pipeline.
    pub pipeline: String,
    /// The run's id.
    pub run: RunId,
    /// The shard.
    pub shard: u32,
    /// Where its items went.
    pub rows: RowCounts,
}

/// Where items went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RowCounts {
    /// Rows to train on.
    pub train: u64,
    /// Rows to validate on.
    pub validation: u64,
    /// Rows held back from training, to test the model on.
    #[serde(default)]
    pub test: u64,
    /// Items that could not become a row.
    pub rejected: u64,
    /// Items that the definition's conditions leave out.
    #[serde(default)]
    pub filtered: u64,
    /// Items that repeat another.
    #[serde(default)]
    pub duplicates: u64,
}

impl RowCounts {
    /// All items that were looked at.
    pub const fn total(self) -> u64 {
        self.train + self.validation + self.test + self.rejected + self.filtered + self.duplicates
    }
}

impl std::ops::AddAssign for RowCounts {
    fn add_assign(&mut self, other: Self) {
        self.train += other.train;
        self.validation += other.validation;
        self.test += other.test;
        self.rejected += other.rejected;
        self.filtered += other.filtered;
        self.duplicates += other.duplicates;
    }
}

/// Output of `SealDataset`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SealDatasetOutput {
    /// The pipeline.
    pub pipeline: String,
    /// The run's id.
    pub run: RunId,
    /// Where the items went; their total is what was exported.
    pub rows: RowCounts,
}

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
    /// Seconds to wait before the next look; grows with the job's age.
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
    /// The token of a task that waits for a person's decision: whoever decides sends it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_token: Option<String>,
}

/// Where the decision on a model stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Decision {
    /// It replaces the champion.
    Promote,
    /// The champion stays.
    Keep,
    /// A person has to approve it, and is to be told so.
    AskApproval,
    /// A person was told, and has not decided yet.
    AwaitApproval,
    /// It and the champion still predict the same rows, or the endpoint of the champion that is kept
    /// is being brought back: call again, with the same input.
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
    /// It replaces the champion.
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
    /// Whether the model may serve, as far as that is decided.
    pub verdict: Decision,
    /// The metric that decided.
    pub metric: String,
    /// Its value for this run's model.
    pub value: f64,
    /// Its value for the champion, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub champion: Option<f64>,
    /// Why, in one line; while a person is asked, what that person is told; while the models are compared, how
    /// that stands.
    pub reason: String,
    /// Seconds to wait before the next look, while the models are compared; else 0.
    pub wait_seconds: u32,
}

/// Output of `DeployEndpoint`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeployEndpointOutput {
    /// `Done` when the endpoint is in service on this run's model and answered a real request, or the
    /// transform job has completed.
    pub status: Status,
    /// The pipeline.
    pub pipeline: String,
    /// The run's id.
    pub run: RunId,
    /// The endpoint's name; the transform job's, where there is no endpoint.
    pub endpoint: String,
    /// SageMaker's status of it, such as `Creating` or `InService`.
    pub phase: String,
    /// Seconds to wait before the next look.
    pub wait_seconds: u32,
}

/// How a run ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Outcome {
    /// The run's model serves.
    Deployed,
    /// The run's model is not better; the champion still serves.
    KeptChampion,
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
    /// Where they went.
    pub rows: RowCounts,
    /// The deciding metric's value for this run's model.
    pub value: f64,
    /// The endpoint that serves; absent while no model was good enough for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// `s3://…` below which the champion's predictions are, where it scores in one go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predictions: Option<String>,
    /// Key of the report for programs (JSON); the one for people lies beside it (`report.md`).
    pub report_key: String,
}
