//! Scans a task's segments side by side into raw parts, or adopts a native export's files as such.
//!
//! It must not know which services answer, nor what an item means beyond its profile. Progress lives
//! in the lake: called again with the same input it goes on from the last commit of each segment.

mod adopt;
mod budget;
mod error;
mod page_size;
mod rate;
mod scan;
mod share;

pub use error::ExportSegmentError;

use adopt::Adoption;
use budget::ReadBudget;
use contract::states::{
    Estimate, ExportSegmentInput, ExportSegmentOutput, ExportTask, Route, Status,
};
use contract::{Invocation, RunId};
use definition::DynamoDbSource;
use futures::future::{Either, select};
use futures::stream::{self, StreamExt};
use lake::records::Plan;
use lake::{ObjectStore, RunKeys, documents};
use profile::Vocabularies;
use scan::{SegmentEnd, SegmentScan};
use share::Share;
use source::{ScanPages, Selection};
use std::pin::pin;
use std::time::Duration;
use tokio::time::Instant;

/// How parts are written.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Bytes of raw lines after which a part ends and the segment's progress is committed.
    pub part_bytes: u64,
    /// zstd's level for the parts; `None` leaves the lines as they are.
    pub compression_level: Option<i32>,
    /// Segments that are scanned side by side, unless the definition says how many a task has.
    pub side_by_side: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            part_bytes: 64 * 1024 * 1024,
            compression_level: Some(lake::part::LEVEL),
            side_by_side: 16,
        }
    }
}

// What is kept back of an invocation's time for sending the last pieces and committing.
const RESERVE: Duration = Duration::from_secs(30);

/// Scans or adopts until the task's segments are whole or the deadline is near, and commits.
///
/// # Errors
/// Of the table or the lake; whatever was read before is committed all the same. `Throttled` only if
/// the table throttled until the time was over, and not one page could be read.
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
    let export = match plan.route {
        Route::Scan => None,
        Route::Export => Some(lake::native::read(store, &plan).await?),
    };
    let tasks = export.as_ref().map_or(&plan.tasks, |export| &export.tasks);
    if !tasks.contains(&task) {
        return Err(ExportSegmentError::UnknownTask {
            index: task.index,
            run,
        });
    }
    let remaining = invocation.remaining();
    let stop = Instant::now() + remaining.saturating_sub(RESERVE.min(remaining / 5));
    if let Some(export) = &export {
        let declared = plan.definition.paths();
        let declared: Vec<_> = declared.iter().map(|path| path.text.to_owned()).collect();
        let adoption = Adoption {
            store,
            keys: &keys,
            export,
            // The files hold the same users and items: their distinct values are kept once.
            vocabularies: &Vocabularies::new(),
            declared: &declared,
            stop,
        };
        let ends = adoption.run(task).await?;
        adopt::report(&pipeline, &task, &ends);
        return Ok(output(pipeline, run, task, &ends));
    }
    let source = dynamodb(&plan)?;
    let selection = Selection::new(source, &source::projected(&plan.projection, &[])?);
    let share = Share::new(store, &keys, &plan);
    let item_units = item_units(&plan.estimate);
    let budget = ReadBudget::new(share.now().await?, source.consistent_read, item_units);
    // The segments hold the same users and items: their distinct values are kept once.
    let vocabularies = Vocabularies::new();
    let segments = task.first_segment..task.first_segment + task.segment_count;
    let scans = segments.map(|segment| {
        SegmentScan {
            store,
            pages,
            keys: &keys,
            plan: &plan,
            source,
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
    // Each takes memory while it runs: no more at once than the function is made for.
    let per_task = source.segments_per_task;
    let side_by_side = per_task.map_or(settings.side_by_side, |n| n as usize);
    let scans = stream::iter(scans)
        .buffer_unordered(side_by_side.max(1))
        .collect::<Vec<_>>();
    let ends = match select(pin!(scans), pin!(share.follow(&budget))).await {
        Either::Left((ends, _)) => ends,
        Either::Right((never, _)) => match never {},
    };
    let mut ends: Vec<SegmentEnd> = ends
        .into_iter()
        .collect::<Result<_, ExportSegmentError>>()?;
    report(&pipeline, &task, &ends, &budget);
    let throttled = ends.iter_mut().find_map(|end| end.throttled.take());
    match throttled {
        // Throttled until the time was over: with a page at least the task has moved on.
        Some(error) if !budget.has_read() => return Err(error),
        _ => {}
    }
    let output = output(pipeline, run, task, &ends);
    if output.status == Status::Done {
        share.give_up(&task).await?;
    }
    Ok(output)
}

/// The table that the plan's tasks scan.
fn dynamodb(plan: &Plan) -> Result<&DynamoDbSource, ExportSegmentError> {
    let source = &plan.definition.source;
    source
        .dynamodb()
        .ok_or_else(|| ExportSegmentError::OtherSource {
            kind: source.kind(),
        })
}

/// Read capacity units that reading an item consumes on average, if anybody has counted.
fn item_units(estimate: &Estimate) -> Option<f64> {
    let is_counted = estimate.items > 0 && estimate.read_units > 0;
    is_counted.then(|| estimate.read_units as f64 / estimate.items as f64)
}

/// Logs and counts what this invocation did.
fn report(pipeline: &str, task: &ExportTask, ends: &[SegmentEnd], budget: &ReadBudget) {
    let items: u64 = ends.iter().map(|end| end.new_items).sum();
    let (read_units, seconds) = budget.measured();
    let throttles = budget.throttles().count();
    let read_rate = if seconds > 0.0 {
        read_units / seconds
    } else {
        0.0
    };
    tracing::info!(
        task = task.index,
        segments = ends.len(),
        whole = ends.iter().filter(|end| end.whole).count(),
        items,
        read_units,
        read_rate,
        throttles,
        "scanned"
    );
    lambda_shell::emit_metrics(
        pipeline,
        &[
            ("ItemsExported", items as f64, lambda_shell::Unit::Count),
            ("ReadUnits", read_units, lambda_shell::Unit::Count),
            ("ReadRate", read_rate, lambda_shell::Unit::CountPerSecond),
            ("ReadThrottles", throttles as f64, lambda_shell::Unit::Count),
        ],
    );
}

fn output(
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
