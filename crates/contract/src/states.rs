//! Each state's input and output. Payloads are ids, keys and counts, never data: a step reads
//! everything else from the lake, where its progress is too. So a step that is called again with
//! the same input continues from the last commit and repeats nothing.

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

/// What follows an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AfterExport {
    /// A dataset is made.
    Continue,
    /// The report: the definition has no dataset.
    End,
    /// The report: items and definition are those of the last run that ended well, or so few items
    /// changed since that the definition asks for no training.
    NothingNew,
    /// A native export of the whole table: the changes do not fit the items they were merged into.
    ExportWhole,
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
    /// The execution.
    pub execution: Execution,
    /// The execution's whole input: `{}`, `{"pipeline": "…"}`, or any part of the definition,
    /// merged over the stored one (RFC 7396: objects merge, `null` removes, anything else
    /// replaces).
    pub input: serde_json::Value,
}

/// The route of the items: which function exports.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Route {
    /// By a parallel scan of the table.
    #[default]
    Scan,
    /// By the table's native export.
    Export,
    /// By queries of a relational table's key ranges.
    Sql,
    /// By listing and reading a bucket of images.
    Images,
    /// By reading the lines of files in a bucket.
    Files,
    /// By merging the changes of the table's incremental exports into an earlier run's items.
    Changes,
    /// By merging the changes that were captured of the table's stream into an earlier run's items.
    Stream,
}

impl Route {
    /// Whether changes are merged into an earlier run's items.
    pub const fn merges(self) -> bool {
        matches!(self, Self::Changes | Self::Stream)
    }
}

/// What follows a native export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AfterRequest {
    /// The files of the whole table are adopted.
    Adopt,
    /// The changes are compacted.
    Compact,
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self, f)
    }
}

impl std::fmt::Display for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Scan => "scan",
            Self::Export => "export",
            Self::Sql => "sql",
            Self::Images => "images",
            Self::Files => "files",
            Self::Changes => "changes",
            Self::Stream => "stream",
        })
    }
}

/// Output of `PlanExport`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlanExportOutput {
    /// `Done` when the plan is written; `InProgress` while a condition of `ready` is not true yet.
    pub status: Status,
    /// Seconds to wait before the conditions are looked at again; 0 when the plan is written.
    pub wait_seconds: u32,
    /// The pipeline.
    pub pipeline: String,
    /// The run's id.
    pub run: RunId,
    /// The route of the items: which function exports. Before the plan is written, it means nothing.
    pub route: Route,
    /// Why, in one sentence; before the plan is written, what the run waits for.
    pub reason: String,
    /// Number of scan segments; 0 for an export, and before the plan is written.
    pub segments: u32,
    /// Number of tasks that share the segments, one child of the Distributed Map each; 0 for an
    /// export, and before the plan is written.
    pub tasks: u32,
    /// Key of the JSON array of tasks.
    pub tasks_key: String,
    /// Concurrent children of the Distributed Map.
    pub concurrency: u32,
    /// The estimate of the export; nothing before the plan is written.
    pub estimate: Estimate,
    /// Parts of the definition that are valid but may be mistakes, one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// The estimate of the export, from the table's own figures, which are updated every six hours.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Estimate {
    /// Items in the table.
    pub items: u64,
    /// Bytes of the table.
    pub bytes: u64,
    /// Read request units; 0 if the source is not billed by them.
    pub read_units: u64,
    /// Minutes at the read budget, or at the functions' speed if that is slower; for a native
    /// export the minimum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<f64>,
    /// US dollars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
}

/// The estimated cost of the export, in US dollars.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cost {
    /// The total.
    pub total: f64,
    /// Reads of the table, or its native export; 0 for provisioned capacity, which is paid for
    /// anyway.
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
    /// The route of the items: the plan's, or `Export` where changes were to be merged and the whole
    /// table is exported after all.
    pub route: Route,
    /// What follows, once it is done.
    pub then: AfterRequest,
    /// `DynamoDB`'s status of the export, such as `IN_PROGRESS`.
    pub phase: String,
    /// Seconds to wait before the next poll; grows with the run's age.
    pub wait_seconds: u32,
    /// Files of the export, each of them a segment, or segments that changes are merged into; 0
    /// before it has completed.
    pub segments: u32,
    /// Tasks that share the segments, one child of the Distributed Map each.
    pub tasks: u32,
    /// Key of the JSON array of tasks.
    pub tasks_key: String,
    /// Concurrent children of the Distributed Map.
    pub concurrency: u32,
}

/// Output of `CompactChanges`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CompactChangesOutput {
    /// `Done` when all changes are compacted.
    pub status: Status,
    /// The pipeline.
    pub pipeline: String,
    /// The run's id.
    pub run: RunId,
    /// The route of the items, by which a child chooses the function that merges.
    pub route: Route,
    /// Changes whose items are committed.
    pub changes: u64,
    /// Key of the JSON array of tasks.
    pub tasks_key: String,
    /// Concurrent children of the Distributed Map.
    pub concurrency: u32,
}

/// Maximum number of children of a Distributed Map: an export's tasks, or a dataset's shards. The
/// Map's result lists each in 18 bytes, and a state's payload is limited to 256 KiB.
pub const MOST_CHILDREN: u32 = 10_000;

/// Consecutive segments that one function scans concurrently.
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

/// What a dataset's rows are made of, by which a shard's function is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RowsOf {
    /// Of the items' attributes.
    Attributes,
    /// Of the images that the items describe.
    Images,
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
    /// Whether a dataset is made of them.
    pub then: AfterExport,
    /// Feature columns, the label not counted; 0 without a dataset.
    pub columns: u32,
    /// Shards; one child of the Distributed Map each; 0 without a dataset.
    pub shards: u32,
    /// What the rows are made of.
    pub rows_of: RowsOf,
    /// Key of the JSON array of shard numbers.
    pub shards_key: String,
    /// Concurrent children of the Distributed Map.
    pub concurrency: u32,
}

/// Input of `MergeToCsv`, and of `PackImages`.
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

/// Output of `MergeToCsv`, and of `PackImages`.
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
    /// Items that the sample leaves out.
    #[serde(default)]
    pub unsampled: u64,
}

impl RowCounts {
    /// The number of all items.
    pub const fn total(self) -> u64 {
        let rows = self.train + self.validation + self.test;
        rows + self.rejected + self.filtered + self.duplicates + self.unsampled
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
        self.unsampled += other.unsampled;
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
    /// The outcomes of the items; their total is the number of exported items.
    pub rows: RowCounts,
    /// Whether a model is trained on them.
    pub then: Then,
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
