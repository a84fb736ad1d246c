//! The CDK construct: its own tests with cdk-nag, and a comparison of its stacks with the SAM
//! template.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

use end_to_end::infra::intrinsics;
use end_to_end::node::Project;
use end_to_end::workspace;
use serde_json::{Map, Value, json};
use std::path::PathBuf;

/// What the construct includes must be what the SAM template says now: `--test infra` sees to that.
fn construct() -> Project {
    let root = workspace::root().join("infra/cdk");
    let mut files: Vec<(PathBuf, String)> = Vec::new();
    for folder in ["", "lib", "bin", "test"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_file() {
                let name = entry.file_name().into_string().unwrap();
                files.push((
                    entry.path(),
                    format!("{folder}/{name}")
                        .trim_start_matches('/')
                        .to_owned(),
                ));
            }
        }
    }
    // As `npm pack` puts it.
    let machine = workspace::root().join("statemachine/retrain.asl.json");
    files.push((machine, "retrain.asl.json".to_owned()));
    let files: Vec<_> = files
        .iter()
        .map(|(from, to)| (from.clone(), to.as_str()))
        .collect();
    let project = Project::new("cdk", &files);
    project.run("npm", &["run", "--silent", "build"]);
    project
}

/// A stack as CloudFormation would make it, without what CDK adds and where the code lies.
fn made(template: &Value, parameters: &[(&str, &str)]) -> Map<String, Value> {
    let mut resources = intrinsics::resources(template, parameters);
    for resource in resources.values_mut() {
        let resource = resource.as_object_mut().unwrap();
        for name in ["Metadata", "Condition"] {
            resource.shift_remove(name);
        }
        let properties = resource
            .get_mut("Properties")
            .and_then(Value::as_object_mut);
        if let Some(properties) = properties {
            for name in ["Code", "DefinitionS3Location"] {
                properties.shift_remove(name);
            }
        }
        // CDK leaves out properties of which none is left.
        if resource.get("Properties") == Some(&json!({})) {
            resource.shift_remove("Properties");
        }
    }
    let mut resources = match texts(Value::Object(resources)) {
        Value::Object(resources) => resources,
        other => unreachable!("an object, not {other}"),
    };
    resources.sort_keys();
    resources
}

/// With every number and truth as text: a parameter is text, a property is what it is.
fn texts(json: Value) -> Value {
    match json {
        Value::Number(number) => json!(number.to_string()),
        Value::Bool(truth) => json!(truth.to_string()),
        Value::Array(all) => all.into_iter().map(texts).collect(),
        Value::Object(fields) => {
            let mut fields: Map<_, _> = fields.into_iter().map(|(k, v)| (k, texts(v))).collect();
            fields.sort_keys();
            Value::Object(fields)
        }
        other => other,
    }
}

const LEAST: [(&str, &str); 1] = [("LakeAdministrators", "arn:aws:iam::123456789012:role/Admin")];

/// As `infra/cdk/test/parity.ts` says it.
const EVERYTHING: [(&str, &str); 54] = [
    LEAST[0],
    ("InputMayOverride", "dataset,limits"),
    ("RolePath", "/service/"),
    (
        "PermissionsBoundaryArn",
        "arn:aws:iam::123456789012:policy/Boundary",
    ),
    ("TableName", "shop-*"),
    (
        "TableKeyArn",
        "arn:aws:kms:eu-central-1:123456789012:key/11111111-1111-1111-1111-111111111111",
    ),
    (
        "ChangeStreamArn",
        "arn:aws:dynamodb:eu-west-1:123456789012:table/shop/stream/2026-11-28T09:12:01.789",
    ),
    ("ChangeStreamParallelism", "2"),
    (
        "SourceSecretArn",
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop/reader-AbCdEf",
    ),
    (
        "ImageBucketArns",
        "arn:aws:s3:::fleet-images,arn:aws:s3:::more-images",
    ),
    (
        "ImageKeyArns",
        "arn:aws:kms:eu-central-1:123456789012:key/33333333-3333-3333-3333-333333333333",
    ),
    ("FilesBucket", "old-exports"),
    ("FilesPrefix", "exports/"),
    (
        "FilesKeyArn",
        "arn:aws:kms:eu-central-1:123456789012:key/44444444-4444-4444-4444-444444444444",
    ),
    ("ScheduleStart", "2026-12-24T00:00:00.000Z"),
    ("ScheduleEnd", "2026-12-31T23:59:59.000Z"),
    ("ReadyBucketArns", "arn:aws:s3:::books"),
    (
        "ReadyFunctionArns",
        "arn:aws:lambda:eu-west-1:123456789012:function:books-closed",
    ),
    (
        "ScoreStreamArn",
        "arn:aws:dynamodb:eu-west-1:123456789012:table/interactions/stream/2026-11-20T00:00:00.000",
    ),
    ("ScorePipeline", "shops"),
    ("ScoresTable", "scores"),
    (
        "LakeKeyArn",
        "arn:aws:kms:eu-central-1:123456789012:key/22222222-2222-2222-2222-222222222222",
    ),
    ("LakeReaders", "arn:aws:iam::123456789012:role/Reader"),
    ("LakeUploaders", "arn:aws:iam::123456789012:role/Truck"),
    ("ImageReaders", "arn:aws:iam::123456789012:role/Viewer"),
    ("RawExpiryDays", "30"),
    ("ModelExpiryDays", "365"),
    ("PredictionsExpiryDays", "90"),
    ("CapturedExpiryDays", "7"),
    ("EventsState", "ENABLED"),
    ("EventsPipeline", "shops"),
    ("EventsRequired", "event_id,context.device"),
    (
        "EventsWhere",
        r#"[{"path":"kind","op":"notEqual","value":"test"}]"#,
    ),
    ("EventsExpiryDays", "365"),
    ("ImagesColdClass", "STANDARD_IA"),
    ("ImagesColdDays", "90"),
    ("ImagesExpiryDays", "730"),
    ("NoncurrentVersionDays", "7"),
    ("ScheduledPipeline", "shops"),
    ("Schedule", "cron(30 4 * * ? *)"),
    ("ScheduleTimezone", "Europe/Berlin"),
    ("ScheduleWindowMinutes", "10"),
    ("ScheduleState", "ENABLED"),
    ("MaxModelAgeDays", "14"),
    ("MaxDaysWithoutRun", "3"),
    ("AlarmEmail", "ml@example.com"),
    ("Architecture", "x86_64"),
    ("MapConcurrency", "20"),
    ("ReserveConcurrency", "yes"),
    ("LogRetentionDays", "90"),
    ("SubnetIds", "subnet-1,subnet-2"),
    ("SecurityGroupIds", "sg-1"),
    ("JobsInVpc", "yes"),
    ("JobsReadImages", "yes"),
];

#[test]
fn the_construct_does_what_its_tests_say() {
    let said = construct().run("npm", &["test", "--silent"]);
    let count = |what: &str| {
        let mut lines = said.lines().filter_map(|line| line.split_once(what));
        let (_, count) = lines.next_back().unwrap_or_else(|| panic!("{said}"));
        count.trim().parse::<u32>().unwrap()
    };
    assert_eq!(count(" fail "), 0, "{said}");
    assert!(count(" pass ") > 0, "{said}");
}

#[test]
fn the_construct_makes_the_stack_that_sam_makes() {
    let project = construct();
    let stacks: Value =
        serde_json::from_str(&project.run("node", &["dist/test/parity.js"])).unwrap();
    // Plain CloudFormation, from SAM's transform.
    let sam: Value = serde_json::from_str(&workspace::text("infra/cdk/template.json")).unwrap();
    let known: Vec<_> = sam["Parameters"].as_object().unwrap().keys().collect();
    let given: Vec<_> = EVERYTHING.iter().map(|(name, _)| *name).collect();
    assert_eq!(given.len(), known.len(), "{given:?} of {known:?}");
    for (name, parameters) in [("least", &LEAST[..]), ("everything", &EVERYTHING[..])] {
        let (wanted, actual) = (made(&sam, parameters), made(&stacks[name], &[]));
        let names = |all: &Map<String, Value>| all.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&actual), names(&wanted), "{name}");
        for (resource, wanted) in &wanted {
            assert_eq!(&actual[resource], wanted, "{resource} of {name}");
        }
    }
}
