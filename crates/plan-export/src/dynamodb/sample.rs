//! A small sample of the table, read before anything is frozen: a misspelt label is found for the
//! price of a thousand items, not of the whole table.

use super::selected::Selected;
use crate::{PlanExportError, TableSample};
use contract::ErrorName;
use definition::{Definition, DynamoDbSource};
use lake::records::ItemSample;
use profile::Profile;
use source::{DescribeTable, PageBuffer, PageRequest, ScanPages, Selection, Throttles};
use twox_hash::XxHash3_64;

/// Items that a plan reads.
const ITEMS: u64 = 1000;

/// Items of one page.
const PAGE: u32 = 100;

/// Pages to read at most, for each that a sample needs: segments of a table whose items share few
/// partition keys are often empty.
const PAGES_FOR_ONE: u64 = 4;

/// The largest `TotalSegments` of a Scan. Source: Amazon DynamoDB API reference, Scan.
const MOST_SEGMENTS: u32 = 1_000_000;

/// The items from which an attribute that none of them has is refused. One that 1 % of all items
/// have is missed by a sample of this size in 7 of 1,000 runs.
const ENOUGH: u64 = 500;

/// Reads a sample and checks that its items have the label and the columns that are declared.
/// `None` if no dataset is made, or if the table is too busy for a sample.
///
/// # Errors
/// [`PlanExportError::Sampled`] with every attribute that no item of the sample has. If the sample is
/// small, it may be rare, and is not refused.
pub async fn check(
    definition: &Definition,
    source: &DynamoDbSource,
    tables: &impl ScanPages,
    selected: &Selected,
) -> Result<Option<ItemSample>, PlanExportError> {
    let Some(dataset) = &definition.dataset else {
        return Ok(None);
    };
    let mut profile = Profile::new();
    profile.declare(dataset.paths().iter().map(|named| named.text));
    let (sample, is_whole) = match read(source, tables, selected, ITEMS, &mut profile).await {
        Ok(read) => read,
        // The export waits for capacity; a sample is not worth it.
        Err(PlanExportError::Table(error)) if error.name == ErrorName::Throttled => {
            tracing::warn!(table = source.table, "too busy for a sample");
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    if profile.items() >= ENOUGH || is_whole && profile.items() > 0 {
        dataset::check_sample(dataset, &profile).map_err(|faults| PlanExportError::Sampled {
            pipeline: definition.pipeline.clone(),
            faults,
        })?;
    }
    Ok(Some(sample))
}

/// Describes a table and reads about `items` of its items, from random segments.
///
/// # Errors
/// [`PlanExportError::TableMissing`] and [`PlanExportError::TableEmpty`]; or the service's answer,
/// also if the table is too busy.
pub async fn sample_table(
    tables: &(impl DescribeTable + ScanPages),
    table: &str,
    items: u64,
) -> Result<TableSample, PlanExportError> {
    let info = super::describe(tables, table).await?;
    let source = DynamoDbSource::whole(table);
    let selected = Selected {
        key_attributes: info.key_attributes.clone(),
        info,
        paths: Vec::new(),
    };
    let mut profile = Profile::new();
    let (sample, is_whole) = read(&source, tables, &selected, items, &mut profile).await?;
    // The segments of a sample may all be empty.
    if sample.items == 0 && (is_whole || !tables.holds_an_item(table, None).await?) {
        return Err(PlanExportError::table_empty(table, None));
    }
    Ok(TableSample {
        key_attributes: selected.key_attributes,
        items: selected.info.items,
        capacity: Some(selected.info.capacity),
        profile,
        sample,
        is_whole,
    })
}

/// Reads pages of random segments into the profile, until it has `most` items. Also tells whether
/// they are the whole table.
async fn read(
    source: &DynamoDbSource,
    tables: &impl ScanPages,
    selected: &Selected,
    most: u64,
    profile: &mut Profile,
) -> Result<(ItemSample, bool), PlanExportError> {
    let pages = most.div_ceil(u64::from(PAGE)) * PAGES_FOR_ONE;
    let pages = usize::try_from(pages).unwrap_or(usize::MAX);
    let selection = Selection::new(source, &selected.paths);
    let throttles = Throttles::new();
    let mut buffer = PageBuffer::new();
    let mut sample = ItemSample {
        items: 0,
        read_units: 0.0,
    };
    let mut scanned = 0;
    let mut cursor = None;
    // A table of less is one segment, which is read from its beginning.
    let is_small = selected.info.items <= most;
    let (total, segments) = if is_small {
        (1, vec![0; pages])
    } else {
        let total = selected.info.items / u64::from(PAGE);
        let total = u32::try_from(total)
            .unwrap_or(MOST_SEGMENTS)
            .min(MOST_SEGMENTS);
        // None of them twice: an item counts once.
        (total, fastrand::choose_multiple(0..total, pages))
    };
    for segment in segments {
        let request = PageRequest {
            table: &source.table,
            segment,
            total_segments: total,
            cursor: cursor.as_ref(),
            consistent: false,
            selection: Some(&selection),
            limit: Some(PAGE),
            throttles: &throttles,
        };
        let page = tables.page(&request, &mut buffer).await?;
        let lines = buffer
            .lines()
            .map_err(|source| PlanExportError::NotAnItem { source })?;
        profile.observe_lines(lines);
        for line in lines.lines() {
            profile.sample(XxHash3_64::oneshot(line.as_bytes()), line.as_bytes());
        }
        sample.items = profile.items();
        sample.read_units += page.read_units;
        scanned += page.scanned;
        let is_end = page.cursor.is_none();
        if is_small {
            cursor = page.cursor;
        }
        if is_small && is_end {
            return Ok((sample, true));
        }
        if scanned >= most {
            break;
        }
    }
    Ok((sample, false))
}
