//! The states that export items.

use super::{Execution, Status};
use crate::RunId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
