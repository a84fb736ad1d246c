//! One pipeline in every form is converted to the same bytes.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{PIPELINES, api_form, converted, definition, input, line, options, text};
use data_pipeline::report::Outcome;
use data_pipeline::{Conversion, ConvertError, Form, Options, convert};
use serde_json::{Map, Value, json};

fn json_of(name: &str) -> Value {
    serde_json::from_str(text(name)).unwrap()
}

#[test]
fn the_file_form_and_the_api_form_give_the_same_bytes() {
    for (name, text) in PIPELINES {
        let file = converted(text, &options()).unwrap();
        let api = api_form(&serde_json::from_str(text).unwrap());
        let api = converted(api.to_string(), &options()).unwrap();
        assert_eq!(file.files, api.files, "{name}");
    }
}

/// Keys as a template writes them.
fn capitals(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let capital = |key: &String| key[..1].to_ascii_uppercase() + &key[1..];
            let fields = fields
                .iter()
                .map(|(key, value)| (capital(key), capitals(value)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
        Value::Array(elements) => Value::Array(elements.iter().map(capitals).collect()),
        other => other.clone(),
    }
}

fn without_report(conversion: &Conversion) -> Vec<(&str, &str)> {
    let files = conversion.files.iter();
    let files = files.filter(|file| !file.path.starts_with("conversion."));
    files
        .map(|file| (file.path.as_str(), file.text.as_str()))
        .collect()
}

#[test]
fn a_template_gives_the_same_definitions() {
    for (name, text) in PIPELINES {
        let file = converted(text, &options()).unwrap();
        let properties = capitals(&api_form(&serde_json::from_str(text).unwrap()));
        let template = json!({"Resources": {
            "Pipe": {"Type": "AWS::DataPipeline::Pipeline", "Properties": properties},
            "Bucket": {"Type": "AWS::S3::Bucket"},
        }});
        let made = converted(template.to_string(), &options()).unwrap();
        assert_eq!(without_report(&file), without_report(&made), "{name}");
        assert_eq!(made.report.pipelines[0].name.as_deref(), Some("Pipe"));
        assert_eq!(
            file.report.pipelines[0].fields, made.report.pipelines[0].fields,
            "{name}"
        );
    }
}

#[test]
fn hybrids_and_numbers_are_read() {
    let mut hybrid = api_form(&json_of("on-demand"));
    hybrid["objects"] = hybrid["pipelineObjects"].take();
    hybrid.as_object_mut().unwrap().remove("pipelineObjects");
    let file = converted(text("on-demand"), &options()).unwrap();
    let made = converted(hybrid.to_string(), &options()).unwrap();
    assert_eq!(file.files, made.files);
    let mut numbers = json_of("two-tables");
    let objects = numbers["objects"].as_array_mut().unwrap();
    let users = objects.iter_mut().find(|object| object["id"] == "Users");
    users.unwrap()["readThroughputPercent"] = json!(1.0);
    numbers["objects"][0]["maxActiveInstances"] = json!(1);
    numbers["objects"][0]["scheduleType"] = json!(["cron"]);
    let file = converted(text("two-tables"), &options()).unwrap();
    let made = converted(numbers.to_string(), &options()).unwrap();
    assert_eq!(file.files, made.files);
}

#[test]
fn byte_order_marks_carriage_returns_and_utf_16_are_read() {
    let plain = text("console-export");
    let expected = converted(plain, &options()).unwrap();
    let windows = format!("\u{feff}{}", plain.replace('\n', "\r\n"));
    assert_eq!(converted(windows, &options()).unwrap(), expected);
    for unit in [u16::to_le_bytes as fn(u16) -> [u8; 2], u16::to_be_bytes] {
        let units = std::iter::once(0xfeff).chain(plain.encode_utf16());
        let bytes: Vec<u8> = units.flat_map(unit).collect();
        assert_eq!(converted(bytes, &options()).unwrap(), expected);
    }
}

const TEMPLATE: &str = r#"
AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  Table: { Type: String, Default: houses }
  Ratio: { Type: Number, Default: 0.25 }
  Password: { Type: String, NoEcho: true, Default: correct-horse-battery }
Resources:
  Export:
    Type: AWS::DataPipeline::Pipeline
    Properties:
      Name: !Sub "${AWS::StackName}-export"
      Activate: true
      PipelineTags:
        - { Key: team, Value: homes }
      ParameterObjects:
        - Id: myTable
          Attributes: [{ Key: type, StringValue: String }]
      ParameterValues:
        - { Id: myTable, StringValue: !Ref Table }
      PipelineObjects:
        - Id: Default
          Name: Default
          Fields:
            - { Key: scheduleType, StringValue: ondemand }
            - { Key: pipelineLogUri, StringValue: !Join ["", ["s3://", !GetAtt Logs.Arn, "/"]] }
            - { Key: note, StringValue: !Ref Password }
        - Id: Export
          Name: Export
          Fields:
            - { Key: type, StringValue: EmrActivity }
            - Key: step
              StringValue: !Sub
                - "s3://${Jars}/emr-ddb.jar,org.apache.hadoop.dynamodb.tools.DynamoDbExport,s3://b/${!x},#{myTable},${Ratio}"
                - Jars: !ImportValue jars
  Other:
    Type: AWS::DataPipeline::Pipeline
    Properties:
      Name: other
      PipelineObjects:
        - Id: Echo
          Name: Echo
          Fields:
            - { Key: type, StringValue: ShellCommandActivity }
            - { Key: command, StringValue: echo }
"#;

#[test]
fn a_template_in_yaml_is_resolved_as_far_as_it_can_be() {
    let made = convert(&[input("template.yaml", TEMPLATE)], &options()).unwrap();
    assert_eq!(
        definition(&made, "houses")["source"],
        json!({"dynamodb": {"table": "houses", "read": {"percent": 25}}})
    );
    assert_eq!(made.report.pipelines.len(), 2);
    assert_eq!(
        line(&made, "Default", "pipelineLogUri").value,
        "s3://⟨Logs.Arn⟩/"
    );
    assert_eq!(line(&made, "Default", "note").value, "••••");
    assert!(line(&made, "Export", "step").value.contains("s3://b/${x},"));
    assert!(
        made.report.next[0].starts_with("sam deploy --tags team=homes "),
        "{:?}",
        made.report.next
    );
    assert_eq!(line(&made, "", "Activate").outcome, Outcome::Derived);

    let set = Options {
        sets: vec![("Table".to_owned(), "barns".to_owned())],
        resource: Some("Export".to_owned()),
        ..options()
    };
    let made = convert(&[input("template.yaml", TEMPLATE)], &set).unwrap();
    assert_eq!(made.report.pipelines.len(), 1);
    definition(&made, "barns");
    let unknown = Options {
        resource: Some("Exprot".to_owned()),
        ..options()
    };
    let error = convert(&[input("template.yaml", TEMPLATE)], &unknown).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("no pipeline `Exprot`, but Export, Other"),
        "{error}"
    );
}

#[test]
fn values_that_are_missing_are_asked_for() {
    let mut value = json_of("console-export");
    value.as_object_mut().unwrap().remove("values");
    let mut none = value.clone();
    none["parameters"][2]
        .as_object_mut()
        .unwrap()
        .remove("default");
    let error = converted(none.to_string(), &options()).unwrap_err();
    let names = "no value for myDDBReadThroughputRatio, myDDBTableName: give --values FILE or ";
    assert!(error.to_string().starts_with(names), "{error}");
    let error = converted(value.to_string(), &options()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no value for myDDBTableName: give --values FILE or --set myDDBTableName=…"
    );
    let given = Options {
        sets: vec![("myDDBTableName".to_owned(), "barns".to_owned())],
        ..options()
    };
    let made = converted(value.to_string(), &given).unwrap();
    definition(&made, "barns");
    // What no definition needs stays open.
    let path = line(&made, "Backup", "directoryPath");
    assert_eq!(path.outcome, Outcome::Approximated);

    let file = |text: &str| Options {
        values: Some(input("values.json", text)),
        ..options()
    };
    for text in [
        r#"{"values": {"myDDBTableName": "barns"}}"#,
        r#"{"myDDBTableName": "barns"}"#,
        r#"{"parameterValues": [{"id": "myDDBTableName", "stringValue": "barns"}]}"#,
    ] {
        let made = converted(value.to_string(), &file(text)).unwrap();
        definition(&made, "barns");
    }
    let error = converted(value.to_string(), &file(r#"{"myDDBTabelName": "x"}"#)).unwrap_err();
    assert!(matches!(error, ConvertError::NoParameter { .. }), "{error}");
    assert!(
        error
            .to_string()
            .contains("there are myDDBReadThroughputRatio, "),
        "{error}"
    );
    // A template asks for what it leaves open, too.
    let open = TEMPLATE.replace("!Ref Table", "!ImportValue tables-houses");
    let error = convert(&[input("template.yaml", open)], &options()).unwrap_err();
    assert!(
        error.to_string().contains("--set tables-houses=…"),
        "{error}"
    );
}

#[test]
fn a_form_may_be_demanded() {
    let api = Options {
        form: Form::CloudFormation,
        ..options()
    };
    let error = converted(text("on-demand"), &api).unwrap_err();
    assert!(error.to_string().contains("no `Resources`"), "{error}");
}

#[test]
fn several_files_share_the_names() {
    let files = [
        input("a.json", text("on-demand")),
        input("b.json", text("hive-csv")),
    ];
    let made = convert(&files, &options()).unwrap();
    definition(&made, "houses");
    definition(&made, "houses-2");
    assert_eq!(made.report.pipelines[1].file, "b.json");
}
