//! Scans a task's segments side by side into raw parts.
//!
//! It must not know which services answer, nor what an item means beyond its profile. Progress lives
//! in the lake: called again with the same input it goes on from the last commit of each segment.

mod budget;
mod error;
mod scan;

pub use error::ExportSegmentError;

use budget::ReadBudget;
use contract::states::{ExportSegmentInput, ExportSegmentOutput, Status};
use contract::{Invocation, RunId};
use dataset::Vocabularies;
use futures::future::join_all;
use lake::records::Plan;
use lake::{ObjectStore, RunKeys, documents};
use scan::{SegmentEnd, SegmentScan};
use std::time::Duration;
use table::{ScanPages, Selection};
use tokio::time::Instant;

/// How parts are written.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Bytes of raw lines after which a part ends and the segment's progress is committed.
    pub part_bytes: u64,
    /// zstd's level for the parts.
    pub compression_level: i32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            part_bytes: 64 * 1024 * 1024,
            compression_level: lake::part::LEVEL,
        }
    }
}

// What is kept back of an invocation's time for sending the last pieces and committing.
const RESERVE: Duration = Duration::from_secs(30);

/// Scans until the task's segments are whole or the deadline is near, and commits.
///
/// # Errors
/// Of the table or the lake; whatever was read before is committed all the same.
pub async fn handle(
    store: &impl ObjectStore,
    pages: &impl ScanPages,
    settings: Settings,
    input: ExportSegmentInput,
    invocation: Invocation,
) -> Result<ExportSegmentOutput, ExportSegmentError> {
    let ExportSegmentInput {
        pipeline,
        run,
        task,
    } = input;
    let keys = RunKeys::new(&pipeline, &run);
    let plan: Plan = documents::read(store, &keys.plan(), "the run's plan").await?;
    if !plan.tasks.contains(&task) {
        return Err(ExportSegmentError::UnknownTask {
            index: task.index,
            run,
        });
    }
    let remaining = invocation.remaining();
    let stop = Instant::now() + remaining.saturating_sub(RESERVE.min(remaining / 5));
    let budget = ReadBudget::new(plan.task_rcu);
    let source = &plan.definition.source.dynamodb;
    let selection = Selection::new(source, &table::projected(&plan.projection, &[])?);
    // The segments hold the same users and items: their distinct values are kept once.
    let vocabularies = Vocabularies::new();
    let segments = task.first_segment..task.first_segment + task.segment_count;
    let scans = segments.map(|segment| {
        SegmentScan {
            store,
            pages,
            keys: &keys,
            plan: &plan,
            selection: &selection,
            budget: &budget,
            attempt: &invocation.attempt,
            settings,
            vocabularies: &vocabularies,
            stop,
            segment,
        }
        .run()
    });
    let ends: Vec<SegmentEnd> = join_all(scans)
        .await
        .into_iter()
        .collect::<Result<_, ExportSegmentError>>()?;
    Ok(output(pipeline, run, task, &ends))
}

fn output(
    pipeline: String,
    run: RunId,
    task: contract::states::ExportTask,
    ends: &[SegmentEnd],
) -> ExportSegmentOutput {
    let whole = ends.iter().filter(|end| end.whole).count();
    let status = if whole == ends.len() {
        Status::Done
    } else {
        Status::InProgress
    };
    let items = ends.iter().map(|end| end.items).sum();
    let read_units: f64 = ends.iter().map(|end| end.read_units).sum();
    tracing::info!(
        task = task.index,
        segments = ends.len(),
        whole,
        items,
        read_units,
        "scanned"
    );
    shell::emit_metrics(
        &pipeline,
        &[
            (
                "ItemsExported",
                ends.iter().map(|end| end.new_items).sum::<u64>() as f64,
                shell::Unit::Count,
            ),
            ("ReadUnits", read_units, shell::Unit::Count),
        ],
    );
    let segments_done = u32::try_from(whole).unwrap_or(u32::MAX);
    ExportSegmentOutput {
        status,
        pipeline,
        run,
        task,
        segments_done,
        items,
    }
}
