//! What the views of the system say of a table's rows: their numbers, partition by partition, and
//! histograms.

use super::catalogue::{Entry, compared, insert};
use super::encoding;
use super::value::Value;
use rusqlite::{Connection, params_from_iter};

/// Steps of a histogram.
const STEPS: i64 = 200;
const PAGE_BYTES: i64 = 8192;
/// Ids of storage for each table, of which every partition of every index takes one.
const MOST_STORAGES: i64 = 1 << 32;

/// Counts a table's rows and makes its histograms anew, as `UPDATE STATISTICS … WITH FULLSCAN` does.
pub fn update(connection: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    let Entry { id, table, .. } = entry;
    let lengths = table.columns.iter();
    let lengths = lengths.map(|column| column.of.max_length().clamp(8, 100));
    let bytes: i64 = 7 + lengths.sum::<i64>();
    for view in [
        "dm_db_partition_stats",
        "dm_db_stats_histogram",
        "partitions",
    ] {
        let delete = format!("DELETE FROM \"sys.{view}\" WHERE c0 = ?1");
        connection.execute(&delete, [id])?;
    }
    remove_units(connection, *id)?;
    let partitions = partitions(connection, entry)?;
    let whole = [partitions.iter().sum()];
    let indexes = "SELECT c2, c9 FROM \"sys.indexes\" WHERE c0 = ?1";
    let mut statement = connection.prepare(indexes)?;
    let indexes = statement.query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let indexes = indexes.collect::<Result<Vec<(i64, i64)>, _>>()?;
    for (index, space) in indexes {
        let divided = if space == *id {
            partitions.as_slice()
        } else {
            &whole
        };
        for (rows, number) in divided.iter().zip(1..) {
            let pages = (rows * bytes + PAGE_BYTES - 1) / PAGE_BYTES;
            let row = [*id, index, number, pages, *rows].map(Value::Int);
            insert(connection, "dm_db_partition_stats", &row)?;
            let storage = id * MOST_STORAGES + index * 65_536 + number;
            let row = [*id, index, number, storage, *rows].map(Value::Int);
            insert(connection, "partitions", &row)?;
            let row = [storage, 1, pages, pages, pages].map(Value::Int);
            insert(connection, "allocation_units", &row)?;
        }
    }
    for (index, place) in table.indexes.iter().zip(2..) {
        let number = if index.is_clustered { 1 } else { place };
        let leading = index.columns.first().and_then(|name| table.position(name));
        if let Some(leading) = leading {
            histogram(connection, entry, number, leading)?;
        }
    }
    Ok(())
}

/// Removes what is said of the pages of a table.
pub fn remove_units(connection: &Connection, id: i64) -> rusqlite::Result<()> {
    let units = "DELETE FROM \"sys.allocation_units\" WHERE c0 / ?2 = ?1";
    connection.execute(units, [id, MOST_STORAGES])?;
    Ok(())
}

/// The rows of each partition; of the table, if it is not partitioned.
fn partitions(connection: &Connection, entry: &Entry) -> rusqlite::Result<Vec<i64>> {
    let table = &entry.table;
    let count = |condition: &str, bounds: &[&Value]| {
        let count = format!("SELECT count(*) FROM {}{condition}", table.stored_name());
        let bounds = bounds.iter().map(|bound| encoding::encode(bound));
        connection.query_row(&count, params_from_iter(bounds), |row| row.get(0))
    };
    let Some(partitioning) = &table.partitioning else {
        return Ok(vec![count("", &[])?]);
    };
    let at = table.position(&partitioning.column).unwrap_or_default();
    let column = compared(&format!("c{at}"), table.columns[at].of);
    let bound = |number: usize| compared(&format!("?{number}"), table.columns[at].of);
    // NULL is less than every value.
    let from = |value: &Value, number: usize| match (value, partitioning.is_right) {
        (Value::Null, true) => "1 = 1".to_owned(),
        (Value::Null, false) => format!("{column} IS NOT NULL"),
        (_, true) => format!("{column} >= {}", bound(number)),
        (_, false) => format!("{column} > {}", bound(number)),
    };
    let to = |value: &Value, number: usize| match (value, partitioning.is_right) {
        (Value::Null, true) => "1 = 0".to_owned(),
        (Value::Null, false) => format!("{column} IS NULL"),
        _ => format!("({column} IS NULL OR NOT ({}))", from(value, number)),
    };
    let boundaries = &entry.boundaries;
    let mut all = Vec::new();
    for number in 0..=boundaries.len() {
        let lower = number.checked_sub(1).and_then(|at| boundaries.get(at));
        let upper = boundaries.get(number);
        let condition = match (lower, upper) {
            (None, None) => "1 = 1".to_owned(),
            (Some(lower), None) => from(lower, 1),
            (None, Some(upper)) => to(upper, 1),
            (Some(lower), Some(upper)) => format!("{} AND {}", from(lower, 1), to(upper, 2)),
        };
        let bounds: Vec<_> = lower.into_iter().chain(upper).collect();
        let named = named(bounds.len());
        all.push(count(&format!(" WHERE {condition}{named}"), &bounds)?);
    }
    Ok(all)
}

/// Names every parameter once more: a condition on NULL has none, and `SQLite` takes no others.
fn named(parameters: usize) -> String {
    let all = (1..=parameters).map(|number| format!(" AND (?{number} IS NULL OR 1 = 1)"));
    all.collect()
}

/// Equal shares of the values of a column, each with its last value.
fn histogram(
    connection: &Connection,
    entry: &Entry,
    number: i64,
    column: usize,
) -> rusqlite::Result<()> {
    let of = entry.table.columns[column].of;
    let query = format!(
        "SELECT c{column}, count(*) FROM {} GROUP BY c{column} ORDER BY c{column}",
        entry.table.stored_name()
    );
    let mut statement = connection.prepare(&query)?;
    let values = statement.query_map([], |row| {
        Ok((encoding::decode(row.get_ref(0)?, of), row.get::<_, i64>(1)?))
    })?;
    let values = values.collect::<Result<Vec<_>, _>>()?;
    let total: i64 = values.iter().map(|(_, count)| count).sum();
    let share = (total / STEPS).max(1);
    let (mut step, mut rows) = (1, 0);
    for (i, (value, equal)) in values.iter().enumerate() {
        let is_last = i + 1 == values.len();
        if i > 0 && rows + equal < share && !is_last {
            rows += equal;
            continue;
        }
        let key = match value {
            Value::Null => Value::Null,
            value => Value::Variant(of, Box::new(value.clone())),
        };
        #[allow(
            clippy::cast_possible_truncation,
            reason = "a histogram counts approximately"
        )]
        let row = [
            Value::Int(entry.id),
            Value::Int(number),
            Value::Int(step),
            key,
            Value::Real(rows as f32),
            Value::Real(*equal as f32),
        ];
        insert(connection, "dm_db_stats_histogram", &row)?;
        (step, rows) = (step + 1, 0);
    }
    Ok(())
}
