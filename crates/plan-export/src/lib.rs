//! Decides what to export, checks that it can be exported, and writes the plan.
//!
//! Each kind of source has a module of its own. At most a sample of the source is read.

mod alarms;
mod dynamodb;
mod error;
mod events;
mod faults;
mod files;
mod freeze;
mod images;
mod load;
mod needed;
mod overrides;
mod ready;
mod sources;
mod sql;
mod table_sample;
mod work;

pub use alarms::check_alarms;
pub use dynamodb::{
    BASIS, DynamoDb, EXPORT_MEMORY_MB, JSON_PER_BYTE, PriceList, STORED_PER_JSON, sample_table,
};
pub use error::PlanExportError;
pub use events::Events;
pub use files::Files;
pub use images::Images;
pub use load::{check_endpoint, load};
pub use overrides::{Overrides, OverridesError};
pub use sources::Sources;
pub use sql::{Sql, sample_sql};
pub use table_sample::TableSample;

use contract::RunId;
use contract::states::{Estimate, PlanExportInput, PlanExportOutput, Route, Status};
use definition::{ChangesFrom, Definition, Ready};
use lake::lease::{self, Executions, Lease};
use lake::records::{CurrentRun, Plan};
use lake::{ObjectStore, PagedStore, PutOutcome, RunKeys, documents};
use raw_export::{PlanSource, Planned};
use ready::Unmet;
use sagemaker_ports::Alarms;
use source::CallFunction;
use std::time::SystemTime;

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

/// Plans the export of an execution, once the conditions of the definition's `ready` are true; until
/// then it answers how long to wait. Called again for the same execution, it answers the same plan.
///
/// # Errors
/// If anything is wrong with the definition, the source or the bucket, before anything is paid for.
pub async fn handle<P: PlanSource>(
    store: &impl PagedStore,
    sources: &P,
    executions: &impl Executions,
    alarms: &impl Alarms,
    functions: &impl CallFunction,
    settings: &Settings,
    input: PlanExportInput,
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
    check_alarms(alarms, &settings.stack, &definition).await?;
    let current = CurrentRun {
        run: run.clone(),
        execution: execution.id.clone(),
    };
    let planned = plan_if_ready(store, sources, functions, &definition, &run);
    let planned = Box::pin(planned).await?;
    // A run that waits is the pipeline's run, too.
    let hold_lease = async || match lease::acquire(store, executions, &pipeline, &current).await? {
        Lease::HeldByOther(other) => Err(PlanExportError::AlreadyRunning {
            pipeline: pipeline.clone(),
            other: other.execution,
        }),
        Lease::Held => Ok(()),
    };
    let Planned {
        key_attributes,
        route,
        reason,
        segments,
        tasks,
        estimate,
        sample,
        source,
        changes,
    } = match planned {
        Readiness::Ready(planned) => {
            hold_lease().await?;
            *planned
        }
        Readiness::Waiting(unmet) => {
            let seconds = wait_for(&definition, &execution.start_time, &unmet)?;
            hold_lease().await?;
            return Ok(waiting(pipeline, run, keys.tasks(), &unmet, seconds));
        }
    };

    let mut plan = Plan {
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
    if let Some(changes) = changes {
        freeze::changes(store, &mut plan, changes).await?;
    }
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

/// Whether the run may begin.
enum Readiness {
    /// It may, by this plan.
    Ready(Box<Planned>),
    /// A condition of `ready` is not true yet.
    Waiting(Unmet),
}

async fn plan_if_ready<P: PlanSource>(
    store: &impl PagedStore,
    sources: &P,
    functions: &impl CallFunction,
    definition: &Definition,
    run: &RunId,
) -> Result<Readiness, PlanExportError>
where
    PlanExportError: From<P::Error>,
{
    if let Some(unmet) = ready::unmet(store, functions, definition, run).await? {
        return Ok(Readiness::Waiting(unmet));
    }
    // A source that cannot be asked is the plan's to tell, which meets the same error.
    let waits_for_items = definition.ready.as_ref().and_then(Ready::items).is_some();
    if waits_for_items
        && let Ok(Some(items)) = sources.items(definition).await
        && let Some(unmet) = ready::too_few(definition, Ok(items))
    {
        return Ok(Readiness::Waiting(unmet));
    }
    let planned = Box::pin(sources.plan(definition)).await;
    let planned = planned.map_err(PlanExportError::from);
    let items = planned.as_ref().map(|planned| planned.estimate.items);
    match ready::too_few(definition, items) {
        Some(unmet) => Ok(Readiness::Waiting(unmet)),
        None => planned.map(|planned| Readiness::Ready(Box::new(planned))),
    }
}

/// Seconds until the conditions are looked at again.
fn wait_for(
    definition: &Definition,
    start_time: &str,
    unmet: &Unmet,
) -> Result<u32, PlanExportError> {
    let started: jiff::Timestamp =
        start_time
            .parse()
            .map_err(|error: jiff::Error| PlanExportError::StartTime {
                message: error.to_string(),
            })?;
    let ready = definition.ready.as_ref();
    ready.map_or(Ok(0), |ready| {
        ready::wait(ready, SystemTime::from(started), unmet)
    })
}

/// The answer of a run that waits.
fn waiting(
    pipeline: String,
    run: RunId,
    tasks_key: String,
    unmet: &Unmet,
    wait_seconds: u32,
) -> PlanExportOutput {
    let reason = unmet.sentence();
    tracing::info!(wait_seconds, "{reason}");
    PlanExportOutput {
        status: Status::InProgress,
        wait_seconds,
        pipeline,
        run,
        route: Route::default(),
        reason,
        segments: 0,
        tasks: 0,
        tasks_key,
        concurrency: 0,
        estimate: Estimate::default(),
        warnings: Vec::new(),
    }
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
    let how = plan.dynamodb().and_then(|(source, _)| source.incremental());
    if how.is_some_and(|how| how.from == ChangesFrom::Stream) {
        let gap = f64::from(u8::from(plan.route != Route::Stream));
        let gap = ("ChangesGap", gap, lambda_shell::Unit::Count);
        lambda_shell::emit_metrics(&plan.definition.pipeline, &[gap]);
    }
}

/// Writes the list that the Distributed Map reads; for a native export and for exported changes, it is
/// written on completion.
async fn write_tasks(store: &impl ObjectStore, plan: &Plan) -> Result<(), PlanExportError> {
    if !matches!(plan.route, Route::Export | Route::Changes) {
        documents::write(store, &plan.keys().tasks(), &plan.tasks).await?;
    }
    Ok(())
}

fn output(plan: &Plan, settings: &Settings) -> PlanExportOutput {
    PlanExportOutput {
        status: Status::Done,
        wait_seconds: 0,
        pipeline: plan.definition.pipeline.clone(),
        run: plan.run.clone(),
        route: plan.route,
        reason: plan.reason.clone(),
        segments: plan.segments,
        tasks: u32::try_from(plan.tasks.len()).unwrap_or(u32::MAX),
        tasks_key: plan.keys().tasks(),
        concurrency: plan.concurrency(settings.concurrency),
        estimate: plan.estimate.clone(),
        warnings: plan.warnings(),
    }
}
