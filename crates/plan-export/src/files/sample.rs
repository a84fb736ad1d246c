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

/// Ranges of which the first page is read, at most, unless none of them has items.
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
    let dataset = definition.dataset.as_ref();
    let mut sampling = Sampling::new(
        FileReader::new(store.other(&plan.bucket), source, plan),
        plan,
    );
    let paths = dataset.map_or_else(Vec::new, definition::Dataset::paths);
    let declared = paths.iter().map(|named| named.text);
    sampling.profile.declare(declared);
    let (spread, others) = chosen(plan);
    let mut is_whole = others.is_empty();
    let last = spread.last().copied();
    for segment in spread {
        is_whole &= sampling.first_items(segment).await?;
        if sampling.profile.items() >= ITEMS {
            is_whole &= Some(segment) == last;
            break;
        }
    }
    // Files without items are common, such as those of partitions that a filter left empty.
    for segment in others {
        if sampling.profile.items() > 0 {
            break;
        }
        sampling.first_items(segment).await?;
    }
    let Sampling {
        reader,
        profile,
        raw_bytes,
        ..
    } = sampling;
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

/// What the pages that were read hold.
struct Sampling<'a, S: PagedStore> {
    reader: FileReader<'a, S>,
    total: u32,
    buffer: PageBuffer,
    profile: Profile,
    raw_bytes: u64,
}

impl<'a, S: PagedStore> Sampling<'a, S> {
    fn new(reader: FileReader<'a, S>, plan: &FilesPlan) -> Self {
        Self {
            reader,
            total: u32::try_from(plan.ranges.len()).unwrap_or(u32::MAX),
            buffer: PageBuffer::new(),
            profile: Profile::new(),
            raw_bytes: 0,
        }
    }

    /// Reads the pages of a range up to the first one with items. Whether that was all of the range.
    async fn first_items(&mut self, segment: u32) -> Result<bool, PlanExportError> {
        let (throttles, stop) = (Throttles::new(), Instant::now());
        let mut cursor = None;
        loop {
            let request = SegmentRequest {
                segment,
                total_segments: self.total,
                cursor: cursor.as_ref(),
                stop,
                throttles: &throttles,
            };
            let page = self.reader.page(&request, &mut self.buffer).await;
            let Page::Read { end, .. } =
                page.map_err(|error| PlanExportError::files(error.into()))?
            else {
                return Ok(false);
            };
            let lines = self
                .buffer
                .lines()
                .map_err(|source| PlanExportError::NotAnItem { source })?;
            self.profile.observe_lines(lines);
            self.raw_bytes += lines.text().len() as u64;
            cursor = end.cursor;
            if cursor.is_none() {
                return Ok(true);
            }
            if !lines.is_empty() {
                return Ok(false);
            }
        }
    }
}

/// Ranges from the first to the last; and the others, the largest files first, which are read if those
/// hold nothing. Empty files are left out.
fn chosen(plan: &FilesPlan) -> (Vec<u32>, Vec<u32>) {
    let ranges = (0..).zip(&plan.ranges);
    let filled = ranges.filter(|(_, range)| has_bytes(plan, range));
    let filled: Vec<(u32, &FileRange)> = filled.collect();
    let step = filled.len().div_ceil(RANGES).max(1);
    let is_spread = |at: usize| at.is_multiple_of(step);
    let spread = filled.iter().step_by(step).map(|(number, _)| *number);
    let others = filled.iter().enumerate();
    let mut others: Vec<_> = others
        .filter(|(at, _)| !is_spread(*at))
        .map(|(_, (number, range))| (*number, plan.files[range.file as usize].bytes))
        .collect();
    others.sort_by_key(|(number, bytes)| (std::cmp::Reverse(*bytes), *number));
    let others = others.into_iter().map(|(number, _)| number);
    (spread.collect(), others.collect())
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
