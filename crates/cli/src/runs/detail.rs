//! A run with its steps.

use super::row::{Row, rfc3339};
use super::{ErrorRow, Found, RunError, log};
use crate::execution::{Execution, ExecutionError};
use crate::place::Place;
use crate::progress::{count, duration};
use lake::executions::console;
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

/// A run with its steps.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Detail {
    /// The run.
    pub run: Row,
    /// The Task and Map states that it has entered, in order.
    pub steps: Vec<StepRow>,
    /// The URL of its execution in the AWS console.
    pub console: String,
    /// The CloudWatch log group of the function that failed, if one did and the stack is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,
}

/// A Task or Map state of a run.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StepRow {
    /// Its name.
    pub state: String,
    /// When it was first entered, RFC 3339.
    pub started: String,
    /// Seconds until the next state was entered, or until now.
    pub seconds: f64,
    /// How often it was entered.
    pub calls: u32,
    /// Whether it is over.
    pub over: bool,
    /// Children of a Distributed Map.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub children: Option<Children>,
}

/// Children of a Distributed Map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Children {
    /// Those that succeeded.
    pub done: u64,
    /// Those that failed.
    pub failed: u64,
    /// All that have started.
    pub total: u64,
}

impl Detail {
    /// Asks Step Functions for a run's steps.
    ///
    /// # Errors
    /// If Step Functions cannot be asked.
    pub async fn read(place: &Place, found: &Found) -> Result<Self, RunError> {
        let arn = found.execution.as_deref().unwrap_or_default();
        let machines = place.machines();
        let info = machines.describe(arn).await?;
        let mut run = Row::of(arn, &info);
        let execution = Execution::existing(&machines, arn);
        let service = |error| match error {
            ExecutionError::Service(error) => RunError::Service(error),
            other => unreachable!("a view is read, not waited for: {other}"),
        };
        let view = execution.view().await.map_err(service)?;
        if let Some(failure) = info.failure.filter(|_| info.status.has_failed())
            && let ExecutionError::Failed {
                state,
                error,
                cause,
            } = execution.failed(&view, failure).await
        {
            run.error = Some(ErrorRow {
                name: error,
                cause,
                state: Some(state),
            });
        }
        let now = info.stopped.unwrap_or_else(SystemTime::now);
        let steps = view.rows.iter().map(|row| StepRow {
            state: row.state.clone(),
            started: rfc3339(row.entered),
            seconds: row.took(now).as_secs_f64(),
            calls: row.visits,
            over: row.over.is_some(),
            children: row.items.map(|(done, failed, total)| Children {
                done,
                failed,
                total,
            }),
        });
        let failed = run.error.as_ref().and_then(|error| error.state.as_deref());
        let log = failed.zip(place.stack());
        Ok(Self {
            log: log.and_then(|(state, stack)| log::group(stack, state)),
            steps: steps.collect(),
            console: console(arn),
            run,
        })
    }

    /// As a few lines.
    pub fn text(&self) -> String {
        let Row {
            run,
            pipeline,
            items,
            rows,
            value,
            endpoint,
            error,
            ..
        } = &self.run;
        let mut text = format!(
            "{run} of pipeline {pipeline}: {}, {} since {} UTC\n",
            self.run.end(),
            self.run.took(),
            self.run.started_at()
        );
        for step in &self.steps {
            let took = duration(Duration::try_from_secs_f64(step.seconds).unwrap_or_default());
            let mark = if step.over { "  " } else { "…" };
            let more = match step.children {
                Some(Children {
                    done,
                    failed,
                    total,
                }) if failed > 0 => format!("{done}/{total}, {failed} failed"),
                Some(Children { done, total, .. }) => format!("{done}/{total}"),
                None if step.calls > 1 => format!("{} calls", step.calls),
                None => String::new(),
            };
            let line = format!("  {mark:<2}{:<16} {took:>7}  {more}", step.state);
            // Writing to memory cannot fail.
            let _ = writeln!(text, "{}", line.trim_end());
        }
        let mut line = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                let _ = writeln!(text, "  {name:<9} {value}");
            }
        };
        line("items", items.map(count));
        line(
            "rows",
            rows.map(|rows| {
                format!(
                    "{} to train on, {} to validate on, {} rejected",
                    count(rows.train),
                    count(rows.validation),
                    count(rows.rejected)
                )
            }),
        );
        line("metric", value.map(|value| value.to_string()));
        line("endpoint", endpoint.clone());
        if let Some(error) = error {
            let state = error.state.as_deref().unwrap_or("(none)");
            line("failed in", Some(state.to_owned()));
            line("error", Some(format!("{}: {}", error.name, error.cause)));
            let log = self.log.as_ref();
            line("log", log.map(|_| format!("millrace logs {run}")));
            line(
                "then",
                Some(format!("fix the cause; millrace redrive {run}")),
            );
        }
        line("console", Some(self.console.clone()));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runs::of_execution;

    const ARN: &str = "arn:aws-cn:states:cn-north-1:123456789012:execution:m:e";

    #[test]
    fn a_failed_run_says_where_and_what_to_do() {
        let run = of_execution(ARN, SystemTime::UNIX_EPOCH);
        let step = |state: &str, children| StepRow {
            state: state.to_owned(),
            started: String::new(),
            seconds: 2.0,
            calls: 1,
            over: true,
            children,
        };
        let children = Children {
            done: 3,
            failed: 1,
            total: 4,
        };
        let detail = Detail {
            steps: vec![
                step("PlanExport", None),
                step("MergeShards", Some(children)),
            ],
            console: console(ARN),
            log: Some("/aws/lambda/millrace/merge-to-csv".to_owned()),
            run: Row {
                run: run.clone(),
                pipeline: "nightly".to_owned(),
                execution: ARN.to_owned(),
                status: "FAILED".to_owned(),
                started: "2026-11-28T09:30:56Z".to_owned(),
                finished: None,
                seconds: 65.0,
                outcome: None,
                items: None,
                rows: None,
                value: None,
                endpoint: None,
                error: Some(ErrorRow {
                    name: "DatasetInvalid".to_owned(),
                    cause: "a part is gone".to_owned(),
                    state: Some("MergeShards".to_owned()),
                }),
            },
        };
        assert_eq!(
            detail.text(),
            format!(
                "{run} of pipeline nightly: failed: DatasetInvalid, 1m 5s since 2026-11-28 09:30 UTC
    PlanExport          2.0s
    MergeShards         2.0s  3/4, 1 failed
  failed in MergeShards
  error     DatasetInvalid: a part is gone
  log       millrace logs {run}
  then      fix the cause; millrace redrive {run}
  console   https://console.amazonaws.cn/states/home?region=cn-north-1#/v2/executions/details/{ARN}
"
            )
        );
    }
}
