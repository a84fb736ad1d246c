//! Reports what a run did: as JSON for programs, as Markdown for people, and as metrics. Points the
//! record of the newest good data at the run's data, and announces it. Then it ends the run. It
//! decides nothing; everything it reports was committed by earlier steps.

mod data;
mod error;
mod newest;
mod people;
mod report;

pub use data::DataReport;
pub use error::PublishReportError;
pub use people::for_people;
pub use report::{ColumnReport, ExportReport, LeftOutReport, Report};

use bytes::Bytes;
use contract::Invocation;
use contract::states::{PublishReportInput, PublishReportOutput};
use lake::latest::Announcements;
use lake::store::PutOutcome;
use lake::{ConditionalStore, ObjectStore, RunKeys, documents, keys, lease};
use lambda_shell::Unit;

/// Publishes the run's report: the committed one, or one that is written now.
///
/// # Errors
/// If a record of the run is missing or unreadable, the lake cannot be written, or the new data
/// cannot be announced.
pub async fn handle(
    store: &impl ConditionalStore,
    announcements: &impl Announcements,
    input: PublishReportInput,
    _invocation: Invocation,
) -> Result<PublishReportOutput, PublishReportError> {
    let run = RunKeys::new(&input.pipeline, &input.run);
    let key = run.report();
    let standing: Option<Report> = documents::read_if_there(store, &key, REPORT).await?;
    let report = match standing {
        Some(report) => report,
        None => write(store, &run, &input).await?,
    };
    // Derived from the committed report, so writing it again changes nothing.
    let text = Bytes::from(for_people(&report));
    store.put(&run.report_for_people(), text).await?;
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

const REPORT: &str = "the run's report";

async fn write(
    store: &impl ObjectStore,
    run: &RunKeys,
    input: &PublishReportInput,
) -> Result<Report, PublishReportError> {
    let report = report::gather(store, run, input.outcome).await?;
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
    if let Some(days) = report.model_age_days() {
        metrics.push(("ModelAgeDays", days, Unit::None));
    }
    lambda_shell::emit_metrics(&report.pipeline, &metrics);
}
