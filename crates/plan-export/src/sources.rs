//! The kinds of source that a definition can name, each with its planner.

use crate::PlanExportError;
use crate::dynamodb::DynamoDb;
use crate::events::Events;
use crate::files::Files;
use crate::images::Images;
use crate::sql::Sql;
use definition::{Definition, Source};
use lake::PagedStore;
use raw_export::{PlanSource, Planned};
use source::{DescribeCapture, DescribeRecovery, DescribeTable, ScanPages};
use sql_source::{Databases, Secrets};

/// The ports of all kinds of source.
#[derive(Debug)]
pub struct Sources<'a, T, D, S, L, C> {
    /// DynamoDB tables.
    pub tables: &'a T,
    /// Relational databases.
    pub databases: &'a D,
    /// The secrets of their logins.
    pub secrets: &'a S,
    /// The lake with earlier runs, into which images are indexed, if there is one. Without it, a
    /// table's plan is made as if there were no earlier run.
    pub lake: Option<&'a L>,
    /// What captures the stream of a table.
    pub captures: &'a C,
    /// Tasks that run at once, at most.
    pub concurrency: u32,
}

impl<T, D, S, L, C> PlanSource for Sources<'_, T, D, S, L, C>
where
    T: DescribeTable + DescribeRecovery + ScanPages,
    D: Databases,
    S: Secrets,
    L: PagedStore,
    C: DescribeCapture,
{
    type Error = PlanExportError;

    async fn plan(&self, definition: &Definition) -> Result<Planned, PlanExportError> {
        let Self {
            tables,
            databases,
            secrets,
            lake,
            captures,
            concurrency,
        } = *self;
        match &definition.source {
            Source::DynamoDb(source) => {
                let dynamodb = DynamoDb {
                    source,
                    tables,
                    lake,
                    captures,
                    concurrency,
                };
                dynamodb.plan(definition).await
            }
            Source::Sql(source) => {
                let sql = Sql {
                    source,
                    databases,
                    secrets,
                    lake,
                };
                sql.plan(definition).await
            }
            Source::Images(source) => {
                let images = Images {
                    source,
                    tables,
                    lake: lake.ok_or(PlanExportError::NoLake)?,
                    concurrency,
                };
                images.plan(definition).await
            }
            Source::Files(source) => {
                let files = Files {
                    source,
                    lake: lake.ok_or(PlanExportError::NoLake)?,
                    concurrency,
                };
                files.plan(definition).await
            }
            Source::Events(source) => {
                let events = Events {
                    source,
                    lake: lake.ok_or(PlanExportError::NoLake)?,
                    concurrency,
                };
                events.plan(definition).await
            }
        }
    }

    async fn items(&self, definition: &Definition) -> Result<Option<u64>, PlanExportError> {
        match &definition.source {
            Source::DynamoDb(source) => {
                let dynamodb = DynamoDb {
                    source,
                    tables: self.tables,
                    lake: self.lake,
                    captures: self.captures,
                    concurrency: self.concurrency,
                };
                dynamodb.items(definition).await
            }
            // Their items are counted by what a plan reads.
            Source::Sql(_) | Source::Images(_) | Source::Files(_) | Source::Events(_) => Ok(None),
        }
    }
}
