//! Decides whether a run reads the whole table, or what changed since the last run that ended well.

use super::is_one;
use crate::PlanExportError;
use contract::ErrorName;
use definition::{Incremental, SqlSource};
use jiff::{Timestamp, Unit};
use lake::records::{ExportRecord, Latest, Plan, SqlChanges, SqlChunk, SqlColumn, SqlIncremental};
use lake::{ObjectStore, RunKeys, documents, keys};
use sql_source::{Connection, Key, dialect};
use std::collections::BTreeSet;

/// What is read.
#[derive(Debug)]
pub struct Decision {
    /// What the plan keeps of it.
    pub incremental: SqlIncremental,
    /// The base's chunks, if only changes are read; why not, if all is.
    pub chunks: Result<Vec<SqlChunk>, String>,
}

/// The run whose unchanged rows are taken.
struct Base {
    changes: SqlChanges,
    chunks: Vec<SqlChunk>,
    last_full: String,
}

/// The table, as it is now.
#[derive(Debug, Clone, Copy)]
pub struct Table<'a> {
    /// The pipeline.
    pub pipeline: &'a str,
    /// The definition's source.
    pub source: &'a SqlSource,
    /// How it is read.
    pub incremental: Incremental,
    /// The columns that are read.
    pub columns: &'a [SqlColumn],
    /// All columns with their types.
    pub all_columns: &'a [(String, String)],
    /// The unique key.
    pub key: Option<&'a Key>,
}

fn refused(message: String) -> PlanExportError {
    PlanExportError::at_field(
        ErrorName::InvalidDefinition,
        "source.sql.incremental",
        message,
    )
}

impl Table<'_> {
    /// Decides, by the lake and the database.
    ///
    /// # Errors
    /// If the table's changed rows cannot be found or merged.
    pub async fn decide(
        self,
        connection: &mut impl Connection,
        lake: Option<&impl ObjectStore>,
    ) -> Result<Decision, PlanExportError> {
        let mut incremental = self.identity(connection).await?;
        let base = match lake {
            Some(lake) => self.base(connection, lake, &incremental).await?,
            None => Err("the lake was not read".to_owned()),
        };
        let chunks = base.map(|base| {
            incremental.changes = Some(base.changes);
            incremental.last_full = Some(base.last_full);
            base.chunks
        });
        Ok(Decision {
            incremental,
            chunks,
        })
    }

    /// What a later run compares; refuses a table whose changes cannot be found or merged.
    async fn identity(
        self,
        connection: &mut impl Connection,
    ) -> Result<SqlIncremental, PlanExportError> {
        let dialect = dialect(self.source.engine);
        let name = self.source.name();
        let table = self.source.table_name();
        let (Some(table), Some(key)) = (table, self.key.filter(|key| !key.nullable)) else {
            return Err(refused(format!(
                "{name} has no unique key without NULL, by which changed rows are merged: give it a primary key, or \
                 leave `incremental` out"
            )));
        };
        if let Some(ask) = dialect.tells_changes(table)
            && !is_one(connection, &ask).await?
        {
            return Err(refused(format!(
                "the changed rows of {name} cannot be found: other tables inherit from it, or row-level security hides \
                 rows from the login; leave `incremental` out"
            )));
        }
        let columns = self.all_columns.iter();
        let columns: Vec<_> = columns.map(|(n, of)| (n.as_str(), of.as_str())).collect();
        let version_column = dialect.version_column(&columns);
        let version_column = version_column.map_err(|why| refused(format!("{name}: {why}")))?;
        // Whether the login may read what tells the changes.
        let from = [table.schema, table.table].map(|part| dialect.quote(part));
        let changed = dialect.changed(version_column.as_deref(), 0);
        let first = dialect.quote(key.columns.first().map_or("", String::as_str));
        let from = format!("FROM {} WHERE {changed}", from.join("."));
        connection.rows(&dialect.limited(&first, &from, 1)).await?;
        let server = text(connection, dialect.server_identity()).await?;
        let mut identity = Vec::new();
        for ask in dialect.table_identity(table) {
            identity.push(text(connection, &ask).await?);
        }
        Ok(SqlIncremental {
            version_column,
            server,
            table: identity.join("; "),
            last_full: None,
            changes: None,
        })
    }

    /// The last good run's position, chunks and last full read; or why it cannot be the base.
    async fn base(
        self,
        connection: &mut impl Connection,
        lake: &impl ObjectStore,
        now: &SqlIncremental,
    ) -> Result<Result<Base, String>, PlanExportError> {
        let key = keys::latest(self.pipeline);
        let latest: Option<Latest> =
            documents::read_if_there(lake, &key, "the record of the newest data").await?;
        let Some(Latest { run, .. }) = latest else {
            return Ok(Err("no run of the pipeline has ended well".to_owned()));
        };
        let base = RunKeys::new(self.pipeline, &run);
        let plan: Option<Plan> =
            documents::read_if_there(lake, &base.plan(), "a run's plan").await?;
        let export: Option<ExportRecord> =
            documents::read_if_there(lake, &base.export(), "the record of an export").await?;
        let (Some(plan), Some(export)) = (plan, export) else {
            return Ok(Err(format!("the records of run {run} are gone")));
        };
        let was = match self.same(&plan, now) {
            Ok(was) => was,
            Err(why) => return Ok(Err(format!("since run {run} {why}"))),
        };
        let snapshots = export.snapshots.as_ref();
        let Some(position) = snapshots.and_then(|all| all.position) else {
            return Ok(Err(format!("run {run} has no position to read from")));
        };
        let last_full = was
            .last_full
            .clone()
            .unwrap_or_else(|| plan.started.clone());
        if let Some(why) = self.full_is_due(&last_full) {
            return Ok(Err(why));
        }
        let dialect = dialect(self.source.engine);
        let current = text(connection, dialect.position()).await?;
        let current: Option<u64> = current.parse().ok();
        let passed = current.and_then(|current| current.checked_sub(position));
        match passed {
            None => {
                return Ok(Err(format!(
                    "the database's position is before that of run {run}: it was restored"
                )));
            }
            Some(passed) if dialect.most_positions().is_some_and(|most| passed >= most) => {
                return Ok(Err(format!(
                    "{passed} transactions have begun since run {run}"
                )));
            }
            Some(_) => {}
        }
        let listed = lake.list(&base.segments()).await;
        let listed = listed.map_err(lake::DocumentError::from)?;
        let listed: BTreeSet<_> = listed.iter().map(|object| object.key.as_str()).collect();
        let is_there = |key: &str| listed.contains(key);
        let manifests = (0..export.segments).map(|number| base.segment_manifest(number));
        if !export.parts.iter().all(|part| is_there(&part.key))
            || !manifests.into_iter().all(|key| is_there(&key))
        {
            return Ok(Err(format!("the rows of run {run} are gone")));
        }
        let chunks = plan.sql().map(|(_, of_table)| of_table.chunks.clone());
        Ok(Ok(Base {
            changes: SqlChanges {
                base: run,
                position,
            },
            chunks: chunks.unwrap_or_default(),
            last_full,
        }))
    }

    /// What the base keeps, if it read the same table in the same way.
    fn same<'p>(
        self,
        base: &'p Plan,
        now: &SqlIncremental,
    ) -> Result<&'p SqlIncremental, &'static str> {
        let (source, of_table) = base.sql().ok_or("the source is another")?;
        let was = of_table.incremental.as_ref();
        let was = was.ok_or("the definition asks for `incremental`")?;
        let key = self.key.map_or(&[][..], |key| &key.columns);
        for (is_same, change) in [
            (
                source.engine == self.source.engine
                    && source.table_name() == self.source.table_name(),
                "the source is another",
            ),
            (
                was.server == now.server,
                "the server is another, or was restored or upgraded",
            ),
            (
                was.table == now.table && was.version_column == now.version_column,
                "the table's columns or its storage changed",
            ),
            (of_table.columns == self.columns, "other columns are read"),
            (of_table.key == key, "the key is another"),
            (source.condition.is_none(), "`where` was taken out"),
            (
                source.consistency == self.source.consistency,
                "the consistency is another",
            ),
            (
                source.bad_text == self.source.bad_text,
                "`badText` is another",
            ),
        ] {
            if !is_same {
                return Err(change);
            }
        }
        Ok(was)
    }

    /// Why the whole table is to be read again, if it is.
    fn full_is_due(self, last_full: &str) -> Option<String> {
        let days = self.incremental.full_every_days;
        let since: Result<Timestamp, _> = last_full.parse();
        let age = since.and_then(|since| Timestamp::now().since(since)?.total(Unit::Hour));
        match age {
            Ok(hours) if hours < f64::from(days) * 24.0 => None,
            _ => Some(format!(
                "the last full read, of {last_full}, is {days} days old"
            )),
        }
    }
}

/// All cells of an answer as one text.
async fn text(connection: &mut impl Connection, ask: &str) -> Result<String, PlanExportError> {
    let rows = connection.rows(ask).await?;
    let rows = rows.into_iter().map(|row| {
        let cells = row.into_iter().map(Option::unwrap_or_default);
        cells.collect::<Vec<_>>().join(" ")
    });
    Ok(rows.collect::<Vec<_>>().join(", "))
}
