//! Requests a table's native export: looks for the run's own, asks for one if there is none, and
//! turns its files into segments and tasks when it has completed.
//!
//! No data file is read. A call looks once and never waits for the export.

mod error;
mod manifest;

pub use error::RequestExportError;

use contract::states::{ExportTask, MOST_CHILDREN, RequestExportOutput, Route, RunInput, Status};
use contract::{Invocation, ServiceError};
use jiff::Timestamp;
use lake::native::{NativeExport as Exported, NativeRequest};
use lake::records::Plan;
use lake::{ObjectStore, PutOutcome, documents};
use manifest::Completed;
use source::{ExportDescription, ExportRequest, ExportState, NativeExport};

/// Files that one function adopts in turn, unless the definition says otherwise.
const FILES_PER_TASK: u32 = 16;
/// A token is remembered for eight hours after it was used, and no call is older than its run. Source:
/// Amazon DynamoDB API Reference, `ExportTableToPointInTime`. An hour less, for clocks that differ.
const TOKEN_SECONDS: u64 = 7 * 60 * 60;
const COMPLETED: &str = "COMPLETED";
const IN_PROGRESS: &str = "IN_PROGRESS";

/// A failed export stays failed: the next call requests another one, under the next attempt's token.
async fn request_anew(
    store: &impl ObjectStore,
    keys: &lake::RunKeys,
    attempt: u32,
) -> Result<(), RequestExportError> {
    let next = NativeRequest { attempt, arn: None };
    documents::write(store, &keys.native_request(), &next).await?;
    Ok(())
}

/// What the function is set up with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// ARN of the lake's KMS key, which the files are written with.
    pub lake_key: String,
    /// Children of the Distributed Map that run at once.
    pub concurrency: u32,
}

/// Takes a look at the run's export. Called again it goes on, and never asks for a second one.
///
/// # Errors
/// If the export failed, is not what its manifests say, or a service fails.
pub async fn handle(
    store: &impl ObjectStore,
    exports: &impl NativeExport,
    settings: &Settings,
    input: RunInput,
    _invocation: Invocation,
) -> Result<RequestExportOutput, RequestExportError> {
    let keys = lake::RunKeys::new(&input.pipeline, &input.run);
    let plan: Plan = documents::read(store, &keys.plan(), "the run's plan").await?;
    let of_table = plan.dynamodb().filter(|_| plan.route == Route::Export);
    let Some((source, of_table)) = of_table else {
        return Err(RequestExportError::NotPlanned { run: input.run });
    };
    let started = started(&plan)?;
    let age = u64::try_from((Timestamp::now() - started).get_seconds()).unwrap_or(0);
    let answer = |status, phase: &str, export: Option<&Exported>| RequestExportOutput {
        status,
        pipeline: input.pipeline.clone(),
        run: input.run.clone(),
        route: plan.route,
        phase: phase.to_owned(),
        wait_seconds: contract::wait_seconds(age),
        segments: export.map_or(0, |export| count(export.files.len())),
        tasks: export.map_or(0, |export| count(export.tasks.len())),
        tasks_key: keys.tasks(),
        concurrency: settings.concurrency,
    };

    let done: Option<Exported> =
        documents::read_if_there(store, &keys.native_export(), "a table's export").await?;
    if let Some(export) = done {
        documents::write(store, &keys.tasks(), &export.tasks).await?;
        return Ok(answer(Status::Done, COMPLETED, Some(&export)));
    }

    let progress: NativeRequest =
        documents::read_if_there(store, &keys.native_request(), "an export's request")
            .await?
            .unwrap_or_default();
    let attempt = progress.attempt;
    let request = ExportRequest {
        table_arn: of_table
            .table_arn
            .clone()
            .ok_or(RequestExportError::NoTable)?,
        token: format!("{}-{}-{attempt}", input.pipeline, input.run),
        bucket: store.bucket().to_owned(),
        prefix: keys.native(attempt),
        key: settings.lake_key.clone(),
        // The same in every call, or the token would stand for another request.
        time: started.as_second(),
    };
    let export = if let Some(arn) = &progress.arn {
        exports.describe_export(arn).await?
    } else {
        let export = ask(exports, &request, age).await?;
        tracing::info!(
            export = export.arn,
            prefix = request.prefix,
            "the export is under way"
        );
        let asked = NativeRequest {
            attempt,
            arn: Some(export.arn.clone()),
        };
        documents::write(store, &keys.native_request(), &asked).await?;
        export
    };

    let (manifest, items) = match export.state {
        ExportState::InProgress => return Ok(answer(Status::InProgress, IN_PROGRESS, None)),
        ExportState::Failed { code, message } => {
            request_anew(store, &keys, attempt + 1).await?;
            return Err(RequestExportError::Failed {
                arn: export.arn,
                code,
                message,
            });
        }
        ExportState::Completed { manifest, items } => (manifest, items),
    };
    let completed = Completed {
        arn: &export.arn,
        prefix: &request.prefix,
        manifest: manifest.as_deref(),
        items,
    };
    let files = manifest::read(store, completed).await?;
    let per_task = source.segments_per_task;
    let exported = Exported {
        arn: export.arn,
        items: files.iter().map(|file| file.items).sum(),
        tasks: tasks(count(files.len()), per_task.unwrap_or(FILES_PER_TASK)),
        files,
    };
    let exported = match documents::commit(store, &keys.native_export(), &exported).await? {
        PutOutcome::Created => exported,
        // Another call was faster; its record counts.
        PutOutcome::AlreadyThere => lake::native::read(store, &plan).await?,
    };
    documents::write(store, &keys.tasks(), &exported.tasks).await?;
    tracing::info!(
        export = exported.arn,
        items = exported.items,
        files = exported.files.len(),
        tasks = exported.tasks.len(),
        "the export has completed"
    );
    Ok(answer(Status::Done, COMPLETED, Some(&exported)))
}

/// The run's export, asked for if there is none.
///
/// An earlier call may have asked and ended before it could write that down. The token answers with
/// its export as long as it is remembered; after that all exports are looked through, one by one.
async fn ask(
    exports: &impl NativeExport,
    request: &ExportRequest,
    age: u64,
) -> Result<ExportDescription, ServiceError> {
    if age >= TOKEN_SECONDS
        && let Some(export) = exports.find_export(request).await?
    {
        return Ok(export);
    }
    exports.request_export(request).await
}

fn tasks(files: u32, per_task: u32) -> Vec<ExportTask> {
    let tasks = files.div_ceil(per_task.max(1)).min(MOST_CHILDREN);
    ExportTask::share(files, tasks)
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
