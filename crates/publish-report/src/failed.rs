//! Reports a run that did not succeed, up to the step that failed, and sends a notice.

use crate::document::{Ended, RunDocument};
use crate::facts::Facts;
use crate::once::watched;
use crate::{PublishReportError, REPORT, Report, notice, write_page, write_page_of};
use contract::failed::{FailedOutput, FailedRequest};
use contract::{Names, RunId, ServiceError};
use definition::NoticeKind;
use lake::executions::{
    DescribeExecution, ExecutionRecord, Failure, ReadHistory, View, failure_of, view_of,
};
use lake::notices::{Notice, SendNotices};
use lake::store::get_if_there;
use lake::{ObjectStore, RunKeys, documents};
use serde_json::json;
use std::time::SystemTime;

/// Stands for the pipeline of an execution whose input names none.
const NO_PIPELINE: &str = "(none)";

/// Writes the page of an execution's run, and sends a notice, once for each time that it failed. An
/// execution that runs again, or succeeded after all, is left alone.
///
/// # Errors
/// If the execution is unknown, or the lake or a service fails. The notice is sent even if the
/// history cannot be read or the page cannot be written, and says so.
pub async fn report_failed(
    store: &impl ObjectStore,
    executions: &(impl DescribeExecution + ReadHistory),
    notices: &impl SendNotices,
    stack: &str,
    request: FailedRequest,
) -> Result<FailedOutput, PublishReportError> {
    let arn = request.execution;
    let execution = executions.execution(&arn).await.map_err(Box::new)?;
    let mut output = FailedOutput {
        execution: arn.clone(),
        status: execution.status,
        run: None,
        page_key: None,
        notified: false,
    };
    if !execution.status.has_failed() {
        tracing::info!(arn, status = execution.status.as_str(), "nothing to report");
        return Ok(output);
    }
    let (view, failure, unread) = match steps_of(executions, &arn, &execution).await {
        Ok((view, failure)) => (view, failure, None),
        Err(error) => {
            let error = PublishReportError::from(Box::new(error));
            (View::default(), execution.failure.clone(), Some(error))
        }
    };
    let ended = Ended {
        execution: &arn,
        status: execution.status,
        started: execution.start_time.clone(),
        finished: execution.stopped.unwrap_or_else(SystemTime::now),
        view,
        failure,
        report: None,
    };
    let (run, has_pipeline) = run_of(&arn, &execution)?;
    output.run = has_pipeline.then(|| run.run().clone());
    let written = match unread {
        _ if !has_pipeline => None,
        // Without its steps it would replace a page that has them; the next call writes it.
        Some(error) => Some(Err(error)),
        None => Some(Box::pin(write_page(store, &run, &ended)).await),
    };
    let (document, problem) = match written {
        Some(Ok(document)) => {
            output.page_key = Some(run.page());
            (document, None)
        }
        Some(Err(error)) => (without_lake(&run, &ended), Some(error)),
        None => (without_lake(&run, &ended), None),
    };
    let key = run.notice(execution.redrives);
    // A service delivers an event at least once. If the lake cannot be read, a second notice is
    // better than none.
    let sent = get_if_there(store, &key).await;
    if !has_pipeline || !matches!(sent, Ok(Some(_))) {
        let page = output
            .page_key
            .as_deref()
            .map(|key| notice::link(store.bucket(), &arn, key));
        let mut message = notice::of_failure(stack, &document, page.as_deref(), problem.as_ref());
        if let Some(subject) = own_subject(store, &run).await {
            message = Notice::new(&subject, message.body);
        }
        notices.send(&message).await.map_err(Box::new)?;
        output.notified = true;
        if has_pipeline {
            let sent =
                json!({"subject": message.subject, "at": jiff::Timestamp::now().to_string()});
            documents::write(store, &key, &sent).await?;
        }
    }
    if output.page_key.is_some() {
        // A redrive may have ended well meanwhile, and this page have replaced the one of its end.
        let now = executions.execution(&arn).await.map_err(Box::new)?;
        let report: Option<Report> = documents::read_if_there(store, &run.report(), REPORT).await?;
        if let Some(report) = report.filter(|_| !now.status.has_failed()) {
            Box::pin(write_page_of(store, executions, &run, &report)).await?;
        }
    }
    match problem {
        Some(error) => Err(error),
        None => Ok(output),
    }
}

/// The definition's own subject, if it has one. A lake that cannot be read holds up no notice.
async fn own_subject(store: &impl ObjectStore, run: &RunKeys) -> Option<String> {
    let watched = watched(store, run.pipeline(), Some(run)).await;
    let notify = watched.ok()?.notify;
    notify.subject(NoticeKind::Failure).map(str::to_owned)
}

/// The steps that an execution ran, and the failure of the one that failed.
async fn steps_of(
    history: &impl ReadHistory,
    arn: &str,
    execution: &ExecutionRecord,
) -> Result<(View, Option<Failure>), ServiceError> {
    let view = view_of(history, arn).await?;
    let failure = match execution.failure.clone() {
        Some(failure) => Some(failure_of(history, &view, failure).await?),
        None => None,
    };
    Ok((view, failure))
}

/// What the execution alone says.
fn without_lake(run: &RunKeys, ended: &Ended<'_>) -> RunDocument {
    RunDocument::of(run, ended, &Facts::default())
}

/// The run of an execution, and whether its input names a pipeline.
fn run_of(arn: &str, execution: &ExecutionRecord) -> Result<(RunKeys, bool), PublishReportError> {
    let run = RunId::of_execution(arn, &execution.start_time).map_err(|message| {
        PublishReportError::StartTime {
            execution: arn.to_owned(),
            message,
        }
    })?;
    let input = serde_json::from_str(&execution.input).unwrap_or_default();
    Ok(match Names::pipeline_of(&input) {
        Ok(pipeline) => (RunKeys::new(pipeline, &run), true),
        Err(_) => (RunKeys::new(NO_PIPELINE, &run), false),
    })
}
