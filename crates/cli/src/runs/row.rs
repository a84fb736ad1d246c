//! The runs of a state machine as rows of a table.

use super::find::{Pages, pipeline_of};
use super::{RunError, of_execution};
use crate::execution::message_of;
use crate::place::Place;
use crate::progress::{count, duration};
use crate::text::Table;
use aws::sfn::ExecutionInfo;
use contract::RunId;
use contract::states::{Outcome, PublishReportOutput, RowCounts};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use std::time::{Duration, SystemTime};

/// Runs, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct List {
    /// The runs, newest first.
    pub runs: Vec<Row>,
}

/// A run.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Row {
    /// Its id.
    pub run: RunId,
    /// Its pipeline.
    pub pipeline: String,
    /// The ARN of its execution.
    pub execution: String,
    /// The execution's status: `RUNNING`, `SUCCEEDED`, `FAILED`, `TIMED_OUT`, `ABORTED` or
    /// `PENDING_REDRIVE`.
    pub status: String,
    /// When it started, RFC 3339.
    pub started: String,
    /// When it ended, RFC 3339; absent while it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished: Option<String>,
    /// Seconds from its start to its end, or until now.
    pub seconds: f64,
    /// How it ended; absent unless it succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// Items that were exported; absent unless it succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub items: Option<u64>,
    /// Rows of its dataset, if it made one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<RowCounts>,
    /// The promotion metric's value for its model, if that was judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// The endpoint in service at its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Why it failed; absent unless it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorRow>,
}

/// Why a run failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ErrorRow {
    /// The error name.
    pub name: String,
    /// The cause, as one line.
    pub cause: String,
    /// The state that failed; absent in a list of runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

/// RFC 3339, in UTC, with milliseconds at most.
pub(crate) fn rfc3339(time: SystemTime) -> String {
    let time = Timestamp::try_from(time).unwrap_or(Timestamp::UNIX_EPOCH);
    let time = time.round(jiff::Unit::Millisecond).unwrap_or(time);
    time.to_string()
}

impl Row {
    /// The row of an execution.
    pub fn of(arn: &str, info: &ExecutionInfo) -> Self {
        let output: Option<PublishReportOutput> = info
            .output
            .as_deref()
            .and_then(|output| serde_json::from_str(output).ok());
        let end = info.stopped.unwrap_or_else(SystemTime::now);
        let took = end.duration_since(info.started).unwrap_or_default();
        let error = info.failure.as_ref().map(|failure| ErrorRow {
            name: failure.error.clone(),
            cause: message_of(&failure.cause),
            state: None,
        });
        Self {
            run: of_execution(arn, info.started),
            pipeline: pipeline_of(info),
            execution: arn.to_owned(),
            status: info.status.as_str().to_owned(),
            started: rfc3339(info.started),
            finished: info.stopped.map(rfc3339),
            seconds: took.as_secs_f64(),
            outcome: output.as_ref().map(|output| output.outcome),
            items: output.as_ref().map(|output| output.items),
            rows: output.as_ref().and_then(|output| output.rows),
            value: output.as_ref().and_then(|output| output.value),
            endpoint: output.and_then(|output| output.endpoint),
            error: error.filter(|_| info.status.has_failed()),
        }
    }

    /// The outcome, the error, or the status, as a phrase.
    pub fn end(&self) -> String {
        match (&self.outcome, &self.error) {
            (Some(outcome), _) => outcome.to_string(),
            (None, Some(error)) if !error.name.is_empty() => format!("failed: {}", error.name),
            (None, _) => self.status.to_lowercase().replace('_', " "),
        }
    }

    /// How long it took, or has taken.
    pub fn took(&self) -> String {
        duration(Duration::try_from_secs_f64(self.seconds).unwrap_or_default())
    }

    /// When it started, to the minute.
    pub fn started_at(&self) -> String {
        let minute = self.started.get(..16).unwrap_or(&self.started);
        minute.replace('T', " ")
    }
}

impl List {
    /// The rows as a table, or one line if there are none.
    pub fn text(&self, place: &str) -> String {
        if self.runs.is_empty() {
            return format!("no runs in {place}\n");
        }
        let mut table = Table::new(&[
            "RUN",
            "PIPELINE",
            "STARTED (UTC)",
            "TOOK",
            "END",
            "ROWS",
            "METRIC",
        ]);
        for row in &self.runs {
            let rows = row.rows.map(|rows| count(rows.train + rows.validation));
            table.row([
                row.run.to_string(),
                row.pipeline.clone(),
                row.started_at(),
                row.took(),
                row.end(),
                rows.unwrap_or_default(),
                row.value.map(|value| value.to_string()).unwrap_or_default(),
            ]);
        }
        table.to_string()
    }
}

/// The newest runs, at most `most`: of the named pipeline, or of all.
///
/// # Errors
/// If the place is not known or Step Functions cannot be asked.
pub async fn list(place: &Place, most: usize) -> Result<List, RunError> {
    let machines = place.machines();
    let mut pages = Pages::new(&machines, place.state_machine().await?);
    let mut runs = Vec::new();
    while runs.len() < most
        && let Some(page) = pages.next().await?
    {
        for listed in page {
            let row = Row::of(&listed.arn, &machines.describe(&listed.arn).await?);
            let is_other = place
                .named_pipeline()
                .is_some_and(|named| named != row.pipeline);
            if !is_other {
                runs.push(row);
            }
            if runs.len() == most {
                break;
            }
        }
    }
    Ok(List { runs })
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws::sfn::{ExecutionStatus, Failure};
    use serde_json::json;

    const ARN: &str = "arn:aws:states:eu-central-1:123456789012:execution:m:default-1";

    fn info(status: ExecutionStatus) -> ExecutionInfo {
        let started = SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_858_256_500);
        ExecutionInfo {
            status,
            started,
            stopped: Some(started + Duration::from_secs(65)),
            input: Some(r#"{"pipeline": "nightly"}"#.to_owned()),
            output: None,
            failure: None,
        }
    }

    #[test]
    fn a_row_says_how_a_run_ended() {
        let mut ended = info(ExecutionStatus::Succeeded);
        let run = of_execution(ARN, ended.started);
        ended.output = Some(
            json!({
                "pipeline": "nightly", "run": run, "outcome": "Deployed", "items": 20_000,
                "rows": {"train": 17_863, "validation": 2_062, "rejected": 75}, "value": 0.6222,
                "endpoint": "films", "reportKey": "r", "latestKey": "l",
            })
            .to_string(),
        );
        let row = Row::of(ARN, &ended);
        assert_eq!(
            (row.end(), row.took()),
            ("Deployed".to_owned(), "1m 5s".to_owned())
        );
        assert_eq!(row.started, "2026-11-28T09:30:56.5Z");
        assert_eq!(row.started_at(), "2026-11-28 09:30");
        let text = List { runs: vec![row] }.text("here");
        let last = text.lines().last().unwrap();
        assert_eq!(
            last,
            format!("{run}  nightly   2026-11-28 09:30  1m 5s  Deployed  19,925  0.6222")
        );
    }

    #[test]
    fn a_row_says_why_a_run_failed() {
        let mut failed = info(ExecutionStatus::Failed);
        failed.failure = Some(Failure {
            error: "AttributeMissing".to_owned(),
            cause: json!({"errorMessage": "label `Rating`"}).to_string(),
        });
        let row = Row::of(ARN, &failed);
        assert_eq!(row.end(), "failed: AttributeMissing");
        assert_eq!(row.error.unwrap().cause, "label `Rating`");
        let row = Row::of(ARN, &info(ExecutionStatus::TimedOut));
        assert_eq!(row.end(), "timed out");
    }

    #[test]
    fn no_runs_are_one_line() {
        let none = List { runs: Vec::new() };
        assert_eq!(
            none.text("stack s, region r"),
            "no runs in stack s, region r\n"
        );
    }
}
