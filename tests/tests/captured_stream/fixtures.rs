//! The sample event of AWS's SAM CLI, captured by the real function, as AWS's Powertools read it.

use aws::s3::S3Store;
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

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_of_aws_is_captured_as_its_own_library_reads_it() {
    let script = workspace::root().join("tests/python/stream_events.py");
    let mut command = Command::new(python::LAMBDA_EVENTS.program("python"));
    let output = python::output(command.arg(script));
    assert!(output.status.success(), "{}", python::said(&output));
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    let records = said["event"]["Records"].as_array().unwrap();
    let arn = records[0]["eventSourceARN"].as_str().unwrap();

    let s3 = local_servers::s3::S3::start(&["lake"]).await;
    let environment = [("LAKE_BUCKET", "lake"), ("AWS_ENDPOINT_URL_S3", s3.url())];
    let environment = environment.into_iter().chain(local_servers::environment());
    let owned = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let log = tempfile::NamedTempFile::new().unwrap();
    let program = env!("CARGO_BIN_EXE_capture-changes-under-test").as_ref();
    let mut function = Function::new(program, owned, log.path());
    let answer = function.invoke(said["event"].clone(), Duration::from_secs(30));
    assert_eq!(answer.await.unwrap(), json!({}));

    let lake = S3Store::new(&aws::local(s3.url()).await, "lake");
    let captured = poller::captured(&lake, arn).await.unwrap();
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
