//! Requests a table's native export: finds the run's export, requests one if there is none, and
//! makes segments and tasks of its files on completion.
//!
//! No data file is read. A call polls once and never waits for the export.

mod error;
mod manifest;

pub use error::RequestExportError;

use contract::states::{ExportTask, MOST_CHILDREN, RequestExportOutput, Route, RunInput, Status};
use contract::{Invocation, Names, ServiceError};
use jiff::Timestamp;
use lake::native::{NativeExport as Exported, NativeRequest};
use lake::records::Plan;
use lake::{ObjectStore, PutOutcome, documents};
use manifest::Completed;
use source::{ExportDescription, ExportRequest, ExportState, NativeExport};

/// Files that one function adopts in turn, by default.
const FILES_PER_TASK: u32 = 16;
/// DynamoDB remembers a token for eight hours after its use, and no call is older than its run.
/// Source: Amazon DynamoDB API Reference, `ExportTableToPointInTime`. One hour less, for clock
/// skew.
const TOKEN_SECONDS: u64 = 7 * 60 * 60;
const COMPLETED: &str = "COMPLETED";
const IN_PROGRESS: &str = "IN_PROGRESS";

/// A failed export stays failed: the next call requests another one, with the next attempt's token.
async fn request_anew(
    store: &impl ObjectStore,
    keys: &lake::RunKeys,
    attempt: u32,
) -> Result<(), RequestExportError> {
    let next = NativeRequest { attempt, arn: None };
    documents::write(store, &keys.native_request(), &next).await?;
    Ok(())
}

/// Configuration of the function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// ARN of the KMS key that the files are encrypted with.
    pub lake_key: String,
    /// Concurrent children of the Distributed Map.
    pub concurrency: u32,
}

/// Polls the run's export. Called again it continues, and never requests a second export.
///
/// # Errors
/// If the export failed, differs from its manifests, or a service fails.
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
        token: Names::export_token(&input.pipeline, &input.run, attempt),
        bucket: store.bucket().to_owned(),
        prefix: keys.native(attempt),
        key: settings.lake_key.clone(),
        // The same in every call, or the token would conflict with the first request.
        time: started.as_second(),
    };
    let export = if let Some(arn) = &progress.arn {
        exports.describe_export(arn).await?
    } else {
        let export = find_or_request(exports, &request, age).await?;
        tracing::info!(
            export = export.arn,
            prefix = request.prefix,
            "the export is in progress"
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
        // Another call committed its record first.
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

/// The run's export, requested if there is none.
///
/// An earlier call may have requested it and died before it recorded that. The token finds its
/// export while DynamoDB remembers it; after that, all exports are searched one by one.
async fn find_or_request(
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
