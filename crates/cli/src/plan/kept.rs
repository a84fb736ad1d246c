//! What a run leaves behind and is paid for: objects in the lake by the month, and log lines.

use super::steps::{Raw, StepRow};
use crate::place::Settings;
use contract::wait_seconds;
use definition::Definition;
use definition::prices::{LOG_GB, LOG_GB_MONTH, STORAGE_GB_MONTH};
use plan_export::{JSON_PER_BYTE, STORED_PER_JSON};
use raw_export::Planned;
use schemars::JsonSchema;
use serde::Serialize;

/// Bytes of log that a call of a function leaves: its own lines, and Lambda's about its start and
/// end. Assumed, not measured on AWS.
const BYTES_PER_CALL: f64 = 4096.0;
/// Minutes for which one call exports.
const CALL_MINUTES: f64 = 13.5;
/// Calls of the functions that are called once.
const CALLS: f64 = 5.0;

/// What a run stores in the lake.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StorageRow {
    /// Bytes of a run, compressed, without its model; absent if unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<f64>,
    /// US dollars of a month, for each run that is kept; absent if unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dollars_per_month: Option<f64>,
    /// Days for which an export is kept; absent if it is kept for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept_days: Option<u32>,
}

/// What the functions write to CloudWatch Logs.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogsRow {
    /// Calls of functions.
    pub calls: f64,
    /// Bytes of a run.
    pub bytes: f64,
    /// US dollars of a run, with the storage.
    pub dollars: f64,
    /// Days for which they are kept.
    pub kept_days: u32,
}

/// What a run stores.
pub fn storage(definition: &Definition, planned: &Planned, settings: Settings) -> StorageRow {
    let table = planned.estimate.bytes as f64;
    let raw = table * JSON_PER_BYTE * STORED_PER_JSON;
    // Training files are text that is not compressed, and have a part of the attributes.
    let rows = if definition.dataset.is_some() {
        table
    } else {
        0.0
    };
    let bytes = (planned.estimate.bytes > 0).then_some(raw + rows);
    StorageRow {
        bytes,
        dollars_per_month: bytes.map(|bytes| bytes / 1e9 * STORAGE_GB_MONTH),
        kept_days: Some(settings.raw_expiry_days).filter(|days| *days > 0),
    }
}

/// What a run logs.
pub fn logs(
    definition: &Definition,
    planned: &Planned,
    steps: &[StepRow],
    settings: Settings,
) -> LogsRow {
    let tasks = planned.tasks.len().max(1) as f64;
    let minutes = planned.estimate.minutes.unwrap_or_default();
    let exporting = tasks * (minutes / CALL_MINUTES).ceil().max(1.0);
    let shards = definition.dataset.as_ref();
    let shards = shards.map_or(0.0, |dataset| Raw::of(dataset, &planned.estimate).shards);
    let polled = steps
        .iter()
        .filter(|step| !["export", "dataset"].contains(&&*step.step));
    let polls: u32 = polled.filter_map(|step| step.minutes).map(polls).sum();
    let calls = CALLS + exporting + shards + f64::from(polls);
    let bytes = calls * BYTES_PER_CALL;
    let months = f64::from(settings.log_retention_days) / 30.0;
    LogsRow {
        calls,
        bytes,
        dollars: bytes / 1e9 * (LOG_GB + LOG_GB_MONTH * months),
        kept_days: settings.log_retention_days,
    }
}

/// How often the state machine asks for something that takes so many minutes.
fn polls(minutes: f64) -> u32 {
    let (mut age, mut polls) = (0, 1);
    while (age as f64) < minutes * 60.0 {
        age += u64::from(wait_seconds(age));
        polls += 1;
    }
    polls
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::states::{Estimate, ExportTask, Route};
    use serde_json::json;

    fn planned(bytes: u64, tasks: u32) -> Planned {
        Planned {
            key_attributes: Vec::new(),
            route: Route::Scan,
            reason: String::new(),
            segments: tasks,
            tasks: ExportTask::share(tasks, tasks),
            estimate: Estimate {
                items: 1,
                bytes,
                read_units: 0,
                minutes: Some(20.0),
                cost: None,
            },
            sample: None,
            source: None,
            changes: None,
        }
    }

    fn settings(raw_expiry_days: u32) -> Settings {
        Settings {
            raw_expiry_days,
            ..Settings::DEFAULT
        }
    }

    #[test]
    fn an_export_and_its_training_files_are_stored() {
        let source = json!({"source": {"dynamodb": {"table": "t"}}});
        let only: Definition = contract::read::from_value(source.clone()).unwrap();
        let row = storage(&only, &planned(10_000_000_000, 1), settings(90));
        assert_eq!(row.bytes, Some(4e9));
        assert!((row.dollars_per_month.unwrap() - 0.092).abs() < 1e-9);
        assert_eq!(row.kept_days, Some(90));
        let mut both = source;
        both["dataset"] = json!({"label": "y"});
        let both: Definition = contract::read::from_value(both).unwrap();
        let row = storage(&both, &planned(10_000_000_000, 1), settings(0));
        assert_eq!((row.bytes, row.kept_days), (Some(14e9), None));
        let uncounted = storage(&both, &planned(0, 1), settings(0));
        assert_eq!((uncounted.bytes, uncounted.dollars_per_month), (None, None));
    }

    #[test]
    fn every_call_of_a_function_logs() {
        let source = json!({"source": {"dynamodb": {"table": "t"}}, "dataset": {"label": "y"}});
        let definition: Definition = contract::read::from_value(source).unwrap();
        // 600 MB of raw lines are three shards; four tasks export twice each.
        let planned = planned(300_000_000, 4);
        let row = logs(&definition, &planned, &[], Settings::DEFAULT);
        assert!((row.calls - (5.0 + 8.0 + 3.0)).abs() < 1e-9, "{row:?}");
        assert!((row.dollars - row.bytes / 1e9 * 0.53).abs() < 1e-12);
        let training = StepRow {
            step: "training".to_owned(),
            minutes: Some(1.0),
            dollars: None,
            at_most: false,
            basis: String::new(),
        };
        let more = logs(&definition, &planned, &[training], Settings::DEFAULT);
        assert!(more.calls > row.calls + 5.0 && more.calls < row.calls + 30.0);
    }
}
