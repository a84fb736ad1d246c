//! The first items of some files, read before anything is frozen: whether they can be read, have the
//! key, the label and the declared columns, and how long they are.

use super::empty;
use crate::PlanExportError;
use contract::ErrorName;
use definition::{Definition, FilesSource};
use file_source::{FileReader, ReadSoFar};
use lake::PagedStore;
use lake::records::{FileRange, FilesPlan, ItemSample};
use profile::Profile;
use raw_export::{Page, ReadSegments, SegmentRequest};
use source::{PageBuffer, Throttles};
use tokio::time::Instant;

/// Items after which no further file is read.
const ITEMS: u64 = 1000;

/// Ranges of which the first page is read, at most.
const RANGES: usize = 20;

/// The items from which an attribute that none of them has is refused, as in a table's sample.
const ENOUGH: u64 = 500;

/// What was read.
#[derive(Debug)]
pub struct Sample {
    /// For the plan.
    pub items: ItemSample,
    /// Bytes and items.
    pub read: ReadSoFar,
    /// Bytes of the items as raw lines.
    pub raw_bytes: u64,
    /// Whether it was all there is.
    pub is_whole: bool,
}

/// Reads the first pages and checks them.
///
/// # Errors
/// `FileUnreadable` if a line is no item, `TableEmpty` if there are no items at all,
/// `AttributeMissing` if none has the label or a declared column, or some lacks the key.
pub async fn read<S: PagedStore>(
    store: &S,
    definition: &Definition,
    source: &FilesSource,
    plan: &FilesPlan,
) -> Result<Sample, PlanExportError> {
    let reader = FileReader::new(store.other(&plan.bucket), source, plan);
    let mut profile = Profile::new();
    let dataset = definition.dataset.as_ref();
    let paths = dataset.map_or_else(Vec::new, definition::Dataset::paths);
    profile.declare(paths.iter().map(|named| named.text));
    let mut buffer = PageBuffer::new();
    let (throttles, stop) = (Throttles::new(), Instant::now());
    let total = u32::try_from(plan.ranges.len()).unwrap_or(u32::MAX);
    let numbers = spread(plan);
    let filled = plan.ranges.iter().filter(|range| has_bytes(plan, range));
    let mut is_whole = numbers.len() == filled.count();
    let mut raw_bytes = 0;
    let last = numbers.last().copied();
    for segment in numbers {
        let mut cursor = None;
        // Of the only range with items, further pages are read until there are some.
        loop {
            let request = SegmentRequest {
                segment,
                total_segments: total,
                cursor: cursor.as_ref(),
                stop,
                throttles: &throttles,
            };
            let page = reader.page(&request, &mut buffer).await;
            let Page::Read { end, .. } =
                page.map_err(|error| PlanExportError::files(error.into()))?
            else {
                break;
            };
            let lines = buffer
                .lines()
                .map_err(|source| PlanExportError::NotAnItem { source })?;
            profile.observe_lines(lines);
            raw_bytes += lines.text().len() as u64;
            cursor = end.cursor;
            if cursor.is_none() {
                break;
            }
            if !lines.is_empty() {
                is_whole = false;
                break;
            }
        }
        if profile.items() >= ITEMS {
            is_whole &= Some(segment) == last;
            break;
        }
    }
    let items = profile.items();
    if items == 0 {
        return Err(empty(&source.uri));
    }
    check_key(source, &profile)?;
    if let Some(dataset) = dataset
        && (items >= ENOUGH || is_whole)
    {
        dataset::check_sample(dataset, &profile).map_err(|faults| PlanExportError::Sampled {
            pipeline: definition.pipeline.clone(),
            faults,
        })?;
    }
    Ok(Sample {
        items: ItemSample {
            items,
            read_units: 0.0,
        },
        read: reader.read_so_far(),
        raw_bytes,
        is_whole,
    })
}

/// Ranges from the first to the last, those of empty files left out.
fn spread(plan: &FilesPlan) -> Vec<u32> {
    let ranges = (0..).zip(&plan.ranges);
    let filled = ranges.filter(|(_, range)| has_bytes(plan, range));
    let filled: Vec<u32> = filled.map(|(number, _)| number).collect();
    let step = filled.len().div_ceil(RANGES).max(1);
    filled.into_iter().step_by(step).collect()
}

fn has_bytes(plan: &FilesPlan, range: &FileRange) -> bool {
    let file = plan.files.get(range.file as usize);
    file.is_some_and(|file| file.bytes > 0)
}

/// Every item must have the key's attributes.
fn check_key(source: &FilesSource, profile: &Profile) -> Result<(), PlanExportError> {
    let items = profile.items();
    for name in &source.key {
        let has = profile
            .attribute(name)
            .map_or(0, |attribute| attribute.types.total());
        if has < items {
            return Err(PlanExportError::at_field(
                ErrorName::AttributeMissing,
                "source.files.key",
                format!(
                    "{} of {items} sampled items have {}: name the attributes that every item has",
                    has,
                    contract::short_name(name)
                ),
            ));
        }
    }
    Ok(())
}
