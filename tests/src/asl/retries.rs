//! Checks the retriers: their errors exist, have exact names, and are never `States.ALL`.

use super::scope::{State, states};
use crate::Finding;
use contract::ErrorName;
use serde_json::Value;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

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
const ALWAYS: [&str; 6] = [
    "Throttled",
    "ServiceUnavailable",
    "Lambda.TooManyRequestsException",
    "Runtime.ExitError",
    "Sandbox.Timedout",
    "States.Timeout",
];

/// How an error is tried again: what causes it decides how long that takes to pass.
struct Pace {
    errors: &'static [&'static str],
    first_seconds: RangeInclusive<f64>,
    attempts: RangeInclusive<f64>,
    /// All pauses together, before jitter.
    total_seconds: RangeInclusive<f64>,
}

const PACES: [Pace; 5] = [
    // A service that asks to slow down, or fails for a while.
    Pace {
        errors: &[
            "Throttled",
            "ServiceUnavailable",
            "SNS.InternalErrorException",
            "SNS.SdkClientException",
            "SNS.ThrottledException",
        ],
        first_seconds: 1.0..=5.0,
        attempts: 5.0..=12.0,
        total_seconds: 180.0..=1800.0,
    },
    // All of the account's executions are taken, perhaps for as long as a function may run: 900 s,
    // of which full jitter waits half on average.
    Pace {
        errors: &["Lambda.TooManyRequestsException"],
        first_seconds: 1.0..=60.0,
        attempts: 5.0..=200.0,
        total_seconds: 1_800.0..=43_200.0,
    },
    // A crash: each attempt costs an invocation, and what crashes always must end soon.
    Pace {
        errors: &[
            "Lambda.AWSLambdaException",
            "Lambda.ClientExecutionTimeoutException",
            "Lambda.SdkClientException",
            "Lambda.ServiceException",
            "Lambda.Unknown",
            "Runtime.ExitError",
            "Sandbox.Timedout",
        ],
        first_seconds: 1.0..=5.0,
        attempts: 3.0..=6.0,
        total_seconds: 10.0..=300.0,
    },
    // A call that was cut off may still be running.
    Pace {
        errors: &["States.Timeout"],
        first_seconds: 1.0..=60.0,
        attempts: 1.0..=5.0,
        total_seconds: 1.0..=900.0,
    },
    // A quota that others use up, or missing capacity: minutes to hours.
    Pace {
        errors: &["ResourceLimitExceeded", "CapacityUnavailable"],
        first_seconds: 30.0..=300.0,
        attempts: 3.0..=12.0,
        total_seconds: 1200.0..=14_400.0,
    },
];

/// Errors of the contract that are tried again by the states of these functions alone, each with
/// the functions that create what a quota or a shortage may refuse. `start-training` waits such a
/// shortage out by itself.
const BY_FUNCTION: [(&str, &[&str]); 2] = [
    (
        "ResourceLimitExceeded",
        &["request-export", "judge-model", "deploy-endpoint"],
    ),
    ("CapacityUnavailable", &["judge-model"]),
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
        pace(retrier, &mut say);
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
            if let Some(problem) = refused(task, name) {
                say(problem);
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
    let own = BY_FUNCTION.iter().filter(|(_, functions)| {
        let verb = super::verb(task.json).filter(|_| !super::is_callback(task.json));
        verb.is_some_and(|verb| functions.contains(&verb.as_str()))
    });
    let own = own.map(|(name, _)| *name);
    let catchers = task.json["Catch"].as_array().into_iter().flatten();
    let caught: BTreeSet<&str> = catchers
        .filter_map(|catcher| catcher["ErrorEquals"].as_array())
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    for name in always.iter().copied().chain(own) {
        if !names.contains(name) && !caught.contains(name) {
            found.push(Finding::new(
                &task.place,
                format!("{name} is not tried again"),
            ));
        }
    }
}

/// Why this task may not try that error again, if it may not: what cannot succeed by itself ends
/// the run.
fn refused(task: &State<'_>, name: &str) -> Option<String> {
    let mut paced = PACES.iter().flat_map(|pace| pace.errors);
    if is_known(name) && !paced.any(|known| *known == name) {
        return Some(format!("{name:?} never succeeds by itself"));
    }
    let (_, functions) = BY_FUNCTION.iter().find(|(known, _)| *known == name)?;
    let verb = super::verb(task.json).unwrap_or_default();
    let allowed = functions.contains(&verb.as_str());
    (!allowed).then(|| format!("{name:?} is not tried again by {verb}"))
}

/// Whether a retrier's numbers fit what causes its errors.
fn pace(retrier: &Value, say: &mut impl FnMut(String)) {
    let number = |field: &str| retrier[field].as_f64();
    let numbers = [
        number("IntervalSeconds"),
        number("BackoffRate"),
        number("MaxAttempts"),
        number("MaxDelaySeconds"),
    ];
    let [Some(first), Some(rate), Some(attempts), Some(longest)] = numbers else {
        return say("lacks one of its numbers".to_owned());
    };
    let mut pause = first;
    let mut total = 0.0;
    let mut left = attempts.min(1000.0);
    while left >= 1.0 {
        total += f64::min(pause, longest);
        pause *= rate;
        left -= 1.0;
    }
    let errors = retrier["ErrorEquals"].as_array().into_iter().flatten();
    let errors: Vec<&str> = errors.filter_map(Value::as_str).collect();
    let paces = PACES
        .iter()
        .filter(|pace| pace.errors.iter().any(|it| errors.contains(it)));
    for pace in paces {
        let name = pace
            .errors
            .iter()
            .find(|it| errors.contains(it))
            .unwrap_or(&"");
        for (what, value, wanted) in [
            ("waits first", first, &pace.first_seconds),
            ("tries", attempts, &pace.attempts),
            ("waits in all", total, &pace.total_seconds),
        ] {
            if !wanted.contains(&value) {
                say(format!("{what} {value} for {name}, not {wanted:?}"));
            }
        }
    }
    if !(1.0..=3.0).contains(&rate) {
        say(format!("has the BackoffRate {rate}"));
    }
}

fn is_known(name: &str) -> bool {
    let mut contract = ErrorName::ALL.into_iter().map(ErrorName::as_str);
    contract.any(|known| known == name)
        || OF_THE_SERVICE.contains(&name)
        || OF_NOTICES.contains(&name)
}
