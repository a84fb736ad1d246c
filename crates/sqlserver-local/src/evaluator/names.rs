//! What a name means: the columns of the sources of a query.

use crate::error::SqlError;
use crate::protocol::wire_types::Shape;
use crate::store::table::Table;

/// A table that is read, if a source is one of the user's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    pub schema: String,
    pub table: String,
}

/// A column of a source.
#[derive(Debug, Clone)]
pub struct SourceColumn {
    pub name: String,
    pub shape: Shape,
    /// Its text in `SQLite`.
    pub sql: String,
}

/// A source of a query.
#[derive(Debug, Clone)]
pub struct Bound {
    pub alias: String,
    pub origin: Option<Origin>,
    pub columns: Vec<SourceColumn>,
}

impl Bound {
    /// A table as a source, under a name of its own in `SQLite`.
    pub fn table(table: &Table, alias: &str, number: usize, is_outer: bool) -> Self {
        let columns = table.columns.iter().enumerate().map(|(i, column)| {
            let shape = Shape {
                of: column.of,
                is_nullable: column.is_nullable || is_outer,
                collation: column.collation,
            };
            SourceColumn {
                name: column.name.clone(),
                shape,
                sql: format!("t{number}.c{i}"),
            }
        });
        let origin = (table.schema != "sys").then(|| Origin {
            schema: table.schema.clone(),
            table: table.name.clone(),
        });
        Self {
            alias: alias.to_owned(),
            origin,
            columns: columns.collect(),
        }
    }
}

/// The column of a name, with its source.
pub fn find<'a>(
    sources: &'a [Bound],
    alias: Option<&str>,
    name: &str,
) -> Result<(&'a Bound, &'a SourceColumn), SqlError> {
    let mut found = Vec::new();
    let mut is_alias_known = alias.is_none();
    for source in sources {
        if alias.is_some_and(|alias| !source.alias.eq_ignore_ascii_case(alias)) {
            continue;
        }
        is_alias_known = true;
        let columns = source.columns.iter();
        let columns = columns.filter(|column| column.name.eq_ignore_ascii_case(name));
        found.extend(columns.map(|column| (source, column)));
    }
    match (found.as_slice(), alias) {
        ([one], _) => Ok(*one),
        ([], Some(alias)) if !is_alias_known => Err(SqlError::new(
            4104,
            format!("The multi-part identifier \"{alias}.{name}\" could not be bound."),
        )),
        ([], _) => Err(SqlError::new(207, format!("Invalid column name '{name}'."))),
        _ => Err(SqlError::new(
            209,
            format!("Ambiguous column name '{name}'."),
        )),
    }
}
