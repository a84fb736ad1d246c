//! One task: its segments concurrently, until they are complete or the time is over.

use crate::segment::{SegmentEnd, SegmentExport};
use crate::units::Units;
use crate::{RawExportError, ReadSegments};
use contract::RunId;
use contract::states::{ExportSegmentOutput, ExportTask, Status};
use futures::stream::{self, StreamExt};
use lake::records::Plan;
use lake::{ObjectStore, RunKeys, documents};
use profile::Vocabularies;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use tokio::time::Instant;

/// How parts are written.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Bytes of raw lines after which a part ends and the segment's progress is committed.
    pub part_bytes: u64,
    /// zstd's level for the parts; `None` writes the lines uncompressed.
    pub compression_level: Option<i32>,
    /// Segments that are read concurrently, by default.
    pub side_by_side: usize,
    /// Whether later runs list the parts again: they are written where nothing expires.
    pub keep_parts: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            part_bytes: 64 * 1024 * 1024,
            compression_level: Some(lake::part::LEVEL),
            side_by_side: 16,
            keep_parts: false,
        }
    }
}

/// When an invocation stops.
#[derive(Debug, Clone, Copy)]
pub struct TimeLimit {
    /// No page is requested after this.
    pub stop: Instant,
    /// A page that is not answered by then is abandoned: the rest of the time is needed to commit.
    pub give_up: Instant,
}

impl TimeLimit {
    /// Time that is held back for sending the last pieces and committing: more than one request that is
    /// answered at its last moment, and the shell's own reserve.
    pub const RESERVE: Duration = Duration::from_secs(90);

    /// The deadlines of an invocation with this much time left.
    pub fn within(remaining: Duration) -> Self {
        Self::holding_back(remaining, Self::RESERVE.min(remaining / 5))
    }

    /// The same, with another reserve: a page is given up when five sixths of it are left.
    pub fn holding_back(remaining: Duration, reserve: Duration) -> Self {
        let end = Instant::now() + remaining;
        Self {
            stop: end - reserve,
            give_up: end - reserve * 5 / 6,
        }
    }
}

/// The inputs of reading a task.
#[derive(Debug)]
pub struct TaskExport<'a, S, R> {
    /// The lake.
    pub store: &'a S,
    /// The source.
    pub reader: &'a R,
    /// The run's keys.
    pub keys: &'a RunKeys,
    /// The source, such as the table, for messages.
    pub source_name: &'a str,
    /// Number of segments of the whole plan.
    pub total_segments: u32,
    /// Paths that the profile always records: all that the definition names.
    pub declared: &'a [String],
    /// The name of this attempt, unique among all attempts.
    pub attempt: &'a str,
    /// How parts are written.
    pub settings: Settings,
    /// When the invocation stops.
    pub time: TimeLimit,
    /// Read units that the task may consume, by all its invocations.
    pub max_units: Option<f64>,
}

/// Progress of a task when an invocation ends.
#[derive(Debug)]
pub struct TaskEnd {
    /// Its segments, in any order.
    pub segments: Vec<SegmentEnd>,
    /// Why no page could be read, if the source refused every request of the invocation.
    pub held_up: Option<RawExportError>,
}

impl<S: ObjectStore, R: ReadSegments> TaskExport<'_, S, R> {
    /// Reads until the task's segments are complete or the time is over, and commits. Every
    /// invocation reads at least one page, so a task always makes progress.
    ///
    /// # Errors
    /// Of the source or the lake; items read before the error are committed.
    pub async fn run(&self, task: &ExportTask) -> Result<TaskEnd, RawExportError> {
        // The segments hold the same users and items, so their distinct values are stored once.
        let vocabularies = Vocabularies::new();
        let has_read = AtomicBool::new(false);
        let units = Units::new(self.max_units);
        let segments = task.first_segment..task.first_segment + task.segment_count;
        let exports = segments.map(|segment| {
            SegmentExport {
                task: self,
                vocabularies: &vocabularies,
                has_read: &has_read,
                units: &units,
                segment,
            }
            .run()
        });
        // Each takes memory while it runs: no more at once than the function has memory for.
        let ends: Vec<_> = stream::iter(exports)
            .buffer_unordered(self.settings.side_by_side.max(1))
            .collect()
            .await;
        let mut segments = ends.into_iter().collect::<Result<Vec<_>, _>>()?;
        let held_up = segments.iter_mut().find_map(|end| end.held_up.take());
        Ok(TaskEnd {
            segments,
            held_up: held_up.filter(|_| !has_read.into_inner()),
        })
    }
}

/// The plan of a run that has this task.
///
/// # Errors
/// `InvalidRequest` if the plan has another task of this number, or none; and if it cannot be read.
pub async fn plan_of_task(
    store: &impl ObjectStore,
    keys: &RunKeys,
    task: &ExportTask,
) -> Result<Plan, RawExportError> {
    let plan: Plan = documents::read(store, &keys.plan(), "the run's plan")
        .await
        .map_err(RawExportError::Plan)?;
    if !plan.tasks.contains(task) {
        return Err(RawExportError::UnknownTask {
            index: task.index,
            run: keys.run().clone(),
        });
    }
    Ok(plan)
}

/// What a function that exports a task answers.
pub fn output(
    pipeline: String,
    run: RunId,
    task: ExportTask,
    ends: &[SegmentEnd],
) -> ExportSegmentOutput {
    let whole = ends.iter().filter(|end| end.whole).count();
    ExportSegmentOutput {
        status: if whole == ends.len() {
            Status::Done
        } else {
            Status::InProgress
        },
        pipeline,
        run,
        task,
        segments_done: u32::try_from(whole).unwrap_or(u32::MAX),
        items: ends.iter().map(|end| end.items).sum(),
    }
}
