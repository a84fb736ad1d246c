//! The matrix: each fault, and the expected end.

use crate::steps::Step;
use serde_json::{Value, json};

/// Where a row has to end.
#[derive(Debug)]
pub enum Expected {
    /// A verified endpoint on the run's model.
    Verified,
    /// At this step, under one of these names, with the champion unchanged.
    Error(Step, &'static [&'static str]),
}

/// A row.
pub struct Row {
    pub caption: &'static str,
    pub faults: Value,
    /// Whether a champion serves already.
    pub has_champion: bool,
    pub expected: Expected,
    /// Whether a person has to delete the endpoint before a redrive.
    pub is_unusable: bool,
}

fn row(caption: &'static str, faults: Value, expected: Expected) -> Row {
    Row {
        caption,
        faults,
        has_champion: true,
        expected,
        is_unusable: false,
    }
}

fn first(caption: &'static str, faults: Value, expected: Expected) -> Row {
    Row {
        has_champion: false,
        ..row(caption, faults, expected)
    }
}

fn refuse(operation: &str, code: &str) -> Value {
    json!({"fault": "refuse", "operation": operation, "code": code, "times": 2})
}

fn lose(operation: &str) -> Value {
    json!([{"fault": "lose", "operation": operation, "times": 1}])
}

/// All rows. The endpoint is called `films`; jobs, models and configurations `default-<run>`.
pub fn all() -> Vec<Row> {
    let mut rows = passing();
    rows.extend(failing());
    rows
}

/// Faults that end in a verified endpoint.
fn passing() -> Vec<Row> {
    use Expected::Verified;
    let throttled = [
        "DescribeTrainingJob",
        "CreateTrainingJob",
        "DescribeModel",
        "CreateModel",
        "DescribeEndpointConfig",
        "CreateEndpointConfig",
        "DescribeEndpoint",
        "UpdateEndpoint",
        "InvokeEndpoint",
    ];
    let throttled: Value = throttled
        .map(|it| refuse(it, "ThrottlingException"))
        .into_iter()
        .collect();
    let failing = [
        "CreateTrainingJob",
        "CreateModel",
        "CreateEndpointConfig",
        "UpdateEndpoint",
    ];
    let failing: Value = failing
        .map(|it| refuse(it, "InternalFailure"))
        .into_iter()
        .collect();
    vec![
        first("nothing, the first model", json!([]), Verified),
        row("nothing, the next model", json!([]), Verified),
        row("every call throttled twice", throttled, Verified),
        row("every creation fails twice inside", failing, Verified),
        row(
            "the answer of CreateTrainingJob is lost",
            lose("CreateTrainingJob"),
            Verified,
        ),
        row(
            "the answer of CreateModel is lost",
            lose("CreateModel"),
            Verified,
        ),
        row(
            "the answer of CreateEndpointConfig is lost",
            lose("CreateEndpointConfig"),
            Verified,
        ),
        first(
            "the answer of CreateEndpoint is lost",
            lose("CreateEndpoint"),
            Verified,
        ),
        row(
            "the answer of UpdateEndpoint is lost",
            lose("UpdateEndpoint"),
            Verified,
        ),
        row(
            "what is new shows late",
            json!([{"fault": "stale", "seconds": 1.5}]),
            Verified,
        ),
        first(
            "what is new shows late, the first model",
            json!([{"fault": "stale", "seconds": 1.5}]),
            Verified,
        ),
    ]
}

/// Faults that end in an error.
fn failing() -> Vec<Row> {
    use Expected::Error;
    let job = "default-20261121";
    vec![
        row(
            "no instance for training",
            json!([{"fault": "capacity", "name": job}]),
            Error(Step::Train, &["CapacityUnavailable"]),
        ),
        row(
            "the training program hangs",
            json!([{"fault": "hang", "name": job}]),
            Error(Step::Train, &["TrainingStopped"]),
        ),
        row(
            "a silent rollback",
            json!([{"fault": "rollback"}]),
            Error(Step::Deploy, &["RolledBack"]),
        ),
        row(
            "no instance for the update",
            json!([{"fault": "capacity", "name": "films"}]),
            Error(Step::Deploy, &["RolledBack", "CapacityUnavailable"]),
        ),
        row(
            "the new model never answers a ping",
            json!([{"fault": "no-ping", "name": "films"}]),
            Error(Step::Deploy, &["RolledBack"]),
        ),
        Row {
            is_unusable: true,
            ..first(
                "no instance for the first endpoint",
                json!([{"fault": "capacity", "name": "films"}]),
                Error(Step::Deploy, &["DeploymentFailed", "CapacityUnavailable"]),
            )
        },
        Row {
            is_unusable: true,
            ..first(
                "the first model never answers a ping",
                json!([{"fault": "no-ping", "name": "films"}]),
                Error(Step::Deploy, &["DeploymentFailed"]),
            )
        },
    ]
}
