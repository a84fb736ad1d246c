//! Checks which SageMaker resources the roles may use: created resources get the stack's tag,
//! changed, invoked or removed ones must have it, and only created resources are tagged.

use super::intrinsics::{ACCOUNT, REGION};
use super::policy::{self, Decision, Request};
use super::stack::Stack;
use super::{access, trust};
use crate::Finding;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Read-only operations, which may describe anything: the owner of a resource is only known from
/// its description.
const READS: [&str; 2] = ["Describe", "List"];

/// Versions of a model package have no tags of their own; creating one is authorised on its group
/// too.
const WITHOUT_TAGS: [(&str, &str); 2] = [
    ("sagemaker:CreateModelPackage", "model-package"),
    ("sagemaker:UpdateModelPackage", "model-package"),
];

/// Every statement of a role that lets it touch what is not this stack's.
pub fn findings(stack: &Stack) -> Vec<Finding> {
    let mut found = Vec::new();
    for (name, _) in stack.of_type("AWS::IAM::Role") {
        let statements = access::of_role(&stack.resources[name], &stack.resources);
        let mut say = |problem: String| found.push(Finding::new(name, problem));
        let mut creates = Vec::new();
        for (action, kind) in granted(&statements) {
            let Some(operation) = action.strip_prefix("sagemaker:") else {
                continue;
            };
            if READS.iter().any(|it| operation.starts_with(it)) || operation == "AddTags" {
                continue;
            }
            let may =
                |context: &[(&'static str, &str)]| decide(&statements, &action, &kind, context);
            if WITHOUT_TAGS.contains(&(action.as_str(), kind.as_str())) {
                continue;
            }
            // A version belongs to a group that is there.
            let makes = operation.starts_with("Create") && operation != "CreateModelPackage";
            let tag = if makes { REQUEST } else { RESOURCE };
            if !may(&[(tag, "millrace")]) {
                say(format!("may not {operation} a {kind} of this stack"));
            }
            if may(&[]) || may(&[(tag, "other")]) {
                say(format!("may {operation} a {kind} that is not this stack's"));
            }
            if makes {
                creates.push((operation.to_owned(), kind));
            }
        }
        tags(&statements, &creates, &mut say);
    }
    found
}

const REQUEST: &str = "aws:RequestTag/millrace:stack";
const RESOURCE: &str = "aws:ResourceTag/millrace:stack";

/// A resource is tagged while it is created. Later it may pass from one pipeline of the stack to
/// another, but a tag put on something of another owner would make it the stack's.
fn tags(statements: &[Value], creates: &[(String, String)], say: &mut impl FnMut(String)) {
    const TAGGING: &str = "sagemaker:TaggingAction";
    let may = |kind: &str, context: &[(&'static str, &str)]| {
        decide(statements, "sagemaker:AddTags", kind, context)
    };
    for (operation, kind) in creates {
        // An endpoint names its configuration, which has tags of its own by then.
        if operation == "CreateEndpoint" && kind == "endpoint-config" {
            continue;
        }
        if !may(kind, &[(TAGGING, operation), (REQUEST, "millrace")]) {
            say(format!("may not tag the {kind} that it creates"));
        }
        if may(kind, &[(TAGGING, operation), (REQUEST, "other")]) {
            say(format!("may create a {kind} as another stack's"));
        }
    }
    // Also a kind that a later statement is the first to name.
    let named = granted(statements);
    let named = named.iter().map(|(_, kind)| kind.as_str());
    let kinds: BTreeSet<&str> = KINDS.into_iter().chain(named).collect();
    for kind in kinds {
        if may(kind, &[(REQUEST, "millrace")])
            || may(kind, &[(REQUEST, "millrace"), (RESOURCE, "other")])
        {
            say(format!("may tag any {kind} as this stack's"));
        }
        if may(kind, &[(REQUEST, "other"), (RESOURCE, "millrace")]) {
            say(format!("may tag a {kind} of this stack as another's"));
        }
    }
    let own = [(REQUEST, "millrace"), (RESOURCE, "millrace")];
    for (action, kind) in ADOPTING {
        if decide(statements, action, kind, &own) && !may(kind, &own) {
            say(format!("may not adopt a {kind} of another pipeline"));
        }
    }
}

/// The actions of those who adopt a resource of another pipeline, and its kind.
const ADOPTING: [(&str, &str); 2] = [
    ("sagemaker:UpdateEndpoint", "endpoint"),
    ("sagemaker:CreateModelPackageGroup", "model-package-group"),
];

/// The kinds of resources that the pipeline knows.
const KINDS: [&str; 8] = [
    "endpoint",
    "endpoint-config",
    "hyper-parameter-tuning-job",
    "model",
    "model-package",
    "model-package-group",
    "training-job",
    "transform-job",
];

/// The actions that statements allow, each with the kinds that it is allowed on.
fn granted(statements: &[Value]) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for statement in statements.iter().filter(|it| it["Effect"] == "Allow") {
        for action in policy::list(&statement["Action"]) {
            for resource in policy::list(&statement["Resource"]) {
                let kind = resource.rsplit(':').next().unwrap_or_default();
                let kind = kind.split('/').next().unwrap_or_default();
                all.push((action.clone(), kind.to_owned()));
            }
        }
    }
    all.sort();
    all.dedup();
    all
}

fn decide(
    statements: &[Value],
    action: &str,
    kind: &str,
    context: &[(&'static str, &str)],
) -> bool {
    let context = context
        .iter()
        .map(|(key, value)| (*key, (*value).to_owned()));
    let request = Request {
        action: action.to_owned(),
        resource: format!("arn:aws:sagemaker:{REGION}:{ACCOUNT}:{kind}/name"),
        context: context.collect::<BTreeMap<_, _>>(),
    };
    policy::decide(&request, statements) == Decision::Allowed
}

/// Whether a function creates something in SageMaker, and so must know the stack's tag.
pub fn creates(stack: &Stack, function: &Value) -> bool {
    let roles = stack.of_type("AWS::IAM::Role");
    let mut own = roles.filter(|(name, role)| function["Role"] == trust::arn(name, role));
    own.any(|(name, _)| {
        let statements = access::of_role(&stack.resources[name], &stack.resources);
        let mut granted = granted(&statements).into_iter();
        granted.any(|(action, _)| action.starts_with("sagemaker:Create"))
    })
}
