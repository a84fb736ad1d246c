//! Checks the functions' environment variables: each names the stack's own bucket, role, namespace
//! or topic, and each function has exactly those that its `main` reads.

use super::stack::Stack;
use super::{access, policy, sagemaker, trust};
use crate::Finding;
use crate::layers::Crates;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// Read by the shell of every function.
const OF_ALL: [&str; 1] = ["METRIC_NAMESPACE"];

/// Set by Lambda itself.
const OF_LAMBDA: [&str; 1] = ["AWS_REGION"];

/// Every variable that has another value than it must, and every one that is missing or read by
/// nobody.
pub fn findings(stack: &Stack, crates: &Crates) -> Vec<Finding> {
    let mut found = Vec::new();
    for (name, function) in stack.functions() {
        let mut say = |problem: String| found.push(Finding::new(name, problem));
        let variables = function["Environment"]["Variables"].as_object();
        let given: BTreeSet<&str> = variables
            .into_iter()
            .flatten()
            .map(|(name, _)| name.as_str())
            .collect();
        let binary = function["CodeUri"].as_str().unwrap_or_default();
        let binary = binary.trim_start_matches("../crates/");
        let read = read(crates, binary);
        // Whatever creates something in SageMaker must know the tag that its role asks for.
        let tags = sagemaker::creates(stack, function);
        if tags && !given.contains("STACK_NAME") {
            say("creates tagged resources and is given no STACK_NAME".to_owned());
        }
        for variable in given.iter().filter(|it| !read.contains(**it)) {
            say(format!("is given {variable}, which it does not read"));
        }
        for variable in read.iter().filter(|it| !given.contains(it.as_str())) {
            if !OF_LAMBDA.contains(&variable.as_str()) {
                say(format!("reads {variable}, which it is not given"));
            }
        }
        for (variable, value) in variables.into_iter().flatten() {
            let value = value.as_str().unwrap_or_default();
            if let Err(problem) = holds(stack, function, variable, value) {
                say(format!("{variable} is {value:?}: {problem}"));
            }
        }
    }
    found
}

/// The variables that a function's `main` names, and the shell.
fn read(crates: &Crates, lambda: &str) -> BTreeSet<String> {
    let main = crates
        .get(lambda)
        .and_then(|it| it.sources.get(Path::new("main.rs")));
    let main = main.map_or("", String::as_str);
    let mut read: BTreeSet<String> = OF_ALL.map(str::to_owned).into();
    for call in ["env(\"", "env_as(\"", "var(\""] {
        let calls = main.split(call).skip(1);
        read.extend(calls.filter_map(|it| Some(it.split_once('"')?.0.to_owned())));
    }
    read
}

/// The problem, unless it holds.
fn unless(holds: bool, problem: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(problem()) }
}

/// Whether a variable names what it is for.
fn holds(stack: &Stack, function: &Value, variable: &str, value: &str) -> Result<(), String> {
    let must = |wanted: &str| unless(value == wanted, || format!("it must be {wanted:?}"));
    match variable {
        "LAKE_BUCKET" => {
            let (name, _) = stack
                .of_type("AWS::S3::Bucket")
                .next()
                .ok_or("there is no bucket")?;
            must(&format!("millrace-{}", name.to_lowercase()))
        }
        // Of this stack alone, and the one that the alarms and the dashboard read.
        "METRIC_NAMESPACE" => {
            if value.contains("millrace") {
                must(&stack.exports["metrics"])
            } else {
                Err("stacks of one account would add up".to_owned())
            }
        }
        // The tag that the role's policies ask for, and the beginning of default names.
        "STACK_NAME" => must("millrace"),
        "LAKE_KEY_ARN" => {
            let key = stack
                .of_type("AWS::S3::Bucket")
                .next()
                .map(|(_, bucket)| &bucket["BucketEncryption"]);
            let key = key.and_then(|it| it.pointer("/ServerSideEncryptionConfiguration/0/ServerSideEncryptionByDefault/KMSMasterKeyID"));
            must(key.and_then(Value::as_str).unwrap_or_default())
        }
        // The same that the functions of the Maps' children may have reserved.
        "MAP_CONCURRENCY" => must(stack.parameter("MapConcurrency")),
        "INPUT_MAY_OVERRIDE" => must(stack.parameter("InputMayOverride")),
        // The mapping that captures changes, where one does.
        "CAPTURE_MAPPING" => must(match stack.parameter("ChangeStreamArn") {
            "" => "",
            _ => "millrace-CaptureChangesMapping",
        }),
        "EVENTS_PIPELINE" => must(stack.parameter("EventsPipeline")),
        "EVENTS_REQUIRED" => must(stack.parameter("EventsRequired")),
        "EVENTS_WHERE" => must(stack.parameter("EventsWhere")),
        "TRAINING_ROLE_ARN" | "SERVING_ROLE_ARN" => {
            let passed = passed(stack, function);
            unless(passed.len() == 1 && passed.contains(value), || {
                format!("its role passes {passed:?}")
            })
        }
        "PIPELINE" => must(stack.parameter("ScorePipeline")),
        // The one table that its role may write.
        "SCORES_TABLE" => must(stack.parameter("ScoresTable")),
        // Where every alarm of the stack is announced.
        "NOTICES_TOPIC_ARN" => must(&stack.exports["notices"]),
        _ => Err("no check knows what it must be".to_owned()),
    }
}

/// The roles that a function may hand to SageMaker.
fn passed(stack: &Stack, function: &Value) -> BTreeSet<String> {
    let roles = stack.of_type("AWS::IAM::Role");
    let own = roles.filter(|(name, role)| function["Role"] == trust::arn(name, role));
    let statements =
        own.flat_map(|(name, _)| access::of_role(&stack.resources[name], &stack.resources));
    let passing =
        statements.filter(|it| policy::list(&it["Action"]).contains(&"iam:PassRole".to_owned()));
    passing
        .flat_map(|it| policy::list(&it["Resource"]))
        .collect()
}
