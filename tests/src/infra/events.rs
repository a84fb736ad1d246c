//! Checks rules and schedules: the rules report every failed run of this stack's state machine,
//! however it was started, and stop the jobs of every aborted one, and match nothing else; every
//! schedule starts its own pipeline, by the alias.

use super::intrinsics::{ACCOUNT, REGION};
use super::policy::list;
use super::stack::{Stack, number};
use crate::Finding;
use contract::checked::CheckInput;
use contract::failed::{FailedInput, FailedRequest};
use contract::stop::{StopInput, StopRequest};
use serde_json::{Value, json};

/// Everything that is wrong with the rules and the schedules.
pub fn findings(stack: &Stack) -> Vec<Finding> {
    let mut found = Vec::new();
    for (name, _) in stack.of_type("AWS::Serverless::StateMachine") {
        seen(stack, name, &mut found);
    }
    for (name, schedule) in stack.schedules() {
        started(stack, &name, &schedule, &mut found);
    }
    found
}

/// An event of Step Functions. Source: AWS Step Functions Developer Guide, "Event structure".
fn event(machine: &str, status: &str) -> Value {
    json!({
        "source": "aws.states",
        "detail-type": "Step Functions Execution Status Change",
        "account": ACCOUNT,
        "region": REGION,
        "detail": {"status": status, "stateMachineArn": machine, "name": "run"},
    })
}

/// The statuses that a run ends with, each with whether it is announced, and whether its jobs are
/// stopped.
const STATUSES: [(&str, bool, bool); 6] = [
    ("FAILED", true, false),
    ("TIMED_OUT", true, true),
    ("ABORTED", true, true),
    // These need no notice, and a redrive continues by itself.
    ("RUNNING", false, false),
    ("SUCCEEDED", false, false),
    ("PENDING_REDRIVE", false, false),
];

fn seen(stack: &Stack, name: &str, found: &mut Vec<Finding>) {
    let machine = stack.arn_of_machine(name);
    let (notifying, stopping) = (notifying(stack), stopping(stack));
    for (status, notified, stopped) in STATUSES {
        for (rules, what, wanted) in [
            (&notifying, "the rules that report failures", notified),
            (&stopping, "the rules that stop jobs", stopped),
        ] {
            watched(name, &machine, what, rules, (status, wanted), found);
        }
    }
    let mut looking = 0;
    for (rule, properties) in stack.of_type("AWS::Events::Rule") {
        let is_known = |rules: &[(&String, &Value)]| rules.iter().any(|(known, _)| *known == rule);
        let is_schedule = !properties["ScheduleExpression"].is_null();
        if !is_known(&notifying) && !is_known(&stopping) && !is_schedule {
            found.push(Finding::new(rule, "notifies nobody"));
        }
        let queue = &stack.exports["undelivered"];
        for target in list_of(&properties["Targets"]) {
            if target["DeadLetterConfig"]["Arn"] != queue.as_str() {
                found.push(Finding::new(rule, "loses what cannot be delivered"));
            }
            if properties["EventPattern"].is_null() {
                looking += 1;
                looked_after(rule, properties, target, &machine, found);
            } else {
                called_with(rule, target, &target["InputTransformer"], found);
            }
        }
    }
    if looking != 1 {
        let problem = format!("{looking} rules look for its late runs, instead of one");
        found.push(Finding::new(name, problem));
    }
}

/// The rules that have failed runs reported, which sends their notices.
pub fn notifying(stack: &Stack) -> Vec<(&String, &Value)> {
    rules_to(stack, |arn| arn.ends_with("PublishReportFunction"))
}

/// The rules that call the function which stops jobs.
fn stopping(stack: &Stack) -> Vec<(&String, &Value)> {
    rules_to(stack, |arn| arn.ends_with("StartTrainingFunction"))
}

/// The rules with a target to which this applies.
fn rules_to(stack: &Stack, is_it: impl Fn(&str) -> bool) -> Vec<(&String, &Value)> {
    let rules = stack.of_type("AWS::Events::Rule");
    let rules = rules.filter(|(_, rule)| !rule["EventPattern"].is_null());
    let leads = |rule: &Value| {
        let targets = list_of(&rule["Targets"]);
        let mut arns = targets.iter().filter_map(|target| target["Arn"].as_str());
        arns.any(&is_it)
    };
    rules.filter(|(_, rule)| leads(rule)).collect()
}

/// Whether rules match the events of this machine with this status as they should, and of no other
/// machine or service.
fn watched(
    name: &str,
    machine: &str,
    what: &str,
    rules: &[(&String, &Value)],
    (status, wanted): (&str, bool),
    found: &mut Vec<Finding>,
) {
    let matching = |event: &Value| {
        let mut rules = rules.iter().filter(|(_, rule)| rule["State"] != "DISABLED");
        rules.any(|(_, rule)| matches(&rule["EventPattern"], event))
    };
    let mut expect = |machine: &str, wanted: bool| {
        if matching(&event(machine, status)) != wanted {
            let verb = if wanted { "miss" } else { "see" };
            found.push(Finding::new(
                name,
                format!("{what} {verb} {machine} {status}"),
            ));
        }
    };
    // By hand, by the alias as the schedule does, and by a version.
    for started in [
        machine.to_owned(),
        format!("{machine}:live"),
        format!("{machine}:7"),
    ] {
        expect(&started, wanted);
    }
    // The children of its Distributed Maps, and machines of other stacks.
    for other in [
        format!("{machine}/ExportSegments"),
        format!("{machine}-2"),
        machine.replace("millrace", "other"),
    ] {
        expect(&other, false);
    }
    let mut elsewhere = event(machine, status);
    elsewhere["source"] = json!("aws.lambda");
    if matching(&elsewhere) {
        let problem = format!("{what} see other services' events");
        found.push(Finding::new(name, problem));
    }
}

/// Runs of this machine are looked after every few minutes.
fn looked_after(
    rule: &str,
    properties: &Value,
    target: &Value,
    machine: &str,
    found: &mut Vec<Finding>,
) {
    let expression = properties["ScheduleExpression"].as_str();
    if expression != Some("rate(5 minutes)") || properties["State"] == "DISABLED" {
        found.push(Finding::new(rule, format!("looks at {expression:?}")));
    }
    let arn = target["Arn"].as_str().unwrap_or_default();
    let text = target["Input"].as_str().unwrap_or_default();
    let read = contract::read::from_slice::<CheckInput>(text.as_bytes());
    let is_read = read.is_ok_and(|input| input.check.state_machine == machine);
    if !is_read || !arn.ends_with("PublishReportFunction") {
        found.push(Finding::new(rule, format!("calls {arn} with {text}")));
    }
}

/// The function gets the request that it reads, with the execution of the event.
fn called_with(rule: &str, target: &Value, input: &Value, found: &mut Vec<Finding>) {
    let mut text = input["InputTemplate"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    for (name, path) in input["InputPathsMap"].as_object().into_iter().flatten() {
        let path = path.as_str().unwrap_or_default();
        text = text.replace(&format!("<{name}>"), path);
    }
    let execution = "$.detail.executionArn".to_owned();
    let arn = target["Arn"].as_str().unwrap_or_default();
    let is_read = if arn.ends_with("PublishReportFunction") {
        let read = contract::read::from_slice::<FailedInput>(text.as_bytes());
        read.is_ok_and(|input| input.failed == FailedRequest { execution })
    } else {
        let read = contract::read::from_slice::<StopInput>(text.as_bytes());
        read.is_ok_and(|input| input.stop == StopRequest { execution })
    };
    if !is_read {
        let problem = format!("calls the function with {text}");
        found.push(Finding::new(rule, problem));
    }
}

fn list_of(json: &Value) -> Vec<&Value> {
    json.as_array().into_iter().flatten().collect()
}

/// Whether a pattern matches an event, as far as the stack's patterns go. Source: Amazon
/// EventBridge User Guide, "Comparison operators".
fn matches(pattern: &Value, event: &Value) -> bool {
    match pattern {
        Value::Object(fields) => fields
            .iter()
            .all(|(name, inner)| matches(inner, &event[name])),
        Value::Array(any) => any.iter().any(|it| match it {
            Value::Object(operator) if operator.len() == 1 => {
                let prefix = operator.get("prefix").and_then(Value::as_str);
                let prefix = prefix.unwrap_or_else(|| panic!("{it} is no operator known here"));
                event.as_str().is_some_and(|text| text.starts_with(prefix))
            }
            literal => literal == event,
        }),
        other => panic!("{other} is no pattern"),
    }
}

fn started(stack: &Stack, name: &str, schedule: &Value, found: &mut Vec<Finding>) {
    let mut say = |problem: String| found.push(Finding::new(name, problem));
    let target = &schedule["Target"];
    let exported = |field: &Value, export: &str| field == stack.exports[export].as_str();
    for (field, export) in [
        (&target["Arn"], "alias"),
        (&target["RoleArn"], "scheduler-role"),
        (&target["DeadLetterConfig"]["Arn"], "undelivered"),
        (&schedule["GroupName"], "schedules"),
    ] {
        if !exported(field, export) {
            say(format!("has {field} for the stack's {export}"));
        }
    }
    let input: Option<Value> = target["Input"]
        .as_str()
        .and_then(|it| serde_json::from_str(it).ok());
    let fields = input.as_ref().and_then(Value::as_object);
    if fields.is_none_or(|it| it.len() != 1 || !it.contains_key("pipeline")) {
        say(format!("starts {} instead of a pipeline", target["Input"]));
    }
    let pipeline = input.as_ref().and_then(|it| it["pipeline"].as_str());
    let physical = schedule["Name"].as_str().unwrap_or_default();
    if pipeline.is_none_or(|it| !physical.ends_with(&format!("-{it}"))) {
        say(format!("is named {physical} and starts {pipeline:?}"));
    }
    let retries = &target["RetryPolicy"];
    let attempts = number(&retries["MaximumRetryAttempts"]);
    let age = number(&retries["MaximumEventAgeInSeconds"]);
    // A start of yesterday would meet today's.
    if !attempts.is_some_and(|it| (1.0..=10.0).contains(&it))
        || !age.is_some_and(|it| (600.0..=21600.0).contains(&it))
    {
        say(format!("is tried again as {retries} says"));
    }
    for (field, parameter) in [("StartDate", "ScheduleStart"), ("EndDate", "ScheduleEnd")] {
        let time = schedule[field].as_str();
        if time.is_some_and(|time| time.parse::<jiff::Timestamp>().is_err()) {
            say(format!("has the {field} {time:?} of {parameter}"));
        }
    }
    let window = &schedule["FlexibleTimeWindow"];
    let minutes = number(&window["MaximumWindowInMinutes"]);
    if (list(&window["Mode"]) == ["FLEXIBLE"]) != minutes.is_some_and(|it| it > 0.0) {
        say(format!("has the window {window}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_eventbridge_does() {
        let event = json!({"source": "a", "detail": {"arn": "x:live"}});
        for (pattern, wanted) in [
            (json!({"source": ["b", "a"]}), true),
            (json!({"source": ["b"]}), false),
            (json!({"detail": {"arn": [{"prefix": "x:"}]}}), true),
            (json!({"detail": {"arn": ["x"]}}), false),
            (json!({"detail": {"other": ["x"]}}), false),
        ] {
            assert_eq!(matches(&pattern, &event), wanted, "{pattern}");
        }
    }
}
