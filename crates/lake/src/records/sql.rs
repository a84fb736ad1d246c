//! What the export of a relational table needs: its columns, its key, its chunks.

use contract::RunId;
use serde::{Deserialize, Serialize};

/// What the export of a relational table needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SqlPlan {
    /// The columns that are read, in the order of a raw line's attributes.
    pub columns: Vec<SqlColumn>,
    /// The columns of the unique key by which rows are read in order. Without them, a chunk is one
    /// stream, which cannot be resumed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub key: Vec<String>,
    /// The chunks: segment `n` of the run is chunk `n`.
    pub chunks: Vec<SqlChunk>,
    /// Rows of one page: each is a query of its own.
    pub page_rows: u32,
    /// Connections at a time: the tasks that run at once.
    pub connections: u32,
    /// What a later run must know to read only what changed since; absent if the definition does not
    /// ask for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incremental: Option<SqlIncremental>,
    /// Which certificate authorities the connection trusts, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub authorities: String,
    /// How fast the table is read and why, for people.
    pub pace: String,
    /// What may be a mistake, one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// What a later run compares, before it reads only what changed since this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SqlIncremental {
    /// The column that grows with each change of a row; absent where the database has one of its
    /// own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_column: Option<String>,
    /// What tells the server and its history from another, as text of the database's catalogue.
    pub server: String,
    /// What tells the table and its storage from another, likewise.
    pub table: String,
    /// When the run started that last read the whole table, RFC 3339; absent in such a run itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_full: Option<String>,
    /// Which rows are read; absent if all are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<SqlChanges>,
}

/// The rows that changed since another run. That run's chunks are this run's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SqlChanges {
    /// The run whose rows are taken where they did not change: chunk `n` from its segment `n`.
    pub base: RunId,
    /// Every change at or above this position is read, and all below it are in the base.
    pub position: u64,
}

/// A column, as the database's catalogue describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SqlColumn {
    /// Its name, which is the attribute's.
    pub name: String,
    /// Its type in the engine's SQL, such as `numeric(12,2)`.
    #[serde(rename = "type")]
    pub sql_type: String,
    /// What its values become in a raw line.
    pub kind: SqlKind,
    /// Digits behind the decimal point, for an exact number whose type fixes them: its sum is
    /// compared with the database's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<u32>,
    /// Whether it may be NULL.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub nullable: bool,
}

/// What the values of a column become in a raw line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SqlKind {
    /// `N`; `S` for what DynamoDB's numbers cannot hold, such as infinity.
    Number,
    /// `BOOL`.
    Boolean,
    /// `S`, as the database writes it.
    Text,
    /// `S`, a date and time in ISO 8601.
    Timestamp,
    /// `B`.
    Bytes,
}

impl SqlPlan {
    /// The changes that are read; `None` if the whole table is.
    pub fn changes(&self) -> Option<&SqlChanges> {
        self.incremental.as_ref()?.changes.as_ref()
    }
}

/// A range of the leading key column, half-open, compared by the database.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SqlChunk {
    /// The least value, as the database's text; absent for the first range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The value before which it ends; absent for the last range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Which rows it holds with respect to NULL in that column.
    #[serde(default)]
    pub nulls: SqlNulls,
    /// The part of a partitioned table that it holds, and no row of another; absent if the range is of
    /// the whole table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<SqlPartition>,
}

/// A part of a partitioned table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum SqlPartition {
    /// A table of its own, as PostgreSQL has it, without partitions of its own.
    Table(SqlPartitionTable),
    /// The rows between two boundaries, as SQL Server has it.
    Range(SqlPartitionRange),
}

/// A partition that is a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SqlPartitionTable {
    /// What tells it from another table that gets its name later: its OID.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub table: String,
    /// Which rows it holds, as the database writes it, of all levels. A run whose partitions changed
    /// since its plan ends.
    pub bound: String,
}

/// A range of the partitioning column. Values and not a partition's number: numbers change when a
/// partition is split or merged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SqlPartitionRange {
    /// The partitioning column.
    pub column: SqlColumn,
    /// The lower boundary, as the database's text; absent for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The upper boundary; absent for the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Whether a boundary belongs to the partition on its right.
    pub is_right: bool,
    /// Which rows it holds with respect to NULL in the partitioning column.
    #[serde(default)]
    pub nulls: SqlNulls,
}

/// Which rows a chunk holds, by NULL in the leading key column.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SqlNulls {
    /// Every row: nothing is split, or the column has no NULL.
    #[default]
    Any,
    /// Rows without NULL.
    Without,
    /// Rows with NULL, and no others.
    Only,
}
