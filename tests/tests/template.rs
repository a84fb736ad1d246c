//! The SAM template: transformed and linted as CloudFormation does, and checked against the state
//! machine and the crates.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

use end_to_end::layers;
use end_to_end::template::{self, Lambda};
use end_to_end::{Finding, python, workspace};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::process::Command;

fn lambdas() -> Vec<Lambda> {
    layers::lambdas(&layers::read(&workspace::root()))
}

fn read() -> Value {
    template::read(&workspace::text("infra/template.yaml"))
}

fn lint(path: &std::path::Path) -> (bool, String) {
    let script = workspace::root().join("tests/infra/lint_template.py");
    let mut command = Command::new(python::program("python"));
    let output = python::output(command.arg(script).arg(path));
    (output.status.success(), python::said(&output))
}

#[test]
fn cloudformation_has_nothing_to_find_fault_with() {
    let (passed, said) = lint(&workspace::root().join("infra/template.yaml"));
    assert!(passed, "{said}");
    let (passed, said) = lint(&workspace::root().join("infra/schedule.yaml"));
    assert!(passed, "{said}");
}

#[test]
fn the_linter_sees_what_it_is_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("template.yaml");
    let good = workspace::text("infra/template.yaml");
    for (right, wrong) in [
        ("!GetAtt TrainingRole.Arn", "!GetAtt TrainingRole.Name"),
        ("MemorySize: 1769", "MemorySize: 99999"),
        ("Type: AWS::S3::BucketPolicy", "Type: AWS::S3::BucketPolice"),
    ] {
        assert!(good.contains(right), "{right}");
        std::fs::write(&path, good.replace(right, wrong)).unwrap();
        let (passed, said) = lint(&path);
        assert!(!passed, "{wrong}: {said}");
    }
}

#[test]
fn the_exports_reserve_outlasts_a_request_that_is_answered_at_its_last_moment() {
    let request = aws::LONGEST_REQUEST + lambda_shell::RESERVE;
    let reserve = raw_export::TimeLimit::RESERVE;
    assert!(reserve > request, "{reserve:?} and {request:?}");
    let function = &read()["Resources"]["ExportSegmentFunction"];
    let seconds = function["Properties"]["Timeout"].as_u64().unwrap();
    assert!(seconds >= 5 * reserve.as_secs());
}

#[test]
fn a_comparison_at_its_last_moment_and_its_commit_fit_into_the_exporters_reserve() {
    let commit = aws::LONGEST_REQUEST + lambda_shell::RESERVE;
    let needed = sql_source::LONGEST_STATEMENT + commit;
    // A page is given up when five sixths are left.
    let held_back = export_sql_range::RESERVE * 5 / 6;
    assert!(held_back > needed, "{held_back:?} and {needed:?}");
    let function = &read()["Resources"]["ExportSqlRangeFunction"];
    let seconds = function["Properties"]["Timeout"].as_u64().unwrap();
    assert!(seconds >= 3 * export_sql_range::RESERVE.as_secs());
}

#[test]
fn estimates_know_the_memory_of_the_function_that_exports() {
    let function = &read()["Resources"]["ExportSegmentFunction"];
    assert_eq!(
        function["Properties"]["MemorySize"],
        plan_export::EXPORT_MEMORY_MB
    );
}

#[test]
fn the_stack_says_which_version_it_is() {
    let output = &read()["Outputs"]["MillraceVersion"]["Value"];
    assert_eq!(output, env!("CARGO_PKG_VERSION"));
}

#[test]
fn the_template_knows_every_function() {
    let lambdas = lambdas();
    assert_eq!(lambdas.len(), 17, "{lambdas:?}");
    // What this one answers, Firehose writes into the lake.
    for lambda in lambdas.iter().filter(|it| it.name != "transform-records") {
        assert!(lambda.environment.contains("LAKE_BUCKET"), "{lambda:?}");
    }
    let found = template::findings(&read(), &workspace::state_machine(), &lambdas);
    assert_eq!(Finding::list(&found), "");
}

/// Each mistake must be found at its place, in these words.
fn is_found(place: &str, problem: &str, change: impl Fn(&mut Value)) {
    let mut template = read();
    change(&mut template);
    let found = template::findings(&template, &workspace::state_machine(), &lambdas());
    let hit = found
        .iter()
        .any(|f| f.place == place && f.problem.contains(problem));
    assert!(
        hit,
        "{place}: {problem} is not among:\n{}",
        Finding::list(&found)
    );
}

fn function(template: &mut Value) -> &mut Value {
    &mut template["Resources"]["StartTrainingFunction"]
}

fn fields(json: &mut Value) -> &mut serde_json::Map<String, Value> {
    json.as_object_mut().unwrap()
}

#[test]
fn a_function_that_is_not_as_its_crate_is_found() {
    let place = "StartTrainingFunction";
    is_found(place, "BuildProperties.Binary is not", |t| {
        function(t)["Metadata"]["BuildProperties"]["Binary"] = json!("train");
    });
    is_found(place, "CodeUri is not ../crates/start-training", |t| {
        function(t)["Properties"]["CodeUri"] = json!("../crates");
    });
    is_found(place, "needs TRAINING_ROLE_ARN", |t| {
        fields(&mut function(t)["Properties"]).shift_remove("Environment");
    });
    is_found(place, "Timeout leaves StartTraining less than 30 s", |t| {
        function(t)["Properties"]["Timeout"] = json!(121);
    });
    is_found(place, "there is no function for start-training", |t| {
        fields(&mut t["Resources"]).shift_remove(place);
    });
    is_found("SpareFunction", "is no crate's function", |t| {
        t["Resources"]["SpareFunction"] = json!({ "Type": "AWS::Serverless::Function" });
    });
}

#[test]
fn a_function_is_called_by_states_or_by_events() {
    let spare = Lambda {
        name: "spare".to_owned(),
        environment: std::collections::BTreeSet::new(),
        longest_request: std::time::Duration::ZERO,
    };
    let found = |lambda: &Lambda, mapped: &str| {
        let mut template = read();
        template["Resources"]["SpareFunction"] = json!({
            "Type": "AWS::Serverless::Function",
            "Metadata": {"BuildMethod": "rust-cargolambda", "BuildProperties": {"Binary": "spare"}},
            "Properties": {"CodeUri": "../crates/spare", "Role": {"Fn::GetAtt": "SpareRole.Arn"}},
        });
        template["Resources"]["SpareMapping"] = json!({
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {"FunctionName": {"Ref": mapped}},
        });
        let found = template::findings(
            &template,
            &workspace::state_machine(),
            std::slice::from_ref(lambda),
        );
        let name = template::resource_name(&lambda.name);
        let found = found.into_iter().filter(|it| it.place == name);
        found.map(|it| it.problem).collect::<Vec<_>>()
    };
    assert!(found(&spare, "SpareFunction").is_empty());
    let without = found(&spare, "SomeOtherFunction");
    assert!(
        without.contains(&"no state calls it, and no events".to_owned()),
        "{without:?}"
    );
    let states = lambdas();
    let state = states
        .iter()
        .find(|it| it.name == "compact-changes")
        .unwrap();
    assert_eq!(
        found(state, "CompactChangesFunction"),
        ["events call it, and the state CompactChanges too"]
    );
}

#[test]
fn a_state_machine_that_cannot_work_is_found() {
    let machine = |t: &mut Value| t["Resources"]["RetrainStateMachine"]["Properties"].take();
    is_found("${JudgeModelFunctionArn}", "is not among", |t| {
        let mut properties = machine(t);
        fields(&mut properties["DefinitionSubstitutions"]).shift_remove("JudgeModelFunctionArn");
        t["Resources"]["RetrainStateMachine"]["Properties"] = properties;
    });
    is_found("DefinitionSubstitutions.Spare", "is not used", |t| {
        let mut properties = machine(t);
        properties["DefinitionSubstitutions"]["Spare"] = json!("spare");
        t["Resources"]["RetrainStateMachine"]["Properties"] = properties;
    });
    is_found("JudgeModelFunction", "does not become its ARN", |t| {
        let mut properties = machine(t);
        let other = json!({ "Fn::GetAtt": "StartTrainingFunction.Arn" });
        properties["DefinitionSubstitutions"]["JudgeModelFunctionArn"] = other;
        t["Resources"]["RetrainStateMachine"]["Properties"] = properties;
    });
    is_found("PlanExportFunction", "may not invoke it", |t| {
        let statement = &mut t["Resources"]["RetrainRole"]["Properties"]["Policies"][0]["PolicyDocument"]
            ["Statement"][0];
        statement["Resource"].as_array_mut().unwrap().remove(0);
    });
}

#[test]
fn a_role_that_may_too_much_is_found() {
    let first = |t: &mut Value, field: &str, value: Value| {
        role_statements(t, "StartTrainingRole")[0][field] = value;
    };
    is_found("StartTrainingRole", "may do all of s3:*", |t| {
        first(t, "Action", json!("s3:*"));
    });
    is_found(
        "StartTrainingRole",
        "may do logs:PutLogEvents on everything",
        |t| {
            first(t, "Resource", json!("*"));
        },
    );
    is_found("StartTrainingRole", "may pass a role to any service", |t| {
        first(t, "Action", json!("iam:PassRole"));
    });
}

fn role_statements<'t>(template: &'t mut Value, role: &str) -> &'t mut Vec<Value> {
    let policies = &mut template["Resources"][role]["Properties"]["Policies"];
    policies[0]["PolicyDocument"]["Statement"]
        .as_array_mut()
        .unwrap()
}

/// What a function may do: each action with what it may be done on.
fn allowed(template: &Value, role: &str) -> BTreeMap<String, String> {
    let mut template = template.clone();
    let statements = role_statements(&mut template, role);
    let texts = |value: &Value| match value {
        Value::Array(all) => all.clone(),
        one => vec![one.clone()],
    };
    statements
        .iter()
        .filter(|statement| statement.get("Effect").is_some())
        .flat_map(|statement| {
            let on = statement["Resource"].to_string();
            texts(&statement["Action"])
                .into_iter()
                .map(move |action| (action.as_str().unwrap().to_owned(), on.clone()))
        })
        .collect()
}

/// What a native export needs, with a part of what it is needed on. Source: Amazon DynamoDB
/// Developer Guide, "Requesting a table export".
const EXPORT: [(&str, &str); 6] = [
    ("dynamodb:ExportTableToPointInTime", "table/${TableName}"),
    ("dynamodb:DescribeExport", "table/${TableName}/export/*"),
    ("dynamodb:ListExports", "*"),
    ("s3:AbortMultipartUpload", "/raw/*"),
    ("s3:PutObject", "/raw/*"),
    ("s3:PutObjectAcl", "/raw/*"),
];

fn missing(template: &Value) -> Vec<&'static str> {
    let may = allowed(template, "RequestExportRole");
    let lacks = |(action, on): &(&'static str, &str)| {
        let granted = may
            .get(*action)
            .is_some_and(|resource| resource.contains(on));
        (!granted).then_some(*action)
    };
    EXPORT.iter().filter_map(lacks).collect()
}

#[test]
fn the_function_that_requests_an_export_may_write_its_files() {
    let template = read();
    assert!(missing(&template).is_empty(), "{:?}", missing(&template));
    let plans = allowed(&template, "PlanExportRole");
    assert!(plans.contains_key("dynamodb:DescribeContinuousBackups"));
    for place in 0..5 {
        let mut template = read();
        let taken = role_statements(&mut template, "RequestExportRole").remove(place);
        let taken = taken.to_string();
        let found = missing(&template);
        let lost = EXPORT
            .iter()
            .filter(|(action, _)| taken.contains(&format!("\"{action}\"")));
        assert_eq!(found.len(), lost.count(), "{taken}: {found:?}");
    }
}
