//! Plans the export of a relational table: which columns, in which order, in which chunks.

mod catalogue;
mod estimate;
mod incremental;
mod partitions;
mod paths;
mod sample;
mod split;

pub use sample::sample_sql;

use crate::PlanExportError;
use catalogue::Catalogue;
use contract::states::Route;
use definition::{Consistency, Definition, SqlSource};
use incremental::Table;
use lake::ObjectStore;
use lake::records::{SourcePlan, SqlIncremental, SqlPlan};
use raw_export::{PlanSource, Planned};
use split::Split;
use sql_source::{Connection, Databases, Secrets, Size, connect, dialect, version_store};

/// Bytes of table for one page. A page is a query of its own, and is held in memory.
const PAGE_BYTES: u64 = 2 * 1024 * 1024;
/// Seconds of the longest pause that `maxRowsPerSecond` makes after a page. The snapshot stays open
/// meanwhile, and every invocation reads a page.
const PAUSE_SECONDS: u32 = 5;

/// A relational table to export, and the ports to its database.
#[derive(Debug)]
pub struct Sql<'a, D, S, L> {
    /// The definition's source.
    pub source: &'a SqlSource,
    /// The port to the database.
    pub databases: &'a D,
    /// The port to its secret.
    pub secrets: &'a S,
    /// The lake with earlier runs; without it, the whole table is read.
    pub lake: Option<&'a L>,
}

impl<D: Databases, S: Secrets, L: ObjectStore> PlanSource for Sql<'_, D, S, L> {
    type Error = PlanExportError;

    async fn plan(&self, definition: &Definition) -> Result<Planned, PlanExportError> {
        let source = self.source;
        let mut connection = connect(self.databases, self.secrets, source).await?;
        check_snapshots(&mut connection, source).await?;
        let kept = version_store(&mut connection, source.engine).await?;
        let Catalogue {
            columns,
            all_columns,
            key,
            size,
            mut warnings,
        } = Catalogue::read(&mut connection, source).await?;
        let decision = match source.incremental {
            Some(incremental) => {
                let table = Table {
                    pipeline: &definition.pipeline,
                    source,
                    incremental,
                    columns: &columns,
                    all_columns: &all_columns,
                    key: key.as_ref(),
                };
                Some(table.decide(&mut connection, self.lake).await?)
            }
            None => None,
        };
        let (incremental, base) = match decision {
            Some(decision) => (Some(decision.incremental), Some(decision.chunks)),
            None => (None, None),
        };
        let table = split::Table {
            source,
            columns: &columns,
            all_columns: &all_columns,
            key: key.as_ref(),
            size,
        };
        let split = match base {
            Some(Ok(chunks)) => table.of_changes(chunks, incremental.as_ref()),
            other => {
                let why = other.and_then(Result::err);
                table.split(&mut connection).await?.because(why)
            }
        };
        let (tasks, largest) = (split.tasks(), split.largest());
        let Split { chunks, reason, .. } = split;
        warnings.extend(incremental.as_ref().and_then(deletions));
        warnings.extend(kept.and_then(|kb| old_versions(source, kb)));
        let key_columns = key.map(|key| key.columns).unwrap_or_default();
        if key_columns.is_empty() {
            warnings.push(unkeyed(source, chunks.len()));
        }
        let segments = u32::try_from(chunks.len()).unwrap_or(u32::MAX);
        let children = u32::try_from(tasks.len()).unwrap_or(u32::MAX);
        let connections = source.max_connections.min(children);
        let plan = SqlPlan {
            page_rows: page_rows(source, size, connections),
            connections,
            pace: pace(source, connections),
            authorities: authorities(self.databases, source),
            incremental,
            key: key_columns.clone(),
            columns,
            chunks,
            warnings,
        };
        let sample = sample::check(definition, source, &plan, &mut connection).await?;
        paths::check(definition, source, &plan.columns)?;
        let estimate = estimate::estimate(source, &definition.limits, size, segments, connections);
        estimate::check_one_invocation(source, &plan, &estimate, largest)?;
        crate::dynamodb::check_limits(definition, &estimate)?;
        Ok(Planned {
            key_attributes: key_columns,
            route: Route::Sql,
            reason,
            segments,
            tasks,
            estimate,
            sample,
            source: Some(SourcePlan::Sql(plan)),
            changes: None,
        })
    }
}

/// Which certificate authorities are trusted.
fn authorities(databases: &impl Databases, source: &SqlSource) -> String {
    let own = source.certificate_authorities.is_some();
    let own = if own {
        ", and source.sql.certificateAuthorities"
    } else {
        ""
    };
    format!("{}{own}", databases.authorities())
}

/// That the server's version store is large already, which a snapshot of the whole table makes larger.
fn old_versions(source: &SqlSource, kb: u64) -> Option<String> {
    const MANY_KB: u64 = 1024 * 1024;
    (source.consistency == Consistency::Strict && kb >= MANY_KB).then(|| {
        format!(
            "the version store in tempdb has {:.1} GB, and keeps old rows until the snapshot of the whole table ends: \
             watch tempdb, or set source.sql.consistency to partitioned",
            kb as f64 / 1024.0 / 1024.0
        )
    })
}

/// That chunks without a unique key are streams.
fn unkeyed(source: &SqlSource, chunks: usize) -> String {
    let what = if chunks == 1 {
        "it is read as one stream".to_owned()
    } else {
        format!("each of its {chunks} chunks is read as one stream")
    };
    let name = source.name();
    format!("{name} has no unique key: {what}, which must end within one invocation of 15 minutes")
}

/// That deleted rows are not seen.
fn deletions(incremental: &SqlIncremental) -> Option<String> {
    incremental.changes.as_ref()?;
    let last_full = incremental.last_full.as_deref().unwrap_or_default();
    Some(format!(
        "rows that were deleted, or whose key was changed, since the last full read of {last_full} are still in the \
         data: only changed rows are read"
    ))
}

/// Refuses snapshots where the database does not allow them.
async fn check_snapshots(
    connection: &mut impl Connection,
    source: &SqlSource,
) -> Result<(), PlanExportError> {
    let Some(ask) = dialect(source.engine).snapshots_allowed() else {
        return Ok(());
    };
    if source.consistency == Consistency::ReadCommitted || is_one(connection, ask).await? {
        return Ok(());
    }
    Err(PlanExportError::SnapshotNotAllowed {
        database: source.database.clone().unwrap_or_default(),
    })
}

/// Whether the answer to a question is `1`.
async fn is_one(connection: &mut impl Connection, ask: &str) -> Result<bool, PlanExportError> {
    let rows = connection.rows(ask).await?;
    Ok(rows.first().and_then(|row| row.first()?.as_deref()) == Some("1"))
}

/// Rows of a page, by their size; less where the rate would make the pause after it long.
fn page_rows(source: &SqlSource, size: Size, connections: u32) -> u32 {
    let rows = size.rows.filter(|rows| *rows > 0 && size.bytes > 0);
    let by_size = rows.map_or(5_000, |rows| PAGE_BYTES * rows / size.bytes);
    let by_size = u32::try_from(by_size)
        .unwrap_or(u32::MAX)
        .clamp(100, 20_000);
    let by_rate = source.max_rows_per_second;
    let by_rate = by_rate.map(|rate| rate.saturating_mul(PAUSE_SECONDS) / connections.max(1));
    by_rate.map_or(by_size, |rows| by_size.min(rows.max(1)))
}

fn pace(source: &SqlSource, connections: u32) -> String {
    let plural = if connections == 1 { "" } else { "s" };
    let rate = source.max_rows_per_second;
    let rate = rate.map_or("at full speed".to_owned(), |rows| {
        format!("at {rows} rows/s together")
    });
    format!(
        "reads on {connections} connection{plural} {rate}: {}",
        source.consistency.promise()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_page_is_small_where_rows_are_large_or_slow() {
        let rows = |bytes, rate: Option<u32>| {
            let source = json!({
                "engine": "postgres", "secret": "s", "table": "t", "maxRowsPerSecond": rate,
            });
            let source: SqlSource = serde_json::from_value(source).unwrap();
            let size = Size {
                rows: Some(1_000_000),
                bytes,
            };
            page_rows(&source, size, 4)
        };
        assert_eq!(rows(1_000_000_000, None), 2097);
        assert_eq!(rows(1_000_000, None), 20_000);
        assert_eq!(rows(1_000_000_000_000, None), 100);
        assert_eq!(rows(1_000_000_000, Some(1_000_000)), 2097);
        // A quarter of the rate for five seconds.
        assert_eq!(rows(1_000_000_000, Some(80)), 100);
        assert_eq!(rows(1_000_000_000, Some(1)), 1);
    }
}
