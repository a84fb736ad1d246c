//! Preconditions of exports, which become `ready` of a definition.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{converted, definition, line, options, outcome, output_json};
use data_pipeline::Conversion;
use data_pipeline::report::Outcome::{self, Approximated, Dropped, NoCounterpart, Taken, Unknown};
use serde_json::{Value, json};

/// An export on demand that waits for these, some of them at its input.
fn export(conditions: &[Value], at_input: &[&str]) -> Conversion {
    let ids = conditions.iter().map(|condition| condition["id"].as_str());
    let (inner, outer): (Vec<_>, Vec<_>) = ids.flatten().partition(|id| at_input.contains(id));
    let refs = |ids: Vec<&str>| -> Value { ids.into_iter().map(|id| json!({"ref": id})).collect() };
    let mut objects = vec![
        json!({"id": "Default", "scheduleType": "ONDEMAND"}),
        json!({"id": "Table", "type": "DynamoDBDataNode", "tableName": "houses",
            "readThroughputPercent": "0.25", "precondition": refs(inner)}),
        json!({"id": "Target", "type": "S3DataNode", "directoryPath": "s3://backup/"}),
        json!({
            "id": "Export", "type": "EmrActivity", "input": {"ref": "Table"}, "output": {"ref": "Target"},
            "precondition": refs(outer),
            "step": "s3://dynamodb-emr-eu-central-1/emr-ddb-storage-handler/2.1.0/emr-ddb-2.1.0.jar,\
                     org.apache.hadoop.dynamodb.tools.DynamoDbExport,#{output.directoryPath},\
                     #{input.tableName},#{input.readThroughputPercent}",
        }),
    ];
    objects.extend(conditions.iter().cloned());
    converted(json!({"objects": objects}).to_string(), &options()).unwrap()
}

fn condition(fields: Value) -> Value {
    let mut condition = fields;
    condition["id"] = json!("Condition");
    condition
}

#[test]
fn objects_and_items_are_waited_for() {
    let made = export(
        &[
            json!({"id": "Key", "type": "S3KeyExists", "s3Key": "s3://books/_SUCCESS", "preconditionTimeout": "2 hours"}),
            json!({"id": "Folder", "type": "S3PrefixNotEmpty", "s3Prefix": "s3://closed/2026", "role": "r"}),
            json!({"id": "Data", "type": "DynamoDBDataExists", "tableName": "houses", "preconditionTimeout": "30 Minutes"}),
            json!({"id": "There", "type": "DynamoDBTableExists", "tableName": "houses"}),
        ],
        &["Data", "There"],
    );
    assert_eq!(
        definition(&made, "houses")["ready"],
        json!({
            "when": [
                {"s3": "s3://books/_SUCCESS"}, {"s3": "s3://closed/2026*"}, {"items": {"atLeast": 1}},
            ],
            "withinMinutes": 120,
        })
    );
    assert_eq!(
        output_json(&made, "stack.json"),
        json!([
            "TableName=houses",
            "ReadyBucketArns=arn:aws:s3:::books,arn:aws:s3:::closed"
        ])
    );
    for (object, field, is) in [
        ("Export", "precondition", Taken),
        ("Table", "precondition", Taken),
        ("Key", "type", Taken),
        ("Key", "s3Key", Taken),
        ("Key", "preconditionTimeout", Taken),
        ("Folder", "s3Prefix", Taken),
        ("Folder", "role", Dropped),
        ("Data", "tableName", Taken),
        ("Data", "preconditionTimeout", Taken),
        ("There", "type", Taken),
    ] {
        assert_eq!(outcome(&made, object, field), is, "{object}.{field}");
    }
    assert_eq!(
        line(&made, "Key", "s3Key").to,
        ["config/houses.json#ready", "stack.json#ReadyBucketArns"]
    );
}

#[test]
fn what_cannot_be_waited_for_says_what_can_be_done() {
    let cases: [(Value, &str, Outcome, &str); 8] = [
        (
            json!({"type": "ShellCommandPrecondition", "command": "true"}),
            "command",
            NoCounterpart,
            "ready.when[].lambda",
        ),
        (
            json!({"type": "Exists"}),
            "type",
            NoCounterpart,
            "answer of a function",
        ),
        (
            json!({"type": "S3KeyExists", "s3Key": "s3://b-1/#{@scheduledStartTime}"}),
            "s3Key",
            NoCounterpart,
            "only while a run runs",
        ),
        (
            json!({"type": "S3KeyExists", "s3Key": "s3://b-1/folder/"}),
            "s3Key",
            NoCounterpart,
            "stand for a beginning",
        ),
        (
            json!({"type": "S3KeyExists", "s3Key": "folder"}),
            "s3Key",
            Unknown,
            "no address",
        ),
        (
            json!({"type": "DynamoDBDataExists", "tableName": "others"}),
            "tableName",
            NoCounterpart,
            "another table",
        ),
        (
            json!({"type": "S3KeyExists", "s3Key": "s3://b-1/a", "preconditionTimeout": "3 days"}),
            "preconditionTimeout",
            Approximated,
            "a day at most",
        ),
        (
            json!({"type": "S3KeyExists", "s3Key": "s3://b-1/a", "preconditionTimeout": "soon"}),
            "preconditionTimeout",
            Unknown,
            "no period",
        ),
    ];
    for (fields, field, is, words) in cases {
        let made = export(&[condition(fields.clone())], &[]);
        let line = line(&made, "Condition", field);
        assert_eq!(line.outcome, is, "{fields}");
        assert!(line.why.contains(words), "{fields}: {}", line.why);
        let waits = !definition(&made, "houses")["ready"].is_null();
        assert_eq!(waits, field == "preconditionTimeout", "{fields}");
        let whole = if waits { Taken } else { NoCounterpart };
        assert_eq!(outcome(&made, "Export", "precondition"), whole, "{fields}");
    }
}
