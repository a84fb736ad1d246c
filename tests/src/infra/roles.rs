//! Checks every role: its path and its permissions boundary are the deployer's, and its permissions
//! are limited to this account and region and to named resources.

use super::access;
use super::concrete;
use super::intrinsics::{ACCOUNT, REGION};
use super::policy::{self, Decision, Request};
use super::stack::{EVALUATED, EVENTS, LEAST, SCORES, SECRET, STREAM, Stack};
use crate::{Finding, template};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Services whose resources have no account or region in their ARNs, or may lie in other accounts.
const ELSEWHERE: [&str; 3] = ["s3", "iam", "ecr"];

/// Every role that is made in another way, or reaches further.
pub fn findings(template: &Value, schedule: &Value) -> Vec<Finding> {
    let mut found = Vec::new();
    let bounded = Stack::new(template, schedule, &concrete::PARAMETERS);
    let given = [LEAST[0], SECRET, STREAM, EVENTS, SCORES[0], SCORES[1]];
    let free = Stack::new(template, schedule, &given);
    let path = bounded.parameter("RolePath");
    let boundary = bounded.parameter("PermissionsBoundaryArn");
    for (name, resource) in &bounded.resources {
        let kind = resource["Type"].as_str().unwrap_or_default();
        if !["AWS::IAM::Role", "AWS::IAM::ManagedPolicy"].contains(&kind) {
            continue;
        }
        let mut say = |problem: &str| found.push(Finding::new(name, problem));
        if resource["Properties"]["Path"] != path {
            say("is not at RolePath");
        }
        if kind == "AWS::IAM::Role" {
            if resource["Properties"]["PermissionsBoundary"] != boundary {
                say("is not within PermissionsBoundaryArn");
            }
            let without = &free.resources[name]["Properties"];
            if !without["PermissionsBoundary"].is_null() {
                say("has a boundary where none is given");
            }
            let statements = access::of_role(resource, &bounded.resources);
            keys(name, &statements, &mut found);
        } else {
            let statements = access::statements(&resource["Properties"]["PolicyDocument"]);
            keys(name, &statements, &mut found);
        }
    }
    for parameters in EVALUATED {
        let stack = Stack::new(template, schedule, parameters);
        for (name, _) in stack.of_type("AWS::IAM::Role") {
            let statements = access::of_role(&stack.resources[name], &stack.resources);
            reach(name, &statements, &mut found);
            secret(name, &stack, &mut found);
        }
        for (name, policy) in stack.of_type("AWS::IAM::ManagedPolicy") {
            let statements = access::statements(&policy["PolicyDocument"]);
            reach(name, &statements, &mut found);
        }
    }
    networks(template, schedule, &mut found);
    found
}

/// A key is used through the service that stores what it encrypts, never by itself.
fn keys(name: &str, statements: &[Value], found: &mut Vec<Finding>) {
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
                policy::decide(&request, statements) == Decision::Allowed
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

/// A function reads the secret that the deployer names, and no other.
fn secret(name: &str, stack: &Stack, found: &mut Vec<Finding>) {
    for statement in access::of_role(&stack.resources[name], &stack.resources) {
        let mut actions = policy::list(&statement["Action"]).into_iter();
        let resources = policy::list(&statement["Resource"]);
        if actions.any(|it| it.starts_with("secretsmanager:"))
            && resources != [stack.parameter("SourceSecretArn")]
        {
            found.push(Finding::new(name, format!("may read {resources:?}")));
        }
    }
}

/// Network interfaces are created if a network is configured, and every function is in it.
fn networks(template: &Value, schedule: &Value, found: &mut Vec<Finding>) {
    let functions = [
        LEAST[0],
        SECRET,
        STREAM,
        EVENTS,
        SCORES[0],
        SCORES[1],
        STREAM,
        ("SubnetIds", "subnet-1,subnet-2"),
        ("SecurityGroupIds", "sg-1"),
    ];
    let jobs = [
        LEAST[0],
        SECRET,
        STREAM,
        ("JobsInVpc", "yes"),
        EVENTS,
        SCORES[0],
        SCORES[1],
    ];
    for (parameters, by_functions, by_jobs) in [
        (
            &[LEAST[0], SECRET, STREAM, EVENTS, SCORES[0], SCORES[1]][..],
            false,
            false,
        ),
        (&functions[..], true, false),
        (&jobs[..], false, true),
    ] {
        let stack = Stack::new(template, schedule, parameters);
        for (name, function) in stack.functions() {
            let network = by_functions.then(
                || json!({"SubnetIds": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"]}),
            );
            if function["VpcConfig"] != network.unwrap_or_default() {
                let problem = format!("is in the network {}", function["VpcConfig"]);
                found.push(Finding::new(name, problem));
            }
        }
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

/// What a service's resources of this stack are called. Definitions name SageMaker's and images; whose
/// they are, tags and registries say.
const NAMED: [(&str, &[&str]); 18] = [
    ("application-autoscaling", &["scalable-target/"]),
    (
        "athena",
        &["workgroup/millrace", "datacatalog/AwsDataCatalog"],
    ),
    (
        "cloudwatch",
        &["alarm:TargetTracking-endpoint/", "alarm:millrace/"],
    ),
    ("dynamodb", &["table/interactions", "table/scores"]),
    ("ecr", &["repository/"]),
    ("events", &["event-bus/default"]),
    ("firehose", &["deliverystream/millrace-events"]),
    (
        "glue",
        &[
            "catalog",
            "database/default",
            "database/millrace",
            "table/millrace/",
        ],
    ),
    (
        "iam",
        &[
            "role/millrace-",
            "role/service/millrace-",
            "role/aws-service-role/",
        ],
    ),
    ("kms", &["key/"]),
    // Its own, and those that definitions may ask.
    (
        "lambda",
        &[
            "function:millrace-",
            "function:books-closed",
            "event-source-mapping:millrace-",
        ],
    ),
    (
        "logs",
        &[
            "log-group:/aws/kinesisfirehose/millrace/",
            "log-group:/aws/lambda/millrace/",
            "log-group:/aws/sagemaker/",
        ],
    ),
    // The lake, and the buckets that are given: of images, of files, and of what definitions wait for.
    (
        "s3",
        &["millrace-lakebucket", "fleet-images", FILES_BUCKET, "books"],
    ),
    ("sagemaker", &[""]),
    ("secretsmanager", &["secret:"]),
    ("sns", &["millrace-"]),
    ("sqs", &["millrace-"]),
    (
        "states",
        &[
            "stateMachine:millrace-retrain",
            "execution:millrace-retrain",
            "mapRun:millrace-retrain/",
        ],
    ),
];

/// The bucket of files that is given, and what their keys begin with.
const FILES_BUCKET: &str = "old-exports";
const FILES_PREFIX: &str = "exports/*";

/// Of the bucket of files, only what begins with the given prefix is listed and read.
fn files(name: &str, statement: &Value, action: &str, resource: &str, found: &mut Vec<Finding>) {
    let bucket = resource.strip_prefix("arn:aws:s3:::");
    let Some(rest) = bucket.and_then(|bucket| bucket.strip_prefix(FILES_BUCKET)) else {
        return;
    };
    let is_within = match action {
        "s3:ListBucket" => {
            let prefix = &statement["Condition"]["StringLike"]["s3:prefix"];
            rest.is_empty() && policy::list(prefix) == [FILES_PREFIX]
        }
        "s3:GetObject" => rest.strip_prefix('/') == Some(FILES_PREFIX),
        _ => false,
    };
    if !is_within {
        let problem = format!("may {action} on {resource}, outside the files that are given");
        found.push(Finding::new(name, problem));
    }
}

fn reach(name: &str, statements: &[Value], found: &mut Vec<Finding>) {
    for statement in statements {
        for action in policy::list(&statement["Action"]) {
            for resource in policy::list(&statement["Resource"]) {
                files(name, statement, &action, &resource, found);
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
                    named.is_some_and(|(_, names)| names.iter().any(|it| rest.starts_with(it)));
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
