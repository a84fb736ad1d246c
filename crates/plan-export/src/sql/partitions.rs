//! Chunks from a table's partitions: large ones are split, and small ones that follow each other are
//! read together.
//!
//! A partition of PostgreSQL is a table, and is read as one: by its own index, and by no other rows'.
//! A partition of SQL Server is a range of values of one column. Its number would do as well, but
//! numbers change when partitions are split or merged between the plan and the read.

use super::split::{Sizes, Split, Table, boundaries, sample_percent, texts};
use crate::PlanExportError;
use definition::TableName;
use lake::records::{SqlChunk, SqlColumn, SqlNulls, SqlPartition, SqlPartitionRange};
use sql_source::{
    Connection, Key, MOST_PARTITIONS, RangePartition, TablePartition, chunks, dialect, grouped,
    pieces,
};

/// Rows of a sample for each chunk that a partition is split into.
const SAMPLE_ROWS: u32 = 300;

/// Whether a table is split by its partitions.
pub enum ByPartitions {
    /// It has none.
    NotPartitioned,
    /// It has, and is not; why.
    No(String),
    /// It is.
    Split(Split),
}

/// A chunk and its estimated bytes.
#[derive(Default)]
struct Chunks {
    chunks: Vec<SqlChunk>,
    bytes: Vec<u64>,
}

impl Chunks {
    /// Adds the chunks of a part of the table that has so many bytes.
    fn add(&mut self, chunks: impl IntoIterator<Item = SqlChunk>, bytes: u64) {
        let before = self.chunks.len();
        self.chunks.extend(chunks);
        let added = self.chunks.len() - before;
        let each = bytes / (added.max(1) as u64);
        self.bytes.extend(std::iter::repeat_n(each, added));
    }

    fn split(self, reason: impl FnOnce(usize, usize) -> String, chunk_bytes: u64) -> Split {
        let mut split = Split {
            chunks: self.chunks,
            reason: String::new(),
            sizes: Sizes::Bytes(self.bytes, chunk_bytes),
        };
        split.reason = reason(split.chunks.len(), split.tasks().len());
        split
    }
}

/// Splits a table by its partitions into about so many chunks, if it has any.
pub async fn split(
    table: Table<'_>,
    name: TableName<'_>,
    connection: &mut impl Connection,
    wanted: u32,
) -> Result<ByPartitions, PlanExportError> {
    let dialect = dialect(table.source.engine);
    if let Some(ask) = dialect.partition_tables(name) {
        let partitions = TablePartition::read(connection.rows(&ask).await?);
        return by_tables(table, connection, partitions, wanted).await;
    }
    let Some(ask) = dialect.partition_column(name) else {
        return Ok(ByPartitions::NotPartitioned);
    };
    let rows = connection.rows(&ask).await?;
    let Some(row) = rows.first() else {
        return Ok(ByPartitions::NotPartitioned);
    };
    let cell = |at: usize| row.get(at).and_then(Option::as_deref).unwrap_or_default();
    let column_name = cell(0).to_owned();
    let (nullable, is_right) = (cell(1) == "1", cell(2) == "1");
    let sql_type = table.all_columns.iter().find(|it| it.0 == column_name);
    let sql_type = sql_type.map(|(_, of)| of.clone()).unwrap_or_default();
    let Ok((kind, scale)) = dialect.kind(&sql_type) else {
        let why = format!("{column_name:?}, which divides them, is of a type that is not read");
        return Ok(ByPartitions::No(why));
    };
    let column = SqlColumn {
        name: column_name,
        sql_type,
        kind,
        scale,
        nullable,
    };
    let ask = dialect.partition_ranges(name, &column);
    let partitions = RangePartition::read(&connection.rows(&ask).await?);
    if partitions.len() < 2 {
        return Ok(ByPartitions::NotPartitioned);
    }
    if let Some(why) = table.may_lose_rows() {
        return Ok(ByPartitions::No(why));
    }
    let ranges = Ranges {
        table,
        name,
        chunk: (table.size.bytes / u64::from(wanted)).max(1),
        column,
        is_right,
        partitions,
    };
    let split_by = table.source.split_by.as_deref();
    match table.key {
        None => Ok(ByPartitions::Split(ranges.unkeyed())),
        Some(key) if key.columns.first() == Some(&ranges.column.name) => {
            let split = ranges.of_leading_column(connection, key).await?;
            Ok(ByPartitions::Split(split))
        }
        Some(_) if split_by.is_some() => {
            let why = format!("{:?} divides them, and not `splitBy`", ranges.column.name);
            Ok(ByPartitions::No(why))
        }
        Some(key) if !key.columns.contains(&ranges.column.name) => {
            let name = &ranges.column.name;
            Ok(ByPartitions::No(format!(
                "the unique key has no {name:?}, which divides them"
            )))
        }
        Some(_) if ranges.partitions.len() > MOST_PARTITIONS => {
            Ok(ByPartitions::No(too_many(ranges.partitions.len())))
        }
        Some(_) => {
            let split = ranges.of_other_column(connection).await?;
            Ok(ByPartitions::Split(split))
        }
    }
}

fn too_many(partitions: usize) -> String {
    format!("there are {partitions}, more than {MOST_PARTITIONS}")
}

/// Chunks of partitions that are tables.
async fn by_tables(
    table: Table<'_>,
    connection: &mut impl Connection,
    partitions: Vec<TablePartition>,
    wanted: u32,
) -> Result<ByPartitions, PlanExportError> {
    if partitions.is_empty() {
        return Ok(ByPartitions::NotPartitioned);
    }
    if let Some(why) = table.may_lose_rows() {
        return Ok(ByPartitions::No(why));
    }
    if table.source.split_by.is_some() {
        let why = "`splitBy` asks for ranges of a column".to_owned();
        return Ok(ByPartitions::No(why));
    }
    if let Some(one) = partitions.iter().find(|one| !one.is_readable) {
        return Ok(ByPartitions::No(format!(
            "the login may not read {}.{} as a table, or a policy hides rows, or it is a foreign table",
            one.table.schema, one.table.table
        )));
    }
    let count = partitions.len();
    if count > MOST_PARTITIONS {
        return Ok(ByPartitions::No(too_many(count)));
    }
    let bytes: u64 = partitions.iter().map(|one| one.bytes).sum();
    let chunk_bytes = (bytes / u64::from(wanted)).max(1);
    let nullable = table.key.is_some_and(|key| key.nullable);
    let mut all = Chunks::default();
    for TablePartition {
        table: partition,
        bytes,
        rows,
        ..
    } in partitions
    {
        let pieces = pieces(bytes, chunk_bytes);
        let cuts = match table.leading() {
            Some(leading) if pieces > 1 => {
                let name = TableName {
                    schema: &partition.schema,
                    table: &partition.table,
                };
                let percent = sample_percent(rows, pieces.saturating_mul(SAMPLE_ROWS));
                boundaries(connection, table.source, name, leading, pieces, percent)
                    .await?
                    .0
            }
            _ => Vec::new(),
        };
        let ranges = chunks(cuts, pieces, nullable).into_iter();
        let ranges = ranges.filter(|chunk| chunk.nulls != SqlNulls::Only);
        let of_partition = |chunk| SqlChunk {
            partition: Some(SqlPartition::Table(partition.clone())),
            ..chunk
        };
        all.add(ranges.map(of_partition), bytes);
    }
    if nullable {
        // Of all partitions.
        let nulls = SqlChunk {
            nulls: SqlNulls::Only,
            ..SqlChunk::default()
        };
        all.add([nulls], 0);
    }
    let reason = |chunks, tasks| reason(chunks, tasks, count, table.leading());
    Ok(ByPartitions::Split(all.split(reason, chunk_bytes)))
}

/// `7 chunks by its 5 partitions, …`.
fn reason(chunks: usize, tasks: usize, partitions: usize, leading: Option<&SqlColumn>) -> String {
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    let split = leading.filter(|_| chunks > partitions);
    let split = split.map(|leading| format!(", large ones in ranges of {:?}", leading.name));
    let joined =
        (tasks < chunks).then(|| format!(", small ones together in {tasks} task{}", plural(tasks)));
    let streams = match leading {
        Some(_) => "",
        None => ": no unique key tells the rows apart, so each is one stream",
    };
    format!(
        "{chunks} chunk{} by its {partitions} partition{}{}{}{streams}",
        plural(chunks),
        plural(partitions),
        split.unwrap_or_default(),
        joined.unwrap_or_default()
    )
}

/// A table whose partitions are ranges of a column.
struct Ranges<'a> {
    table: Table<'a>,
    name: TableName<'a>,
    /// Bytes that a chunk should have.
    chunk: u64,
    column: SqlColumn,
    is_right: bool,
    partitions: Vec<RangePartition>,
}

/// Partitions that follow each other.
struct Group {
    from: Option<String>,
    to: Option<String>,
    bytes: u64,
    rows: u64,
}

impl Ranges<'_> {
    /// Partitions in groups that are no larger than a chunk should be; or each for itself.
    fn groups(&self, is_joined: bool) -> Vec<Group> {
        let bytes: Vec<_> = self.partitions.iter().map(|one| one.bytes).collect();
        let counts = if is_joined {
            grouped(&bytes, self.chunk)
        } else {
            vec![1; bytes.len()]
        };
        let mut rest = self.partitions.as_slice();
        let mut from = None;
        let group = |count| {
            let (group, after) = rest.split_at(count);
            rest = after;
            let to = group.last().and_then(|last| last.to.clone());
            Group {
                from: std::mem::replace(&mut from, to.clone()),
                to,
                bytes: group.iter().map(|one| one.bytes).sum(),
                rows: group.iter().map(|one| one.rows).sum(),
            }
        };
        counts.into_iter().map(group).collect()
    }

    fn range(
        &self,
        from: Option<String>,
        to: Option<String>,
        nulls: SqlNulls,
    ) -> SqlPartitionRange {
        SqlPartitionRange {
            column: self.column.clone(),
            from,
            to,
            is_right: self.is_right,
            nulls,
        }
    }

    /// Values of the leading column that divide a group of partitions, if it is large.
    async fn cuts(
        &self,
        connection: &mut impl Connection,
        leading: &SqlColumn,
        group: &Group,
    ) -> Result<Vec<String>, PlanExportError> {
        let pieces = pieces(group.bytes, self.chunk);
        if pieces == 1 {
            return Ok(Vec::new());
        }
        let dialect = dialect(self.table.source.engine);
        let range = self.range(group.from.clone(), group.to.clone(), SqlNulls::Any);
        let within = dialect.in_partition(&range);
        let percent = sample_percent(Some(group.rows), pieces.saturating_mul(SAMPLE_ROWS));
        let (name, count) = (self.name, pieces - 1);
        let ask = dialect.sampled_boundaries(name, leading, count, percent, Some(&within));
        let mut cuts = texts(connection, &ask).await?;
        cuts.dedup();
        Ok(cuts)
    }

    /// Where the partitioning column leads the key: ranges of it, as of any table.
    async fn of_leading_column(
        &self,
        connection: &mut impl Connection,
        key: &Key,
    ) -> Result<Split, PlanExportError> {
        let mut boundaries: Vec<String> = Vec::new();
        let mut bytes = Vec::new();
        for group in self.groups(true) {
            let mut cuts = self.cuts(connection, &self.column, &group).await?;
            cuts.retain(|cut| group.from.as_ref() != Some(cut) && group.to.as_ref() != Some(cut));
            let each = group.bytes / (cuts.len() as u64 + 1);
            bytes.extend(std::iter::repeat_n(each, cuts.len() + 1));
            boundaries.extend(cuts);
            boundaries.extend(group.to);
        }
        let wanted = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let chunks = chunks(boundaries, wanted, key.nullable);
        // Of rows with NULL.
        bytes.resize(chunks.len(), 0);
        Ok(Split {
            reason: format!(
                "{} ranges of {:?} by the boundaries of its {} partitions",
                chunks.len(),
                self.column.name,
                self.partitions.len()
            ),
            chunks,
            sizes: Sizes::Bytes(bytes, self.chunk),
        })
    }

    /// Where the key has the partitioning column behind another: the index of a partition has the
    /// key's order, and that of the table has not.
    async fn of_other_column(
        &self,
        connection: &mut impl Connection,
    ) -> Result<Split, PlanExportError> {
        let leading = self.table.leading();
        let mut all = Chunks::default();
        for group in self.groups(false) {
            let cuts = match leading {
                Some(leading) => self.cuts(connection, leading, &group).await?,
                None => Vec::new(),
            };
            let wanted = u32::try_from(cuts.len() + 1).unwrap_or(u32::MAX);
            let (bytes, Group { from, to, .. }) = (group.bytes, group);
            let partition = SqlPartition::Range(self.range(from, to, SqlNulls::Any));
            let of_partition = |chunk| SqlChunk {
                partition: Some(partition.clone()),
                ..chunk
            };
            let ranges = chunks(cuts, wanted, false).into_iter();
            all.add(ranges.map(of_partition), bytes);
        }
        let partitions = self.partitions.len();
        let reason = |chunks, tasks| reason(chunks, tasks, partitions, leading);
        Ok(all.split(reason, self.chunk))
    }

    /// Where no key tells the rows apart: partitions, each group of them as one stream. Each has a
    /// snapshot of its own, so it is only for rows that are read as they are committed.
    fn unkeyed(&self) -> Split {
        let nulls = if self.column.nullable {
            SqlNulls::Without
        } else {
            SqlNulls::Any
        };
        let of = |range| SqlChunk {
            partition: Some(SqlPartition::Range(range)),
            ..SqlChunk::default()
        };
        let mut all = Chunks::default();
        for Group {
            from, to, bytes, ..
        } in self.groups(true)
        {
            all.add([of(self.range(from, to, nulls))], bytes);
        }
        if self.column.nullable {
            all.add([of(self.range(None, None, SqlNulls::Only))], 0);
        }
        let partitions = self.partitions.len();
        let reason = |chunks, tasks| reason(chunks, tasks, partitions, None);
        all.split(reason, self.chunk)
    }
}
