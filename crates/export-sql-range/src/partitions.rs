//! Whether a table still has the partitions that were planned.

use crate::session::changed;
use contract::ServiceError;
use definition::SqlSource;
use lake::records::{SqlPartition, SqlPartitionTable, SqlPlan};
use sql_source::{Connection, TablePartition, dialect};
use std::collections::BTreeSet;

/// Refuses a table whose partitions are others than when the run was planned, or hold other rows: some
/// rows would be in no chunk, or in two.
///
/// # Errors
/// `SourceSchemaChanged`; of the database.
pub async fn check(
    connection: &mut impl Connection,
    source: &SqlSource,
    plan: &SqlPlan,
) -> Result<(), ServiceError> {
    let ask = source.table_name();
    let Some(ask) = ask.and_then(|table| dialect(source.engine).partition_tables(table)) else {
        return Ok(());
    };
    let planned = plan.chunks.iter();
    let planned: BTreeSet<_> = planned
        .filter_map(|chunk| match &chunk.partition {
            Some(SqlPartition::Table(table)) => Some(name(table)),
            _ => None,
        })
        .collect();
    let found = TablePartition::read(connection.rows(&ask).await?);
    let found: BTreeSet<_> = found.iter().map(|one| name(&one.table)).collect();
    let (added, gone) = (found.difference(&planned), planned.difference(&found));
    let change = match (added.into_iter().next(), gone.into_iter().next()) {
        (None, None) => return Ok(()),
        (Some((schema, table, bound)), _) => format!("partition {schema}.{table} is now {bound}"),
        (None, Some((schema, table, _))) => format!("partition {schema}.{table} was taken away"),
    };
    Err(changed(source, &change))
}

fn name(table: &SqlPartitionTable) -> (&str, &str, &str) {
    (&table.schema, &table.table, &table.bound)
}
