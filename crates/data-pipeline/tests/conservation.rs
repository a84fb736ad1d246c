//! Every field of the input has exactly one line in the report, whatever the input is.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{PIPELINES, api_form, converted, fields_of, options};
use data_pipeline::Conversion;
use data_pipeline::report::Part;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

fn lines(made: &Conversion) -> usize {
    made.report
        .pipelines
        .iter()
        .map(|pipeline| pipeline.fields.len())
        .sum()
}

/// Lines of different fields, and as many as fields are counted.
fn assert_conserved(file: &Value, made: &Conversion) {
    assert_eq!(lines(made), fields_of(file));
    let counts = made.report.counts;
    let all = data_pipeline::report::Outcome::ALL.map(|outcome| counts.of(outcome));
    assert_eq!(all.iter().sum::<usize>(), lines(made));
    let mut seen = BTreeSet::new();
    for line in &made.report.pipelines[0].fields {
        assert!(
            seen.insert((line.part, &line.object, &line.field)),
            "{line:?}"
        );
        assert!(!line.why.is_empty(), "{line:?}");
    }
}

#[test]
fn each_structure_has_a_line_for_each_field() {
    for (_, text) in PIPELINES {
        let file: Value = serde_json::from_str(text).unwrap();
        assert_conserved(&file, &converted(text, &options()).unwrap());
    }
}

const TYPES: [&str; 24] = [
    "CopyActivity",
    "EmrActivity",
    "HadoopActivity",
    "HiveActivity",
    "HiveCopyActivity",
    "PigActivity",
    "RedshiftCopyActivity",
    "ShellCommandActivity",
    "SqlActivity",
    "DynamoDBDataNode",
    "S3DataNode",
    "SqlDataNode",
    "RedshiftDataNode",
    "Ec2Resource",
    "EmrCluster",
    "Schedule",
    "SnsAlarm",
    "Terminate",
    "CSV",
    "DynamoDBExportDataFormat",
    "S3KeyExists",
    "DynamoDBTableExists",
    "Robot",
    "JdbcDatabase",
];

const KEYS: [&str; 34] = [
    "name",
    "command",
    "schedule",
    "scheduleType",
    "period",
    "startDateTime",
    "startAt",
    "occurrences",
    "endDateTime",
    "step",
    "input",
    "output",
    "runsOn",
    "dependsOn",
    "precondition",
    "onFail",
    "tableName",
    "readThroughputPercent",
    "directoryPath",
    "filterSql",
    "hiveScript",
    "terminateAfter",
    "subnetId",
    "maximumRetries",
    "failureAndRerunMode",
    "maxActiveInstances",
    "dataFormat",
    "column",
    "myOwn",
    "odd",
    "@version",
    "selectQuery",
    "connectionString",
    "workerGroup",
];

/// A text of a field: among them those that plans look at.
fn field_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z0-9-]{3,12}",
        Just("#{myTable}/#{@scheduledStartTime}".to_owned()),
        Just("1 day".to_owned()),
        Just("2019-03-04T05:06:07".to_owned()),
        Just(
            "a.jar,org.apache.hadoop.dynamodb.tools.DynamoDbExport,s3://b,#{myTable},0.5"
                .to_owned()
        ),
        Just("a = 1".to_owned()),
        Just("insert overwrite table a select * from b".to_owned()),
        Just("select a from b".to_owned()),
        Just("jdbc:postgresql://h:5432/d".to_owned()),
        "\\PC{0,20}".prop_map(|text| text.replace('#', "")),
    ]
}

/// A pipeline whose objects refer to each other in any way that is consistent.
fn pipeline() -> impl Strategy<Value = Value> {
    let value = (field_text(), any::<prop::sample::Index>(), any::<bool>());
    let field = (prop::sample::select(&KEYS[..]), vec(value, 1..3));
    let object = (prop::sample::select(&TYPES[..]), vec(field, 0..8));
    vec(object, 1..12).prop_map(|objects| {
        let count = objects.len();
        let objects = objects.into_iter().enumerate().map(|(at, (kind, fields))| {
            let mut object = Map::new();
            object.insert("id".to_owned(), json!(format!("O{at}")));
            object.insert("type".to_owned(), json!(kind));
            for (key, values) in fields {
                let values = values.into_iter().map(|(text, index, is_ref)| {
                    let is_ref = is_ref && !["name", "odd"].contains(&key);
                    if is_ref {
                        json!({"ref": format!("O{}", index.index(count))})
                    } else {
                        json!(text)
                    }
                });
                let values: Vec<_> = values.collect();
                let value = if key == "name" || values.len() == 1 {
                    values[0].clone()
                } else {
                    json!(values)
                };
                if key != "name" || value.as_str().is_some_and(|name| !name.is_empty()) {
                    object.insert(key.to_owned(), value);
                }
            }
            Value::Object(object)
        });
        json!({
            "objects": objects.collect::<Vec<_>>(),
            "parameters": [
                {"id": "myTable", "type": "String", "default": "houses"},
                {"id": "*myPassword", "description": "Password"},
            ],
            "values": {"myTable": "barns", "*myPassword": "correct-horse-battery"},
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_pipeline_has_a_line_for_each_field_in_both_forms(file in pipeline()) {
        let made = converted(file.to_string(), &options());
        let api = converted(api_form(&file).to_string(), &options());
        match (made, api) {
            (Ok(made), Ok(api)) => {
                assert_conserved(&file, &made);
                prop_assert_eq!(&made.files, &api.files);
                for file in made.files.iter().filter(|file| file.path.starts_with("config/")) {
                    let value = serde_json::from_str(&file.text).unwrap();
                    definition::read(&value, |_, _| ()).unwrap();
                }
                let text = made.report.text();
                for file in &made.files {
                    prop_assert!(!file.text.contains("correct-horse-battery"));
                }
                prop_assert!(!text.contains("correct-horse-battery"));
                let values = made.report.pipelines[0].fields.iter();
                prop_assert_eq!(values.filter(|line| line.part == Part::Value).count(), 2);
            }
            // A fault is the same in both forms.
            (Err(made), Err(api)) => prop_assert_eq!(made.to_string(), api.to_string()),
            (made, api) => prop_assert!(false, "{made:?}\n{api:?}"),
        }
    }

    #[test]
    fn bytes_that_are_no_pipeline_are_refused_without_a_panic(bytes in vec(any::<u8>(), 0..200)) {
        let _ = converted(bytes, &options());
    }

    #[test]
    fn expressions_of_any_text_never_panic(text in "[#{}()'a-z@.+*/^0-9, -]{0,40}") {
        let file = json!({"objects": [{"id": "A", "type": "CSV", "column": format!("#{{{text}}}")}]});
        let _ = converted(file.to_string(), &options());
    }

    #[test]
    fn scripts_queries_and_conditions_of_any_text_never_panic(text in "\\PC{0,40}", choice in 0..4_usize) {
        let name = ["hive-csv", "hive-copy", "postgres-to-s3", "two-tables"][choice];
        let (object, field) = [("ToCsv", "hiveScript"), ("Recent", "filterSql"), ("Orders", "selectQuery"), ("Hourly", "period")][choice];
        let mut file: Value = serde_json::from_str(common::text(name)).unwrap();
        for found in file["objects"].as_array_mut().unwrap() {
            if found["id"] == object {
                found[field] = json!(text);
            }
        }
        let _ = converted(file.to_string(), &options());
    }
}
