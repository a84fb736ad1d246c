//! Lists a task's ranges of a bucket of images, reads what is new, and writes one raw line per image.
//!
//! A range is a segment, and its cursor is the last key. A range of which the bucket says what it
//! said to an earlier run is adopted: its parts are that run's. Progress lives in the lake: called
//! again with the same input it continues from the last commit.

mod earlier;
mod error;
mod images;
mod labels;
mod line;
mod pace;
mod read;
mod rows;

pub use error::IndexImagesError;
pub use raw_export::Settings;

use contract::Invocation;
use contract::states::{ExportSegmentInput, ExportSegmentOutput, ExportTask};
use images::Images;
use labels::Labels;
use lake::records::{ImagesPlan, KeyRange, SegmentRecord};
use lake::segment::{self, Progress};
use lake::{PagedStore, RunKeys, TaggedStore, documents};
use line::{ImageLines, MakeLines};
use profile::{Profile, Vocabularies};
use raw_export::{RawExportError, TaskEnd, TaskExport, TimeLimit, plan_of_task};
use source::ReadItems;

/// Indexes until the task's ranges are whole or the deadline is near, and commits.
///
/// # Errors
/// Of the bucket or the lake; whatever was read before is committed all the same. An image that
/// cannot be used is no error: its line has the reason.
pub async fn handle<S: TaggedStore>(
    store: &S,
    tables: &impl ReadItems,
    settings: Settings,
    input: ExportSegmentInput,
    invocation: Invocation,
) -> Result<ExportSegmentOutput, IndexImagesError> {
    let ExportSegmentInput {
        pipeline,
        run,
        task,
    } = input;
    let keys = RunKeys::new(&pipeline, &run);
    let plan = plan_of_task(store, &keys, &task).await?;
    let Some((source, of_images)) = plan.images() else {
        let kind = plan.definition.source.kind();
        return Err(RawExportError::OtherSource { kind }.into());
    };
    let ranges: Vec<KeyRange> = segments(&task)
        .filter_map(|number| of_images.ranges.get(number as usize).cloned())
        .collect();
    let labels = Labels::load(store, source, of_images, &ranges).await?;
    let basis = &of_images.basis;
    let earlier = of_images.earlier.as_ref();
    let is_labelled_as_before = earlier.is_some_and(|index| index.basis == *basis);
    let lines = ImageLines::new(source, &of_images.bucket, is_labelled_as_before)?;
    let images = Images::new(store, tables, source, of_images, lines, labels);
    let declared = plan.definition.paths();
    let declared: Vec<_> = declared.iter().map(|path| path.text.to_owned()).collect();
    adopt(store, &keys, of_images, &images, &task, &declared).await?;
    let export = TaskExport {
        store,
        reader: &images,
        keys: &keys,
        source_name: source.name(),
        total_segments: plan.segments,
        declared: &declared,
        attempt: &invocation.attempt,
        settings: Settings {
            // A range is listed, and held in memory, while it is read.
            side_by_side: 1,
            keep_parts: true,
            ..settings
        },
        time: TimeLimit::within(invocation.remaining()),
        max_units: None,
    };
    let TaskEnd {
        segments: ends,
        held_up,
    } = export.run(&task).await?;
    keep_manifests(store, &keys, &task).await?;
    let items: u64 = ends.iter().map(|end| end.new_items).sum();
    let whole = ends.iter().filter(|end| end.whole).count();
    tracing::info!(
        task = task.index,
        ranges = ends.len(),
        whole,
        images = items,
        "indexed"
    );
    lambda_shell::emit_metrics(
        &pipeline,
        &[("ItemsExported", items as f64, lambda_shell::Unit::Count)],
    );
    if let Some(error) = held_up {
        return Err(error.into());
    }
    Ok(raw_export::output(pipeline, run, task, &ends))
}

fn segments(task: &ExportTask) -> std::ops::Range<u32> {
    task.first_segment..task.first_segment + task.segment_count
}

/// Adopts the ranges that nobody has begun and that are as an earlier run found them.
async fn adopt<S: TaggedStore, T: ReadItems, L: MakeLines>(
    store: &S,
    keys: &RunKeys,
    plan: &ImagesPlan,
    images: &Images<'_, S, T, L>,
    task: &ExportTask,
    declared: &[String],
) -> Result<(), IndexImagesError> {
    if plan.earlier.is_none() {
        return Ok(());
    }
    let vocabularies = Vocabularies::new();
    for number in segments(task) {
        let progress: Progress<Profile> = segment::progress(store, keys, number).await?;
        if !matches!(progress, Progress::At { checkpoints: 0, .. }) {
            continue;
        }
        // What no listing shows is looked up again.
        let is_listed = number >= plan.unlisted;
        if is_listed && images.looks_up_all_labels() {
            continue;
        }
        let listing = if is_listed {
            Some(images.list(number).await?)
        } else {
            None
        };
        let listing = listing.as_ref();
        let record = earlier::adopt(store, plan, number, listing, &vocabularies, declared).await?;
        if let Some(record) = record {
            // No part is given: the one who loses must not remove what the winner adopted.
            segment::commit(store, keys, 0, &record, None).await?;
        }
    }
    Ok(())
}

/// Copies the manifests of whole ranges to where later runs find them.
async fn keep_manifests(
    store: &impl PagedStore,
    keys: &RunKeys,
    task: &ExportTask,
) -> Result<(), IndexImagesError> {
    for number in segments(task) {
        let record: Option<SegmentRecord<Profile>> = segment::manifest(store, keys, number).await?;
        if let Some(record) = record.filter(|record| record.adopted.is_none()) {
            documents::write(store, &keys.index_manifest(number), &record).await?;
        }
    }
    Ok(())
}
