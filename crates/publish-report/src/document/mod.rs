//! What a run did, in one document: the content of `run.json`, and of the run's page, which is made
//! from it alone.

mod columns;
mod gate;
mod making;
mod model;
mod money;
mod rows;
mod steps;

pub use columns::{ColumnDocument, DataDocument, Distribution, Histogram, ValueShare};
pub use gate::GateDocument;
pub use making::{ChangeDocument, LinkDocument, MakingDocument};
pub use model::{CurveDocument, MetricDocument, ModelDocument, PointDocument};
pub use money::{MoneyDocument, MoneyLine};
pub use rows::{ChannelDocument, RowsDocument};
pub use steps::{ChildrenDocument, StepDocument};

use crate::facts::Facts;
use crate::{Report, advice, figures, people};
use contract::states::Outcome;
use contract::{ExecutionStatus, RunId};
use lake::RunKeys;
use lake::executions::{Failure, View, console, message_of, region_of};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::SystemTime;

/// What a run did, as far as it came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RunDocument {
    /// The pipeline.
    pub pipeline: String,
    /// The run.
    pub run: RunId,
    /// The ARN of its execution.
    pub execution: String,
    /// The execution's status: `SUCCEEDED` where the run is ending well.
    pub status: ExecutionStatus,
    /// How it ended, if well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// Why it failed, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailureDocument>,
    /// What came of it, in one sentence.
    pub summary: String,
    /// What serves now, in one sentence.
    pub serving: String,
    /// When it started, RFC 3339.
    pub started: String,
    /// When it ended, RFC 3339.
    pub finished: String,
    /// Seconds between the two.
    pub seconds: u64,
    /// What it cost in US dollars, as far as known: measured where it is measured, else estimated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dollars: Option<f64>,
    /// What the definition may have wrong although it was carried out, one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Its steps, in the order in which they were first entered.
    pub steps: Vec<StepDocument>,
    /// What it cost; absent if it was not planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub money: Option<MoneyDocument>,
    /// Where its items went; absent if it did not export them all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<RowsDocument>,
    /// Its model; absent if it did not train one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelDocument>,
    /// Its data; absent if that was not described.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<DataDocument>,
    /// The checks of the quality gate, those that failed first.
    pub gate: Vec<GateDocument>,
    /// What serves its model; absent if it was not deployed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<EndpointDocument>,
    /// How it was made.
    pub making: MakingDocument,
}

/// Why a run failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FailureDocument {
    /// The step; absent if the execution ended before its first step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// The error's name, such as `TrainingFailed`, or the execution's status.
    pub error: String,
    /// The cause, in one line.
    pub cause: String,
    /// What the runbook says that happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub happened: Option<String>,
    /// What the runbook says to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// The command that redrives it.
    pub redrive: String,
}

/// What serves a run's model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EndpointDocument {
    /// The endpoint; absent where a transform job scored instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration: Option<String>,
    /// The configuration before, which a rollback returns to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// The model.
    pub model: String,
    /// Rows of the dataset that it was asked about and answered.
    pub smoke_rows: u32,
    /// Those rows, as it was asked, one each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<String>,
    /// `s3://…` below which the predictions of a transform job are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predictions: Option<String>,
    /// Alarms that could not roll the update back, because they were on before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alarms_left_out: Vec<String>,
}

/// How a run ended.
pub struct Ended<'a> {
    /// The ARN of its execution.
    pub execution: &'a str,
    /// The execution's status.
    pub status: ExecutionStatus,
    /// When it started, RFC 3339.
    pub started: String,
    /// When it ended.
    pub finished: SystemTime,
    /// Its steps.
    pub view: View,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
    /// Its report, if it ended well.
    pub report: Option<&'a Report>,
}

impl RunDocument {
    /// What the lake and the execution say of a run.
    pub fn of(run: &RunKeys, ended: &Ended<'_>, facts: &Facts) -> Self {
        let has_trained = ended
            .view
            .rows
            .iter()
            .any(|row| row.state == "StartTraining");
        let has_trained = has_trained || facts.training.is_some();
        let money = facts
            .plan
            .as_ref()
            .map(|plan| money::of(plan, facts, has_trained));
        let failure = failure(ended);
        let finished = jiff::Timestamp::try_from(ended.finished).unwrap_or_default();
        let finished = ended
            .report
            .map_or_else(|| finished.to_string(), |report| report.finished.clone());
        Self {
            pipeline: run.pipeline().to_owned(),
            run: run.run().clone(),
            execution: ended.execution.to_owned(),
            status: ended.status,
            outcome: ended.report.map(|report| report.outcome),
            summary: summary(ended, failure.as_ref()),
            serving: serving(facts),
            seconds: seconds(&ended.started, &finished),
            started: ended.started.clone(),
            finished,
            dollars: money.as_ref().and_then(|money| money.total),
            warnings: facts
                .plan
                .as_ref()
                .map_or_else(Vec::new, lake::records::Plan::warnings),
            steps: steps::of(&ended.view, ended.finished, failure.is_some()),
            money,
            rows: facts.export.as_ref().map(|export| rows::of(export, facts)),
            model: facts.training.as_ref().map(|it| model::of(run, it, facts)),
            data: columns::of(facts),
            gate: facts.quality.as_ref().map_or_else(Vec::new, gate::of),
            endpoint: endpoint(facts),
            making: making::of(run, ended, facts),
            failure,
        }
    }

    /// The AWS console's page of its execution.
    pub fn console(&self) -> String {
        console(&self.execution)
    }
}

fn seconds(started: &str, finished: &str) -> u64 {
    let parsed = |time: &str| time.parse::<jiff::Timestamp>().ok();
    let both = parsed(started).zip(parsed(finished));
    let seconds = both.map(|(from, to)| to.duration_since(from).as_secs());
    seconds
        .and_then(|it| u64::try_from(it).ok())
        .unwrap_or_default()
}

fn failure(ended: &Ended<'_>) -> Option<FailureDocument> {
    if ended.report.is_some() {
        return None;
    }
    let status = ended.status.as_str();
    let failure = ended.failure.as_ref();
    let error = failure
        .map(|it| it.error.as_str())
        .filter(|it| !it.is_empty());
    let cause = failure.map_or_else(String::new, |it| message_of(&it.cause));
    let advice = error.and_then(advice::of);
    let stopped = match ended.status {
        ExecutionStatus::Aborted => Some((
            "the execution was stopped by hand; its jobs in SageMaker are stopped",
            "redrive if it was a mistake: new jobs are begun",
        )),
        ExecutionStatus::TimedOut => Some((
            "two days have passed; its jobs in SageMaker are stopped",
            "see which step was waiting, remove the cause, redrive",
        )),
        _ => None,
    };
    // Of an execution that ran out of time, `States.Timeout` is the execution's, not a call's.
    let (happened, action) = match (stopped, advice) {
        (Some((happened, action)), _) => (Some(happened.to_owned()), Some(action.to_owned())),
        (None, Some(advice)) => (Some(advice.happened), Some(advice.action)),
        (None, None) => (None, None),
    };
    Some(FailureDocument {
        step: ended.view.current().map(|row| row.state.clone()),
        error: error.unwrap_or(status).to_owned(),
        cause,
        happened,
        action,
        // By its ARN: a bucket alone does not name the state machine.
        redrive: format!(
            "millrace redrive {} --region {}",
            ended.execution,
            region_of(ended.execution)
        ),
    })
}

fn summary(ended: &Ended<'_>, failure: Option<&FailureDocument>) -> String {
    if let Some(report) = ended.report {
        return people::headline(report).replace('`', "");
    }
    let verb = match ended.status {
        ExecutionStatus::Aborted => "was stopped",
        ExecutionStatus::TimedOut => "ran out of time",
        _ => "failed",
    };
    let step = failure.and_then(|failure| failure.step.as_deref());
    let place = step.map_or_else(String::new, |step| format!(" in {step}"));
    let error = failure.map(|it| it.error.as_str());
    let error = error.filter(|it| *it != ended.status.as_str());
    let error = error.map_or_else(String::new, |error| format!(": {error}"));
    format!("The run {verb}{place}{error}.")
}

fn serving(facts: &Facts) -> String {
    let deployed = facts.deployment.as_ref();
    let deployed = deployed.map(|it| (it.endpoint.as_deref(), &it.run));
    let champion = facts.champion.as_ref();
    let champion = champion.map(|it| (it.endpoint.as_deref(), &it.run));
    match deployed.or(champion) {
        Some((Some(endpoint), run)) => {
            format!("The endpoint {endpoint} serves the model of run {run}.")
        }
        Some((None, run)) => format!("The model of run {run} scores the batches."),
        None => "No model of this pipeline serves.".to_owned(),
    }
}

fn endpoint(facts: &Facts) -> Option<EndpointDocument> {
    /// Characters of a request on the page.
    const SHOWN: usize = 400;
    let deployment = facts.deployment.as_ref()?;
    let sample = facts.dataset.as_ref().and_then(|it| it.sample.as_ref());
    let rows = sample.map_or("", |sample| sample.body.as_str()).lines();
    let asked = usize::try_from(deployment.smoke_rows).unwrap_or_default();
    let rows = rows.take(asked).map(|row| figures::cut(row, SHOWN));
    let transform = deployment.transform.as_ref();
    Some(EndpointDocument {
        name: deployment.endpoint.clone(),
        configuration: deployment.endpoint_config.clone(),
        previous: deployment.previous_endpoint_config.clone(),
        model: deployment.model.clone(),
        smoke_rows: deployment.smoke_rows,
        requests: rows.collect(),
        predictions: transform.map(|transform| transform.output.clone()),
        alarms_left_out: deployment.alarms_left_out.clone(),
    })
}
