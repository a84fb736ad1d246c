//! The kinds of source that a definition can name, each with its planner.

use crate::PlanExportError;
use crate::dynamodb::DynamoDb;
use definition::{Definition, Source};
use raw_export::{PlanSource, Planned};
use source::{DescribeRecovery, DescribeTable, ScanPages};

/// The ports of all kinds of source.
#[derive(Debug)]
pub struct Sources<'a, T> {
    /// DynamoDB tables.
    pub tables: &'a T,
    /// Tasks that run at once, at most.
    pub concurrency: u32,
}

impl<T: DescribeTable + DescribeRecovery + ScanPages> PlanSource for Sources<'_, T> {
    type Error = PlanExportError;

    async fn plan(&self, definition: &Definition) -> Result<Planned, PlanExportError> {
        let Self {
            tables,
            concurrency,
        } = *self;
        match &definition.source {
            Source::DynamoDb(source) => {
                let dynamodb = DynamoDb {
                    source,
                    tables,
                    concurrency,
                };
                dynamodb.plan(definition).await
            }
        }
    }
}
