//! The first rows, read before anything is frozen: whether there are any, and whether the label and
//! the declared columns have values; and a sample of a whole table, to propose a definition from.

use super::catalogue::Catalogue;
use super::split::{Split, Table};
use crate::{PlanExportError, TableSample};
use contract::ErrorName;
use definition::{Definition, SqlSource};
use lake::records::{ItemSample, SqlChunk, SqlPlan};
use profile::Profile;
use source::PageBuffer;
use sql_source::{Connection, Databases, LineWriter, Rows, Secrets, connect};
use twox_hash::XxHash3_64;

/// Rows that a plan reads.
const ROWS: u32 = 1000;

/// Chunks that a sample of a whole table is spread over.
const SPREAD: u32 = 10;

/// Reads the first rows of the first chunks until there are some, and checks them.
pub async fn check(
    definition: &Definition,
    source: &SqlSource,
    plan: &SqlPlan,
    connection: &mut impl Connection,
) -> Result<Option<ItemSample>, PlanExportError> {
    let mut buffer = PageBuffer::new();
    let mut count = 0;
    for chunk in &plan.chunks {
        count += read(source, plan, chunk, ROWS - count, connection, &mut buffer).await?;
        if count >= ROWS {
            break;
        }
    }
    if count == 0 {
        return Err(empty(source));
    }
    let Some(dataset) = &definition.dataset else {
        return Ok(None);
    };
    let mut profile = Profile::new();
    profile.declare(dataset.paths().iter().map(|named| named.text));
    observe(&buffer, &mut profile)?;
    // A column is there in every row, if only as NULL: what no row has is not there.
    dataset::check_sample(dataset, &profile).map_err(|faults| PlanExportError::Sampled {
        pipeline: definition.pipeline.clone(),
        faults,
    })?;
    Ok(Some(ItemSample {
        items: u64::from(count),
        read_units: 0.0,
    }))
}

/// Reads about `rows` rows, the first of each part of the table by its key.
///
/// # Errors
/// If the database or its secret refuses or cannot be reached, the table or a column of it cannot be
/// exported, or it is empty.
pub async fn sample_sql(
    databases: &impl Databases,
    secrets: &impl Secrets,
    source: &SqlSource,
    rows: u32,
) -> Result<TableSample, PlanExportError> {
    let mut connection = connect(databases, secrets, source).await?;
    super::check_snapshots(&mut connection, source).await?;
    let Catalogue {
        columns,
        all_columns,
        key,
        size,
        ..
    } = Catalogue::read(&mut connection, source).await?;
    let spread = SqlSource {
        chunks: source.table.as_ref().map(|_| SPREAD),
        ..source.clone()
    };
    let table = Table {
        source: &spread,
        columns: &columns,
        all_columns: &all_columns,
        key: key.as_ref(),
        size,
    };
    let Split { chunks, .. } = table.split(&mut connection).await?;
    // Partitions may be many more: the others are read if these have too few rows.
    let step = chunks.len().div_ceil(SPREAD as usize + 1).max(1);
    let chunks = chunks.into_iter().enumerate();
    let (first, others): (Vec<_>, Vec<_>) = chunks.partition(|(at, _)| at % step == 0);
    let parts = u32::try_from(first.len()).unwrap_or(u32::MAX);
    let key_attributes = key.map(|key| key.columns).unwrap_or_default();
    let plan = SqlPlan {
        columns,
        key: key_attributes.clone(),
        chunks: first.into_iter().chain(others).map(|it| it.1).collect(),
        page_rows: rows,
        connections: 1,
        incremental: None,
        authorities: String::new(),
        pace: String::new(),
        warnings: Vec::new(),
    };
    let mut buffer = PageBuffer::new();
    let (mut count, mut is_whole) = (0, true);
    for (chunk, at) in plan.chunks.iter().zip(0..) {
        // What a small part lacks, the later ones give.
        let left = parts.saturating_sub(at).max(1);
        let most = (rows - count).div_ceil(left);
        if most == 0 {
            is_whole = false;
            break;
        }
        let read = read(source, &plan, chunk, most, &mut connection, &mut buffer).await?;
        is_whole &= read < most;
        count += read;
    }
    if count == 0 {
        return Err(empty(source));
    }
    let mut profile = Profile::new();
    observe(&buffer, &mut profile)?;
    Ok(TableSample {
        key_attributes,
        items: size.rows.unwrap_or_default(),
        capacity: None,
        profile,
        sample: ItemSample {
            items: u64::from(count),
            read_units: 0.0,
        },
        is_whole,
    })
}

/// Reads up to `most` rows of a chunk into the buffer, and returns how many there were.
async fn read(
    source: &SqlSource,
    plan: &SqlPlan,
    chunk: &SqlChunk,
    most: u32,
    connection: &mut impl Connection,
    buffer: &mut PageBuffer,
) -> Result<u32, PlanExportError> {
    let first = SqlPlan {
        page_rows: most,
        // Of all rows, whichever are read.
        incremental: None,
        ..plan.clone()
    };
    let writer = LineWriter::new(&plan.columns);
    let rows = Rows::new(source, &first, chunk);
    connection.open(&rows.page_query(None)).await?;
    let mut take = |row: &[Option<&str>]| {
        buffer.push_with(|out| writer.write(row, out));
    };
    Ok(connection.fetch(most, &mut take).await?)
}

/// Profiles the rows of the buffer, with their values.
fn observe(buffer: &PageBuffer, profile: &mut Profile) -> Result<(), PlanExportError> {
    let lines = buffer
        .lines()
        .map_err(|source| PlanExportError::NotAnItem { source })?;
    profile.observe_lines(lines);
    for line in lines.lines() {
        profile.sample(XxHash3_64::oneshot(line.as_bytes()), line.as_bytes());
    }
    Ok(())
}

fn empty(source: &SqlSource) -> PlanExportError {
    PlanExportError::at_field(
        ErrorName::TableEmpty,
        "source.sql",
        format!(
            "{} holds no rows that are read: fill it before the next run, or correct `where`",
            source.name()
        ),
    )
}
