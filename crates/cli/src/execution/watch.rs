//! Shows the states of an execution as steps until it ends.

use super::{Execution, ExecutionError, Finished, Insight, Row, Shown, View, between};
use crate::progress::{Progress, Step, count, duration};
use aws::sfn::ExecutionStatus;
use contract::states::{Estimate, Route};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

// Short enough to follow short states at first, and longer in long executions, to keep calls few.
const SHORTEST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
const PAUSE_SHARE: u32 = 100;

impl Execution {
    /// Shows its states until it ends, with what is known about the one in progress.
    ///
    /// # Errors
    /// If the execution does not succeed.
    pub async fn watch(
        &self,
        progress: &Progress,
        insight: &mut impl Insight,
    ) -> Result<Finished, ExecutionError> {
        let mut steps = Steps::new(progress);
        loop {
            // The status is read before the history, so that the last history is complete.
            let info = self.machines.describe(&self.arn).await?;
            let view = self.view().await?;
            let is_over = info.stopped.is_some();
            let shown = if is_over {
                None
            } else {
                insight.look(&view).await
            };
            for row in steps.ending(&view) {
                if let Some(result) = insight.result(row).await {
                    steps.results.insert(row.state.clone(), result);
                }
            }
            steps.show(&view, shown);
            let now = info.stopped.unwrap_or_else(SystemTime::now);
            let took = between(info.started, now);
            let cause = || {
                info.failure
                    .as_ref()
                    .map(|failure| super::message_of(&failure.cause))
                    .unwrap_or_default()
            };
            match info.status {
                ExecutionStatus::Running | ExecutionStatus::PendingRedrive => {
                    let pause = (took / PAUSE_SHARE).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
                    tokio::time::sleep(pause).await;
                }
                ExecutionStatus::Succeeded => {
                    steps.end();
                    let output = serde_json::from_str(info.output.as_deref().unwrap_or("null"))?;
                    return Ok(Finished { output, took, view });
                }
                ExecutionStatus::Failed => {
                    return Err(match info.failure {
                        Some(failure) => self.failed(&view, failure).await,
                        None => ExecutionError::Ended {
                            status: info.status.as_str(),
                            cause: String::new(),
                        },
                    });
                }
                ExecutionStatus::TimedOut | ExecutionStatus::Aborted => {
                    return Err(ExecutionError::Ended {
                        status: info.status.as_str(),
                        cause: cause(),
                    });
                }
            }
        }
    }
}

/// The steps shown so far: all but the last are over.
struct Steps<'a> {
    progress: &'a Progress,
    shown: usize,
    current: Option<(Step, Row)>,
    /// What to show of a step when it is over, by its state.
    results: BTreeMap<String, String>,
}

impl<'a> Steps<'a> {
    const fn new(progress: &'a Progress) -> Self {
        Self {
            progress,
            shown: 0,
            current: None,
            results: BTreeMap::new(),
        }
    }

    /// The rows that are over and not shown as such.
    fn ending<'v>(&self, view: &'v View) -> impl Iterator<Item = &'v Row> + use<'v> {
        let rows = &view.rows[self.shown.saturating_sub(1)..];
        rows.iter().filter(|row| row.over.is_some())
    }

    fn show(&mut self, view: &View, shown: Option<Shown>) {
        // The latest row of the previous view may be over now.
        if let Some((_, row)) = &mut self.current {
            row.clone_from(&view.rows[self.shown - 1]);
        }
        for row in &view.rows[self.shown..] {
            self.end();
            self.current = Some((self.progress.step(&row.state), row.clone()));
        }
        self.shown = view.rows.len();
        if let Some((step, row)) = &self.current {
            let failed = row.items.map_or(0, |(_, failed, _)| failed);
            match (shown, row.items) {
                (Some(Shown { done, text }), _) => match done {
                    Some((done, total)) => {
                        let text = format!("{text} {}", failures(failed));
                        step.count(done, total, text.trim_end());
                    }
                    None => step.say(&text),
                },
                (None, Some((done, failed, total))) if total > 0 => {
                    step.count(done, total, &failures(failed));
                }
                _ if row.visits > 1 => step.say(&format!("call {}", row.visits)),
                _ => {}
            }
        }
    }

    fn end(&mut self) {
        if let Some((step, row)) = self.current.take() {
            let text = match row.items {
                Some((done, failed, total)) => format!("{done}/{total} {}", failures(failed)),
                None if row.visits > 1 => {
                    let result = self.results.remove(&row.state);
                    let result = result.map(|result| format!(", {result}"));
                    format!("{} calls{}", row.visits, result.unwrap_or_default())
                }
                None => row.output.as_deref().and_then(planned).unwrap_or_default(),
            };
            step.done_after(row.took(SystemTime::now()), text.trim_end());
        }
    }
}

/// The plan of the export, if the output of a state holds one.
fn planned(output: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Planned {
        route: Route,
        estimate: Estimate,
        #[serde(default)]
        warnings: Vec<String>,
    }
    let Planned {
        route,
        estimate,
        warnings,
    } = serde_json::from_str(output).ok()?;
    let units = estimate.read_units;
    let parts = [
        Some(format!("{route} of about {} items", count(estimate.items))),
        (units > 0).then(|| format!("{} read units", count(units))),
        estimate.minutes.map(|minutes| {
            let seconds = Duration::try_from_secs_f64(minutes * 60.0);
            duration(seconds.unwrap_or_default())
        }),
        estimate.cost.map(|cost| format!("${:.2}", cost.total)),
    ];
    let mut text = parts.into_iter().flatten().collect::<Vec<_>>().join(", ");
    for warning in warnings {
        text.push_str("; warning: ");
        text.push_str(&warning);
    }
    Some(text)
}

fn failures(failed: u64) -> String {
    if failed == 0 {
        String::new()
    } else {
        format!("({failed} failed)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::execution::RowKind;

    fn row(state: &str, over: bool) -> Row {
        Row {
            state: state.to_owned(),
            kind: RowKind::Task,
            entered: SystemTime::UNIX_EPOCH,
            over: over.then_some(SystemTime::UNIX_EPOCH),
            visits: 1,
            failures: 0,
            items: None,
            map_run: None,
            output: None,
        }
    }

    #[test]
    fn only_a_plan_is_shown() {
        let plan = r#"{"run": "r", "route": "Scan", "estimate": {"items": 20000, "bytes": 1, "readUnits": 1234,
            "minutes": 0.04, "cost": {"total": 0.014, "reads": 0.01, "lambda": 0.003, "requests": 0.001}}}"#;
        let shown = "scan of about 20,000 items, 1,234 read units, 2.4s, $0.01";
        assert_eq!(planned(plan).as_deref(), Some(shown));
        let warned = plan.replace(r#""route""#, r#""warnings": ["a typo?"], "route""#);
        let shown = format!("{shown}; warning: a typo?");
        assert_eq!(planned(&warned), Some(shown));
        assert_eq!(planned(r#"{"status": "Done"}"#), None);
    }

    #[test]
    fn steps_follow_a_view_that_grows_by_any_number_of_rows() {
        let progress = Progress::quiet();
        let mut steps = Steps::new(&progress);
        let current = |steps: &Steps<'_>| {
            let (_, row) = steps.current.as_ref()?;
            Some((row.state.clone(), row.over.is_some()))
        };
        steps.show(&View::default(), None);
        assert_eq!(current(&steps), None);
        let mut rows = vec![row("first", false)];
        steps.show(&View { rows: rows.clone() }, None);
        assert_eq!(current(&steps), Some(("first".to_owned(), false)));
        rows[0].over = Some(SystemTime::UNIX_EPOCH);
        rows.extend([row("second", true), row("third", false)]);
        steps.show(&View { rows: rows.clone() }, None);
        assert_eq!(current(&steps), Some(("third".to_owned(), false)));
        rows[2].over = Some(SystemTime::UNIX_EPOCH);
        steps.show(&View { rows }, None);
        assert_eq!(current(&steps), Some(("third".to_owned(), true)));
        steps.end();
        assert_eq!(current(&steps), None);
    }
}
