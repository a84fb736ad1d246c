//! The kinds of source that a definition can name, each with its planner.

use crate::PlanExportError;
use crate::dynamodb::DynamoDb;
use definition::{Definition, Source};
use raw_export::{PlanSource, Planned};
use source::{DescribeRecovery, DescribeTable};

/// The ports of all kinds of source.
#[derive(Debug)]
pub struct Sources<'a, T> {
    /// DynamoDB tables.
    pub tables: &'a T,
}

impl<T: DescribeTable + DescribeRecovery> PlanSource for Sources<'_, T> {
    type Error = PlanExportError;

    async fn plan(&self, definition: &Definition) -> Result<Planned, PlanExportError> {
        let tables = self.tables;
        match &definition.source {
            Source::DynamoDb(source) => DynamoDb { source, tables }.plan(definition).await,
        }
    }
}
