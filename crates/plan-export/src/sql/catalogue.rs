//! What the database's catalogue says of a table, compared with the definition.

use super::is_one;
use crate::PlanExportError;
use contract::some_names;
use definition::SqlSource;
use lake::records::SqlColumn;
use sql_source::{Connection, Key, Size, UniqueIndex, choose_key, dialect};

/// A table, or the result of a query.
pub struct Catalogue {
    /// The columns to read.
    pub columns: Vec<SqlColumn>,
    /// All columns of the table, with their types.
    pub all_columns: Vec<(String, String)>,
    /// The key to read by.
    pub key: Option<Key>,
    /// The estimated size.
    pub size: Size,
    /// What may be a mistake.
    pub warnings: Vec<String>,
}

/// A column as the catalogue lists it.
struct Listed {
    name: String,
    sql_type: String,
    nullable: bool,
    readable: bool,
}

impl Catalogue {
    /// Reads it, and refuses what cannot be read.
    pub async fn read(
        connection: &mut impl Connection,
        source: &SqlSource,
    ) -> Result<Self, PlanExportError> {
        let dialect = dialect(source.engine);
        let Some(table) = source.table_name() else {
            let query = source.query.as_deref().unwrap_or_default();
            let described = connection.describe(query).await?.into_iter();
            let listed = described.map(|(name, sql_type)| Listed {
                name,
                sql_type,
                nullable: true,
                readable: true,
            });
            return Ok(Self {
                columns: columns(source, &[], listed.collect())?,
                all_columns: Vec::new(),
                key: None,
                size: Size::default(),
                warnings: Vec::new(),
            });
        };
        let rows = connection.rows(&dialect.columns(table)).await?;
        let listed: Vec<_> = rows.into_iter().filter_map(listed).collect();
        if listed.is_empty() {
            return Err(PlanExportError::at_field(
                contract::ErrorName::SourceObjectMissing,
                "source.sql.table",
                format!(
                    "there is no {}.{} in the database",
                    table.schema, table.table
                ),
            ));
        }
        let indexes = UniqueIndex::read(&connection.rows(&dialect.unique_indexes(table)).await?);
        let split_by = source.split_by.as_deref();
        let key = choose_key(&indexes, split_by).map_err(|leading| {
            let column = split_by.unwrap_or_default();
            let usable = if leading.is_empty() {
                "the table has none: leave splitBy out, and it is read as one stream".to_owned()
            } else {
                format!(
                    "use one of {}",
                    some_names(leading.iter().map(String::as_str), 10)
                )
            };
            PlanExportError::at_field(
                contract::ErrorName::InvalidDefinition,
                "source.sql.splitBy",
                format!(
                    "{column:?} is not the leading column of a unique index of {}; {usable}",
                    source.name()
                ),
            )
        })?;
        let key_columns = key.as_ref().map_or(&[][..], |key| &key.columns);
        let all = listed.iter();
        let all_columns = all
            .map(|one| (one.name.clone(), one.sql_type.clone()))
            .collect();
        let columns = columns(source, key_columns, listed)?;
        let size = Size::read(&connection.rows(&dialect.size(table)).await?);
        let mut warnings = Vec::new();
        if is_one(connection, &dialect.may_write(table)).await? {
            warnings.push(format!(
                "the login may change {}: give Millrace one that may only read",
                source.name()
            ));
        }
        Ok(Self {
            columns,
            all_columns,
            key,
            size,
            warnings,
        })
    }
}

fn listed(row: Vec<Option<String>>) -> Option<Listed> {
    let mut cells = row.into_iter();
    let mut next = || cells.next().flatten();
    let (name, sql_type) = (next()?, next()?);
    let (nullable, readable) = (next(), next());
    Some(Listed {
        name,
        sql_type,
        nullable: nullable.as_deref() != Some("0"),
        readable: readable.as_deref() == Some("1"),
    })
}

/// The columns that the definition names, and the key's; all if it names none.
fn columns(
    source: &SqlSource,
    key: &[String],
    listed: Vec<Listed>,
) -> Result<Vec<SqlColumn>, PlanExportError> {
    use contract::ErrorName::{SourceObjectMissing, SourcePermissionDenied, SourceTypeUnsupported};
    let missing = source.columns.iter();
    let missing: Vec<_> = missing
        .filter(|name| !listed.iter().any(|one| one.name == **name))
        .map(String::as_str)
        .collect();
    if !missing.is_empty() {
        return Err(PlanExportError::at_field(
            SourceObjectMissing,
            "source.sql.columns",
            format!(
                "{} has no column {} (it has: {})",
                source.name(),
                some_names(missing.into_iter(), 10),
                some_names(listed.iter().map(|one| one.name.as_str()), 30)
            ),
        ));
    }
    let is_wanted = |one: &Listed| {
        source.columns.is_empty() || source.columns.contains(&one.name) || key.contains(&one.name)
    };
    let wanted: Vec<_> = listed.into_iter().filter(is_wanted).collect();
    let denied: Vec<_> = wanted.iter().filter(|one| !one.readable).collect();
    if !denied.is_empty() {
        return Err(PlanExportError::at_field(
            SourcePermissionDenied,
            "source.sql.columns",
            format!(
                "the login may not read {} of {}: grant SELECT, or name the others in `columns`",
                some_names(denied.iter().map(|one| one.name.as_str()), 10),
                source.name()
            ),
        ));
    }
    let mut seen = std::collections::BTreeSet::new();
    let mut refused = Vec::new();
    let mut columns = Vec::new();
    for Listed {
        name,
        sql_type,
        nullable,
        readable: _,
    } in wanted
    {
        if name.is_empty() || !seen.insert(name.clone()) {
            refused.push(format!(
                "{name:?} is no name of its own: give every column of the query one"
            ));
            continue;
        }
        match dialect(source.engine).kind(&sql_type) {
            Ok((kind, scale)) => columns.push(SqlColumn {
                name,
                sql_type,
                kind,
                scale,
                nullable,
            }),
            Err(why) => refused.push(format!("{name:?}: {why}")),
        }
    }
    if refused.is_empty() {
        return Ok(columns);
    }
    Err(PlanExportError::at_field(
        SourceTypeUnsupported,
        "source.sql.columns",
        refused.join("; "),
    ))
}
