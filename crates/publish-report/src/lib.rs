//! Reports what a run did: as JSON for programs, as Markdown for people, and as metrics. Then it
//! ends the run. It decides nothing; everything it reports was committed by earlier steps.

mod data;
mod error;
mod people;
mod report;

pub use data::DataReport;
pub use error::PublishReportError;
pub use people::for_people;
pub use report::{ColumnReport, ExportReport, LeftOutReport, Report};

use bytes::Bytes;
use contract::Invocation;
use contract::states::{PublishReportInput, PublishReportOutput};
use lake::store::PutOutcome;
use lake::{ObjectStore, RunKeys, documents, lease};
use lambda_shell::Unit;

/// Publishes the run's report: the committed one, or one that is written now.
///
/// # Errors
/// If a record of the run is missing or unreadable, or the lake cannot be written.
pub async fn handle(
    store: &impl ObjectStore,
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
    lease::release(store, run.pipeline(), run.run()).await?;
    Ok(PublishReportOutput {
        pipeline: input.pipeline,
        run: input.run,
        outcome: report.outcome,
        items: report.export.items,
        rows: report.rows,
        value: report.verdict.value,
        endpoint: report.endpoint,
        predictions: report.predictions,
        report_key: key,
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
    let mut metrics = vec![
        ("ItemsExported", report.export.items as f64, Unit::Count),
        ("RowsToTrain", report.rows.train as f64, Unit::Count),
        ("RowsToValidate", report.rows.validation as f64, Unit::Count),
        ("ItemsRejected", report.rows.rejected as f64, Unit::Count),
        ("ModelMetric", report.verdict.value, Unit::None),
        (
            "RunDuration",
            report.seconds as f64 * 1000.0,
            Unit::Milliseconds,
        ),
        (
            "ModelsDeployed",
            f64::from(u8::from(report.deployment.is_some())),
            Unit::Count,
        ),
    ];
    if let Some(units) = report.export.read_units {
        metrics.push(("ReadUnitsConsumed", units, Unit::Count));
    }
    if let Some(rate) = report.export.read_rate {
        metrics.push(("ExportReadRate", rate, Unit::CountPerSecond));
    }
    if let Some(throttles) = report.export.throttles {
        metrics.push(("ExportReadThrottles", throttles as f64, Unit::Count));
    }
    if let Some(bytes) = report.export.raw_bytes {
        metrics.push(("RawBytes", bytes as f64, Unit::Bytes));
    }
    if let Some(cost) = report.export.estimated_cost {
        metrics.push(("EstimatedCost", cost.total, Unit::None));
    }
    if let Some(value) = report.verdict.champion {
        metrics.push(("ChampionMetric", value, Unit::None));
    }
    if let Some(days) = report.model_age_days() {
        metrics.push(("ModelAgeDays", days, Unit::None));
    }
    lambda_shell::emit_metrics(&report.pipeline, &metrics);
}
