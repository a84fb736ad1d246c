//! The report for programs, gathered from the records that the steps committed.

use crate::PublishReportError;
use crate::data::{self, DataReport};
use crate::taken::{self, ChangesReport};
use contract::RunId;
use contract::states::{Cost, Outcome, Route, RowCounts};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Unit};
use lake::records::{
    Champion, Checksum, DatasetRecord, DeploymentRecord, ExportRecord, ItemSample, Plan, Snapshots,
    TrainingRecord, VerdictRecord,
};
use lake::{DocumentError, ObjectStore, RunKeys, documents, keys};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a run did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Report {
    /// The pipeline.
    pub pipeline: String,
    /// The run.
    pub run: RunId,
    /// The ARN of its execution.
    pub execution: String,
    /// How it ended.
    pub outcome: Outcome,
    /// When it started, RFC 3339.
    pub started: String,
    /// When it was reported, RFC 3339.
    pub finished: String,
    /// Seconds between the two.
    pub seconds: u64,
    /// What the definition may have wrong although it was carried out, one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// What was read of the table.
    pub export: ExportReport,
    /// Where the items went, if a dataset was made of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<RowCounts>,
    /// The path of the label, if the dataset's contract says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The feature columns, in order.
    pub columns: Vec<ColumnReport>,
    /// The attributes that are no column.
    pub left_out: Vec<LeftOutReport>,
    /// What was found about the data, if that is described.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<DataReport>,
    /// The training job, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training: Option<TrainingRecord>,
    /// The decision on its model, if it was judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<VerdictRecord>,
    /// The deployment, if the model was promoted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<DeploymentRecord>,
    /// The endpoint that serves; none if no model ever served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The `s3://…` prefix of the predictions, if the model scores batches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predictions: Option<String>,
    /// The run whose model serves, or scored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serving_run: Option<RunId>,
}

impl Report {
    /// Days between the start of the run whose model serves and this report; none if no model
    /// serves.
    pub fn model_age_days(&self) -> Option<f64> {
        let (day, rest) = self.serving_run.as_ref()?.as_str().split_once('-')?;
        let (time, _) = rest.split_once('-')?;
        let began: DateTime = format!("{day}T{time}").parse().ok()?;
        let began = TimeZone::UTC.to_timestamp(began).ok()?;
        let finished: Timestamp = self.finished.parse().ok()?;
        let hours = finished.since(began).ok()?.total(Unit::Hour).ok()?;
        Some(hours / 24.0)
    }
}

/// What was read of the table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExportReport {
    /// What was read, such as the table.
    pub table: String,
    /// How the items left the table.
    pub route: Route,
    /// Why, in one sentence.
    pub reason: String,
    /// Scan segments, or files of the native export.
    pub segments: u32,
    /// Items.
    pub items: u64,
    /// Items that the plan expected, by the table's six-hourly count.
    pub estimated_items: u64,
    /// Read units that the plan expected.
    pub estimated_read_units: u64,
    /// What the plan expected it to cost, in US dollars, if it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_cost: Option<Cost>,
    /// How fast the table was to be read, and why, if the plan says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_decision: Option<String>,
    /// Read units that the source says were consumed.
    pub read_units: f64,
    /// What was read before the export, to check the definition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<ItemSample>,
    /// Read units per second between the first page and the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_rate: Option<f64>,
    /// Attempts that the source throttled.
    pub throttles: u64,
    /// Bytes of raw lines before compression.
    pub raw_bytes: u64,
    /// The order-independent checksum of all raw lines.
    pub checksum: Checksum,
    /// How the rows were read, of a relational database.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<DatabaseReport>,
    /// What changed since an earlier run, of an incremental table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<ChangesReport>,
}

/// How the rows of a relational database were read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DatabaseReport {
    /// What is promised about rows that change meanwhile, in one sentence.
    pub consistency: String,
    /// The snapshots that they were read in, and what was compared in each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshots: Option<Snapshots>,
    /// The run from which the rows were taken that did not change since; absent if all were read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<RunId>,
    /// Rows that were taken from it.
    #[serde(default)]
    pub unchanged: u64,
    /// Which certificate authorities the connection trusted, with the date of the bundle.
    pub authorities: String,
}

impl DatabaseReport {
    /// Of a run's plan and export; `None` if its source is no relational database.
    fn of(plan: &Plan, export: &ExportRecord) -> Option<Self> {
        let (source, of_table) = plan.sql()?;
        let base = of_table.changes().map(|changes| changes.base.clone());
        let read = export.snapshots.as_ref().map_or(0, |all| all.rows);
        Some(Self {
            consistency: source.consistency.promise().to_owned(),
            snapshots: export.snapshots.clone(),
            unchanged: base
                .as_ref()
                .map_or(0, |_| export.totals.items.saturating_sub(read)),
            base,
            authorities: of_table.authorities.clone(),
        })
    }
}

/// A feature column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ColumnReport {
    /// The attribute's path.
    pub path: String,
    /// How its value becomes a number.
    pub encoding: String,
    /// Values in its vocabulary, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vocabulary: Option<usize>,
}

/// An attribute that is no column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LeftOutReport {
    /// The attribute's path.
    pub path: String,
    /// Why.
    pub reason: String,
}

/// What the steps after the export committed, as far as the run went.
#[derive(Default)]
struct Committed {
    dataset: Option<DatasetRecord>,
    training: Option<TrainingRecord>,
    verdict: Option<VerdictRecord>,
    deployment: Option<DeploymentRecord>,
    /// The model that serves, of a run whose model was judged.
    champion: Option<Champion>,
}

impl Committed {
    /// Reads all that a run with this end has committed, each of which must be there.
    async fn read(
        store: &impl ObjectStore,
        run: &RunKeys,
        outcome: Outcome,
    ) -> Result<Self, DocumentError> {
        let mut all = Self::default();
        if outcome == Outcome::Exported {
            return Ok(all);
        }
        let key = keys::champion(run.pipeline());
        let champion =
            async || documents::read_if_there(store, &key, "the record of a champion").await;
        if outcome == Outcome::NothingNew {
            all.champion = champion().await?;
            return Ok(all);
        }
        all.dataset = Some(documents::read(store, &run.dataset(), "a dataset").await?);
        if outcome == Outcome::DatasetSealed {
            return Ok(all);
        }
        let what = "the record of a training job";
        all.training = Some(documents::read(store, &run.training(), what).await?);
        if outcome == Outcome::Trained {
            return Ok(all);
        }
        all.verdict = Some(documents::read(store, &run.verdict(), "a verdict").await?);
        if outcome == Outcome::Deployed {
            let what = "the record of a deployment";
            all.deployment = Some(documents::read(store, &run.deployment(), what).await?);
        }
        all.champion = champion().await?;
        Ok(all)
    }
}

/// Reads what the steps committed.
pub async fn gather(
    store: &impl ObjectStore,
    run: &RunKeys,
    outcome: Outcome,
) -> Result<Report, PublishReportError> {
    let plan: Plan = documents::read(store, &run.plan(), "the run's plan").await?;
    let changes = ChangesReport::read(store, run, &plan).await?;
    let plan = taken::route(store, run, plan).await?;
    let export: ExportRecord =
        documents::read(store, &run.export(), "the record of an export").await?;
    let exported = export.totals;
    let Committed {
        dataset,
        training,
        verdict,
        deployment,
        champion,
    } = Committed::read(store, run, outcome).await?;

    let started: Timestamp = plan.started.parse().map_err(|source| {
        let started = plan.started.clone();
        PublishReportError::Started { started, source }
    })?;
    let finished = Timestamp::now();
    let seconds = u64::try_from(finished.duration_since(started).as_secs()).unwrap_or_default();
    let serving = match &deployment {
        Some(deployment) => Some((deployment.endpoint.clone(), deployment.run.clone())),
        None => champion.map(|champion| (champion.endpoint, champion.run)),
    };
    let (endpoint, serving_run) = serving.unzip();
    let endpoint = endpoint.flatten();
    let scored_by = serving_run.as_ref().filter(|_| endpoint.is_none());
    let predictions = scored_by.map(|run_of_it| {
        let keys = RunKeys::new(run.pipeline(), run_of_it);
        format!("s3://{}/{}", store.bucket(), keys.predictions())
    });
    let database = DatabaseReport::of(&plan, &export);
    let (pace, mut warnings) = (plan.pace().map(str::to_owned), plan.warnings());
    warnings.extend(changes.as_ref().and_then(ChangesReport::warning));
    let columns = dataset
        .as_ref()
        .map_or(&Value::Null, |dataset| &dataset.columns)
        .clone();
    Ok(Report {
        pipeline: run.pipeline().to_owned(),
        run: run.run().clone(),
        execution: plan.execution,
        outcome,
        started: plan.started,
        finished: finished.to_string(),
        seconds,
        warnings,
        export: ExportReport {
            table: plan.definition.source.name().to_owned(),
            route: plan.route,
            reason: plan.reason,
            segments: export.segments,
            items: exported.items,
            estimated_items: plan.estimate.items,
            estimated_read_units: plan.estimate.read_units,
            estimated_cost: plan.estimate.cost,
            read_decision: pace,
            read_units: exported.read_units,
            sample: plan.sample,
            read_rate: exported.read_rate(),
            throttles: exported.throttles,
            raw_bytes: exported.raw_bytes,
            checksum: exported.checksum,
            database,
            changes,
        },
        rows: dataset.as_ref().map(|dataset| dataset.rows),
        label: text(&columns, "label"),
        columns: list(&columns, "columns", column),
        left_out: list(&columns, "leftOut", left_out),
        data: data::gather(store, run).await?,
        training,
        verdict,
        deployment,
        endpoint,
        predictions,
        serving_run,
    })
}

// The columns are another crate's type, which a report need not know to the letter: it takes from
// their JSON what is there.

fn list<T>(columns: &Value, field: &str, read: impl Fn(&Value) -> Option<T>) -> Vec<T> {
    let entries = columns.get(field).and_then(Value::as_array);
    entries.into_iter().flatten().filter_map(read).collect()
}

fn column(column: &Value) -> Option<ColumnReport> {
    let listed = column.get("vocabulary").and_then(Value::as_array);
    let apart = column.get("vocabularySize").and_then(Value::as_u64);
    let apart = apart.and_then(|size| usize::try_from(size).ok());
    Some(ColumnReport {
        path: text(column, "path")?,
        encoding: text(column, "encoding").unwrap_or_default(),
        vocabulary: listed.map(Vec::len).or(apart),
    })
}

fn left_out(entry: &Value) -> Option<LeftOutReport> {
    Some(LeftOutReport {
        path: text(entry, "path")?,
        reason: text(entry, "reason").unwrap_or_default(),
    })
}

fn text(value: &Value, field: &str) -> Option<String> {
    value.get(field).and_then(Value::as_str).map(str::to_owned)
}
