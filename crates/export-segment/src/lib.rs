//! Scans a task's segments side by side into raw parts, adopts a native export's files as such, reads
//! files of another bucket or events of a delivery stream, or merges what changed into an earlier
//! run's parts.
//!
//! Progress lives in the lake: called again with the same input it continues from the last commit of
//! each segment.

mod adopt;
mod budget;
mod error;
mod events;
mod files;
mod merge;
mod page_size;
mod rate;
mod scan;
mod share;
mod whole;

pub use error::ExportSegmentError;

pub use raw_export::Settings;

use adopt::Adoption;
use budget::ReadBudget;
use contract::Invocation;
use contract::states::{
    Estimate, ExportSegmentInput, ExportSegmentOutput, ExportTask, Route, Status,
};
use futures::future::{Either, select};
use lake::records::Plan;
use lake::{PagedStore, RunKeys, documents};
use profile::Vocabularies;
use raw_export::{SegmentEnd, TaskEnd, TaskExport, TimeLimit};
use scan::Scan;
use share::Share;
use source::{ScanPages, Selection};
use std::pin::pin;

/// Scans, adopts, reads or merges until the task's segments are whole or the deadline is near, and commits.
///
/// # Errors
/// Of the table or the lake; whatever was read before is committed all the same. `Throttled` only if
/// the table throttled until the time was over, and not one page could be read.
pub async fn handle(
    store: &impl PagedStore,
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
    let time = TimeLimit::within(invocation.remaining());
    let declared = plan.definition.paths();
    let declared: Vec<_> = declared.iter().map(|path| path.text.to_owned()).collect();
    let call = Call {
        store,
        keys: &keys,
        plan: &plan,
        task,
        declared: &declared,
        attempt: &invocation.attempt,
        settings,
        time,
    };
    if let Some(ends) = Box::pin(call.without_scan()).await? {
        return Ok(raw_export::output(pipeline, run, task, &ends));
    }
    let Some((source, of_table)) = plan.dynamodb() else {
        return Err(ExportSegmentError::OtherSource {
            kind: plan.definition.source.kind(),
        });
    };
    let selection = Selection::new(source, &source::projected(&of_table.projection, &[])?);
    let tasks = plan.own_tasks().len();
    let segments = plan.own_segments();
    let read = plan.read_plan();
    let share = Share::new(store, &keys, read, tasks);
    let item_units = item_units(&plan.estimate);
    let budget = ReadBudget::new(share.now().await?, source.consistent_read, item_units);
    let side_by_side = source.segments_per_task.map(|count| count as usize);
    let export = TaskExport {
        store,
        reader: &Scan {
            pages,
            source,
            selection: &selection,
            budget: &budget,
            first_segment: segments.start,
        },
        keys: &keys,
        source_name: &source.table,
        total_segments: segments.end - segments.start,
        declared: &declared,
        attempt: &invocation.attempt,
        settings: Settings {
            side_by_side: side_by_side.unwrap_or(settings.side_by_side),
            ..settings
        },
        time,
        max_units: read
            .and_then(|read| read.max_units)
            .map(|units| units / tasks.max(1) as f64),
    };
    let end = match select(pin!(export.run(&task)), pin!(share.follow(&budget))).await {
        Either::Left((end, _)) => end?,
        Either::Right((never, _)) => match never {},
    };
    let TaskEnd { segments, held_up } = end;
    report(&pipeline, &task, &segments, &budget);
    if let Some(error) = held_up {
        return Err(error.into());
    }
    let output = raw_export::output(pipeline, run, task, &segments);
    if output.status == Status::Done {
        share.give_up(&task).await?;
    }
    Ok(output)
}

/// What every way of exporting a task needs.
struct Call<'a, S> {
    store: &'a S,
    keys: &'a RunKeys,
    plan: &'a Plan,
    task: ExportTask,
    declared: &'a [String],
    attempt: &'a str,
    settings: Settings,
    time: TimeLimit,
}

impl<S: PagedStore> Call<'_, S> {
    /// Adopts, reads files or merges, by the run's route; `None` if it is a scan.
    async fn without_scan(&self) -> Result<Option<Vec<SegmentEnd>>, ExportSegmentError> {
        let Self {
            store,
            keys,
            plan,
            task,
            declared,
            attempt,
            settings,
            time,
        } = *self;
        let pipeline = keys.pipeline();
        let is_planned = |tasks: &[ExportTask]| {
            if tasks.contains(&task) {
                return Ok(());
            }
            Err(ExportSegmentError::UnknownTask {
                index: task.index,
                run: keys.run().clone(),
            })
        };
        match lake::native::route(store, plan).await? {
            Route::Scan | Route::Sql | Route::Images | Route::Files => {
                is_planned(plan.own_tasks())?;
            }
            Route::Export => {
                let export = lake::native::read(store, plan).await?;
                is_planned(&export.tasks)?;
                let whole = lake::native::whole_export(store, plan).await?;
                let adoption = Adoption {
                    store,
                    keys,
                    export: &export,
                    // The files hold the same users and items: their distinct values are kept once.
                    vocabularies: &Vocabularies::new(),
                    declared,
                    hashed: whole.is_some_and(|whole| whole.merged.is_some()),
                    stop: time.stop,
                };
                let ends = adoption.run(task).await?;
                adopt::report(pipeline, &task, &ends);
                return Ok(Some(ends));
            }
            Route::Changes | Route::Stream => {
                let merging = merge::Merging {
                    store,
                    keys,
                    declared,
                    attempt,
                    stop: time.stop,
                };
                let ends = merging.run(plan, &task).await?;
                merge::report(pipeline, &task, &ends);
                return Ok(Some(ends));
            }
        }
        if let Some((_, of_events)) = plan.events() {
            let collection = events::Collection {
                store,
                keys,
                plan: of_events,
                vocabularies: &Vocabularies::new(),
                declared,
                stop: time.stop,
            };
            let ends = collection.run(task).await?;
            events::report(pipeline, &task, &ends);
            return Ok(Some(ends));
        }
        let Some((source, of_files)) = plan.files() else {
            return Ok(None);
        };
        let reading = files::Reading {
            store,
            keys,
            source,
            plan: of_files,
            declared,
            attempt,
            settings,
            time,
        };
        let ends = reading.run(&task).await?;
        files::report(pipeline, &task, &ends);
        Ok(Some(ends))
    }
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
