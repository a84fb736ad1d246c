//! Reports what a run did: as a page for people, as JSON and metrics for programs. Points the record of
//! the newest good data at the run's data, and announces it. Then it ends the run. It decides nothing;
//! everything it reports was committed by earlier steps.
//!
//! A run that did not succeed is reported as far as it came, and a notice is sent.

pub mod advice;
mod check;
mod data;
pub mod document;
mod error;
mod facts;
mod failed;
mod figures;
mod newest;
mod notice;
mod once;
mod page;
mod people;
mod report;
pub mod runs;
mod success;
mod taken;

pub use data::DataReport;
pub use document::RunDocument;
pub use error::PublishReportError;
pub use failed::report_failed;
pub use page::{run_page, runs_page};
pub use people::for_people;
pub use report::{ColumnReport, DatabaseReport, ExportReport, LeftOutReport, Report};

use bytes::Bytes;
use contract::failed::{ReportInput, ReportOutput};
use contract::states::{PublishReportInput, PublishReportOutput};
use contract::{ExecutionStatus, Invocation};
use document::Ended;
use facts::Facts;
use lake::executions::{DescribeExecution, ListRunning, ReadHistory, view_of};
use lake::latest::Announcements;
use lake::notices::SendNotices;
use lake::store::PutOutcome;
use lake::{ConditionalStore, ObjectStore, RunKeys, documents, keys, lease};
use lambda_shell::Unit;
use runs::Past;
use std::time::SystemTime;

/// Answers the state machine, the rule for executions that did not succeed, and the rule that checks
/// for late runs and stale data. `stack` is the stack's name.
///
/// # Errors
/// As of [`handle`] and [`report_failed`]; or if executions or definitions cannot be read, or a notice
/// cannot be sent.
pub async fn answer(
    store: &impl ConditionalStore,
    announcements: &impl Announcements,
    executions: &(impl DescribeExecution + ReadHistory + ListRunning),
    notices: &impl SendNotices,
    stack: &str,
    input: ReportInput,
    invocation: Invocation,
) -> Result<ReportOutput, PublishReportError> {
    Ok(match input {
        ReportInput::Succeeded(input) => {
            let handled = handle(store, announcements, executions, input, invocation);
            let output = Box::pin(handled).await?;
            let run = RunKeys::new(&output.pipeline, &output.run);
            Box::pin(success::send_notice(store, notices, stack, &run)).await?;
            ReportOutput::Succeeded(output)
        }
        ReportInput::Check(request) => {
            let checked = check::check(store, executions, notices, stack, request);
            ReportOutput::Checked(Box::pin(checked).await?)
        }
        ReportInput::Failed(request) => {
            let failed = report_failed(store, executions, notices, stack, request);
            ReportOutput::Failed(Box::pin(failed).await?)
        }
    })
}

/// Publishes the run's report: the committed one, or one that is written now.
///
/// # Errors
/// If a record of the run is missing or unreadable, the lake cannot be written, or the new data
/// cannot be announced.
pub async fn handle(
    store: &impl ConditionalStore,
    announcements: &impl Announcements,
    history: &impl ReadHistory,
    input: PublishReportInput,
    _invocation: Invocation,
) -> Result<PublishReportOutput, PublishReportError> {
    let run = RunKeys::new(&input.pipeline, &input.run);
    let key = run.report();
    let committed: Option<Report> = documents::read_if_there(store, &key, REPORT).await?;
    let report = match committed {
        Some(report) => report,
        None => Box::pin(write(store, &run, &input)).await?,
    };
    // Derived from the committed report, so writing it again changes nothing.
    let text = Bytes::from(for_people(&report));
    store.put(&run.report_for_people(), text).await?;
    Box::pin(write_page_of(store, history, &run, &report)).await?;
    newest::publish(store, announcements, &run, &report).await?;
    lease::release(store, run.pipeline(), run.run()).await?;
    Ok(PublishReportOutput {
        pipeline: input.pipeline,
        run: input.run,
        outcome: report.outcome,
        items: report.export.items,
        rows: report.rows,
        value: report.verdict.map(|verdict| verdict.value),
        endpoint: report.endpoint,
        predictions: report.predictions,
        report_key: key,
        latest_key: keys::latest(run.pipeline()),
    })
}

/// Writes the page of a run that ended well, made of its report.
async fn write_page_of(
    store: &impl ObjectStore,
    history: &impl ReadHistory,
    run: &RunKeys,
    report: &Report,
) -> Result<(), PublishReportError> {
    let view = view_of(history, &report.execution)
        .await
        .map_err(Box::new)?;
    let ended = Ended {
        execution: &report.execution,
        status: ExecutionStatus::Succeeded,
        started: report.started.clone(),
        finished: end(&report.finished)?,
        view,
        failure: None,
        report: Some(report),
    };
    Box::pin(write_page(store, run, &ended)).await?;
    Ok(())
}

/// Writes the run's page and its content, and then the page that lists the pipeline's runs.
async fn write_page(
    store: &impl ObjectStore,
    run: &RunKeys,
    ended: &Ended<'_>,
) -> Result<RunDocument, PublishReportError> {
    let mut all = runs::newest(store, run.pipeline()).await?;
    all.retain(|past| past.run != *run.run());
    let before = all.partition_point(|past| past.run < *run.run());
    let facts = Facts::read(store, run, all[..before].to_vec()).await?;
    let document = RunDocument::of(run, ended, &facts);
    documents::write(store, &run.page_data(), &document).await?;
    let page = Bytes::from(run_page(&document));
    store.put(&run.page(), page).await?;
    all.insert(before, Past::of(&document));
    let older = all.len().saturating_sub(runs::LISTED);
    let page = Bytes::from(runs_page(run.pipeline(), &all[older..]));
    store.put(&keys::runs_page(run.pipeline()), page).await?;
    Ok(document)
}

/// The time of a report, which is the same whenever its page is written.
fn end(finished: &str) -> Result<SystemTime, PublishReportError> {
    let time: Result<jiff::Timestamp, _> = finished.parse();
    time.map(SystemTime::from).map_err(|source| {
        let started = finished.to_owned();
        PublishReportError::Started { started, source }
    })
}

const REPORT: &str = "the run's report";

async fn write(
    store: &impl ObjectStore,
    run: &RunKeys,
    input: &PublishReportInput,
) -> Result<Report, PublishReportError> {
    let report = Box::pin(report::gather(store, run, input.outcome)).await?;
    match documents::commit(store, &run.report(), &report).await? {
        PutOutcome::Created => {
            emit(&report);
            Ok(report)
        }
        // Another call committed first; its report, with its times, is the run's.
        PutOutcome::AlreadyThere => Ok(documents::read(store, &run.report(), REPORT).await?),
    }
}

/// Emits the run's metrics, once: by the call that committed the report.
fn emit(report: &Report) {
    let export = &report.export;
    let mut metrics = vec![
        ("ItemsExported", export.items as f64, Unit::Count),
        ("ReadUnitsConsumed", export.read_units, Unit::Count),
        ("ExportReadThrottles", export.throttles as f64, Unit::Count),
        ("RawBytes", export.raw_bytes as f64, Unit::Bytes),
        (
            "RunDuration",
            report.seconds as f64 * 1000.0,
            Unit::Milliseconds,
        ),
    ];
    if let Some(rate) = export.read_rate {
        metrics.push(("ExportReadRate", rate, Unit::CountPerSecond));
    }
    if let Some(cost) = export.estimated_cost {
        metrics.push(("EstimatedCost", cost.total, Unit::None));
    }
    if let Some(rows) = report.rows {
        metrics.push(("RowsToTrain", rows.train as f64, Unit::Count));
        metrics.push(("RowsToValidate", rows.validation as f64, Unit::Count));
        metrics.push(("ItemsRejected", rows.rejected as f64, Unit::Count));
    }
    if let Some(verdict) = &report.verdict {
        metrics.push(("ModelMetric", verdict.value, Unit::None));
        let deployed = f64::from(u8::from(report.deployment.is_some()));
        metrics.push(("ModelsDeployed", deployed, Unit::Count));
        if let Some(value) = verdict.champion {
            metrics.push(("ChampionMetric", value, Unit::None));
        }
    }
    if let Some(changes) = &export.changes {
        let gap = f64::from(u8::from(changes.gap));
        metrics.push(("ChangesGap", gap, Unit::Count));
        let finished = report.finished.parse();
        if let Some(hours) = finished.ok().and_then(|at| changes.age_hours(at)) {
            metrics.push(("SnapshotAgeHours", hours, Unit::None));
        }
    }
    if let Some(days) = report.model_age_days() {
        metrics.push(("ModelAgeDays", days, Unit::None));
    }
    lambda_shell::emit_metrics(&report.pipeline, &metrics);
}
