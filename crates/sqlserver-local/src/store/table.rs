//! Tables as their user defines them.

use super::collation::Collation;
use super::types::Type;
use crate::Error;
use crate::store::value::Cell;
use serde::Deserialize;

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type.
    pub of: Type,
    /// Whether it may be NULL.
    pub is_nullable: bool,
    /// Its collation, if it holds text.
    pub collation: Collation,
}

/// An index.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Index {
    /// Its name.
    pub name: String,
    /// Its columns, in the order of the key.
    pub columns: Vec<String>,
    /// Whether it holds every key once.
    #[serde(rename = "unique", default)]
    pub is_unique: bool,
    /// Whether it is the primary key.
    #[serde(rename = "primary", default)]
    pub is_primary: bool,
    /// Whether it is the table itself.
    #[serde(rename = "clustered", default)]
    pub is_clustered: bool,
}

/// How a table is divided into partitions.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Partitioning {
    /// The column whose values divide it.
    pub column: String,
    /// Whether a boundary belongs to the partition on its right: RANGE RIGHT.
    #[serde(rename = "right", default)]
    pub is_right: bool,
    /// The boundaries, ascending: one partition more than there are boundaries.
    pub boundaries: Vec<Cell>,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its indexes.
    pub indexes: Vec<Index>,
    /// How it is divided into partitions, if it is.
    pub partitioning: Option<Partitioning>,
}

impl Table {
    /// A table without columns.
    pub fn new(schema: &str, name: &str) -> Self {
        Self {
            schema: schema.to_owned(),
            name: name.to_owned(),
            columns: Vec::new(),
            indexes: Vec::new(),
            partitioning: None,
        }
    }

    /// With a column more, which may be NULL: `nvarchar(max)`, or `bigint NOT NULL`, or `varchar(20)
    /// COLLATE Korean_Wansung_CI_AS`.
    ///
    /// # Errors
    /// If there is no such type or collation.
    pub fn column(mut self, name: &str, description: &str) -> Result<Self, Error> {
        let lower = description.to_ascii_lowercase();
        let is_nullable = !lower.contains(" not null");
        let (of, rest) = match lower.split_once(" collate ") {
            Some((of, rest)) => (of, Some(rest.split(' ').next().unwrap_or_default())),
            None => (lower.split(" not null").next().unwrap_or_default(), None),
        };
        self.columns.push(Column {
            name: name.to_owned(),
            of: of.parse()?,
            is_nullable,
            collation: rest.map_or(Ok(Collation::default()), str::parse)?,
        });
        Ok(self)
    }

    /// With a clustered primary key.
    #[must_use]
    pub fn primary_key(self, columns: &[&str]) -> Self {
        let name = format!("PK_{}", self.name);
        self.index(Index {
            name,
            columns: columns.iter().map(|&name| name.to_owned()).collect(),
            is_unique: true,
            is_primary: true,
            is_clustered: true,
        })
    }

    /// With a unique index beside the table.
    #[must_use]
    pub fn unique(self, columns: &[&str]) -> Self {
        let name = format!("UX_{}_{}", self.name, self.indexes.len());
        self.index(Index {
            name,
            columns: columns.iter().map(|&name| name.to_owned()).collect(),
            is_unique: true,
            is_primary: false,
            is_clustered: false,
        })
    }

    /// With an index.
    #[must_use]
    pub fn index(mut self, index: Index) -> Self {
        self.indexes.push(index);
        self
    }

    /// In partitions, as by a scheme and a function of its own.
    #[must_use]
    pub fn partitioned(mut self, column: &str, is_right: bool, boundaries: &[Cell]) -> Self {
        self.partitioning = Some(Partitioning {
            column: column.to_owned(),
            is_right,
            boundaries: boundaries.to_vec(),
        });
        self
    }

    /// The place of a column, by its name in any case.
    pub fn position(&self, name: &str) -> Option<usize> {
        let mut columns = self.columns.iter();
        columns.position(|column| column.name.eq_ignore_ascii_case(name))
    }

    /// Its name in `SQLite`, quoted.
    pub fn stored_name(&self) -> String {
        let name = format!("{}.{}", self.schema, self.name).to_lowercase();
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

/// Tables and rows, as a file has them.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TableFile {
    /// `schema.table`.
    pub table: String,
    /// Names and descriptions of the columns.
    pub columns: Vec<(String, String)>,
    /// The indexes.
    #[serde(default)]
    pub indexes: Vec<Index>,
    /// How it is divided into partitions, if it is.
    #[serde(default)]
    pub partitions: Option<Partitioning>,
    /// The rows, each with a cell for every column.
    #[serde(default)]
    pub rows: Vec<Vec<Cell>>,
}

impl TableFile {
    /// The table.
    ///
    /// # Errors
    /// If there is no such type or collation.
    pub fn define(&self) -> Result<Table, Error> {
        let (schema, name) = self.table.split_once('.').unwrap_or(("dbo", &self.table));
        let mut table = Table::new(schema, name);
        for (name, description) in &self.columns {
            table = table.column(name, description)?;
        }
        table.indexes.clone_from(&self.indexes);
        table.partitioning.clone_from(&self.partitions);
        Ok(table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::types::Length;

    #[test]
    fn a_column_is_described_as_in_t_sql() {
        let table = Table::new("dbo", "T")
            .column("A", "bigint NOT NULL")
            .and_then(|it| it.column("B", "varchar(20) COLLATE Korean_Wansung_CI_AS NOT NULL"))
            .and_then(|it| it.column("C", "nvarchar(max)"))
            .unwrap();
        let b = &table.columns[1];
        assert!(!table.columns[0].is_nullable && !b.is_nullable && table.columns[2].is_nullable);
        assert_eq!(b.of, Type::VarChar(Length::Limited(20)));
        assert_eq!(b.collation, Collation::Korean);
        assert_eq!(table.position("c"), Some(2));
    }
}
