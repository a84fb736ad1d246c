//! Plans the export of a DynamoDB table: what to read, by which route, and how fast.

mod captured;
mod changes;
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
use changes::Decision;
use contract::states::{ExportTask, Route};
use definition::{ChangesFrom, Definition, DynamoDbSource};
use estimate::Shape;
use lake::PagedStore;
use lake::records::{DynamoDbPlan, ItemSample, PlannedChanges, ReadPlan, SourcePlan};
use raw_export::{PlanSource, Planned};
use route::Chosen;
use selected::Selected;
use source::{DescribeCapture, DescribeRecovery, DescribeTable, ScanPages, TableInfo};

/// A table to export, and the ports that describe it and its earlier runs.
#[derive(Debug)]
pub struct DynamoDb<'a, T, L, C> {
    /// The definition's source.
    pub source: &'a DynamoDbSource,
    /// The port.
    pub tables: &'a T,
    /// The lake with earlier runs, into which changes are merged, if there is one.
    pub lake: Option<&'a L>,
    /// What captures the table's stream.
    pub captures: &'a C,
    /// Tasks that run at once, at most.
    pub concurrency: u32,
}

async fn describe(tables: &impl DescribeTable, table: &str) -> Result<TableInfo, PlanExportError> {
    let info = tables.describe(table).await?;
    info.ok_or_else(|| PlanExportError::TableMissing {
        table: table.to_owned(),
    })
}

impl<T, L, C> PlanSource for DynamoDb<'_, T, L, C>
where
    T: DescribeTable + DescribeRecovery + ScanPages,
    L: PagedStore,
    C: DescribeCapture,
{
    type Error = PlanExportError;

    async fn plan(&self, definition: &Definition) -> Result<Planned, PlanExportError> {
        let Self {
            source,
            tables,
            lake,
            ..
        } = *self;
        let table = &source.table;
        let info = describe(tables, table).await?;
        let selected = selected::choose(definition, source, info)?;
        let Some(how) = source.incremental() else {
            let sample = self.sample(definition, &selected).await?;
            return self.whole(definition, selected, sample).await;
        };
        if how.from == ChangesFrom::Stream {
            return Box::pin(self.plan_captured(definition, how, selected)).await;
        }
        let of_changes = changes::Table {
            definition,
            source,
            how,
            info: &selected.info,
        };
        let Decision {
            chosen,
            changes,
            gap,
        } = of_changes.decide(tables, lake).await?;
        // What the base's items were checked for need not be read again.
        let is_checked = changes
            .as_ref()
            .is_some_and(|(base, _)| base.same_definition && base.snapshot.items > 0);
        let sample = if is_checked {
            None
        } else {
            self.sample(definition, &selected).await?
        };
        let changes = changes.map(|(_, changes)| changes);
        let unknown = Shape {
            segments: 0,
            tasks: 0,
        };
        let mut planned = planned(selected, chosen, unknown, sample, None, changes);
        if let Some(SourcePlan::DynamoDb(plan)) = &mut planned.source {
            plan.gap = gap;
        }
        Ok(planned)
    }

    async fn items(&self, definition: &Definition) -> Result<Option<u64>, PlanExportError> {
        let info = describe(self.tables, &self.source.table).await?;
        let selected = selected::choose(definition, self.source, info)?;
        // What is not counted yet may hold items all the same.
        Ok(Some(selected.info.items).filter(|items| *items > 0))
    }
}

impl<T, L, C> DynamoDb<'_, T, L, C>
where
    T: DescribeTable + DescribeRecovery + ScanPages,
    L: PagedStore,
    C: DescribeCapture,
{
    /// Reads a little of the table, to see that there are items, and of the right shape.
    async fn sample(
        &self,
        definition: &Definition,
        selected: &Selected,
    ) -> Result<Option<ItemSample>, PlanExportError> {
        let Self { source, tables, .. } = *self;
        let (table, index) = (&source.table, source.index.as_deref());
        // The table's own count lags by hours; reading one item tells whether there is any.
        if !tables.holds_an_item(table, index).await? {
            return Err(PlanExportError::table_empty(table, index));
        }
        sample::check(definition, source, tables, selected).await
    }

    /// Plans to export all that the source names.
    async fn whole(
        &self,
        definition: &Definition,
        selected: Selected,
        sample: Option<ItemSample>,
    ) -> Result<Planned, PlanExportError> {
        let Self { source, tables, .. } = *self;
        let info = &selected.info;
        let mut read = read_budget::decide(&source.read, info.capacity, self.concurrency);
        let mut shape = segments::shape(source, info, &read);
        let scan = if info.bytes > 0 {
            estimate::estimate(source, &definition.limits, info, &read, shape)
        } else {
            read.max_units = estimate::most_units(&definition.limits, info.capacity, &read);
            estimate::uncounted(info)
        };
        let chosen = route::choose(definition, source, scan, tables).await?;
        let is_scan = chosen.route == Route::Scan;
        if !is_scan {
            // Its files, and so its segments, are known on completion.
            shape = Shape {
                segments: 0,
                tasks: 0,
            };
        }
        let read = is_scan.then_some(read);
        Ok(planned(selected, chosen, shape, sample, read, None))
    }
}

fn planned(
    selected: Selected,
    chosen: Chosen,
    shape: Shape,
    sample: Option<ItemSample>,
    read: Option<ReadPlan>,
    changes: Option<PlannedChanges>,
) -> Planned {
    let Selected {
        info,
        key_attributes,
        paths,
    } = selected;
    let Chosen {
        route,
        reason,
        estimate,
    } = chosen;
    Planned {
        key_attributes,
        route,
        reason,
        segments: shape.segments,
        tasks: ExportTask::share(shape.segments, shape.tasks),
        estimate,
        sample,
        source: Some(SourcePlan::DynamoDb(DynamoDbPlan {
            table_arn: info.arn,
            table_id: info.id,
            projection: paths.iter().map(ToString::to_string).collect(),
            read,
            changes,
            gap: false,
            capture: None,
        })),
        changes: None,
    }
}
