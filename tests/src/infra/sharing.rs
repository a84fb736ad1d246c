//! Checks the policies of resources: of the key, of topics, queues, buckets and functions. A service that must
//! deliver to one may, for this account only; nobody else may do anything; and nothing works
//! without TLS.

use super::intrinsics::{ACCOUNT, REGION};
use super::policy::{self, Decision, Request};
use super::stack::Stack;
use crate::Finding;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

const ALARMS: &str = "cloudwatch.amazonaws.com";
const EVENTS: &str = "events.amazonaws.com";

/// What a topic's or queue's deliveries need of the key that encrypts it. Source: Amazon SNS
/// Developer Guide, "Enable compatibility between event sources from AWS services and encrypted
/// topics".
const TO_DELIVER: [&str; 2] = ["kms:Decrypt", "kms:GenerateDataKey"];

/// What CloudWatch Logs needs of a group's key. Source: Amazon CloudWatch Logs User Guide, "Encrypt
/// log data using AWS Key Management Service".
const TO_LOG: [&str; 5] = [
    "kms:Encrypt",
    "kms:Decrypt",
    "kms:ReEncryptTo",
    "kms:GenerateDataKey",
    "kms:DescribeKey",
];

/// Services that may come upon a resource's ARN and ask.
const SERVICES: [&str; 7] = [
    ALARMS,
    EVENTS,
    "delivery.logs.amazonaws.com",
    "s3.amazonaws.com",
    "sagemaker.amazonaws.com",
    "scheduler.amazonaws.com",
    "sns.amazonaws.com",
];

/// A resource with a policy.
struct Shared<'s> {
    name: &'s str,
    arn: String,
    /// All that the policy may allow to services, in IAM's words.
    delivering: &'static str,
    statements: Vec<&'s Value>,
}

/// A service that brings something to a resource of the stack.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Delivery {
    to: String,
    by: String,
    /// What the service says it comes from.
    from: String,
}

/// Everything that is wrong with the policies of resources.
pub fn findings(stack: &Stack) -> Vec<Finding> {
    let mut found = Vec::new();
    let deliveries = deliveries(stack);
    let permissions = permissions(stack);
    let shared = shared(stack, &permissions, &mut found);
    for delivery in &deliveries {
        match shared.iter().find(|it| it.arn == delivery.to) {
            Some(to) if !to.lets(&delivery.by, to.delivering, &delivery.from, ACCOUNT) => {
                found.push(Finding::new(
                    to.name,
                    format!("{} may not deliver to it", delivery.by),
                ));
            }
            Some(_) => {}
            None => found.push(Finding::new(
                &delivery.to,
                "has no policy to let deliveries in",
            )),
        }
    }
    for it in &shared {
        it.no_more_than(&deliveries, &mut found);
        it.by_tls(&mut found);
    }
    keys(stack, &deliveries, &mut found);
    found
}

/// The permissions to call functions, by the functions' names, as statements of a policy.
fn permissions(stack: &Stack) -> BTreeMap<&str, Vec<Value>> {
    let mut all: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for (_, permission) in stack.of_type("AWS::Lambda::Permission") {
        let of = permission["FunctionName"].as_str().unwrap_or_default();
        let function = stack.functions().map(|(name, _)| name.as_str());
        let mut function = function.filter(|name| of.ends_with(&format!("millrace-{name}")));
        let principal = permission["Principal"].as_str().unwrap_or_default();
        let mut statement = json!({
            "Effect": "Allow",
            "Principal": principal,
            "Action": permission["Action"],
            "Resource": "*",
        });
        if principal.ends_with(".amazonaws.com") {
            statement["Principal"] = json!({ "Service": principal });
        }
        if !permission["SourceArn"].is_null() {
            let source = json!({"aws:SourceArn": permission["SourceArn"]});
            statement["Condition"] = json!({ "ArnEquals": source });
        }
        all.entry(function.next().unwrap_or_default())
            .or_default()
            .push(statement);
    }
    all
}

fn shared<'s>(
    stack: &'s Stack,
    permissions: &'s BTreeMap<&'s str, Vec<Value>>,
    found: &mut Vec<Finding>,
) -> Vec<Shared<'s>> {
    let mut all = Vec::new();
    for (name, statements) in permissions {
        all.push(Shared {
            name,
            arn: format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:millrace-{name}"),
            delivering: "lambda:InvokeFunction",
            statements: statements.iter().collect(),
        });
    }
    let kinds = [
        (
            "AWS::SNS::Topic",
            "AWS::SNS::TopicPolicy",
            "Topics",
            "sns:Publish",
        ),
        (
            "AWS::SQS::Queue",
            "AWS::SQS::QueuePolicy",
            "Queues",
            "sqs:SendMessage",
        ),
        (
            "AWS::S3::Bucket",
            "AWS::S3::BucketPolicy",
            "Bucket",
            "s3:PutObject",
        ),
    ];
    for (kind, policy_kind, field, delivering) in kinds {
        for (name, _) in stack.of_type(kind) {
            let (reference, arn) = match kind {
                "AWS::S3::Bucket" => {
                    let bucket = format!("millrace-{}", name.to_lowercase());
                    (bucket.clone(), format!("arn:aws:s3:::{bucket}"))
                }
                "AWS::SNS::Topic" => {
                    let arn = format!("arn:aws:sns:{REGION}:{ACCOUNT}:millrace-{name}");
                    (arn.clone(), arn)
                }
                _ => {
                    let arn = format!("arn:aws:sqs:{REGION}:{ACCOUNT}:millrace-{name}");
                    (format!("millrace-{name}"), arn)
                }
            };
            let mut statements = Vec::new();
            for (_, policy) in stack.of_type(policy_kind) {
                if policy::list(&policy[field]).contains(&reference) {
                    statements.extend(
                        policy["PolicyDocument"]["Statement"]
                            .as_array()
                            .into_iter()
                            .flatten(),
                    );
                }
            }
            if statements.is_empty() {
                found.push(Finding::new(name, "has no policy"));
            }
            all.push(Shared {
                name,
                arn,
                delivering,
                statements,
            });
        }
    }
    all
}

/// What the stack's alarms, rules and schedules bring, and where to.
fn deliveries(stack: &Stack) -> BTreeSet<Delivery> {
    let mut all = BTreeSet::new();
    let mut brings = |to: &Value, by: &str, from: &str| {
        let to = to.as_str().unwrap_or_default().to_owned();
        all.insert(Delivery {
            to,
            by: by.to_owned(),
            from: from.to_owned(),
        });
    };
    for (_, alarm) in stack
        .everything()
        .filter(|(_, it)| it["Type"] == "AWS::CloudWatch::Alarm")
    {
        for field in ["AlarmActions", "OKActions", "InsufficientDataActions"] {
            for to in alarm["Properties"][field].as_array().into_iter().flatten() {
                brings(
                    to,
                    ALARMS,
                    &format!("arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:any"),
                );
            }
        }
    }
    for (name, rule) in stack.of_type("AWS::Events::Rule") {
        let from = format!("arn:aws:events:{REGION}:{ACCOUNT}:rule/millrace-{name}");
        for target in rule["Targets"].as_array().into_iter().flatten() {
            for to in [&target["Arn"], &target["DeadLetterConfig"]["Arn"]] {
                if !to.is_null() {
                    brings(to, EVENTS, &from);
                }
            }
        }
    }
    all
}

impl Shared<'_> {
    fn lets(&self, service: &str, action: &str, from: &str, account: &str) -> bool {
        let request = Request {
            action: action.to_owned(),
            resource: self.arn.clone(),
            context: BTreeMap::from([
                ("aws:SourceAccount", account.to_owned()),
                ("aws:SourceArn", from.replace(ACCOUNT, account)),
                ("aws:SecureTransport", "true".to_owned()),
                ("aws:PrincipalIsAWSService", "true".to_owned()),
            ]),
        };
        let mine = self.statements.iter().filter(|it| is_about(it, service));
        policy::decide(&request, mine.copied()) == Decision::Allowed
    }

    /// Services have no more than their deliveries, and nobody else is let in by a resource's
    /// policy: roles have their own.
    fn no_more_than(&self, deliveries: &BTreeSet<Delivery>, found: &mut Vec<Finding>) {
        let mut say = |problem: String| found.push(Finding::new(self.name, problem));
        for statement in self.statements.iter().filter(|it| it["Effect"] == "Allow") {
            let services = policy::list(&statement["Principal"]["Service"]);
            let others = statement["Principal"].as_object();
            let others = others.is_none_or(|it| it.keys().any(|kind| kind != "Service"));
            if others {
                say(format!("is open to {}", statement["Principal"]));
            }
            for action in policy::list(&statement["Action"]) {
                if action != self.delivering {
                    say(format!("lets {services:?} do {action}"));
                }
            }
            for service in services
                .iter()
                .filter(|it| !SERVICES.contains(&it.as_str()))
            {
                say(format!("is open to {service}, which no check knows"));
            }
        }
        for service in SERVICES {
            let comes = deliveries
                .iter()
                .find(|it| it.to == self.arn && it.by == service);
            let elsewhere = format!("arn:aws:any:{REGION}:{ACCOUNT}:something/else");
            let from = comes.map_or(&elsewhere, |it| &it.from);
            if comes.is_none() && self.lets(service, self.delivering, from, ACCOUNT) {
                say(format!("{service} may deliver to it and never does"));
            }
            if self.lets(service, self.delivering, from, "999999999999") {
                say(format!("{service} may deliver to it from another account"));
            }
        }
    }

    fn by_tls(&self, found: &mut Vec<Finding>) {
        let (service, _) = self.delivering.split_once(':').unwrap_or_default();
        if service == "lambda" {
            // Its API answers by TLS alone.
            return;
        }
        // A topic's policy knows actions of its own only, of which publishing is the one that
        // carries data.
        let actions = match service {
            "sns" => vec!["sns:Publish"],
            "sqs" => vec!["sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage"],
            _ => vec![
                "s3:GetObject",
                "s3:PutObject",
                "s3:DeleteObject",
                "s3:ListBucket",
                "s3:PutBucketPolicy",
            ],
        };
        for action in actions {
            for resource in [self.arn.clone(), format!("{}/key", self.arn)] {
                if service != "s3" && resource != self.arn {
                    continue;
                }
                let request = Request {
                    action: action.to_owned(),
                    resource,
                    context: BTreeMap::from([("aws:SecureTransport", "false".to_owned())]),
                };
                let everybody = self.statements.iter().filter(|it| it["Principal"] == "*");
                if policy::decide(&request, everybody.copied()) != Decision::Denied {
                    found.push(Finding::new(
                        self.name,
                        format!("{action} is not denied without TLS"),
                    ));
                }
            }
        }
    }
}

/// The key lets in the account, the services that deliver to what it encrypts, and the logs that it
/// encrypts.
fn keys(stack: &Stack, deliveries: &BTreeSet<Delivery>, found: &mut Vec<Finding>) {
    let arn = format!("arn:aws:kms:{REGION}:{ACCOUNT}:key/lake");
    let mut needs: Vec<(&str, &[&str], Map<String, Value>)> = Vec::new();
    let mut encrypted = Vec::new();
    for (name, topic) in stack.of_type("AWS::SNS::Topic") {
        if let Some(key) = topic["KmsMasterKeyId"].as_str() {
            encrypted.push((name, key.to_owned()));
            let topic = format!("arn:aws:sns:{REGION}:{ACCOUNT}:millrace-{name}");
            for delivery in deliveries.iter().filter(|it| it.to == topic) {
                let context = Map::from_iter([("aws:SourceAccount".to_owned(), ACCOUNT.into())]);
                needs.push((&delivery.by, &TO_DELIVER, context));
            }
        }
    }
    let logs = format!("logs.{REGION}.amazonaws.com");
    for (name, group) in stack.of_type("AWS::Logs::LogGroup") {
        if let Some(key) = group["KmsKeyId"].as_str() {
            encrypted.push((name, key.to_owned()));
            let group = group["LogGroupName"].as_str().unwrap_or_default();
            let group = format!("arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}");
            let context = Map::from_iter([(CONTEXT.to_owned(), group.into())]);
            needs.push((&logs, &TO_LOG, context));
        }
    }
    let own: Vec<_> = stack.of_type("AWS::KMS::Key").collect();
    for (name, key) in encrypted {
        // Its policy is not the stack's to write, and without an entry notices and logs are lost in
        // silence.
        if own.is_empty() || key != arn {
            found.push(Finding::new(
                name,
                format!("is encrypted with {key}, whose policy is not the stack's"),
            ));
        }
    }
    for (name, key) in own {
        let statements: Vec<&Value> = key["KeyPolicy"]["Statement"]
            .as_array()
            .into_iter()
            .flatten()
            .collect();
        let mut say = |problem: String| found.push(Finding::new(name, problem));
        for (service, actions, context) in &needs {
            for action in *actions {
                if !uses(&statements, service, action, context) {
                    say(format!("{service} may not {action} with it"));
                }
                let other = |value: &Value| {
                    Value::from(
                        value
                            .as_str()
                            .unwrap_or_default()
                            .replace(ACCOUNT, "999999999999"),
                    )
                };
                let other = context
                    .iter()
                    .map(|(key, value)| (key.clone(), other(value)))
                    .collect();
                if uses(&statements, service, action, &other) {
                    say(format!(
                        "{service} may {action} with it for another account"
                    ));
                }
            }
        }
        let services: BTreeSet<&str> = needs.iter().map(|(service, ..)| *service).collect();
        let root = format!("arn:aws:iam::{ACCOUNT}:root");
        let mut administered = false;
        for statement in statements.iter().filter(|it| it["Effect"] == "Allow") {
            let principal = &statement["Principal"];
            let people = policy::list(&principal["AWS"]);
            administered |=
                people == [root.clone()] && policy::list(&statement["Action"]) == ["kms:*"];
            if !principal.is_object() || people.iter().any(|it| *it != root) {
                say(format!("is open to {principal}"));
            }
            for service in policy::list(&principal["Service"]) {
                if !services.contains(service.as_str()) {
                    say(format!("is open to {service}, which has no use for it"));
                }
                for action in policy::list(&statement["Action"]) {
                    let known = TO_DELIVER.iter().chain(&TO_LOG);
                    if !known.into_iter().any(|it| policy::like(&action, it)) || action == "kms:*" {
                        say(format!("lets {service} {action}"));
                    }
                }
            }
        }
        if !administered {
            say("locks its account out".to_owned());
        }
    }
}

const CONTEXT: &str = "kms:EncryptionContext:aws:logs:arn";

fn uses(statements: &[&Value], service: &str, action: &str, context: &Map<String, Value>) -> bool {
    let known = ["aws:SourceAccount", CONTEXT];
    let value = |key: &'static str| Some((key, context.get(key)?.as_str()?.to_owned()));
    let request = Request {
        action: action.to_owned(),
        resource: "key".to_owned(),
        context: known.into_iter().filter_map(value).collect(),
    };
    let mine = statements.iter().filter(|it| is_about(it, service));
    policy::decide(&request, mine.copied()) == Decision::Allowed
}

fn is_about(statement: &Value, service: &str) -> bool {
    statement["Principal"] == "*"
        || policy::list(&statement["Principal"]["Service"])
            .iter()
            .any(|it| it == service)
}
