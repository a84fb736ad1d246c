//! Sample invocations of AWS's SAM CLI and of its Rust runtime, and answers as AWS's Powertools read
//! them.

use crate::bad_input::function;
use aws_lambda_events::firehose::KinesisFirehoseEvent;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use end_to_end::{python, workspace};
use serde_json::{Map, Value, json};
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

/// What `tests/python/firehose_events.py` prints, given these arguments and this input.
fn said(arguments: &[&str], input: &Value) -> Value {
    let script = workspace::root().join("tests/python/firehose_events.py");
    let mut command = Command::new(python::LAMBDA_EVENTS.program("python"));
    command.arg(script).args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.to_string().as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", python::said(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test]
async fn every_sample_of_aws_is_answered_as_its_own_library_reads_it() {
    let event = r#"{"event_id":"e1","n":12345678901234567890.5}"#;
    let samples: Map<String, Value> =
        serde_json::from_value(said(&["samples", event], &Value::Null)).unwrap();
    let names: Vec<_> = samples.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "KinesisFirehose",
            "KinesisFirehoseApachelog",
            "KinesisFirehoseCloudwatchLogsProcessor",
            "KinesisFirehoseStreamsAsSource",
            "KinesisFirehoseSyslog",
        ]
    );
    let folder = tempfile::tempdir().unwrap();
    let mut function = function(folder.path());
    let mut pairs = Vec::new();
    for (name, invocation) in &samples {
        let answer = function
            .invoke(invocation.clone(), Duration::from_mins(1))
            .await;
        let answer = answer.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        pairs.push(json!([invocation, answer]));
    }
    function.kill().await;
    let read = said(&["read"], &Value::Array(pairs));
    let line =
        "{\"Item\":{\"event_id\":{\"S\":\"e1\"},\"n\":{\"N\":\"12345678901234567890.5\"}}}\n";
    for (name, records) in names.iter().zip(read.as_array().unwrap()) {
        let records = records.as_array().unwrap();
        assert!(!records.is_empty(), "{name}");
        // Logs of CloudWatch come packed: they are no events.
        let expected = if name.ends_with("CloudwatchLogsProcessor") {
            json!(["ProcessingFailed", ""])
        } else {
            json!(["Ok", line])
        };
        assert!(
            records.iter().all(|record| *record == expected),
            "{name}: {records:?}"
        );
    }
}

/// The crate of Lambda's events for Rust keeps a sample of a delivery stream that reads a data stream;
/// its types also write an invocation, in their own order of fields and with all that may be there.
#[tokio::test]
async fn the_sample_of_the_rust_runtime_is_answered_as_its_types_read_it() {
    let fixtures = workspace::dependency("aws_lambda_events").join("src/fixtures");
    let text = std::fs::read(fixtures.join("example-kinesis-firehose-event.json")).unwrap();
    let mut invocation: KinesisFirehoseEvent = serde_json::from_slice(&text).unwrap();
    // The sample's own data is no JSON.
    assert_eq!(invocation.records[0].data.0, b"Hello World");
    invocation.records[1].data.0 = br#"{"event_id": 1.50}"#.to_vec();

    let folder = tempfile::tempdir().unwrap();
    let mut function = function(folder.path());
    let answer = function.invoke(json!(invocation), Duration::from_mins(1));
    let answer = answer.await.unwrap();
    function.kill().await;
    let answered = answer["records"].as_array().unwrap().iter();
    let answered: Vec<_> = answered
        .map(|record| (record["recordId"].as_str(), record["result"].as_str()))
        .collect();
    let id = |index: usize| invocation.records[index].record_id.as_deref();
    let expected = [(id(0), Some("ProcessingFailed")), (id(1), Some("Ok"))];
    assert_eq!(answered, expected);
    let line = answer["records"][1]["data"].as_str().unwrap();
    let line = STANDARD.decode(line).unwrap();
    assert_eq!(line, b"{\"Item\":{\"event_id\":{\"N\":\"1.50\"}}}\n");
}

/// The example of the page on events, between a Firehose that fails now and then and the function.
#[tokio::test]
async fn what_the_example_puts_arrives_once() {
    let root = workspace::root();
    let mut command = Command::new(python::program("python"));
    command.arg(root.join("tests/python/put_events.py"));
    command.arg(root.join("docs/src/how-to/events.md")).arg("7");
    let output = python::output(&mut command);
    assert!(output.status.success(), "{}", python::said(&output));
    let taken: Vec<String> = serde_json::from_slice(&output.stdout).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut function = function(folder.path());
    let mut seen = Vec::new();
    for (number, batch) in taken.chunks(10).enumerate() {
        let records: Vec<_> = batch
            .iter()
            .enumerate()
            .map(|(index, data)| json!({"recordId": format!("{number}-{index}"), "data": data}))
            .collect();
        let answer = function
            .invoke(json!({ "records": records }), Duration::from_mins(1))
            .await;
        for record in answer.unwrap()["records"].as_array().unwrap() {
            assert_eq!(record["result"], "Ok");
            let lines = STANDARD.decode(record["data"].as_str().unwrap()).unwrap();
            for line in String::from_utf8(lines).unwrap().lines() {
                let line: Value = serde_json::from_str(line).unwrap();
                let id = line["Item"]["event_id"]["S"].as_str().unwrap();
                seen.push(id[1..].parse::<usize>().unwrap());
            }
        }
    }
    function.kill().await;
    seen.sort_unstable();
    assert_eq!(seen, (0..3000).collect::<Vec<_>>());
    assert!(
        taken.len() < 500,
        "several events in a record: {}",
        taken.len()
    );
}
