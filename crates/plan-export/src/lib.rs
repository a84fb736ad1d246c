//! Decides what to export, checks that it can be, and freezes the plan.
//!
//! It must not read the table beyond one item, nor know which services answer.

mod error;
mod estimate;
mod load;
mod overrides;
mod prices;
mod read_budget;
mod route;
mod segments;
mod selected;

pub use error::PlanExportError;
pub use estimate::{EXPORT_MEMORY_MB, LONGEST_MINUTES};
pub use overrides::{Overrides, OverridesError};

use contract::Invocation;
use contract::RunId;
use contract::states::{ExportTask, PlanExportInput, PlanExportOutput, Route};
use definition::Source;
use estimate::Shape;
use lake::lease::{self, Executions, Lease};
use lake::records::{CurrentRun, Plan};
use lake::{ObjectStore, PutOutcome, RunKeys, documents};
use route::Chosen;
use selected::Selected;
use source::{DescribeRecovery, DescribeTable};

/// Children of the export's Distributed Map that run at once, as the state machine's definition has it.
pub const EXPORT_CONCURRENCY: u32 = 40;

/// Plans the export of an execution. Called again for the same execution it answers the same.
///
/// # Errors
/// Whatever is wrong with the definition, the table or the bucket, before anything is paid for.
pub async fn handle(
    store: &impl ObjectStore,
    tables: &(impl DescribeTable + DescribeRecovery),
    executions: &impl Executions,
    overrides: &Overrides,
    input: PlanExportInput,
    _invocation: Invocation,
) -> Result<PlanExportOutput, PlanExportError> {
    let execution = input.execution;
    let run = RunId::of_execution(&execution.id, &execution.start_time)
        .map_err(|message| PlanExportError::StartTime { message })?;
    let pipeline = load::pipeline_of(&input.input)?;
    let keys = RunKeys::new(&pipeline, &run);

    let existing: Option<Plan> =
        documents::read_if_there(store, &keys.plan(), "the run's plan").await?;
    if let Some(plan) = existing {
        return Ok(output(&plan));
    }

    overrides.check(&input.input)?;
    let definition = load::load(store, &pipeline, input.input).await?;
    load::check_endpoint(store, &definition).await?;
    let Source::DynamoDb(source) = &definition.source;
    let table = &source.table;
    let info = tables
        .describe(table)
        .await?
        .ok_or_else(|| PlanExportError::TableMissing {
            table: table.clone(),
        })?;
    let Selected {
        info,
        key_attributes,
        projection,
    } = selected::choose(&definition, source, info)?;
    // The table's own count lags by hours; one read tells whether there is anything.
    let index = source.index.as_deref();
    if !tables.holds_an_item(table, index).await? {
        let what = match index {
            Some(index) => format!("index {index:?} of table {table:?}"),
            None => format!("table {table:?}"),
        };
        return Err(PlanExportError::TableEmpty { what });
    }
    let read = read_budget::decide(&source.read, info.capacity, EXPORT_CONCURRENCY);
    let mut shape = segments::shape(source, &info, &read);
    let scan = estimate::estimate(source, &definition.limits, &info, &read, shape);
    let Chosen {
        route,
        reason,
        estimate,
    } = route::choose(&definition, source, scan, tables).await?;
    if route == Route::Export {
        // Its files, and so its segments, are known when it has completed.
        shape = Shape {
            segments: 0,
            tasks: 0,
        };
    }

    let current = CurrentRun {
        run: run.clone(),
        execution: execution.id.clone(),
    };
    if let Lease::HeldByOther(other) =
        lease::acquire(store, executions, &pipeline, &current).await?
    {
        return Err(PlanExportError::AlreadyRunning {
            pipeline,
            other: other.execution,
        });
    }

    let plan = Plan {
        run,
        execution: execution.id,
        started: execution.start_time,
        key_attributes,
        projection,
        route,
        reason,
        table_arn: info.arn,
        segments: shape.segments,
        tasks: ExportTask::share(shape.segments, shape.tasks),
        read: (route == Route::Scan).then_some(read),
        task_rcu: None,
        estimate,
        definition,
    };
    write_tasks(store, &plan).await?;
    let plan = match documents::commit(store, &keys.plan(), &plan).await? {
        PutOutcome::Created => plan,
        // Another attempt of the same execution was faster; its plan counts.
        PutOutcome::AlreadyThere => {
            let plan: Plan = documents::read(store, &keys.plan(), "the run's plan").await?;
            write_tasks(store, &plan).await?;
            plan
        }
    };
    tracing::info!(
        table = plan.definition.source.name(),
        route = %plan.route,
        reason = plan.reason,
        segments = plan.segments,
        tasks = plan.tasks.len(),
        items = plan.estimate.items,
        read_units = plan.estimate.read_units,
        minutes = plan.estimate.minutes,
        dollars = plan.estimate.cost.map(|cost| cost.total),
        reads = plan.read.as_ref().map(|read| read.decision.as_str()),
        "planned"
    );
    Ok(output(&plan))
}

/// Writes the list that the Distributed Map reads; that of an export is written when it has completed.
async fn write_tasks(store: &impl ObjectStore, plan: &Plan) -> Result<(), PlanExportError> {
    if plan.route == Route::Scan {
        documents::write(store, &plan.keys().tasks(), &plan.tasks).await?;
    }
    Ok(())
}

fn output(plan: &Plan) -> PlanExportOutput {
    PlanExportOutput {
        pipeline: plan.definition.pipeline.clone(),
        run: plan.run.clone(),
        route: plan.route,
        reason: plan.reason.clone(),
        segments: plan.segments,
        tasks: u32::try_from(plan.tasks.len()).unwrap_or(u32::MAX),
        tasks_key: plan.keys().tasks(),
        estimate: plan.estimate.clone(),
        warnings: plan.definition.warnings(),
    }
}
