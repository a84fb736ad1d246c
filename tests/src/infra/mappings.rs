//! Checks what brings a table's stream to a function: no record is skipped, given up early, or lost
//! when it is given up.

use super::policy::list;
use super::stack::{Stack, number};
use super::{access, scores, trust};
use crate::Finding;
use serde_json::{Value, json};

/// What captures changes.
const FUNCTION: &str = "millrace-CaptureChangesFunction";
const MAPPING: &str = "AWS::Lambda::EventSourceMapping";

/// The properties that a mapping may have. `FunctionResponseTypes` is none of them: a batch is
/// captured whole, and of a partial answer the records behind the failed one would be skipped by many
/// readers of streams.
pub const PROPERTIES: [&str; 11] = [
    "BatchSize",
    "BisectBatchOnFunctionError",
    "DestinationConfig",
    "EventSourceArn",
    "FunctionName",
    "MaximumBatchingWindowInSeconds",
    "MaximumRecordAgeInSeconds",
    "MaximumRetryAttempts",
    "MetricsConfig",
    "ParallelizationFactor",
    "StartingPosition",
];

/// Seconds that a stream keeps its records. Source: Amazon DynamoDB Developer Guide, "Change data
/// capture for DynamoDB Streams".
const KEPT: f64 = 24.0 * 3600.0;

/// What may be done with a stream.
const READING: [&str; 4] = [
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
];

/// Everything that is wrong with the mappings.
pub fn findings(stack: &Stack) -> Vec<Finding> {
    let mut found = Vec::new();
    let given = stack.parameter("ChangeStreamArn");
    let (captured, others): (Vec<_>, Vec<_>) = stack
        .of_type(MAPPING)
        .partition(|(_, mapping)| mapping["FunctionName"] == FUNCTION);
    if captured.is_empty() != given.is_empty() {
        let problem = format!("{} mappings read the stream {given:?}", captured.len());
        found.push(Finding::new("ChangeStreamArn", problem));
    }
    for (name, mapping) in others {
        // The others are checked by their own module.
        if mapping["FunctionName"] != scores::FUNCTION {
            found.push(Finding::new(name, "is checked by nothing"));
        }
    }
    for (name, mapping) in captured {
        for problem in problems(stack, mapping, given) {
            found.push(Finding::new(name, problem));
        }
        for problem in reaches(stack, mapping, given) {
            found.push(Finding::new(name, problem));
        }
    }
    found
}

fn problems(stack: &Stack, mapping: &Value, stream: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let lake = stack.of_type("AWS::S3::Bucket").next();
    let lake = lake.map(|(name, _)| format!("arn:aws:s3:::millrace-{}", name.to_lowercase()));
    let facts = [
        ("/EventSourceArn", json!(stream)),
        // Otherwise what is written while the mapping is made, or changed, is skipped without a trace.
        ("/StartingPosition", json!("TRIM_HORIZON")),
        // What cannot be captured in the end is stored with its payload.
        ("/DestinationConfig/OnFailure/Destination", json!(lake)),
        ("/BisectBatchOnFunctionError", json!(true)),
        // The age alone decides when a batch is given up.
        ("/MaximumRetryAttempts", json!(-1)),
        ("/MetricsConfig/Metrics", json!(["EventCount"])),
    ];
    for (pointer, wanted) in facts {
        let actual = mapping.pointer(pointer).cloned().unwrap_or_default();
        if actual != wanted {
            problems.push(format!("{pointer} is {actual}, not {wanted}"));
        }
    }
    let bounds = [
        // Time is left to store what is given up before the stream forgets it, and a night's outage to
        // be mended.
        ("MaximumRecordAgeInSeconds", KEPT / 2.0..=KEPT - 3600.0),
        ("BatchSize", 100.0..=10_000.0),
        ("MaximumBatchingWindowInSeconds", 1.0..=300.0),
        ("ParallelizationFactor", 1.0..=10.0),
    ];
    for (property, bounds) in bounds {
        let actual = number(&mapping[property]);
        if !actual.is_some_and(|it| bounds.contains(&it)) {
            problems.push(format!("{property} is {actual:?}, not in {bounds:?}"));
        }
    }
    problems
}

/// The function's role reads this stream and nothing else of DynamoDB.
fn reaches(stack: &Stack, mapping: &Value, stream: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let function = mapping["FunctionName"].as_str().unwrap_or_default();
    let mut functions = stack.functions();
    let function = functions.find(|(name, _)| format!("millrace-{name}") == function);
    let Some((_, function)) = function else {
        return vec![format!(
            "calls {function:?}, which is no function of this stack"
        )];
    };
    let mut roles = stack.of_type("AWS::IAM::Role");
    let Some((role, _)) = roles.find(|(name, role)| function["Role"] == trust::arn(name, role))
    else {
        return vec!["calls a function without a role".to_owned()];
    };
    for statement in access::of_role(&stack.resources[role], &stack.resources) {
        for action in list(&statement["Action"]) {
            if !action.starts_with("dynamodb:") {
                continue;
            }
            let resources = list(&statement["Resource"]);
            if !READING.contains(&action.as_str()) || resources != [stream] {
                problems.push(format!("its function may {action} on {resources:?}"));
            }
        }
    }
    problems
}
