//! Brings about a table's native export: looks for the run's own, asks for it if there is none, and
//! when it has completed turns its files into segments and tasks.
//!
//! It must not know which service exports, nor read a data file. A call takes one look; it never
//! waits for the export.

mod error;
mod manifest;

pub use error::RequestExportError;

use contract::Invocation;
use contract::states::{ExportTask, RequestExportOutput, Route, RunInput, Status};
use jiff::Timestamp;
use lake::native::{NativeExport as Exported, NativeRequest};
use lake::records::Plan;
use lake::{ObjectStore, PutOutcome, documents};
use manifest::Completed;
use source::{ExportRequest, ExportState, NativeExport};

/// Files that one function adopts in turn, unless the definition says otherwise.
const FILES_PER_TASK: u32 = 16;
const COMPLETED: &str = "COMPLETED";
const IN_PROGRESS: &str = "IN_PROGRESS";

/// Takes a look at the run's export. Called again it goes on, and never asks for a second one.
///
/// # Errors
/// If the export failed, is not what its manifests say, or a service fails.
pub async fn handle(
    store: &impl ObjectStore,
    exports: &impl NativeExport,
    lake_key: &str,
    input: RunInput,
    _invocation: Invocation,
) -> Result<RequestExportOutput, RequestExportError> {
    let keys = lake::RunKeys::new(&input.pipeline, &input.run);
    let plan: Plan = documents::read(store, &keys.plan(), "the run's plan").await?;
    if plan.route != Route::Export {
        return Err(RequestExportError::NotPlanned { run: input.run });
    }
    let started = started(&plan)?;
    let age = u64::try_from((Timestamp::now() - started).get_seconds()).unwrap_or(0);
    let answer = |status, phase: &str, export: Option<&Exported>| RequestExportOutput {
        status,
        pipeline: input.pipeline.clone(),
        run: input.run.clone(),
        phase: phase.to_owned(),
        wait_seconds: wait_seconds(age),
        segments: export.map_or(0, |export| count(export.files.len())),
        tasks: export.map_or(0, |export| count(export.tasks.len())),
        tasks_key: keys.tasks(),
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
        table_arn: plan.table_arn.clone().ok_or(RequestExportError::NoTable)?,
        token: format!("{}-{}-{attempt}", input.pipeline, input.run),
        bucket: store.bucket().to_owned(),
        prefix: keys.native(attempt),
        key: lake_key.to_owned(),
        // The same in every call, or the token would stand for another request.
        time: started.as_second(),
    };
    let export = if let Some(arn) = &progress.arn {
        exports.describe_export(arn).await?
    } else {
        // An earlier call may have asked and ended before it could write that down, perhaps longer
        // ago than a token is remembered.
        let export = match exports.find_export(&request).await? {
            Some(export) => export,
            None => exports.request_export(&request).await?,
        };
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
            // It stays as it is for ever: the next call asks for another one.
            let next = NativeRequest {
                attempt: attempt + 1,
                arn: None,
            };
            documents::write(store, &keys.native_request(), &next).await?;
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
    let source = plan.definition.source.dynamodb();
    let per_task = source.and_then(|source| source.segments_per_task);
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

fn tasks(files: u32, per_task: u32) -> Vec<ExportTask> {
    ExportTask::share(files, files.div_ceil(per_task.max(1)))
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

/// Seconds until the next look: 2 at first, as a local server is done at once, then a fifth of the
/// run's age, a minute at most.
fn wait_seconds(age: u64) -> u32 {
    u32::try_from((age / 5).clamp(2, 60)).unwrap_or(60)
}
