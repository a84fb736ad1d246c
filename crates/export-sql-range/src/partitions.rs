//! Whether a table still has the partitions that were planned.

use crate::session::changed;
use contract::{ErrorName, ServiceError};
use definition::{SqlSource, TableName};
use lake::records::{SqlPartition, SqlPartitionTable, SqlPlan};
use sql_source::{Connection, TablePartition, dialect};
use std::collections::BTreeSet;

/// Refuses a table whose partitions are others than when the run was planned, hold other rows, or show
/// the login fewer of them: some rows would be in no chunk, or in two.
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
            Some(SqlPartition::Table(table)) => Some(identity(table)),
            _ => None,
        })
        .collect();
    let partitions = TablePartition::read(connection.rows(&ask).await?);
    let found: BTreeSet<_> = partitions.iter().map(|one| identity(&one.table)).collect();
    let (added, gone) = (found.difference(&planned), planned.difference(&found));
    let hidden = partitions.iter().find(|one| !one.is_readable);
    let change = match (added.into_iter().next(), gone.into_iter().next(), hidden) {
        (None, None, None) => return Ok(()),
        (Some((schema, table, bound, id)), _, _) => {
            let is_another = planned
                .iter()
                .any(|it| (it.0, it.1) == (*schema, *table) && it.3 != *id);
            let what = if is_another { "another table, " } else { "" };
            format!("partition {schema}.{table} is now {what}{bound}")
        }
        (None, Some((schema, table, ..)), _) => {
            format!("partition {schema}.{table} was taken away")
        }
        (None, None, Some(one)) => format!(
            "partition {}.{} may not be read as a table any more, or a policy hides rows of it,",
            one.table.schema, one.table.table
        ),
    };
    Err(changed(source, &change))
}

/// Keeps a partition as it is until the session's end.
///
/// # Errors
/// `SourceSchemaChanged` if it is gone; of the database.
pub async fn hold(
    connection: &mut impl Connection,
    source: &SqlSource,
    partition: &SqlPartitionTable,
) -> Result<(), ServiceError> {
    let SqlPartitionTable { schema, table, .. } = partition;
    let name = TableName { schema, table };
    let Some(statement) = dialect(source.engine).hold_partition(name) else {
        return Ok(());
    };
    let held = connection.execute(&statement).await;
    held.map_err(|error| match error.name {
        ErrorName::SourceObjectMissing => {
            let change = format!("partition {schema}.{table} was taken away");
            changed(source, &change)
        }
        _ => error,
    })
}

fn identity(table: &SqlPartitionTable) -> (&str, &str, &str, &str) {
    (&table.schema, &table.table, &table.bound, &table.id)
}
