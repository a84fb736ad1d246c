//! The steps of a run, with their times.

use lake::executions::View;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::SystemTime;

/// A step of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StepDocument {
    /// Its state.
    pub state: String,
    /// Seconds between the first step's beginning and its own.
    pub at: f64,
    /// Seconds that it took, waits of its loop included.
    pub seconds: f64,
    /// How often it was entered.
    pub calls: u32,
    /// Calls that failed and were tried again.
    pub retries: u32,
    /// Children of a Distributed Map.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub children: Option<ChildrenDocument>,
    /// Whether the run failed here.
    pub failed: bool,
}

/// Children of a Distributed Map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChildrenDocument {
    /// Those that succeeded.
    pub done: u64,
    /// Those that failed.
    pub failed: u64,
    /// All.
    pub total: u64,
}

/// The steps of an execution that ended, or is ending, at this time.
pub fn of(view: &View, end: SystemTime, has_failed: bool) -> Vec<StepDocument> {
    let first = view.rows.first().map_or(end, |row| row.entered);
    let last = view.rows.len().saturating_sub(1);
    let steps = view.rows.iter().enumerate().map(|(at, row)| {
        let failed = has_failed && at == last;
        StepDocument {
            state: row.state.clone(),
            at: row
                .entered
                .duration_since(first)
                .unwrap_or_default()
                .as_secs_f64(),
            seconds: row.took(end).as_secs_f64(),
            calls: row.visits,
            // The last failure of the step that failed was not tried again.
            retries: row.failures.saturating_sub(u32::from(failed)),
            children: row.items.map(|(done, failed, total)| ChildrenDocument {
                done,
                failed,
                total,
            }),
            failed,
        }
    });
    steps.collect()
}
