//! Checks every role: its path and its permissions boundary are the deployer's, and its permissions
//! are limited to this account and region and to named resources.

use super::access;
use super::intrinsics::{ACCOUNT, REGION};
use super::policy::{self, Decision, Request};
use super::stack::{LEAST, Stack};
use crate::{Finding, template};
use serde_json::Value;
use std::collections::BTreeSet;

const BOUNDARY: &str = "arn:aws:iam::123456789012:policy/Boundary";

/// Services whose resources have no account or region in their ARNs, or may lie in other accounts.
const ELSEWHERE: [&str; 3] = ["s3", "iam", "ecr"];

/// Every role that is made in another way, or reaches further.
pub fn findings(template: &Value, schedule: &Value) -> Vec<Finding> {
    let mut found = Vec::new();
    let given = [
        LEAST[0],
        ("RolePath", "/service/"),
        ("PermissionsBoundaryArn", BOUNDARY),
        (
            "TableKeyArn",
            "arn:aws:kms:eu-central-1:123456789012:key/table",
        ),
    ];
    let bounded = Stack::new(template, schedule, &given);
    let free = Stack::new(template, schedule, &LEAST);
    for (name, resource) in &bounded.resources {
        let kind = resource["Type"].as_str().unwrap_or_default();
        if !["AWS::IAM::Role", "AWS::IAM::ManagedPolicy"].contains(&kind) {
            continue;
        }
        let mut say = |problem: &str| found.push(Finding::new(name, problem));
        if resource["Properties"]["Path"] != "/service/" {
            say("is not at RolePath");
        }
        if kind == "AWS::IAM::Role" {
            if resource["Properties"]["PermissionsBoundary"] != BOUNDARY {
                say("is not within PermissionsBoundaryArn");
            }
            let without = &free.resources[name]["Properties"];
            if !without["PermissionsBoundary"].is_null() {
                say("has a boundary where none is given");
            }
            reach(name, &free, &mut found);
            keys(name, &bounded, &mut found);
        }
    }
    networks(template, schedule, &mut found);
    found
}

/// A key is used through the service that stores what it encrypts, never by itself.
fn keys(name: &str, stack: &Stack, found: &mut Vec<Finding>) {
    let statements = access::of_role(&stack.resources[name], &stack.resources);
    let uses = statements.iter().flat_map(|it| policy::list(&it["Action"]));
    let uses: BTreeSet<String> = uses.filter(|it| it.starts_with("kms:")).collect();
    let keys = statements
        .iter()
        .flat_map(|it| policy::list(&it["Resource"]));
    let keys: BTreeSet<String> = keys.filter(|it| it.starts_with("arn:aws:kms:")).collect();
    for key in keys {
        // The table's key is DynamoDB's to use; the lake's is S3's and, for the notices, SNS's.
        let through: &[&str] = if key.ends_with("/table") {
            &["dynamodb"]
        } else {
            &["s3", "sns"]
        };
        for action in &uses {
            let decide = |via: Option<&str>| {
                let via = via.map(|it| ("kms:ViaService", format!("{it}.{REGION}.amazonaws.com")));
                let request = Request {
                    action: action.clone(),
                    resource: key.clone(),
                    context: via.into_iter().collect(),
                };
                policy::decide(&request, &statements) == Decision::Allowed
            };
            let others = ["s3", "sns", "dynamodb", "secretsmanager"];
            let mut others = others.into_iter().filter(|it| !through.contains(it));
            if decide(None) || others.any(|it| decide(Some(it))) {
                found.push(Finding::new(
                    name,
                    format!("may {action} with {key} for anything"),
                ));
            }
        }
    }
}

/// Network interfaces are created if a network is configured.
fn networks(template: &Value, schedule: &Value, found: &mut Vec<Finding>) {
    let functions = [
        LEAST[0],
        ("SubnetIds", "subnet-1"),
        ("SecurityGroupIds", "sg-1"),
    ];
    let jobs = [LEAST[0], ("JobsInVpc", "yes")];
    for (parameters, by_functions, by_jobs) in [
        (&LEAST[..], false, false),
        (&functions[..], true, false),
        (&jobs[..], false, true),
    ] {
        let stack = Stack::new(template, schedule, parameters);
        for (name, role) in stack.of_type("AWS::IAM::Role") {
            let service =
                role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["Service"].as_str();
            let wanted = match service {
                Some("lambda.amazonaws.com") => by_functions,
                Some("sagemaker.amazonaws.com") => by_jobs,
                _ => false,
            };
            let statements = access::of_role(&stack.resources[name], &stack.resources);
            let mut actions = statements.iter().flat_map(|it| policy::list(&it["Action"]));
            if actions.any(|it| it.starts_with("ec2:")) != wanted {
                let problem = format!("makes network interfaces: {}, with {parameters:?}", !wanted);
                found.push(Finding::new(name, problem));
            }
        }
    }
}

/// What a service's resources of this stack are called; of the other services, all names are the
/// definitions'.
const NAMED: [(&str, &[&str]); 9] = [
    (
        "cloudwatch",
        &["alarm:TargetTracking-endpoint/", "alarm:millrace/"],
    ),
    ("dynamodb", &["table/interactions"]),
    ("iam", &["role/millrace-", "role/aws-service-role/"]),
    ("kms", &["key/"]),
    ("lambda", &["function:millrace-"]),
    (
        "logs",
        &[
            "log-group:/aws/lambda/millrace/",
            "log-group:/aws/sagemaker/",
        ],
    ),
    ("sns", &["millrace-"]),
    ("sqs", &["millrace-"]),
    (
        "states",
        &[
            "stateMachine:millrace-retrain",
            "execution:millrace-retrain",
        ],
    ),
];

fn reach(name: &str, stack: &Stack, found: &mut Vec<Finding>) {
    for statement in access::of_role(&stack.resources[name], &stack.resources) {
        for action in policy::list(&statement["Action"]) {
            for resource in policy::list(&statement["Resource"]) {
                // Composite alarms are shown to nobody whose scope is narrower.
                if action == "cloudwatch:DescribeAlarms" {
                    if resource != format!("arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:*") {
                        found.push(Finding::new(name, "may not look at composite alarms"));
                    }
                    continue;
                }
                if resource == "*" && template::WITHOUT_RESOURCE.contains(&action.as_str()) {
                    continue;
                }
                let parts: Vec<&str> = resource.splitn(6, ':').collect();
                let [_, _, service, region, account, rest] = parts[..] else {
                    found.push(Finding::new(name, format!("may {action} on {resource}")));
                    continue;
                };
                let here = region == REGION && account == ACCOUNT;
                let named = NAMED.iter().find(|(known, _)| *known == service);
                let named =
                    named.is_none_or(|(_, names)| names.iter().any(|it| rest.starts_with(it)));
                if !named {
                    found.push(Finding::new(
                        name,
                        format!("may {action} on any {resource}"),
                    ));
                }
                if (!here && !ELSEWHERE.contains(&service)) || rest.starts_with('*') {
                    found.push(Finding::new(name, format!("may {action} on {resource}")));
                }
            }
        }
    }
}
