//! The view of an execution: one row per Task and Map state, in order, with times and counts. It is
//! computed from the events of the history alone.

use super::{HistoryEvent, MapRunInfo};
use std::time::{Duration, SystemTime};

/// The states that an execution has run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct View {
    /// The Task and Map states, in the order in which they were first entered.
    pub rows: Vec<Row>,
}

/// A Task or Map state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its name.
    pub state: String,
    /// Its type.
    pub kind: RowKind,
    /// When it was first entered.
    pub entered: SystemTime,
    /// When the execution entered the next Task or Map state, or ended. `None` while a loop enters
    /// the same state again.
    pub over: Option<SystemTime>,
    /// Number of times it was entered.
    pub visits: u32,
    /// Calls that failed.
    pub failures: u32,
    /// Of a Distributed Map: items done, failed and in total.
    pub items: Option<(u64, u64, u64)>,
    /// Of a Distributed Map: the ARN of its run.
    pub map_run: Option<String>,
    /// Its last output, as JSON.
    pub output: Option<String>,
}

/// Type of a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowKind {
    /// A call of a function or service.
    Task,
    /// A Map.
    Map,
}

impl Row {
    /// Its duration, until `now` if it is not over.
    pub fn took(&self, now: SystemTime) -> Duration {
        let end = self.over.unwrap_or(now);
        end.duration_since(self.entered).unwrap_or_default()
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
                "TaskFailed" | "TaskTimedOut" | "TaskStartFailed" | "TaskSubmitFailed" => {
                    if let Some(current) = rows.last_mut() {
                        current.failures += 1;
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
                // A redriven execution continues with the state that failed.
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
                failures: 0,
                items: None,
                map_run: None,
                output: None,
            });
        }
        Self { rows }
    }

    /// Sets the counts of the Map states from the Map Runs, which start in the same order.
    pub fn set_counts(&mut self, map_runs: &[MapRunInfo]) {
        let maps = self.rows.iter_mut().filter(|row| row.kind == RowKind::Map);
        for (row, run) in maps.zip(map_runs) {
            row.items = Some((run.succeeded, run.failed, run.total));
            row.map_run = Some(run.arn.clone());
        }
    }

    /// The latest Task or Map state.
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
    fn task_and_map_states_are_rows_and_a_loop_is_one_row() {
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
        view.set_counts(&[run("first", 2), run("second", 3)]);
        assert_eq!(view.rows[0].items, None);
        assert_eq!(view.rows[1].items, Some((2, 1, 4)));
        assert_eq!(view.rows[1].map_run.as_deref(), Some("first"));
        assert_eq!(view.rows[2].items, None);
    }
}
