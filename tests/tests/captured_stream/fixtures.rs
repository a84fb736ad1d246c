//! Sample events of AWS's SAM CLI and of its Rust runtime, captured by the real function, as AWS's
//! Powertools and the runtime's own types read them.

use aws::s3::S3Store;
use aws_lambda_events::dynamodb::Event;
use end_to_end::{poller, python, workspace};
use local_servers::runtime_api::Function;
use serde_json::{Value, json};
use std::process::Command;
use std::time::Duration;

/// The names of an image's attributes, in their order; null if there is none.
fn names(line: &Value, image: &str) -> Value {
    let attributes = line.get(image).and_then(Value::as_object);
    attributes.map_or(Value::Null, |attributes| {
        let mut names: Vec<_> = attributes.keys().collect();
        names.sort_unstable();
        json!(names)
    })
}

/// What the lake holds of a stream after one call of the function.
async fn captured(event: &Value, arn: &str) -> poller::Captured {
    let s3 = local_servers::s3::S3::start(&["lake"]).await;
    let environment = [("LAKE_BUCKET", "lake"), ("AWS_ENDPOINT_URL_S3", s3.url())];
    let environment = environment.into_iter().chain(local_servers::environment());
    let owned = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let log = tempfile::NamedTempFile::new().unwrap();
    let program = env!("CARGO_BIN_EXE_capture-changes-under-test").as_ref();
    let mut function = Function::new(program, owned, log.path());
    let answer = function.invoke(event.clone(), Duration::from_secs(30));
    assert_eq!(answer.await.unwrap(), json!({}));
    function.kill().await;

    let lake = S3Store::new(&aws::local(s3.url()).await, "lake");
    poller::captured(&lake, arn).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_of_aws_is_captured_as_its_own_library_reads_it() {
    let script = workspace::root().join("tests/python/stream_events.py");
    let mut command = Command::new(python::LAMBDA_EVENTS.program("python"));
    let output = python::output(command.arg(script));
    assert!(output.status.success(), "{}", python::said(&output));
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    let records = said["event"]["Records"].as_array().unwrap();
    let arn = records[0]["eventSourceARN"].as_str().unwrap();

    let captured = captured(&said["event"], arn).await;
    assert!(captured.unreadable.is_empty() && captured.given_up.is_empty());
    let lines = records.iter().map(|record| {
        let number = record["dynamodb"]["SequenceNumber"].as_str().unwrap();
        let line: Value = serde_json::from_str(&captured.lines[number]).unwrap();
        // The bytes of numbers and strings are those that came.
        for image in ["Keys", "NewImage", "OldImage"] {
            assert_eq!(line.get(image), record["dynamodb"].get(image), "{image}");
        }
        json!([
            line["Metadata"]["EventName"]["S"],
            line["Metadata"]["SequenceNumber"]["S"],
            names(&line, "Keys"),
            names(&line, "NewImage"),
            names(&line, "OldImage"),
        ])
    });
    let lines: Vec<_> = lines.collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(Value::Array(lines), said["read"]);
}

const ARN: &str = "arn:aws:dynamodb:us-east-1:123456789012:table/Example-Table/stream/label";

/// A sample event that the crate of Lambda's events for Rust keeps.
fn sample(name: &str) -> Value {
    let fixtures = workspace::dependency("aws_lambda_events").join("src/fixtures");
    let text = std::fs::read_to_string(fixtures.join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_of_the_rust_runtime_is_captured_as_its_types_read_it() {
    let mut event = sample("example-dynamodb-event.json");
    for (index, record) in event["Records"]
        .as_array_mut()
        .unwrap()
        .iter_mut()
        .enumerate()
    {
        // Local servers make file names of keys: a label without colons.
        record["eventSourceARN"] = json!(ARN);
        // The sample gives all its records one number, and DynamoDB no two.
        record["dynamodb"]["SequenceNumber"] = json!(format!("140540000000000206328283{index}"));
    }
    let captured = captured(&event, ARN).await;
    assert!(captured.unreadable.is_empty() && captured.given_up.is_empty());

    let typed: Event = serde_json::from_value(event).unwrap();
    assert_eq!(captured.lines.len(), typed.records.len());
    for record in typed.records {
        let number = record.change.sequence_number.unwrap();
        let line: Value = serde_json::from_str(&captured.lines[&number]).unwrap();
        let metadata = &line["Metadata"];
        assert_eq!(metadata["EventName"]["S"], json!(record.event_name));
        let created = metadata["ApproximateCreationDateTime"]["N"]
            .as_str()
            .unwrap();
        let created: i64 = created.parse().unwrap();
        assert_eq!(
            created,
            record.change.approximate_creation_date_time.timestamp()
        );
        assert_eq!(line["Keys"], json!(record.change.keys));
        assert_eq!(line["NewImage"], json!(record.change.new_image));
        assert_eq!(line.get("OldImage"), None);
    }
}

/// Its numbers may be missing to the type, and without one a change has no place in the order.
#[tokio::test(flavor = "multi_thread")]
async fn a_sample_without_a_number_is_set_aside_and_holds_nothing_up() {
    let mut record = sample("example-dynamodb-event-record-with-optional-fields.json");
    record["eventSourceARN"] = json!(ARN);
    let captured = captured(&json!({ "Records": [record] }), ARN).await;
    assert_eq!(captured.lines.len(), 0);
    assert_eq!(captured.unreadable.len(), 1, "{:?}", captured.unreadable);
}
