//! Plans the export of a DynamoDB table: what to read, by which route, and how fast.

mod estimate;
mod prices;
mod read_budget;
mod route;
mod sample;
mod segments;
mod selected;

pub(crate) use estimate::check_limits;
pub use estimate::{EXPORT_MEMORY_MB, JSON_PER_BYTE, STORED_PER_JSON};
pub use prices::{BASIS, PriceList};
pub use sample::sample_table;

use crate::PlanExportError;
use contract::states::{ExportTask, Route};
use definition::{Definition, DynamoDbSource};
use estimate::Shape;
use lake::records::{DynamoDbPlan, SourcePlan};
use raw_export::{PlanSource, Planned};
use route::Chosen;
use selected::Selected;
use source::{DescribeRecovery, DescribeTable, ScanPages, TableInfo};

/// A table to export, and the port that describes it.
#[derive(Debug)]
pub struct DynamoDb<'a, T> {
    /// The definition's source.
    pub source: &'a DynamoDbSource,
    /// The port.
    pub tables: &'a T,
    /// Tasks that run at once, at most.
    pub concurrency: u32,
}

async fn describe(tables: &impl DescribeTable, table: &str) -> Result<TableInfo, PlanExportError> {
    let info = tables.describe(table).await?;
    info.ok_or_else(|| PlanExportError::TableMissing {
        table: table.to_owned(),
    })
}

impl<T: DescribeTable + DescribeRecovery + ScanPages> PlanSource for DynamoDb<'_, T> {
    type Error = PlanExportError;

    async fn plan(&self, definition: &Definition) -> Result<Planned, PlanExportError> {
        let Self { source, tables, .. } = *self;
        let table = &source.table;
        let info = describe(tables, table).await?;
        let selected = selected::choose(definition, source, info)?;
        // The table's own count lags by hours; reading one item tells whether there is any.
        let index = source.index.as_deref();
        if !tables.holds_an_item(table, index).await? {
            return Err(PlanExportError::table_empty(table, index));
        }
        let sample = sample::check(definition, source, tables, &selected).await?;
        let Selected {
            info,
            key_attributes,
            paths,
        } = selected;
        let mut read = read_budget::decide(&source.read, info.capacity, self.concurrency);
        let mut shape = segments::shape(source, &info, &read);
        let scan = if info.bytes > 0 {
            estimate::estimate(source, &definition.limits, &info, &read, shape)
        } else {
            read.max_units = estimate::most_units(&definition.limits, info.capacity, &read);
            estimate::uncounted(&info)
        };
        let Chosen {
            route,
            reason,
            estimate,
        } = route::choose(definition, source, scan, tables).await?;
        if route == Route::Export {
            // Its files, and so its segments, are known on completion.
            shape = Shape {
                segments: 0,
                tasks: 0,
            };
        }
        Ok(Planned {
            key_attributes,
            route,
            reason,
            segments: shape.segments,
            tasks: ExportTask::share(shape.segments, shape.tasks),
            estimate,
            sample,
            source: Some(SourcePlan::DynamoDb(DynamoDbPlan {
                table_arn: info.arn,
                projection: paths.iter().map(ToString::to_string).collect(),
                read: (route == Route::Scan).then_some(read),
            })),
        })
    }
}
