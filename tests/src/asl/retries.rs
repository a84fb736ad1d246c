//! What is tried again: errors that exist, by their exact names, never all of them. It must not
//! know what a step does.

use super::scope::{State, states};
use crate::Finding;
use contract::ErrorName;
use serde_json::Value;
use std::collections::BTreeSet;

/// What Lambda and its integration report, beside the functions' own names. `States.ALL` and
/// `States.TaskFailed` are not here: they would try again what will never succeed.
const OF_THE_SERVICE: [&str; 9] = [
    "Lambda.AWSLambdaException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.SdkClientException",
    "Lambda.ServiceException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
    "Runtime.ExitError",
    "Sandbox.Timedout",
    "States.Timeout",
];

/// What SNS and its integration report.
const OF_NOTICES: [&str; 3] = [
    "SNS.InternalErrorException",
    "SNS.SdkClientException",
    "SNS.ThrottledException",
];

/// What no task may end by at its first occurrence: a crash costs an invocation, not a run.
const ALWAYS: [&str; 5] = [
    "Throttled",
    "ServiceUnavailable",
    "Lambda.TooManyRequestsException",
    "Runtime.ExitError",
    "Sandbox.Timedout",
];

pub fn findings(machine: &Value) -> Vec<Finding> {
    let mut found = Vec::new();
    let tasks = states(machine);
    for task in tasks.iter().filter(|state| state.kind() == "Task") {
        of_task(task, &mut found);
    }
    found
}

/// The error names of each of a task's retriers.
fn of_task(task: &State<'_>, found: &mut Vec<Finding>) {
    let mut names = BTreeSet::new();
    let retriers = task.json["Retry"].as_array();
    for (index, retrier) in retriers.into_iter().flatten().enumerate() {
        let place = format!("{}.Retry[{index}]", task.place);
        let mut say = |problem: String| found.push(Finding::new(&place, problem));
        if retrier["JitterStrategy"] != "FULL" {
            say("has no JitterStrategy FULL".to_owned());
        }
        if retrier["MaxDelaySeconds"].as_u64().is_none() {
            say("has no MaxDelaySeconds".to_owned());
        }
        let errors = retrier["ErrorEquals"].as_array();
        if errors.is_none_or(Vec::is_empty) {
            say("has no ErrorEquals".to_owned());
        }
        for error in errors.into_iter().flatten() {
            let name = error.as_str().unwrap_or("");
            if !is_known(name) {
                say(format!("{name:?} is no error name"));
            }
            if !names.insert(name) {
                say(format!("{name:?} is matched already"));
            }
        }
    }
    let always: &[&str] = if super::verb(task.json).is_some() {
        &ALWAYS
    } else {
        &OF_NOTICES
    };
    for &name in always {
        if !names.contains(name) {
            found.push(Finding::new(
                &task.place,
                format!("{name} is not tried again"),
            ));
        }
    }
}

fn is_known(name: &str) -> bool {
    let mut contract = ErrorName::ALL.into_iter().map(ErrorName::as_str);
    contract.any(|known| known == name)
        || OF_THE_SERVICE.contains(&name)
        || OF_NOTICES.contains(&name)
}
