//! How a table is split into chunks: by its partitions, else by the database's histogram, else by a
//! sample, else not at all.

use super::partitions::{self, ByPartitions};
use crate::PlanExportError;
use contract::states::{ExportTask, MOST_CHILDREN};
use contract::{ErrorName, Named};
use definition::{Consistency, SqlSource, TableName};
use lake::records::{SqlChunk, SqlColumn, SqlIncremental};
use sql_source::{CHUNK_BYTES, Connection, Key, Size, chunks, dialect, grouped};

/// Bytes of table that are worth a connection of their own.
const CONNECTION_BYTES: u64 = 16 * 1024 * 1024;
/// Rows of a sample of a whole table.
const SAMPLE_ROWS: u32 = 30_000;

/// How a table is split, and why.
pub struct Split {
    /// The chunks.
    pub chunks: Vec<SqlChunk>,
    /// Why these.
    pub reason: String,
    /// What is known of the chunks' sizes.
    pub sizes: Sizes,
}

/// The sizes of chunks.
pub enum Sizes {
    /// All are about the same: each is a task.
    Equal,
    /// They are not known: so many tasks share the chunks.
    Tasks(u32),
    /// Estimated bytes of each, and those of a task that joins small ones.
    Bytes(Vec<u64>, u64),
}

/// A table to split.
#[derive(Debug, Clone, Copy)]
pub struct Table<'a> {
    /// The definition's source.
    pub source: &'a SqlSource,
    /// The columns that are read.
    pub columns: &'a [SqlColumn],
    /// All columns with their types.
    pub all_columns: &'a [(String, String)],
    /// The unique key.
    pub key: Option<&'a Key>,
    /// The estimated size.
    pub size: Size,
}

impl Split {
    fn equal(chunks: Vec<SqlChunk>, reason: String) -> Self {
        Self {
            chunks,
            reason,
            sizes: Sizes::Equal,
        }
    }

    /// The same of a table that is read whole although only changes were asked for.
    pub fn because(self, why: Option<String>) -> Self {
        match why {
            Some(why) => Self {
                reason: format!("{}; all rows: {why}", self.reason),
                ..self
            },
            None => self,
        }
    }

    /// The tasks that share the chunks. Small ones that follow each other are one task.
    pub fn tasks(&self) -> Vec<ExportTask> {
        let segments = u32::try_from(self.chunks.len()).unwrap_or(u32::MAX);
        let share = |tasks: u32| ExportTask::share(segments, tasks.clamp(1, MOST_CHILDREN));
        let groups = match &self.sizes {
            Sizes::Equal => return share(segments),
            Sizes::Tasks(tasks) => return share(segments.min(*tasks)),
            Sizes::Bytes(bytes, task) => grouped(bytes, *task),
        };
        if groups.len() > MOST_CHILDREN as usize {
            return share(MOST_CHILDREN);
        }
        let mut first_segment = 0;
        let groups = groups.into_iter().zip(0..);
        let task = |(count, index)| {
            let task = ExportTask {
                index,
                first_segment,
                segment_count: u32::try_from(count).unwrap_or(u32::MAX),
            };
            first_segment += task.segment_count;
            task
        };
        groups.map(task).collect()
    }

    /// The share of the largest chunk in the table.
    pub fn largest(&self) -> f64 {
        let Sizes::Bytes(bytes, _) = &self.sizes else {
            return 1.0 / self.chunks.len().max(1) as f64;
        };
        let largest = bytes.iter().max().copied().unwrap_or_default();
        let all: u64 = bytes.iter().sum();
        if all == 0 {
            return 1.0;
        }
        largest as f64 / all as f64
    }
}

impl<'a> Table<'a> {
    /// Chunks that are wanted.
    fn wanted(self) -> u32 {
        let bytes = self.size.bytes;
        let by_size = bytes.div_ceil(CHUNK_BYTES);
        let by_connections = u64::from(self.source.max_connections).min(bytes / CONNECTION_BYTES);
        let chunks = self.source.chunks;
        let wanted = chunks.map_or(by_size.max(by_connections), u64::from);
        u32::try_from(wanted)
            .unwrap_or(u32::MAX)
            .clamp(1, MOST_CHILDREN - 1)
    }

    /// The key's leading column.
    pub fn leading(self) -> Option<&'a SqlColumn> {
        let name = self.key?.columns.first()?;
        let leading = self.columns.iter().find(|column| column.name == *name);
        Some(leading.expect("the key's columns are always read"))
    }

    /// Why its partitions are not read one by one, if so: without a key a row that moves from one to
    /// another between their snapshots is the same row, and would be lost or read twice.
    pub fn may_lose_rows(self) -> Option<String> {
        let is_lost = self.key.is_none() && self.source.consistency != Consistency::ReadCommitted;
        is_lost.then(|| {
            "a row that moves to another between their snapshots would be lost or doubled; consistency readCommitted \
             takes that"
                .to_owned()
        })
    }

    /// Splits it.
    pub async fn split(self, connection: &mut impl Connection) -> Result<Split, PlanExportError> {
        let source = self.source;
        let one = |reason: &str| {
            let nullable = self.key.is_some_and(|key| key.nullable);
            Split::equal(chunks(Vec::new(), 1, nullable), reason.to_owned())
        };
        let Some(table) = source.table_name() else {
            return Ok(one("one stream: the source is a query"));
        };
        let wanted = self.wanted();
        if source.consistency == Consistency::Strict {
            return Ok(match self.key {
                Some(_) => one("one stream: consistency strict is one snapshot on one connection"),
                None => one("one stream: no unique key tells the rows apart"),
            });
        }
        let mut not_by_partitions = String::new();
        if wanted > 1 {
            match partitions::split(self, table, connection, wanted).await? {
                ByPartitions::Split(split) => return Ok(split),
                ByPartitions::No(why) => {
                    not_by_partitions = format!("; not by its partitions: {why}");
                }
                ByPartitions::NotPartitioned => {}
            }
        }
        let (Some(key), Some(leading)) = (self.key, self.leading()) else {
            let reason = "one stream: no unique key tells the rows apart";
            return Ok(one(&format!("{reason}{not_by_partitions}")));
        };
        let name = &leading.name;
        if wanted == 1 {
            return Ok(one(&format!("one range of {name:?}: the table is small")));
        }
        let percent = sample_percent(self.size.rows, SAMPLE_ROWS);
        let (found, basis) =
            boundaries(connection, source, table, leading, wanted, percent).await?;
        let chunks = chunks(found, wanted, key.nullable);
        Ok(Split::equal(
            chunks.clone(),
            format!(
                "{} ranges of {name:?} by {basis}{not_by_partitions}",
                chunks.len()
            ),
        ))
    }

    /// The chunks of the run whose unchanged rows are taken.
    pub fn of_changes(self, chunks: Vec<SqlChunk>, incremental: Option<&SqlIncremental>) -> Split {
        let base = incremental.and_then(|it| it.changes.as_ref());
        let base = base.map(|changes| changes.base.to_string());
        let of_partitions = chunks.iter().any(|chunk| chunk.partition.is_some());
        let (what, sizes) = if of_partitions {
            ("chunk", Sizes::Tasks(self.wanted()))
        } else {
            ("range", Sizes::Equal)
        };
        let plural = if chunks.len() == 1 { "" } else { "s" };
        Split {
            reason: format!(
                "rows that changed since run {}, in its {} {what}{plural}; all others are taken from it",
                base.unwrap_or_default(),
                chunks.len(),
            ),
            chunks,
            sizes,
        }
    }
}

/// Boundaries of a column for about so many chunks of a table, and where they come from: the
/// database's histogram, else a sample.
pub async fn boundaries(
    connection: &mut impl Connection,
    source: &SqlSource,
    table: TableName<'_>,
    column: &SqlColumn,
    wanted: u32,
    percent: f64,
) -> Result<(Vec<String>, &'static str), PlanExportError> {
    let dialect = dialect(source.engine);
    let basis = match texts(connection, &dialect.histogram(table, column)).await {
        Ok(found) if found.len() > wanted as usize / 2 => {
            return Ok((found, "the database's histogram"));
        }
        Ok(_) => "a sample of its pages",
        // SQL Server has it from 2016 SP1 CU2 on, for logins that may read the statistics' columns.
        Err(error) if is_not_shown(&error) => {
            "a sample of its pages, because the histogram may not be read"
        }
        Err(error) => return Err(error),
    };
    let ask = dialect.sampled_boundaries(table, column, wanted - 1, percent, None);
    Ok((texts(connection, &ask).await?, basis))
}

/// Whether the login may not see what was asked for, or the server has it not.
fn is_not_shown(error: &PlanExportError) -> bool {
    [
        ErrorName::SourcePermissionDenied,
        ErrorName::SourceObjectMissing,
    ]
    .contains(&error.name())
}

/// All texts of an answer.
pub async fn texts(
    connection: &mut impl Connection,
    ask: &str,
) -> Result<Vec<String>, PlanExportError> {
    let rows = connection.rows(ask).await?;
    Ok(rows.into_iter().flatten().flatten().collect())
}

/// Percent of the pages that give about so many of the rows.
pub fn sample_percent(rows: Option<u64>, wanted: u32) -> f64 {
    let rows = rows.filter(|rows| *rows > 0);
    let percent = |rows: u64| f64::from(wanted) / rows as f64 * 100.0;
    rows.map_or(10.0, |rows| percent(rows).clamp(0.01, 100.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(sizes: Sizes, chunks: usize) -> Vec<(u32, u32)> {
        let split = Split {
            chunks: vec![SqlChunk::default(); chunks],
            reason: String::new(),
            sizes,
        };
        let tasks = split.tasks().into_iter().enumerate();
        let task = |(n, task): (usize, ExportTask)| {
            assert_eq!(task.index as usize, n);
            (task.first_segment, task.segment_count)
        };
        tasks.map(task).collect()
    }

    #[test]
    fn the_largest_chunk_has_its_share_of_the_table() {
        let largest = |sizes, chunks| {
            let split = Split {
                chunks: vec![SqlChunk::default(); chunks],
                reason: String::new(),
                sizes,
            };
            split.largest()
        };
        let is = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-9, "{found}");
        is(largest(Sizes::Bytes(vec![10, 60, 30], 50), 3), 0.6);
        // Nothing is known of an empty table's chunks: one may be all of it.
        is(largest(Sizes::Bytes(vec![0, 0], 50), 2), 1.0);
        is(largest(Sizes::Equal, 4), 0.25);
        is(largest(Sizes::Tasks(2), 5), 0.2);
        is(largest(Sizes::Equal, 0), 1.0);
    }

    #[test]
    fn small_chunks_that_follow_each_other_are_one_task() {
        let bytes = vec![10, 20, 300, 0, 40, 50, 100, 0];
        let found = split(Sizes::Bytes(bytes, 100), 8);
        assert_eq!(found, [(0, 2), (2, 1), (3, 3), (6, 2)]);
        assert_eq!(split(Sizes::Equal, 3), [(0, 1), (1, 1), (2, 1)]);
        assert_eq!(split(Sizes::Tasks(2), 5), [(0, 3), (3, 2)]);
        let many = MOST_CHILDREN + 5;
        let bytes = vec![1000; many as usize];
        let found = split(Sizes::Bytes(bytes, 10), many as usize);
        assert_eq!(found.len(), MOST_CHILDREN as usize);
        assert_eq!(found.iter().map(|it| it.1).sum::<u32>(), many);
    }
}
