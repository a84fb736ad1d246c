//! What people see of an execution: a row for every state that works, in order, with times and
//! counts. Made from the history's events alone, so it is the same however often it is asked for.
//! It must not know which states there are.

use super::between;
use aws::sfn::{HistoryEvent, MapRunInfo};
use std::time::{Duration, SystemTime};

/// The states that an execution went through.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct View {
    /// The states that work (Task and Map), in the order in which they were first entered.
    pub rows: Vec<Row>,
}

/// A state that works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its name.
    pub state: String,
    /// What it is.
    pub kind: RowKind,
    /// When it was first entered.
    pub entered: SystemTime,
    /// When the execution went on to another state that works, or ended. A loop that waits and
    /// enters the state again is one row that is not over.
    pub over: Option<SystemTime>,
    /// How often it was entered.
    pub visits: u32,
    /// Of a Distributed Map: items done, failed, and in all.
    pub items: Option<(u64, u64, u64)>,
    /// Of a Distributed Map: the ARN of its run.
    pub map_run: Option<String>,
    /// What it handed on last, JSON.
    pub output: Option<String>,
}

/// What a state that works is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowKind {
    /// A call of a function or service.
    Task,
    /// A Map.
    Map,
}

impl Row {
    /// How long it took, or has taken by `now`.
    pub fn took(&self, now: SystemTime) -> Duration {
        between(self.entered, self.over.unwrap_or(now))
    }
}

impl View {
    /// The view of a history, oldest event first.
    pub fn of(history: &[HistoryEvent]) -> Self {
        let mut rows: Vec<Row> = Vec::new();
        for event in history {
            let kind = match event.kind.as_str() {
                "TaskStateEntered" => RowKind::Task,
                "MapStateEntered" => RowKind::Map,
                "TaskStateExited" => {
                    if let Some(current) = rows.last_mut()
                        && event.state.as_ref() == Some(&current.state)
                    {
                        current.output.clone_from(&event.output);
                    }
                    continue;
                }
                "ExecutionSucceeded" | "ExecutionFailed" | "ExecutionAborted"
                | "ExecutionTimedOut" => {
                    if let Some(current) = rows.last_mut() {
                        current.over.get_or_insert(event.at);
                    }
                    continue;
                }
                // A redriven execution goes on where it ended.
                "ExecutionRedriven" => {
                    if let Some(current) = rows.last_mut() {
                        current.over = None;
                    }
                    continue;
                }
                _ => continue,
            };
            let Some(state) = &event.state else { continue };
            if let Some(current) = rows.last_mut() {
                if current.state == *state {
                    current.visits += 1;
                    continue;
                }
                current.over = Some(event.at);
            }
            rows.push(Row {
                state: state.clone(),
                kind,
                entered: event.at,
                over: None,
                visits: 1,
                items: None,
                map_run: None,
                output: None,
            });
        }
        Self { rows }
    }

    /// Gives the Map states the counts of the Distributed Maps' runs, which begin in the same order.
    pub fn count(&mut self, map_runs: &[MapRunInfo]) {
        let maps = self.rows.iter_mut().filter(|row| row.kind == RowKind::Map);
        for (row, run) in maps.zip(map_runs) {
            row.items = Some((run.succeeded, run.failed, run.total));
            row.map_run = Some(run.arn.clone());
        }
    }

    /// The state that works or worked last.
    pub fn current(&self) -> Option<&Row> {
        self.rows.last()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(second: u64, kind: &str, state: &str) -> HistoryEvent {
        HistoryEvent {
            id: 0,
            at: SystemTime::UNIX_EPOCH + Duration::from_secs(second),
            kind: kind.to_owned(),
            state: (!state.is_empty()).then(|| state.to_owned()),
            output: None,
            failure: None,
        }
    }

    /// As recorded of local Step Functions: no `MapRunStarted`, no events of functions.
    fn recorded() -> Vec<HistoryEvent> {
        [
            (0, "ExecutionStarted", ""),
            (1, "TaskStateEntered", "PlanExport"),
            (1, "TaskScheduled", ""),
            (2, "TaskSucceeded", ""),
            (2, "TaskStateExited", "PlanExport"),
            (2, "MapStateEntered", "ExportSegments"),
            (5, "MapStateExited", "ExportSegments"),
            (5, "TaskStateEntered", "StartTraining"),
            (6, "TaskStateExited", "StartTraining"),
            (6, "ChoiceStateEntered", "IsTrained"),
            (6, "ChoiceStateExited", "IsTrained"),
            (6, "WaitStateEntered", "WaitForTraining"),
            (9, "WaitStateExited", "WaitForTraining"),
            (9, "TaskStateEntered", "StartTraining"),
        ]
        .map(|(second, kind, state)| event(second, kind, state))
        .to_vec()
    }

    fn summary(view: &View) -> Vec<(&str, u32, Option<u64>)> {
        view.rows
            .iter()
            .map(|row| {
                let over = row.over.map(|_| row.took(row.entered).as_secs());
                (row.state.as_str(), row.visits, over)
            })
            .collect()
    }

    #[test]
    fn states_that_work_are_rows_and_a_loop_is_one_row() {
        let view = View::of(&recorded());
        assert_eq!(
            summary(&view),
            [
                ("PlanExport", 1, Some(1)),
                ("ExportSegments", 1, Some(3)),
                ("StartTraining", 2, None)
            ]
        );
        assert_eq!(view.current().unwrap().state, "StartTraining");
    }

    #[test]
    fn the_end_is_the_end_of_the_last_row() {
        let mut history = recorded();
        history.push(event(11, "ExecutionFailed", ""));
        let view = View::of(&history);
        assert_eq!(summary(&view).last(), Some(&("StartTraining", 2, Some(6))));
        history.push(event(20, "ExecutionRedriven", ""));
        assert_eq!(View::of(&history).current().unwrap().over, None);
    }

    #[test]
    fn counts_belong_to_the_maps_in_order() {
        let mut view = View::of(&recorded());
        let run = |arn: &str, succeeded| MapRunInfo {
            arn: arn.to_owned(),
            started: SystemTime::UNIX_EPOCH,
            running: true,
            total: 4,
            succeeded,
            failed: 1,
        };
        view.count(&[run("first", 2), run("second", 3)]);
        assert_eq!(view.rows[0].items, None);
        assert_eq!(view.rows[1].items, Some((2, 1, 4)));
        assert_eq!(view.rows[1].map_run.as_deref(), Some("first"));
        assert_eq!(view.rows[2].items, None);
    }
}
