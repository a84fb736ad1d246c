//! Checks who may assume each role: the one service that uses it, for this account only.

use super::access;
use super::intrinsics::{ACCOUNT, REGION};
use super::policy::{self, Decision, Request};
use super::stack::Stack;
use crate::Finding;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const FIREHOSE: &str = "firehose.amazonaws.com";
const LAMBDA: &str = "lambda.amazonaws.com";

/// Services that no role of the stack is for, unless one of its resources makes it so.
const SERVICES: [&str; 9] = [
    "ec2.amazonaws.com",
    "ecs-tasks.amazonaws.com",
    "events.amazonaws.com",
    FIREHOSE,
    "glue.amazonaws.com",
    LAMBDA,
    "sagemaker.amazonaws.com",
    "scheduler.amazonaws.com",
    "states.amazonaws.com",
];

/// Every trust policy that lets in more, or less, than the service that uses the role.
pub fn findings(stack: &Stack) -> Vec<Finding> {
    let users = users(stack);
    let mut found = Vec::new();
    for (name, role) in stack.of_type("AWS::IAM::Role") {
        let Some(services) = users.get(&arn(name, role)) else {
            found.push(Finding::new(name, "is used by no resource"));
            continue;
        };
        let mut say = |problem: String| found.push(Finding::new(name, problem));
        if services.len() != 1 {
            say(format!("is shared by {services:?}: give each its own role"));
        }
        let document = &role["AssumeRolePolicyDocument"];
        let statements: Vec<&Value> = document["Statement"]
            .as_array()
            .into_iter()
            .flatten()
            .collect();
        for statement in &statements {
            for problem in odd(statement) {
                say(problem);
            }
        }
        for service in SERVICES {
            let assumed = |account: &str| assumes(&statements, service, account);
            match (services.contains(service), assumed(ACCOUNT)) {
                (true, false) => say(format!("{service} uses it and may not assume it")),
                (false, true) => say(format!("{service} may assume it and has no use for it")),
                _ => {}
            }
            // A service that says for what it acts is bound to that.
            if bound(service) && assumed_for(&statements, service, ACCOUNT, "another") {
                say(format!(
                    "{service} may assume it for anything of the account"
                ));
            }
            // Lambda passes a role within its account only; the others act for any caller.
            if service != LAMBDA && assumed("999999999999") {
                say(format!("{service} may assume it for another account"));
            }
        }
    }
    found
}

/// What a trust policy's statement must not have.
fn odd(statement: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    if statement["Effect"] != "Allow" || policy::list(&statement["Action"]) != ["sts:AssumeRole"] {
        problems.push(format!(
            "allows {} instead of sts:AssumeRole",
            statement["Action"]
        ));
    }
    let principal = statement["Principal"].as_object();
    let kinds: Vec<&String> = principal
        .into_iter()
        .flatten()
        .map(|(kind, _)| kind)
        .collect();
    if kinds != ["Service"] {
        problems.push(format!("is open to {}", statement["Principal"]));
    }
    let services = policy::list(&statement["Principal"]["Service"]);
    for service in services
        .iter()
        .filter(|it| !SERVICES.contains(&it.as_str()))
    {
        problems.push(format!("is open to {service}, which no check knows"));
    }
    problems
}

/// Whether a service names a resource of the stack when it assumes a role.
fn bound(service: &str) -> bool {
    service == "scheduler.amazonaws.com"
}

fn assumes(statements: &[&Value], service: &str, account: &str) -> bool {
    assumed_for(statements, service, account, "millrace")
}

fn assumed_for(statements: &[&Value], service: &str, account: &str, group: &str) -> bool {
    let for_service: Vec<Value> = statements
        .iter()
        .filter(|it| {
            policy::list(&it["Principal"]["Service"])
                .iter()
                .any(|it| it == service)
        })
        .map(|it| {
            let mut statement = (*it).clone();
            statement["Resource"] = json!("*");
            statement
        })
        .collect();
    let group = format!("arn:aws:scheduler:{REGION}:{account}:schedule-group/{group}");
    let request = Request {
        action: "sts:AssumeRole".to_owned(),
        resource: "role".to_owned(),
        context: BTreeMap::from([
            ("aws:SourceAccount", account.to_owned()),
            ("aws:SourceArn", group),
        ]),
    };
    policy::decide(&request, &for_service) == Decision::Allowed
}

/// The services that work as each role, by what the stack's resources say.
fn users(stack: &Stack) -> BTreeMap<String, BTreeSet<String>> {
    let mut users: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut add = |role: &Value, service: &str| {
        if let Some(role) = role.as_str() {
            users
                .entry(role.to_owned())
                .or_default()
                .insert(service.to_owned());
        }
    };
    for (_, function) in stack.functions() {
        add(&function["Role"], LAMBDA);
    }
    for (_, machine) in stack.of_type("AWS::Serverless::StateMachine") {
        add(&machine["Role"], "states.amazonaws.com");
    }
    for (_, schedule) in stack.schedules() {
        add(&schedule["Target"]["RoleArn"], "scheduler.amazonaws.com");
    }
    for (_, stream) in stack.of_type("AWS::KinesisFirehose::DeliveryStream") {
        let destination = &stream["ExtendedS3DestinationConfiguration"];
        add(&destination["RoleARN"], FIREHOSE);
    }
    for (_, rule) in stack.of_type("AWS::Events::Rule") {
        for target in rule["Targets"].as_array().into_iter().flatten() {
            add(&target["RoleArn"], "events.amazonaws.com");
        }
    }
    for role in stack
        .resources
        .values()
        .filter(|it| it["Type"] == "AWS::IAM::Role")
    {
        for statement in access::of_role(role, &stack.resources) {
            if policy::list(&statement["Action"])
                .iter()
                .any(|it| it == "iam:PassRole")
            {
                let to = &statement["Condition"]["StringEquals"]["iam:PassedToService"];
                for role in policy::list(&statement["Resource"]) {
                    for service in policy::list(to) {
                        add(&json!(role), &service);
                    }
                }
            }
        }
    }
    users
}

/// The ARN of a role of the stack.
pub fn arn(name: &str, properties: &Value) -> String {
    let path = properties["Path"].as_str().unwrap_or("/");
    format!("arn:aws:iam::{ACCOUNT}:role{path}millrace-{name}")
}
