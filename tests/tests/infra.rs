//! The stack's policies: who may do what, and whether each role has exactly the permissions that
//! its code needs.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

use end_to_end::infra::access::Access;
use end_to_end::infra::policy::{self, Decision, Request};
use end_to_end::infra::{self, calls, concrete, intrinsics, names, needs, owners, settings, stack};
use end_to_end::template::{self, Lambda};
use end_to_end::{Finding, layers, python, workspace};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

fn read() -> Value {
    template::read(&workspace::text("infra/template.yaml"))
}

fn lambdas(crates: &layers::Crates) -> Vec<Lambda> {
    layers::lambdas(crates)
}

#[test]
fn the_table_of_who_may_do_what_is_current() {
    let table = Access::new(&read()).table();
    let path = workspace::root().join("infra/ACCESS.md");
    if std::env::var_os("MILLRACE_WRITE").is_some() {
        std::fs::write(&path, &table).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        table == written,
        "infra/ACCESS.md is not what the template says: MILLRACE_WRITE=1 cargo test -p end-to-end --test infra"
    );
}

#[test]
fn the_templates_of_the_construct_are_current() {
    let folder = tempfile::tempdir().unwrap();
    let root = workspace::root();
    let mut command = Command::new(python::program("python"));
    command
        .arg(root.join("tests/infra/cdk_templates.py"))
        .args(["infra/template.yaml", "infra/schedule.yaml"].map(|it| root.join(it)))
        .arg(folder.path());
    let output = python::output(&mut command);
    assert!(output.status.success(), "{}", python::said(&output));
    for name in ["template.json", "schedule.json"] {
        let path = root.join("infra/cdk").join(name);
        let made = std::fs::read_to_string(folder.path().join(name)).unwrap();
        if std::env::var_os("MILLRACE_WRITE").is_some() {
            std::fs::write(&path, &made).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            made == written,
            "infra/cdk/{name} is not what the templates say: MILLRACE_WRITE=1 cargo test -p end-to-end --test infra"
        );
    }
}

#[test]
fn the_lake_is_closed_to_principals_that_are_not_named() {
    let access = Access::new(&read());
    let decide = |who: &str, action: &str, key: Option<&str>| {
        access.decide(access.principal(who), action, key, true)
    };
    let object = Some("raw/default/run=1/segment");
    for action in [
        "s3:GetObject",
        "s3:GetObjectVersion",
        "s3:PutObject",
        "s3:DeleteObjectVersion",
    ] {
        assert_eq!(
            decide("any other role", action, object),
            Decision::Denied,
            "{action}"
        );
        assert_eq!(
            decide("LakeAdministrators", action, object),
            Decision::Allowed,
            "{action}"
        );
    }
    assert_eq!(
        decide("any other role", "s3:ListBucket", None),
        Decision::Denied
    );
    assert_eq!(
        decide("LakeReaders", "s3:GetObject", object),
        Decision::Allowed
    );
    assert_eq!(
        decide("LakeReaders", "s3:PutObject", object),
        Decision::Denied
    );
    assert_eq!(
        decide("an AWS service", "s3:PutObject", object),
        Decision::Allowed
    );
    // A principal that may change the bucket's settings can grant itself access again.
    for action in [
        "s3:PutBucketPolicy",
        "s3:DeleteBucketPolicy",
        "s3:GetBucketPolicy",
    ] {
        assert_eq!(
            decide("any other role", action, None),
            Decision::Allowed,
            "{action}"
        );
    }
    for who in &access.principals {
        let open = access.decide(who, "s3:GetObject", object, false);
        assert_eq!(open, Decision::Denied, "{} without TLS", who.name);
    }
}

/// What the policies of one role or managed policy decide, of a stack with these parameters.
fn decides(
    parameters: &[(&str, &str)],
    who: &str,
    action: &str,
    resource: &str,
    via: Option<&str>,
) -> Decision {
    let policies = concrete::policies(&read(), parameters);
    let of_role = policies
        .iter()
        .filter(|(name, _)| name.split('/').next() == Some(who));
    let statements = of_role.flat_map(|(_, policy)| policy["Statement"].as_array().unwrap());
    let via = via.map(|service| {
        (
            "kms:ViaService",
            format!("{service}.eu-central-1.amazonaws.com"),
        )
    });
    let request = Request {
        action: action.to_owned(),
        resource: resource.to_owned(),
        context: via.into_iter().collect(),
    };
    policy::decide(&request, statements)
}

const LEAST: [(&str, &str); 1] = [("LakeAdministrators", "arn:aws:iam::123456789012:role/Admin")];

#[test]
fn keys_are_used_through_the_services_that_they_are_for() {
    let lake = "arn:aws:kms:eu-central-1:123456789012:key/lake";
    let table = "arn:aws:kms:eu-central-1:123456789012:key/table";
    let given = &concrete::PARAMETERS;
    for who in ["FunctionsPolicy", "ContainersPolicy"] {
        for action in ["kms:Decrypt", "kms:GenerateDataKey"] {
            let decide = |key, via| decides(&LEAST, who, action, key, via);
            assert_eq!(
                decide(lake, Some("s3")),
                Decision::Allowed,
                "{who} {action}"
            );
            assert_eq!(
                decide(lake, Some("dynamodb")),
                Decision::NotAllowed,
                "{who} {action}"
            );
            assert_eq!(
                decide(lake, None),
                Decision::NotAllowed,
                "{who} {action} by itself"
            );
            assert_eq!(
                decide(table, Some("s3")),
                Decision::NotAllowed,
                "{who} {action}"
            );
        }
    }
    for who in ["PlanExportRole", "RequestExportRole", "ExportSegmentRole"] {
        let decide = |parameters, via| decides(parameters, who, "kms:Decrypt", table, Some(via));
        assert_eq!(decide(given, "dynamodb"), Decision::Allowed, "{who}");
        assert_eq!(decide(given, "s3"), Decision::NotAllowed, "{who}");
        assert_eq!(
            decide(&LEAST, "dynamodb"),
            Decision::NotAllowed,
            "{who} without a key"
        );
    }
    let other = decides(
        given,
        "JudgeModelRole",
        "kms:Decrypt",
        table,
        Some("dynamodb"),
    );
    assert_eq!(other, Decision::NotAllowed, "who reads no table");
}

#[test]
fn interfaces_of_a_network_are_made_where_one_was_asked_for() {
    let functions = [
        LEAST[0],
        ("SubnetIds", "subnet-1"),
        ("SecurityGroupIds", "sg-1"),
    ];
    let jobs = [LEAST[0], ("JobsInVpc", "yes")];
    let makes = |parameters: &[(&str, &str)], who: &str| {
        decides(parameters, who, "ec2:CreateNetworkInterface", "*", None) == Decision::Allowed
    };
    for (parameters, by_functions, by_jobs) in [
        (&LEAST[..], false, false),
        (&functions[..], true, false),
        (&jobs[..], false, true),
    ] {
        assert_eq!(
            makes(parameters, "FunctionsPolicy"),
            by_functions,
            "{parameters:?}"
        );
        assert_eq!(
            makes(parameters, "ContainersPolicy"),
            by_jobs,
            "{parameters:?}"
        );
    }
    let attach = "ec2:CreateNetworkInterfacePermission";
    assert_eq!(
        decides(&jobs, "ContainersPolicy", attach, "*", None),
        Decision::Allowed
    );
    assert_eq!(
        decides(&functions, "FunctionsPolicy", attach, "*", None),
        Decision::NotAllowed
    );
}

#[test]
fn each_role_has_what_its_code_needs_and_no_more() {
    let crates = layers::read(&workspace::root());
    let lambdas = lambdas(&crates);
    let needs = needs::of_all(&crates, &lambdas).unwrap();
    let found = needs::findings(&read(), &workspace::state_machine(), &needs);
    assert_eq!(Finding::list(&found), "");
}

#[test]
fn the_evaluated_stack_passes_every_check() {
    let crates = layers::read(&workspace::root());
    let (template, machine) = (read(), workspace::state_machine());
    let schedule = template::read(&workspace::text("infra/schedule.yaml"));
    for (check, findings) in infra::checks(&template, &schedule, &machine, &crates) {
        assert_eq!(Finding::list(&findings()), "", "{check}");
    }
}

#[test]
fn both_branches_of_every_condition_are_evaluated() {
    let template = read();
    let schedule = template::read(&workspace::text("infra/schedule.yaml"));
    let mut values: BTreeMap<(&str, String), BTreeSet<bool>> = BTreeMap::new();
    for given in stack::EVALUATED {
        let of_schedule = stack::of_schedule(given);
        for (file, template, given) in [
            ("template.yaml", &template, given),
            ("schedule.yaml", &schedule, &of_schedule[..]),
        ] {
            for (name, holds) in intrinsics::conditions(template, given) {
                values.entry((file, name)).or_default().insert(holds);
            }
        }
    }
    let once = values.iter().filter(|(_, taken)| taken.len() != 2);
    let once: Vec<_> = once.map(|(condition, _)| condition).collect();
    assert!(
        !values.is_empty() && once.is_empty(),
        "no check evaluates one branch of {once:?}: add to stack::EVALUATED"
    );
}

#[test]
fn a_parameter_without_a_default_refuses_the_empty_answer() {
    let files = ["infra/template.yaml", "infra/schedule.yaml"];
    for template in files.map(|it| template::read(&workspace::text(it))) {
        for (name, parameter) in template["Parameters"].as_object().unwrap() {
            if parameter["Default"].is_null() {
                assert!(parameter["MinLength"].as_u64() >= Some(1), "{name}");
                let pattern = parameter["AllowedPattern"].as_str().unwrap();
                let pattern = regex::Regex::new(&format!("^(?:{pattern})$")).unwrap();
                assert!(!pattern.is_match(""), "{name}");
            }
        }
    }
}

#[test]
fn the_deployers_file_sets_parameters_and_its_placeholder_is_refused() {
    let template = read();
    let text = workspace::text("infra/samconfig.toml");
    let setting = regex::Regex::new("\"([A-Za-z]+)=([^\"]*)\"").unwrap();
    let mut set = BTreeSet::new();
    for found in setting.captures_iter(&text) {
        let (name, value) = (&found[1], &found[2]);
        let parameter = &template["Parameters"][name];
        assert!(parameter.is_object(), "{name}");
        let pattern = parameter["AllowedPattern"].as_str().unwrap_or(".*");
        let pattern = regex::Regex::new(&format!("^(?:{pattern})$")).unwrap();
        // CloudFormation refuses the placeholder.
        let is_placeholder = name == "LakeAdministrators";
        assert_eq!(pattern.is_match(value), !is_placeholder, "{name}={value}");
        if let Some(allowed) = parameter["AllowedValues"].as_array() {
            assert!(allowed.iter().any(|it| it == value), "{name}={value}");
        }
        set.insert(name.to_owned());
    }
    let mandatory = template["Parameters"].as_object().unwrap().iter();
    let mandatory = mandatory.filter(|(_, parameter)| parameter["Default"].is_null());
    for (name, _) in mandatory {
        assert!(set.contains(name), "{name} is not asked for");
    }
}

#[test]
fn the_resources_are_set_as_they_must_be() {
    let crates = layers::read(&workspace::root());
    let found = settings::findings(&read(), &crates);
    assert_eq!(Finding::list(&found), "");
}

/// A change of a source.
fn change(crates: &mut layers::Crates, krate: &str, file: &str, from: &str, to: &str) {
    let sources = &mut crates.get_mut(krate).unwrap().sources;
    let source = sources.get_mut(Path::new(file)).unwrap();
    assert!(source.contains(from), "{file}");
    *source = source.replacen(from, to, 1);
}

#[test]
fn what_others_share_says_whose_it_is() {
    // What is created is tagged, or belongs to something that is.
    let sound = layers::read(&workspace::root());
    assert_eq!(Finding::list(&owners::findings(&sound)), "");
    let mut crates = sound.clone();
    let file = "sagemaker/endpoints.rs";
    let tags = ".set_tags(tags::request(&spec.tags))";
    change(&mut crates, "aws", file, tags, "");
    let problem = "create_model creates something that does not say whose it is";
    assert_eq!(owners::findings(&crates), [Finding::new(file, problem)]);
    // Default names carry the stack, also of what nothing creates yet: all are made in one place.
    // Which fields of a definition have one, `definition::paths` knows.
    assert_eq!(Finding::list(&names::findings(&sound)), "");
    for (krate, file, from, to) in [
        (
            "definition",
            "parts.rs",
            "Names::shared(stack, &self.pipeline)",
            "format!(\"{}-endpoint\", self.pipeline)",
        ),
        (
            "deploy-endpoint",
            "server.rs",
            "Names::run_resource(run.pipeline(), run.run())",
            "format!(\n    \"{pipeline}-{}\", run.run())",
        ),
        (
            "sagemaker-ports",
            "alarms.rs",
            "Names::alarm(&owner.stack, &owner.pipeline, what)",
            "[&owner.pipeline, what].join(\"-\")",
        ),
        ("aws", "events.rs", "\"millrace\"", "\"millrace-events\""),
    ] {
        let mut crates = sound.clone();
        change(&mut crates, krate, file, from, to);
        let found = names::findings(&crates);
        let place = format!("{krate}/src/{file}");
        assert!(found.iter().any(|it| it.place == place), "{place}: {to}");
    }
}

#[test]
fn every_operation_of_the_adapters_is_stated_and_has_a_user() {
    let crates = layers::read(&workspace::root());
    let mut called = BTreeSet::new();
    for (_, files) in calls::ADAPTERS {
        for file in files {
            called.extend(calls::called(&crates["aws"].sources[Path::new(file)]));
        }
    }
    let stated = needs::ACTIONS.iter().map(|(name, _)| (*name).to_owned());
    let stated: BTreeSet<String> = stated.chain(needs::FOR_PEOPLE.map(str::to_owned)).collect();
    assert_eq!(called, stated, "crates/aws against needs::ACTIONS");
    assert!(!calls::operations(&crates, "judge-model").is_empty());
}
