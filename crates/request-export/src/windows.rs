//! The exports of what changed, one for each window since the base: their files are what the run
//! merges into the base's parts.

use crate::poll::{Polled, Wanted};
use crate::{Answer, RequestExportError, Run, count, tasks};
use changes::{MOST_KEYS, SEGMENT_BYTES};
use contract::Names;
use contract::states::ExportTask;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use lake::native::NativeRequest;
use lake::records::{
    ChangeView, ChangeWindow, ChangesRecord, ExportRecord, PlannedChanges, WholeExport, Window,
};
use lake::{ObjectStore, PutOutcome, RunKeys, documents, native};
use source::{DescribeRecovery, ExportKind, NativeExport, PointInTimeRecovery};

/// Segments that one function merges in turn, by default: it reads the changed keys once.
const SEGMENTS_PER_TASK: u32 = 8;
/// Windows that are asked for at once.
const AT_ONCE: usize = 8;
const WAITING: &str = "WAITING_FOR_WINDOW";

/// Polls the exports of all windows.
pub async fn poll(
    run: &Run<'_, impl ObjectStore, impl NativeExport + DescribeRecovery>,
) -> Result<Answer, RequestExportError> {
    let (store, keys) = (run.store, run.keys);
    let changes = run.of_table.changes.as_ref();
    let planned = changes.ok_or_else(|| RequestExportError::NotPlanned {
        run: keys.run().clone(),
    })?;
    let done: Option<ChangesRecord> =
        documents::read_if_there(store, &keys.changes(), "the changes of a run").await?;
    if let Some(done) = done {
        return answer(run, &done).await;
    }
    if !is_recoverable(run, planned).await? {
        return Ok(Answer::in_progress(WAITING));
    }
    let Some(windows) = exported(run, &planned.windows).await? else {
        return Ok(Answer::in_progress("IN_PROGRESS"));
    };
    if let Some(reason) = too_many(run, planned, &windows) {
        tracing::warn!(reason, "the whole table is exported");
        let whole = WholeExport {
            reason,
            gap: false,
            merged: None,
        };
        documents::commit(store, &keys.whole_export(), &whole).await?;
        return Ok(Answer::in_progress("IN_PROGRESS"));
    }
    let base = RunKeys::new(keys.pipeline(), &planned.base.run);
    let base: ExportRecord =
        documents::read(store, &base.export(), "the record of an export").await?;
    let record = ChangesRecord {
        key_attributes: run.plan.key_attributes.clone(),
        view: ChangeView::NewAndOldImages,
        base: planned.base.clone(),
        segments: changes::bins(&base.parts, SEGMENT_BYTES),
        windows,
        audit: planned.audit,
        captured: None,
    };
    let record = match documents::commit(store, &keys.changes(), &record).await? {
        PutOutcome::Created => record,
        // Another call committed its record first.
        PutOutcome::AlreadyThere => native::changes(store, run.plan).await?,
    };
    answer(run, &record).await
}

async fn answer(
    run: &Run<'_, impl ObjectStore, impl NativeExport>,
    changes: &ChangesRecord,
) -> Result<Answer, RequestExportError> {
    let segments = count(changes.segments.len());
    let per_task = run.plan.dynamodb().and_then(|(s, _)| s.segments_per_task);
    let tasks = tasks(segments, per_task.unwrap_or(SEGMENTS_PER_TASK));
    let tasks = ExportTask::share(segments, tasks);
    documents::write(run.store, &run.keys.tasks(), &tasks).await?;
    Ok(Answer::done(changes.segments.len(), tasks.len()))
}

/// Whether the table's past can be read up to the last window's end. A run that follows another one
/// within minutes waits for it.
async fn is_recoverable(
    run: &Run<'_, impl ObjectStore, impl DescribeRecovery>,
    planned: &PlannedChanges,
) -> Result<bool, RequestExportError> {
    let now = Timestamp::now().as_second();
    let until = planned.windows.last().map_or(0, |last| last.to);
    if until > now {
        return Ok(false);
    }
    if until <= run.started.as_second() {
        return Ok(true);
    }
    let table = run.plan.definition.source.name();
    Ok(match run.exports.recovery(table).await? {
        PointInTimeRecovery::On(recoverable) => recoverable.latest.is_none_or(|last| until <= last),
        // The request says so in the service's words.
        PointInTimeRecovery::Off => true,
    })
}

/// The files of each window, if all exports have completed.
async fn exported(
    run: &Run<'_, impl ObjectStore, impl NativeExport>,
    windows: &[Window],
) -> Result<Option<Vec<ChangeWindow>>, RequestExportError> {
    let (store, keys) = (run.store, run.keys);
    let key = keys.window_requests();
    let before: Option<Vec<NativeRequest>> =
        documents::read_if_there(store, &key, "the requests for changes").await?;
    let before = before.unwrap_or_default();
    let polled = stream::iter(windows.iter().enumerate()).map(|(number, window)| {
        let mut progress = before.get(number).cloned().unwrap_or_default();
        async move {
            let attempt = progress.attempt;
            let wanted = Wanted {
                kind: ExportKind::Changes {
                    from: window.from,
                    to: window.to,
                },
                token: Names::window_token(keys.pipeline(), keys.run(), number, attempt),
                prefix: keys.native_window(number, attempt),
            };
            let export = run.export(&mut progress, &wanted).await?;
            let polled = run.polled(export, &wanted).await?;
            Ok::<_, RequestExportError>((progress, *window, polled))
        }
    });
    let polled: Vec<_> = polled.buffered(AT_ONCE).try_collect().await?;
    let mut requests = Vec::new();
    let mut failed = None;
    let mut all = Some(Vec::new());
    for (mut progress, window, polled) in polled {
        match polled {
            Polled::InProgress => all = None,
            Polled::Failed(error) => {
                progress = NativeRequest {
                    attempt: progress.attempt + 1,
                    arn: None,
                };
                failed.get_or_insert(error);
            }
            Polled::Completed { arn, files } => {
                if let Some(all) = &mut all {
                    all.push(ChangeWindow {
                        window,
                        export: arn,
                        files,
                    });
                }
            }
        }
        requests.push(progress);
    }
    if requests != before {
        documents::write(store, &key, &requests).await?;
    }
    match failed {
        Some(error) => Err(error),
        None => Ok(all),
    }
}

/// Why the whole table is exported in place of so many changes, if it is.
fn too_many(
    run: &Run<'_, impl ObjectStore, impl NativeExport>,
    planned: &PlannedChanges,
    windows: &[ChangeWindow],
) -> Option<String> {
    let how = run.plan.dynamodb()?.0.incremental()?;
    let files = windows.iter().flat_map(|window| &window.files);
    let changes: u64 = files.map(|file| file.items).sum();
    let most = planned.base.items as f64 * how.maximum_share;
    if changes as f64 <= most && changes <= MOST_KEYS as u64 {
        return None;
    }
    if let Some(refused) = &planned.whole_refused {
        tracing::warn!(changes, refused, "many changes are merged");
        return None;
    }
    Some(format!(
        "{changes} changes of {} items are more than source.dynamodb.changes.maximumShare of {}, or than {MOST_KEYS}, \
         which one function can hold",
        planned.base.items, how.maximum_share
    ))
}
