//! What differs between engines: one module each.

mod postgres;
mod sql_server;

use definition::{Consistency, Engine, TableName};
use lake::records::{SqlColumn, SqlKind, SqlNulls, SqlPartitionRange};

/// The SQL of an engine, and how its catalogue is read.
///
/// A statement of the catalogue has the same result columns in every engine; its documentation says
/// which.
pub trait Dialect: Send + Sync {
    /// An identifier in the engine's quotes.
    fn quote(&self, name: &str) -> String;

    /// A value of a column, from the text that the database wrote of it, as an expression of the
    /// column's type.
    fn literal(&self, value: &str, column: &SqlColumn) -> String;

    /// The statements of a new session: formats of text, timeouts, priority.
    fn session(&self) -> &'static [&'static str];

    /// The statements that begin reading: a snapshot, unless rows are read as they are committed.
    fn begin(&self, consistency: Consistency) -> &'static [&'static str];

    /// The statement that ends what [`Dialect::begin`] began.
    fn end(&self) -> &'static str;

    /// Asks when the snapshot was taken, as text: one row of one column.
    fn moment(&self) -> &'static str;

    /// Asks for the table's columns in their order: name, type, `1` if it may be NULL, `1` if the
    /// login may read it.
    fn columns(&self, table: TableName<'_>) -> String;

    /// The kind and scale of a type.
    ///
    /// # Errors
    /// Why a column of the type cannot be exported, and what to do.
    fn kind(&self, sql_type: &str) -> Result<(SqlKind, Option<u32>), String>;

    /// The expression that reads a column without loss.
    fn select(&self, column: &SqlColumn) -> String {
        self.quote(&column.name)
    }

    /// The number of rows, which cannot overflow.
    fn count(&self) -> &'static str {
        "count(*)"
    }

    /// The sum of a column with a scale, of its numbers alone.
    fn sum(&self, column: &SqlColumn) -> String;

    /// Asks for the unique indexes, the primary key first, columns in order: index, column, `1` if
    /// the column may be NULL.
    fn unique_indexes(&self, table: TableName<'_>) -> String;

    /// Asks for the table's size: rows, or NULL if the database has not counted them, and bytes.
    fn size(&self, table: TableName<'_>) -> String;

    /// Asks for boundaries of a column's histogram, ascending in the server's order: one column of
    /// text.
    fn histogram(&self, table: TableName<'_>, column: &SqlColumn) -> String;

    /// Asks for `count` values that divide a sample of so many percent of the table's pages evenly,
    /// ascending in the server's order: one column of text. `within` is a condition that the rows of
    /// the sample fulfil.
    fn sampled_boundaries(
        &self,
        table: TableName<'_>,
        column: &SqlColumn,
        count: u32,
        percent: f64,
        within: Option<&str>,
    ) -> String;

    /// Asks for the partitions of a table that are tables themselves, of all levels: schema, name,
    /// which rows it holds, bytes, rows, `1` if the login may read it and finds the same rows as in
    /// the whole table, what tells it from a later table of its name. No row, if it is not
    /// partitioned; `None` if the engine has no such partitions.
    fn partition_tables(&self, table: TableName<'_>) -> Option<String> {
        let _ = table;
        None
    }

    /// The statement, after those of [`Dialect::begin`], with which a query is an error where a policy
    /// would hide rows from the login; `None` if the engine has none.
    fn shows_all_rows(&self) -> Option<&'static str> {
        None
    }

    /// The statement, after those of [`Dialect::begin`], by which a partition that is a table stays as
    /// it is until the end; `None` if the engine has no such partitions.
    fn hold_partition(&self, partition: TableName<'_>) -> Option<String> {
        let _ = partition;
        None
    }

    /// Asks for the column by whose boundaries a table is partitioned: its name, `1` if it may be
    /// NULL, `1` if a boundary belongs to the partition on its right. No row, if it is not
    /// partitioned; `None` if the engine has no such partitions.
    fn partition_column(&self, table: TableName<'_>) -> Option<String> {
        let _ = table;
        None
    }

    /// Asks for the partitions between the boundaries of a column, in their order: upper boundary as
    /// text, which the last has not, bytes, rows.
    fn partition_ranges(&self, table: TableName<'_>, column: &SqlColumn) -> String {
        let _ = (table, column);
        String::new()
    }

    /// The condition that a row is in a range of partitions.
    fn in_partition(&self, range: &SqlPartitionRange) -> String {
        let column = &range.column;
        let name = self.quote(&column.name);
        let (above, below) = if range.is_right {
            (">=", "<")
        } else {
            (">", "<=")
        };
        let bounds = [(&range.from, above), (&range.to, below)].into_iter();
        let bounds = bounds.filter_map(|(bound, sign)| {
            let value = self.literal(bound.as_ref()?, column);
            Some(format!("{name} {sign} {value}"))
        });
        let nulls = match range.nulls {
            SqlNulls::Any => None,
            SqlNulls::Without => Some(format!("{name} IS NOT NULL")),
            SqlNulls::Only => Some(format!("{name} IS NULL")),
        };
        let all: Vec<_> = bounds.chain(nulls).collect();
        if all.is_empty() {
            // Every row is.
            return "1 = 1".to_owned();
        }
        all.join(" AND ")
    }

    /// The first rows of a selection: `SELECT … FROM …` with everything but a limit.
    fn limited(&self, select: &str, from: &str, rows: u32) -> String;

    /// The condition that a row's key is after these values, by the whole key's order.
    fn after(&self, key: &[(String, String)]) -> String {
        let alternatives = (0..key.len()).map(|at| {
            let equal = key[..at]
                .iter()
                .map(|(column, value)| format!("{column} = {value}"));
            let (column, value) = &key[at];
            let all: Vec<_> = equal.chain([format!("{column} > {value}")]).collect();
            format!("({})", all.join(" AND "))
        });
        format!("({})", alternatives.collect::<Vec<_>>().join(" OR "))
    }

    /// Whether a snapshot may be taken.
    ///
    /// Asks for one value, `1` if it may; `None` if the engine always allows it.
    fn snapshots_allowed(&self) -> Option<&'static str> {
        None
    }

    /// Asks how many KB of old row versions the server keeps for the snapshots of this database, as
    /// one number, which needs a permission of its own; `None` if they lie in the table itself.
    fn version_store(&self) -> Option<&'static str> {
        None
    }

    /// The column that grows with each change of a row, out of the table's columns with their types;
    /// none if the database has one of its own.
    ///
    /// # Errors
    /// What the table lacks, and what to do.
    fn version_column(&self, columns: &[(&str, &str)]) -> Result<Option<String>, String>;

    /// Asks for the position in the database's changes, as one decimal number: whatever changes later
    /// becomes visible has it or a higher one. It is asked for before a snapshot is taken, which
    /// therefore has all changes below it.
    fn position(&self) -> &'static str;

    /// Positions between two runs, at most; none if positions are never used again.
    fn most_positions(&self) -> Option<u64> {
        None
    }

    /// The condition that a row changed at a position or above. Rows that did not may fulfil it.
    fn changed(&self, version_column: Option<&str>, position: u64) -> String;

    /// Asks for what tells the server and its history from another one: any rows of text.
    fn server_identity(&self) -> &'static str;

    /// Ask for what tells the table's columns and storage from others, such as a partition that was
    /// attached with its rows: any rows of text.
    fn table_identity(&self, table: TableName<'_>) -> Vec<String>;

    /// Asks whether the changed rows of a table can be found: one value, `1` if they can.
    fn tells_changes(&self, table: TableName<'_>) -> Option<String>;

    /// Asks whether the login may change the table: one value, `1` if it may.
    fn may_write(&self, table: TableName<'_>) -> String;
}

/// The dialect of an engine.
pub fn dialect(engine: Engine) -> &'static dyn Dialect {
    match engine {
        Engine::Postgres => &postgres::Postgres,
        Engine::SqlServer => &sql_server::SqlServer,
    }
}

/// The size of a table, as the database estimates it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Size {
    /// Rows, if it has counted them.
    pub rows: Option<u64>,
    /// Bytes of its data, without indexes.
    pub bytes: u64,
}

/// A unique index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UniqueIndex {
    /// Its name.
    pub name: String,
    /// Its columns, each with whether it may be NULL.
    pub columns: Vec<(String, bool)>,
}

impl Size {
    /// From the rows of [`Dialect::size`].
    pub fn read(rows: &[Vec<Option<String>>]) -> Self {
        let cell = |at: usize| rows.first()?.get(at)?.as_deref();
        let number = |text: &str| text.parse::<u64>().ok();
        Self {
            rows: cell(0).and_then(number),
            bytes: cell(1).and_then(number).unwrap_or_default(),
        }
    }
}

impl UniqueIndex {
    /// From the rows of [`Dialect::unique_indexes`].
    pub fn read(rows: &[Vec<Option<String>>]) -> Vec<Self> {
        let mut indexes: Vec<Self> = Vec::new();
        for row in rows {
            let [Some(index), Some(column), nullable] = row.as_slice() else {
                continue;
            };
            let column = (column.clone(), nullable.as_deref() == Some("1"));
            match indexes.iter_mut().find(|one| one.name == *index) {
                Some(one) => one.columns.push(column),
                None => indexes.push(Self {
                    name: index.clone(),
                    columns: vec![column],
                }),
            }
        }
        indexes
    }
}
