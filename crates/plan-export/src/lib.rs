//! Decides what to export, checks that it can be exported, and writes the plan.
//!
//! Each kind of source has a module of its own. At most a sample of the source is read.

mod dynamodb;
mod error;
mod faults;
mod load;
mod overrides;
mod sources;

pub use dynamodb::{
    BASIS, DynamoDb, EXPORT_MEMORY_MB, JSON_PER_BYTE, PriceList, TableSample, sample_table,
};
pub use error::PlanExportError;
pub use load::{check_endpoint, load};
pub use overrides::{Overrides, OverridesError};
pub use sources::Sources;

use contract::Invocation;
use contract::RunId;
use contract::states::{PlanExportInput, PlanExportOutput, Route};
use lake::lease::{self, Executions, Lease};
use lake::records::{CurrentRun, Plan};
use lake::{ObjectStore, PutOutcome, RunKeys, documents};
use raw_export::{PlanSource, Planned};

/// Configuration of the function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The sections of a definition that an execution's input may override.
    pub overrides: Overrides,
    /// The stack's name, by which the endpoint is named where the definition names none.
    pub stack: String,
    /// Concurrent children of the Distributed Map.
    pub concurrency: u32,
}

/// Plans the export of an execution. Called again for the same execution, it answers the same plan.
///
/// # Errors
/// If anything is wrong with the definition, the source or the bucket, before anything is paid for.
pub async fn handle<P: PlanSource>(
    store: &impl ObjectStore,
    sources: &P,
    executions: &impl Executions,
    settings: &Settings,
    input: PlanExportInput,
    _invocation: Invocation,
) -> Result<PlanExportOutput, PlanExportError>
where
    PlanExportError: From<P::Error>,
{
    let execution = input.execution;
    let run = RunId::of_execution(&execution.id, &execution.start_time)
        .map_err(|message| PlanExportError::StartTime { message })?;
    let pipeline = load::pipeline_of(&input.input)?;
    let keys = RunKeys::new(&pipeline, &run);

    let existing: Option<Plan> =
        documents::read_if_there(store, &keys.plan(), "the run's plan").await?;
    if let Some(plan) = existing {
        return Ok(output(&plan, settings));
    }

    settings.overrides.check(&input.input)?;
    let mut definition = load(store, &pipeline, input.input).await?;
    // The run keeps the names that it begins with.
    definition.name_resources(&settings.stack);
    check_endpoint(store, &definition).await?;
    let Planned {
        key_attributes,
        route,
        reason,
        segments,
        tasks,
        estimate,
        sample,
        source,
    } = sources.plan(&definition).await?;

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
        route,
        reason,
        segments,
        tasks,
        estimate,
        sample,
        source,
        definition,
    };
    write_tasks(store, &plan).await?;
    let plan = match documents::commit(store, &keys.plan(), &plan).await? {
        PutOutcome::Created => plan,
        // Another attempt of the same execution committed its plan first.
        PutOutcome::AlreadyThere => {
            let plan: Plan = documents::read(store, &keys.plan(), "the run's plan").await?;
            write_tasks(store, &plan).await?;
            plan
        }
    };
    log(&plan);
    Ok(output(&plan, settings))
}

fn log(plan: &Plan) {
    tracing::info!(
        kind = plan.definition.source.kind(),
        source = plan.definition.source.name(),
        route = %plan.route,
        reason = plan.reason,
        segments = plan.segments,
        tasks = plan.tasks.len(),
        items = plan.estimate.items,
        read_units = plan.estimate.read_units,
        minutes = plan.estimate.minutes,
        dollars = plan.estimate.cost.map(|cost| cost.total),
        sampled = plan.sample.map(|sample| sample.items),
        pace = plan.pace(),
        "planned"
    );
}

/// Writes the list that the Distributed Map reads; for an export, it is written on completion.
async fn write_tasks(store: &impl ObjectStore, plan: &Plan) -> Result<(), PlanExportError> {
    if plan.route == Route::Scan {
        documents::write(store, &plan.keys().tasks(), &plan.tasks).await?;
    }
    Ok(())
}

fn output(plan: &Plan, settings: &Settings) -> PlanExportOutput {
    PlanExportOutput {
        pipeline: plan.definition.pipeline.clone(),
        run: plan.run.clone(),
        route: plan.route,
        reason: plan.reason.clone(),
        segments: plan.segments,
        tasks: u32::try_from(plan.tasks.len()).unwrap_or(u32::MAX),
        tasks_key: plan.keys().tasks(),
        concurrency: settings.concurrency,
        estimate: plan.estimate.clone(),
        warnings: plan.definition.warnings(),
    }
}
