//! The features that the definition may use: only those that AWS, ministack and moto execute alike.
//! One of them silently ignores each other feature (`JSONata`, `Assign`, `ItemBatcher`,
//! `ResultWriter`, `HeartbeatSeconds`, `ToleratedFailure…`, the `…Path` forms of numbers), or the
//! feature defeats redrive (`Catch` into `Fail`).

use super::scope::states;
use crate::Finding;
use serde_json::Value;

const LAMBDA: &str = "arn:${Partition}:states:::lambda:invoke";
/// The same, waiting until the token that the function is given comes back.
const CALLBACK: &str = "arn:${Partition}:states:::lambda:invoke.waitForTaskToken";
const SNS: &str = "arn:${Partition}:states:::sns:publish";
const S3: &str = "arn:${Partition}:states:::s3:getObject";

pub fn findings(machine: &Value) -> Vec<Finding> {
    let mut found = Vec::new();
    let top = ["Comment", "StartAt", "TimeoutSeconds", "States"];
    fields("state machine", machine, &top, &mut found);
    for state in states(machine) {
        let place = state.place.as_str();
        let Some(mut allowed) = allowed(state.kind()) else {
            let problem = format!("type {:?} is not one that is used here", state.kind());
            found.push(Finding::new(place, problem));
            continue;
        };
        if super::is_callback(state.json) {
            allowed = OF_CALLBACK;
        } else if state.json["Resource"] == SNS {
            allowed = OF_NOTICE;
        }
        fields(place, state.json, allowed, &mut found);
        match state.kind() {
            "Task" => task(place, state.json, &mut found),
            "Map" => map(place, state.json, &mut found),
            "Choice" => {
                let choices = state.json["Choices"].as_array();
                for (index, choice) in choices.into_iter().flatten().enumerate() {
                    let place = format!("{place}.Choices[{index}]");
                    fields(
                        &place,
                        choice,
                        &["Variable", "StringEquals", "Next"],
                        &mut found,
                    );
                }
            }
            _ => {}
        }
    }
    found
}

fn allowed(kind: &str) -> Option<&'static [&'static str]> {
    Some(match kind {
        "Task" => &[
            "Type",
            "Comment",
            "Resource",
            "Parameters",
            "OutputPath",
            "TimeoutSeconds",
            "Retry",
            "Next",
            "End",
        ],
        "Map" => &[
            "Type",
            "Comment",
            "Label",
            "ItemReader",
            "ItemSelector",
            "MaxConcurrencyPath",
            "ItemProcessor",
            "ResultPath",
            "Next",
            "End",
        ],
        "Choice" => &["Type", "Comment", "Choices"],
        "Wait" => &["Type", "Comment", "SecondsPath", "Next", "End"],
        "Pass" => &["Type", "Comment", "Result", "Parameters", "Next", "End"],
        "Succeed" => &["Type", "Comment"],
        _ => return None,
    })
}

/// Of a task that leaves a token: what comes back with it is not looked at, and its time limit
/// leads on.
const OF_CALLBACK: &[&str] = &[
    "Type",
    "Comment",
    "Resource",
    "Parameters",
    "ResultPath",
    "TimeoutSeconds",
    "Retry",
    "Catch",
    "Next",
];

/// Fields of a task that notifies people.
const OF_NOTICE: &[&str] = &[
    "Type",
    "Comment",
    "Resource",
    "Parameters",
    "ResultPath",
    "TimeoutSeconds",
    "Retry",
    "Next",
];

fn task(place: &str, task: &Value, found: &mut Vec<Finding>) {
    let resource = task["Resource"].as_str().unwrap_or_default();
    let parameters: &[&str] = match resource {
        SNS => &["TopicArn", "Subject.$", "Message.$"],
        _ => &["FunctionName", "Payload"],
    };
    match resource {
        CALLBACK => caught(place, task, found),
        SNS => {}
        _ => {
            is(place, "Resource", &task["Resource"], LAMBDA, found);
            is(place, "OutputPath", &task["OutputPath"], "$.Payload", found);
        }
    }
    if matches!(resource, CALLBACK | SNS) && task.get("ResultPath") != Some(&Value::Null) {
        let problem = "ResultPath must be null: its output is its input";
        found.push(Finding::new(place, problem));
    }
    let at = format!("{place}.Parameters");
    fields(&at, &task["Parameters"], parameters, found);
    for (index, retry) in task["Retry"].as_array().into_iter().flatten().enumerate() {
        let place = format!("{place}.Retry[{index}]");
        let allowed = [
            "ErrorEquals",
            "IntervalSeconds",
            "BackoffRate",
            "MaxAttempts",
            "MaxDelaySeconds",
            "JitterStrategy",
        ];
        fields(&place, retry, &allowed, found);
    }
}

/// Only the time limit is caught, and leads on with the state's own input; whatever failed stays
/// failed, so that it can be redriven.
fn caught(place: &str, task: &Value, found: &mut Vec<Finding>) {
    for (index, catch) in task["Catch"].as_array().into_iter().flatten().enumerate() {
        let place = format!("{place}.Catch[{index}]");
        fields(&place, catch, &["ErrorEquals", "ResultPath", "Next"], found);
        if catch["ErrorEquals"] != serde_json::json!(["States.Timeout"]) {
            found.push(Finding::new(&place, "catches more than States.Timeout"));
        }
        if catch.get("ResultPath") != Some(&Value::Null) {
            found.push(Finding::new(&place, "ResultPath must be null"));
        }
    }
}

fn map(place: &str, map: &Value, found: &mut Vec<Finding>) {
    let reader = &map["ItemReader"];
    let at = format!("{place}.ItemReader");
    fields(
        &at,
        reader,
        &["Resource", "ReaderConfig", "Parameters"],
        found,
    );
    is(&at, "Resource", &reader["Resource"], S3, found);
    fields(&at, &reader["ReaderConfig"], &["InputType"], found);
    is(
        &at,
        "ReaderConfig.InputType",
        &reader["ReaderConfig"]["InputType"],
        "JSON",
        found,
    );
    fields(&at, &reader["Parameters"], &["Bucket", "Key.$"], found);
    let processor = &map["ItemProcessor"];
    let at = format!("{place}.ItemProcessor");
    fields(
        &at,
        processor,
        &["ProcessorConfig", "StartAt", "States"],
        found,
    );
    let config = &processor["ProcessorConfig"];
    is(
        &at,
        "ProcessorConfig.Mode",
        &config["Mode"],
        "DISTRIBUTED",
        found,
    );
    is(
        &at,
        "ProcessorConfig.ExecutionType",
        &config["ExecutionType"],
        "STANDARD",
        found,
    );
    // The functions' reserved concurrency and the plan's read budget count on the same number.
    is(
        place,
        "MaxConcurrencyPath",
        &map["MaxConcurrencyPath"],
        "$.concurrency",
        found,
    );
    let name = place.rsplit('/').next().unwrap_or_default();
    if map["Label"] != name || name.len() > 40 {
        found.push(Finding::new(
            place,
            "its Label must be its name, of 40 characters at most: children are told apart by it",
        ));
    }
    if map.get("ResultPath") != Some(&Value::Null) {
        let problem = "ResultPath must be null: the children's results belong in the lake";
        found.push(Finding::new(place, problem));
    }
}

fn fields(place: &str, json: &Value, allowed: &[&str], found: &mut Vec<Finding>) {
    for name in json.as_object().into_iter().flatten().map(|(name, _)| name) {
        if !allowed.contains(&name.as_str()) {
            let problem = format!("field {name:?} is not one that is used here");
            found.push(Finding::new(place, problem));
        }
    }
}

fn is(place: &str, field: &str, value: &Value, wanted: &str, found: &mut Vec<Finding>) {
    if value != wanted {
        found.push(Finding::new(
            place,
            format!("{field} is {value}, not {wanted:?}"),
        ));
    }
}
