//! The export of the whole table: each of its files becomes a segment.

use crate::poll::{Polled, Wanted};
use crate::{Answer, RequestExportError, Run, count, tasks};
use contract::Names;
use contract::states::ExportTask;
use lake::native::{NativeExport as Exported, NativeRequest};
use lake::records::ChangesRecord;
use lake::{ObjectStore, PutOutcome, documents, native};
use source::{ExportKind, NativeExport};

/// Files that one function adopts in turn, by default.
const FILES_PER_TASK: u32 = 16;

/// Polls the export.
pub async fn poll(
    run: &Run<'_, impl ObjectStore, impl NativeExport>,
) -> Result<Answer, RequestExportError> {
    let (store, keys) = (run.store, run.keys);
    let done: Option<Exported> =
        documents::read_if_there(store, &keys.native_export(), "a table's export").await?;
    if let Some(export) = done {
        return answer(run, &export).await;
    }
    let mut progress: NativeRequest =
        documents::read_if_there(store, &keys.native_request(), "an export's request")
            .await?
            .unwrap_or_default();
    let whole = native::whole_export(store, run.plan).await?;
    let merged = whole.and_then(|whole| whole.merged);
    let as_of = merged.map_or(run.started.as_second(), |merged| merged.as_of);
    let wanted = Wanted {
        kind: ExportKind::Whole(as_of),
        token: Names::export_token(keys.pipeline(), keys.run(), progress.attempt),
        prefix: keys.native(progress.attempt),
    };
    let is_new = progress.arn.is_none();
    let export = run.export(&mut progress, &wanted).await?;
    if is_new {
        documents::write(store, &keys.native_request(), &progress).await?;
    }
    let (arn, files) = match run.polled(export, &wanted).await? {
        Polled::InProgress => return Ok(Answer::in_progress("IN_PROGRESS")),
        Polled::Failed(error) => {
            // The next call requests another one, with the next attempt's token.
            let next = NativeRequest {
                attempt: progress.attempt + 1,
                arn: None,
            };
            documents::write(store, &keys.native_request(), &next).await?;
            return Err(error);
        }
        Polled::Completed { arn, files } => (arn, files),
    };
    let first_segment = first_segment(run).await?;
    let per_task = run.plan.dynamodb().and_then(|(s, _)| s.segments_per_task);
    let number = count(files.len());
    let mut tasks = ExportTask::share(number, tasks(number, per_task.unwrap_or(FILES_PER_TASK)));
    for task in &mut tasks {
        task.first_segment += first_segment;
    }
    let exported = Exported {
        arn,
        items: files.iter().map(|file| file.items).sum(),
        first_segment,
        tasks,
        files,
    };
    let exported = match documents::commit(store, &keys.native_export(), &exported).await? {
        PutOutcome::Created => exported,
        // Another call committed its record first.
        PutOutcome::AlreadyThere => native::read(store, run.plan).await?,
    };
    tracing::info!(
        export = exported.arn,
        items = exported.items,
        files = exported.files.len(),
        tasks = exported.tasks.len(),
        "the export has completed"
    );
    answer(run, &exported).await
}

async fn answer(
    run: &Run<'_, impl ObjectStore, impl NativeExport>,
    export: &Exported,
) -> Result<Answer, RequestExportError> {
    documents::write(run.store, &run.keys.tasks(), &export.tasks).await?;
    Ok(Answer::done(export.files.len(), export.tasks.len()))
}

/// The first number that no segment of merged changes has.
async fn first_segment(
    run: &Run<'_, impl ObjectStore, impl NativeExport>,
) -> Result<u32, RequestExportError> {
    if !run.plan.route.merges() {
        return Ok(0);
    }
    let key = run.keys.changes();
    let merged: Option<ChangesRecord> =
        documents::read_if_there(run.store, &key, "the changes of a run").await?;
    Ok(merged.map_or(0, |changes| changes.total_segments()))
}
