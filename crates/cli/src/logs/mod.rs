//! The log lines of a run's functions.
//!
//! Every line that a function writes while it works for a run names the run. An invocation that was
//! killed could not write why: Lambda's own lines about it are looked up by the request's id.

mod follow;
mod line;

pub use follow::Follower;
pub use line::Line;

use crate::place::Place;
use crate::runs::{self, Detail, RunError};
use aws::logs::{LogGroups, LogLine};
use contract::RunId;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

/// After a run's end, its functions' last lines still arrive.
const LATE: Duration = Duration::from_mins(1);

/// Killed invocations of which Lambda's own lines are looked up.
const MOST_KILLED: usize = 10;

/// The log lines of a run's functions, in the order of time.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Lines {
    /// The run.
    pub run: RunId,
    /// The CloudWatch log groups that were read.
    pub groups: Vec<String>,
    /// The lines.
    pub lines: Vec<Line>,
}

/// Reads the lines of a run: of the step that is named, or else of the step that failed, or else of
/// all steps.
///
/// # Errors
/// If the run has no such step, the stack is not known, or CloudWatch Logs cannot be asked.
pub async fn read(place: &Place, detail: &Detail, step: Option<&str>) -> Result<Lines, RunError> {
    let functions = functions(place, &states(detail, step)?)?;
    let (from, _) = times(detail);
    Ok(Lines {
        run: detail.run.run.clone(),
        lines: between(place, detail, &functions, from).await?,
        groups: functions.into_keys().collect(),
    })
}

/// The log groups of the functions that the states call, with the functions.
fn functions(place: &Place, states: &[&str]) -> Result<BTreeMap<String, String>, RunError> {
    let stack = place.stack().ok_or(RunError::NeedsStack)?;
    let states = states.iter();
    Ok(states
        .filter_map(|state| runs::log_group(stack, state).zip(runs::function(state)))
        .collect())
}

/// The lines of the run in these groups from a time on, in the order of time.
async fn between(
    place: &Place,
    detail: &Detail,
    functions: &BTreeMap<String, String>,
    from: SystemTime,
) -> Result<Vec<Line>, RunError> {
    let (_, to) = times(detail);
    let groups = LogGroups::new(place.config());
    let mut lines = Vec::new();
    for (group, function) in functions {
        let found = groups
            .containing(group, detail.run.run.as_str(), from, to)
            .await?;
        let mut of_group: Vec<_> = found.iter().map(|line| Line::of(function, line)).collect();
        if detail.run.finished.is_some() {
            for request in killed(&of_group) {
                let about = groups.containing(group, &request, from, to).await?;
                let about = about.iter().filter(|line| is_lambdas(line));
                of_group.extend(about.map(|line| Line::of(function, line)));
            }
        }
        lines.extend(of_group);
    }
    lines.sort_by(|a, b| a.time.cmp(&b.time));
    Ok(lines)
}

/// The states whose functions' lines are to be read.
fn states<'a>(detail: &'a Detail, step: Option<&str>) -> Result<Vec<&'a str>, RunError> {
    let all: Vec<_> = detail
        .steps
        .iter()
        .map(|step| step.state.as_str())
        .collect();
    if let Some(step) = step {
        let found = all.iter().find(|state| state.eq_ignore_ascii_case(step));
        return match found {
            Some(state) => Ok(vec![*state]),
            None => Err(RunError::NoStep {
                run: detail.run.run.clone(),
                step: step.to_owned(),
                steps: all.iter().map(ToString::to_string).collect(),
            }),
        };
    }
    let error = detail.run.error.as_ref();
    let failed = error.and_then(|error| error.state.as_deref());
    Ok(failed.map_or(all, |state| vec![state]))
}

/// From the run's start to its end, or until now.
fn times(detail: &Detail) -> (SystemTime, SystemTime) {
    let time = |text: &str| text.parse::<jiff::Timestamp>().ok().map(SystemTime::from);
    let from = time(&detail.run.started).unwrap_or(SystemTime::UNIX_EPOCH);
    let end = detail.run.finished.as_deref().and_then(time);
    (from, end.unwrap_or_else(SystemTime::now) + LATE)
}

/// The requests that began and did not end.
fn killed(lines: &[Line]) -> Vec<String> {
    let of = |ended: bool| {
        let lines = lines.iter().filter(move |line| !ended || line.is_end());
        lines.filter_map(|line| line.request.clone())
    };
    let ended: BTreeSet<_> = of(true).collect();
    let begun: BTreeSet<_> = of(false).collect();
    begun
        .difference(&ended)
        .take(MOST_KILLED)
        .cloned()
        .collect()
}

/// Whether Lambda itself has written the line. Source: AWS Lambda Developer Guide, "Lambda
/// telemetry API `Event` schema reference".
fn is_lambdas(line: &LogLine) -> bool {
    line.text.contains("\"type\":\"platform.")
}

impl Lines {
    /// A line of text for each.
    pub fn text(&self) -> String {
        if self.lines.is_empty() {
            let groups = self.groups.join(", ");
            return format!("no lines of run {} in {groups}\n", self.run);
        }
        let width = self.lines.iter().map(|line| line.function.len()).max();
        let lines = self.lines.iter().map(|line| line.text(width.unwrap_or(0)));
        lines.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn line(request: &str, rest: &serde_json::Value) -> Line {
        let mut text = json!({
            "timestamp": "2026-11-28T09:30:57.000001Z", "level": "INFO", "message": "wrote a part",
            "span": {"name": "invocation", "request_id": request, "run": "r"},
        });
        let fields = text.as_object_mut().unwrap();
        fields.extend(rest.as_object().unwrap().clone());
        let line = LogLine {
            id: "1".to_owned(),
            at: SystemTime::UNIX_EPOCH,
            text: text.to_string(),
        };
        Line::of("export-segment", &line)
    }

    #[test]
    fn an_invocation_without_an_answer_was_killed() {
        let answered = json!({"message": "answered", "millis": 7});
        let refused = json!({"level": "ERROR", "message": "no", "error": "Bug", "millis": 7});
        let lines = [
            line("a", &json!({})),
            line("a", &answered),
            line("b", &json!({})),
            line("c", &refused),
            line("b", &json!({})),
        ];
        assert_eq!(killed(&lines), ["b"]);
    }
}
