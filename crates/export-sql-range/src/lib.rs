//! Reads a task's chunks of a relational table into raw parts.
//!
//! A chunk is a segment, and its cursor is the key of the last row. Where only changed rows are read,
//! the others come from the same segment of the run before. Progress lives in the lake:
//! called again with the same input it continues from the last commit.

#![allow(
    clippy::result_large_err,
    reason = "the errors are what the ports return"
)]

mod base;
mod changed;
#[cfg(test)]
mod conformance;
mod cursor;
mod error;
mod ledger;
mod pace;
mod partitions;
mod ranges;
mod session;

pub use error::ExportSqlRangeError;
pub use raw_export::Settings;

use contract::Invocation;
use contract::states::{ExportSegmentInput, ExportSegmentOutput};
use definition::Consistency;
use lake::{ObjectStore, RunKeys};
use ranges::Ranges;
use raw_export::{RawExportError, TaskEnd, TaskExport, TimeLimit, plan_of_task};
use sql_source::{Databases, Rows, Secrets};
use std::time::Duration;

/// Time that is held back at an invocation's end. What was read is compared with what the database
/// counts, which is a statement of its own, before the lake is written.
pub const RESERVE: Duration = Duration::from_mins(4);

/// Reads until the task's chunks are whole or the deadline is near, and commits.
///
/// # Errors
/// Of the database or the lake; whatever was read and compared before is committed all the same.
/// `SourceTotalsDiffer` if the database counts other rows, or other sums, than were read.
pub async fn handle<D: Databases>(
    store: &impl ObjectStore,
    databases: &D,
    secrets: &impl Secrets,
    settings: Settings,
    input: ExportSegmentInput,
    invocation: Invocation,
) -> Result<ExportSegmentOutput, ExportSqlRangeError> {
    let ExportSegmentInput {
        pipeline,
        run,
        task,
    } = input;
    let keys = RunKeys::new(&pipeline, &run);
    let plan = plan_of_task(store, &keys, &task).await?;
    let Some((source, of_table)) = plan.sql() else {
        let kind = plan.definition.source.kind();
        return Err(RawExportError::OtherSource { kind }.into());
    };
    let chunks = task.first_segment..task.first_segment + task.segment_count;
    let base = match of_table.changes() {
        Some(changes) => {
            let base = RunKeys::new(&pipeline, &changes.base);
            let parts = base::parts(store, &base, chunks.clone()).await;
            parts.map_err(Box::new)?
        }
        None => base::BaseParts::new(),
    };
    let chunk = |number: u32| of_table.chunks.get(number as usize);
    let mut chunks = chunks.filter_map(chunk);
    // What cannot be continued in another snapshot is committed when it is whole, and not before.
    let is_at_once = source.consistency == Consistency::Strict
        || chunks.any(|chunk| !Rows::new(source, of_table, chunk).has_order());
    let declared = plan.definition.paths();
    let declared: Vec<_> = declared.iter().map(|path| path.text.to_owned()).collect();
    let ranges = Ranges::new(
        (databases, secrets),
        (store, &keys),
        source,
        (of_table, &base),
        plan.tasks.len(),
    );
    let left = invocation.remaining();
    let export = TaskExport {
        store,
        reader: &ranges,
        keys: &keys,
        source_name: source.name(),
        total_segments: plan.segments,
        declared: &declared,
        attempt: &invocation.attempt,
        settings: Settings {
            part_bytes: if is_at_once {
                u64::MAX
            } else {
                settings.part_bytes
            },
            // A task has one connection.
            side_by_side: 1,
            ..settings
        },
        time: TimeLimit::holding_back(left, RESERVE.min(left / 3)),
        max_units: None,
    };
    let end = export.run(&task).await;
    // A function that is frozen with an open snapshot would hold it.
    ranges.close().await;
    let TaskEnd { segments, held_up } = end?;
    let items: u64 = segments.iter().map(|end| end.new_items).sum();
    let whole = segments.iter().filter(|end| end.whole).count();
    tracing::info!(
        task = task.index,
        chunks = segments.len(),
        whole,
        rows = items,
        "read"
    );
    lambda_shell::emit_metrics(
        &pipeline,
        &[("ItemsExported", items as f64, lambda_shell::Unit::Count)],
    );
    if let Some(error) = held_up {
        return Err(error.into());
    }
    Ok(raw_export::output(pipeline, run, task, &segments))
}
