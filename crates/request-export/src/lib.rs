//! Requests a table's native exports: of the whole table, or of what changed in each window since an
//! earlier run. Finds the run's exports, requests those that are missing, and makes segments and
//! tasks of their files on completion. Where captured changes do not fit and the table is scanned
//! instead, it only writes the tasks.
//!
//! No data file is read. A call polls once and never waits for an export.

mod error;
mod manifest;
mod poll;
mod whole;
mod windows;

pub use error::RequestExportError;

use contract::Invocation;
use contract::states::{AfterRequest, MOST_CHILDREN, RequestExportOutput, Route, RunInput, Status};
use jiff::Timestamp;
use lake::records::{DynamoDbPlan, Plan};
use lake::{ObjectStore, RunKeys, documents, native};
use source::{DescribeRecovery, NativeExport};

/// Configuration of the function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// ARN of the KMS key that the files are encrypted with.
    pub lake_key: String,
    /// Concurrent children of the Distributed Map.
    pub concurrency: u32,
}

/// Polls the run's exports. Called again it continues, and never requests an export twice.
///
/// # Errors
/// If an export failed, differs from its manifests, or a service fails.
pub async fn handle(
    store: &impl ObjectStore,
    exports: &(impl NativeExport + DescribeRecovery),
    settings: &Settings,
    input: RunInput,
    _invocation: Invocation,
) -> Result<RequestExportOutput, RequestExportError> {
    let keys = RunKeys::new(&input.pipeline, &input.run);
    let plan: Plan = documents::read(store, &keys.plan(), "the run's plan").await?;
    let route = native::route(store, &plan).await?;
    let (Route::Export | Route::Changes | Route::Scan, Some((_, of_table))) =
        (route, plan.dynamodb())
    else {
        return Err(RequestExportError::NotPlanned { run: input.run });
    };
    // A scan comes here only in place of captured changes that do not fit: there is nothing to ask for.
    if route == Route::Scan && plan.route != Route::Stream {
        return Err(RequestExportError::NotPlanned { run: input.run });
    }
    let run = Run {
        store,
        exports,
        keys: &keys,
        plan: &plan,
        of_table,
        lake_key: &settings.lake_key,
        started: started(&plan)?,
    };
    let answer = match route {
        Route::Changes => windows::poll(&run).await?,
        Route::Scan => scan(store, &keys, &plan).await?,
        _ => whole::poll(&run).await?,
    };
    // Polled windows may end as an export of the whole table.
    let route = native::route(store, &plan).await?;
    Ok(RequestExportOutput {
        status: answer.status,
        route,
        then: if route == Route::Changes {
            AfterRequest::Compact
        } else {
            AfterRequest::Adopt
        },
        phase: answer.phase.to_owned(),
        wait_seconds: contract::wait_seconds(run.age()),
        segments: answer.segments,
        tasks: answer.tasks,
        tasks_key: keys.tasks(),
        concurrency: settings.concurrency,
        pipeline: input.pipeline,
        run: input.run,
    })
}

/// The tasks of a scan, as they were planned.
async fn scan(
    store: &impl ObjectStore,
    keys: &RunKeys,
    plan: &Plan,
) -> Result<Answer, RequestExportError> {
    documents::write(store, &keys.tasks(), &plan.own_tasks()).await?;
    Ok(Answer::done(
        plan.own_segments().len(),
        plan.own_tasks().len(),
    ))
}

/// What the exports of a run are requested with.
struct Run<'a, S, E> {
    store: &'a S,
    exports: &'a E,
    keys: &'a RunKeys,
    plan: &'a Plan,
    of_table: &'a DynamoDbPlan,
    lake_key: &'a str,
    started: Timestamp,
}

impl<S, E> Run<'_, S, E> {
    /// Seconds since the run began.
    fn age(&self) -> u64 {
        u64::try_from((Timestamp::now() - self.started).get_seconds()).unwrap_or(0)
    }
}

/// How the exports stand.
struct Answer {
    status: Status,
    phase: &'static str,
    segments: u32,
    tasks: u32,
}

impl Answer {
    const fn in_progress(phase: &'static str) -> Self {
        Self {
            status: Status::InProgress,
            phase,
            segments: 0,
            tasks: 0,
        }
    }

    fn done(segments: usize, tasks: usize) -> Self {
        Self {
            status: Status::Done,
            phase: "COMPLETED",
            segments: count(segments),
            tasks: count(tasks),
        }
    }
}

/// Tasks of so many segments each.
fn tasks(segments: u32, per_task: u32) -> u32 {
    segments.div_ceil(per_task.max(1)).min(MOST_CHILDREN)
}

fn started(plan: &Plan) -> Result<Timestamp, RequestExportError> {
    plan.started
        .parse()
        .map_err(|source| RequestExportError::Started {
            started: plan.started.clone(),
            source,
        })
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
