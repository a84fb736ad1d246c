//! Which tables there are: those of the user, and the views of the system, which are tables too.

use super::collation::Collation;
use super::encoding::{self, Stored};
use super::statistics;
use super::table::{Column, Index, Table};
use super::types::Type;
use super::value::Value;
use super::views::VIEWS;
use rusqlite::{Connection, params_from_iter};
use std::collections::BTreeMap;

/// The object id of the first table.
const FIRST_OBJECT: i64 = 901_578_250;
/// Ids of the schemas that there are.
const SCHEMAS: [(i64, &str); 2] = [(1, "dbo"), (4, "sys")];
/// The file group on which a table is that has no partitions.
const PRIMARY: i64 = 1;

/// The tables, by schema and name in lower case.
#[derive(Debug)]
pub struct Catalogue {
    tables: BTreeMap<(String, String), Entry>,
    /// The database's name.
    database: String,
}

/// A table and its id.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its `object_id`.
    pub id: i64,
    /// The table.
    pub table: Table,
    /// The boundaries of its partitions.
    pub boundaries: Vec<Value>,
}

impl Catalogue {
    /// The views of the system, made in `SQLite`.
    pub fn make(
        connection: &Connection,
        database: &str,
        allows_snapshots: bool,
    ) -> rusqlite::Result<Self> {
        let mut catalogue = Self {
            tables: BTreeMap::new(),
            database: database.to_owned(),
        };
        for (i, (name, columns)) in VIEWS.iter().enumerate() {
            let mut table = Table::new("sys", name);
            let columns = columns.iter().map(|(name, of)| Column {
                name: (*name).to_owned(),
                of: *of,
                is_nullable: true,
                collation: Collation::default(),
            });
            table.columns = columns.collect();
            create(connection, &table)?;
            let id = -1 - i64::try_from(i).unwrap_or_default();
            catalogue.add(Entry {
                id,
                table,
                boundaries: Vec::new(),
            });
        }
        for (id, name) in SCHEMAS {
            insert(connection, "schemas", &[Value::text(name), Value::Int(id)])?;
        }
        for of in Type::ALL {
            let row = [
                Value::text(of.name()),
                Value::Int(of.system_type_id().into()),
                Value::Int(of.user_type_id()),
                Value::Bit(false),
                Value::Bit(of.system_type_id() == 240),
            ];
            insert(connection, "types", &row)?;
        }
        for (name, id) in [("master", 1), (database, 5)] {
            let row = [
                Value::text(name),
                Value::Int(id),
                Value::text(Collation::default().name()),
                Value::Int(i64::from(allows_snapshots)),
                Value::Bit(false),
                Value::DateTime(0),
            ];
            insert(connection, "databases", &row)?;
        }
        Ok(catalogue)
    }

    fn add(&mut self, entry: Entry) {
        let table = &entry.table;
        let key = (table.schema.to_lowercase(), table.name.to_lowercase());
        self.tables.insert(key, entry);
    }

    /// The database's name.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// A table, by its names in any case.
    pub fn find(&self, schema: &str, name: &str) -> Option<&Entry> {
        self.tables
            .get(&(schema.to_lowercase(), name.to_lowercase()))
    }

    /// A table, by its `object_id`.
    pub fn by_id(&self, id: i64) -> Option<&Entry> {
        self.tables.values().find(|entry| entry.id == id)
    }

    /// A new table, of which the views then speak.
    pub fn create(
        &mut self,
        connection: &Connection,
        table: Table,
        boundaries: Vec<Value>,
    ) -> rusqlite::Result<Entry> {
        let last = self.tables.values().map(|entry| entry.id).max();
        let id = last.map_or(0, |id| id + 16).max(FIRST_OBJECT);
        create(connection, &table)?;
        let schema = self.schema_id(connection, &table.schema)?;
        let row = [Value::text(&table.name), Value::Int(id), Value::Int(schema)];
        insert(connection, "tables", &row)?;
        let mut row = row.to_vec();
        row.extend([Value::text("U "), Value::DateTime(0)]);
        insert(connection, "objects", &row)?;
        for (column, number) in table.columns.iter().zip(1..) {
            insert(connection, "columns", &column_row(id, column, number))?;
        }
        let has_clustered = table.indexes.iter().any(|index| index.is_clustered);
        if !has_clustered {
            let space = space(id, &table, None);
            let heap = index_row((id, 0), Value::Null, 0, (false, false), space);
            insert(connection, "indexes", &heap)?;
            if let Some(column) = partitioning_column(&table) {
                insert(
                    connection,
                    "index_columns",
                    &partitioning_row(id, 0, column),
                )?;
            }
        }
        for (index, place) in table.indexes.iter().zip(2..) {
            let number = if index.is_clustered { 1 } else { place };
            let kind = if index.is_clustered { 1 } else { 2 };
            let name = Value::text(&index.name);
            let uniqueness = (index.is_unique, index.is_primary);
            let space = space(id, &table, Some(index));
            let row = index_row((id, number), name.clone(), kind, uniqueness, space);
            insert(connection, "indexes", &row)?;
            let row = [Value::Int(id), name, Value::Int(number), Value::Bit(false)];
            insert(connection, "stats", &row)?;
            for (name, ordinal) in index.columns.iter().zip(1..) {
                let column = table.position(name).unwrap_or_default();
                let column = i64::try_from(column).unwrap_or_default() + 1;
                let ids = [id, number, column, ordinal].map(Value::Int);
                let mut row = ids.to_vec();
                let divides = space != PRIMARY && partitioning_column(&table) == Some(column);
                row.extend([Value::Bit(false), Value::Bit(false)]);
                row.push(Value::Int(divides.into()));
                insert(connection, "index_columns", &row)?;
                let row = [id, number, ordinal, column].map(Value::Int);
                insert(connection, "stats_columns", &row)?;
            }
        }
        if let Some(partitioning) = &table.partitioning {
            let (name, fanout) = (Value::text(&table.name), boundaries.len() + 1);
            let fanout = Value::Int(i64::try_from(fanout).unwrap_or_default());
            let side = Value::Bit(partitioning.is_right);
            let row = [name.clone(), Value::Int(id), fanout, side];
            insert(connection, "partition_functions", &row)?;
            let row = [name, Value::Int(id), Value::Int(id)];
            insert(connection, "partition_schemes", &row)?;
            let of = table.position(&partitioning.column);
            let of = of.map_or(Type::Int, |at| table.columns[at].of);
            for (value, number) in boundaries.iter().zip(1..) {
                let value = match value {
                    Value::Null => Value::Null,
                    value => Value::Variant(of, Box::new(value.clone())),
                };
                let row = [Value::Int(id), Value::Int(number), Value::Int(1), value];
                insert(connection, "partition_range_values", &row)?;
            }
        }
        let entry = Entry {
            id,
            table,
            boundaries,
        };
        self.add(entry.clone());
        Ok(entry)
    }

    /// Removes a table, of which the views then say nothing.
    pub fn remove(&mut self, connection: &Connection, entry: &Entry) -> rusqlite::Result<()> {
        let Entry { id, table, .. } = entry;
        connection.execute(&format!("DROP TABLE {}", table.stored_name()), [])?;
        for (view, columns) in VIEWS {
            let is_id = |(name, _): &(&str, Type)| ["object_id", "function_id"].contains(name);
            let of_object = columns.iter().position(is_id);
            if let Some(at) = of_object {
                let delete = format!("DELETE FROM \"sys.{view}\" WHERE c{at} = ?1");
                connection.execute(&delete, [id])?;
            }
        }
        statistics::remove_units(connection, *id)?;
        let key = (table.schema.to_lowercase(), table.name.to_lowercase());
        self.tables.remove(&key);
        Ok(())
    }

    fn schema_id(&self, connection: &Connection, schema: &str) -> rusqlite::Result<i64> {
        if let Some((id, _)) = SCHEMAS.iter().find(|(_, name)| *name == schema) {
            return Ok(*id);
        }
        let others = self.tables.values().map(|entry| &entry.table.schema);
        let mut others: Vec<_> = others
            .filter(|name| SCHEMAS.iter().all(|(_, known)| known != name))
            .collect();
        others.dedup();
        if let Some(at) = others.iter().position(|name| *name == schema) {
            return Ok(5 + i64::try_from(at).unwrap_or_default());
        }
        let id = 5 + i64::try_from(others.len()).unwrap_or_default();
        insert(
            connection,
            "schemas",
            &[Value::text(schema), Value::Int(id)],
        )?;
        Ok(id)
    }
}

fn column_row(id: i64, column: &Column, number: i64) -> Vec<Value> {
    let of = column.of;
    let (precision, scale) = of.precision_and_scale();
    let collation = if of.is_text() {
        Value::text(column.collation.name())
    } else {
        Value::Null
    };
    vec![
        Value::Int(id),
        Value::text(&column.name),
        Value::Int(number),
        Value::Int(of.system_type_id().into()),
        Value::Int(of.user_type_id()),
        Value::Int(of.max_length()),
        Value::Int(precision.into()),
        Value::Int(scale.into()),
        collation,
        Value::Bit(column.is_nullable),
        Value::Bit(false),
        Value::Null,
    ]
}

/// The number of the column that divides a table into partitions.
fn partitioning_column(table: &Table) -> Option<i64> {
    let at = table.position(&table.partitioning.as_ref()?.column)?;
    i64::try_from(at + 1).ok()
}

/// Where an index is, or a heap: the scheme of its table's partitions if it is divided as the table
/// is, and a unique one only if its key has the column that divides it.
fn space(id: i64, table: &Table, index: Option<&Index>) -> i64 {
    let Some(partitioning) = &table.partitioning else {
        return PRIMARY;
    };
    let is_aligned = index.is_none_or(|index| index.columns.contains(&partitioning.column));
    if is_aligned { id } else { PRIMARY }
}

/// That a column divides a heap.
fn partitioning_row(id: i64, index: i64, column: i64) -> Vec<Value> {
    let mut row = [id, index, column, 0].map(Value::Int).to_vec();
    row.extend([Value::Bit(false), Value::Bit(false), Value::Int(1)]);
    row
}

fn index_row(
    (id, number): (i64, i64),
    name: Value,
    kind: i64,
    (is_unique, is_primary): (bool, bool),
    space: i64,
) -> Vec<Value> {
    vec![
        Value::Int(id),
        name,
        Value::Int(number),
        Value::Int(kind),
        Value::Bit(is_unique),
        Value::Bit(is_primary),
        Value::Bit(false),
        Value::Bit(false),
        Value::Bit(false),
        Value::Int(space),
    ]
}

fn create(connection: &Connection, table: &Table) -> rusqlite::Result<()> {
    let columns = table.columns.iter().enumerate().map(|(i, column)| {
        let null = if column.is_nullable { "" } else { " NOT NULL" };
        format!("c{i}{}{null}", collate(column))
    });
    let columns: Vec<_> = columns.collect();
    let name = table.stored_name();
    connection.execute(&format!("CREATE TABLE {name} ({})", columns.join(", ")), [])?;
    for (i, index) in table.indexes.iter().enumerate() {
        let columns = index.columns.iter().filter_map(|column| {
            let at = table.position(column)?;
            Some(compared(&format!("c{at}"), table.columns[at].of))
        });
        let columns: Vec<_> = columns.collect();
        // SQL Server lets a unique index hold NULL once, SQLite as often as one likes.
        let unique = if index.is_unique { "UNIQUE " } else { "" };
        let of = name.trim_matches('"');
        connection.execute(
            &format!(
                "CREATE {unique}INDEX \"{of}.{i}\" ON {name} ({})",
                columns.join(", ")
            ),
            [],
        )?;
    }
    Ok(())
}

/// The collation of a column in `SQLite`.
pub fn collate(column: &Column) -> String {
    if column.of.is_text() {
        format!(" COLLATE \"{}\"", column.collation.name())
    } else {
        String::new()
    }
}

/// What is compared of a stored value: of a moment with an offset, the moment.
pub fn compared(place: &str, of: Type) -> String {
    match of {
        Type::DateTimeOffset(_) => format!("substr({place}, 1, 8)"),
        _ => place.to_owned(),
    }
}

pub(super) fn insert(connection: &Connection, view: &str, row: &[Value]) -> rusqlite::Result<()> {
    insert_stored(
        connection,
        &format!("\"sys.{view}\""),
        row.iter().map(encoding::encode),
    )
}

/// Inserts a row into a table of `SQLite`.
pub fn insert_stored(
    connection: &Connection,
    stored_name: &str,
    row: impl ExactSizeIterator<Item = Stored>,
) -> rusqlite::Result<()> {
    let places = vec!["?"; row.len()].join(", ");
    let insert = format!("INSERT INTO {stored_name} VALUES ({places})");
    let mut statement = connection.prepare_cached(&insert)?;
    statement.execute(params_from_iter(row))?;
    Ok(())
}
