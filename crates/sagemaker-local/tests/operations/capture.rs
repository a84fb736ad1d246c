//! Data capture to S3.

use crate::bench::{Bench, until};
use lake::store::ObjectStore;
use serde_json::{Value, json};

#[tokio::test]
async fn invocations_are_captured_as_json_lines() {
    let bench = Bench::start().await;
    let capture = json!({
        "EnableCapture": true,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": "s3://lake/captured",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {
            "CsvContentTypes": ["text/csv"], "JsonContentTypes": ["application/json"],
        },
    });
    bench.servable("first", Some(capture)).await;
    bench.serving("e", "first").await;
    let described = bench.settled("e").await;
    assert_eq!(described["DataCaptureConfig"]["CaptureStatus"], "Started");
    for body in ["7,9", "8,1"] {
        bench.invoke("e", body).await;
    }
    let objects = until("captured data", || async {
        let objects = bench.store.list("captured/").await.unwrap();
        (!objects.is_empty()).then_some(objects)
    })
    .await;
    // captured/<endpoint>/<variant>/yyyy/mm/dd/hh/<name>.jsonl
    let parts: Vec<_> = objects[0].key.split('/').collect();
    assert_eq!(parts[1..3], ["e", "AllTraffic"]);
    assert_eq!(
        parts[3..7]
            .iter()
            .map(|part| part.len())
            .collect::<Vec<_>>(),
        [4, 2, 2, 2]
    );
    assert!(
        parts[7].split('.').nth(1) == Some("jsonl") && parts.len() == 8,
        "{parts:?}"
    );
    let text = bench.store.get(&objects[0].key).await.unwrap();
    let lines = std::str::from_utf8(&text).unwrap().lines();
    let lines: Vec<Value> = lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let input = &lines[0]["captureData"]["endpointInput"];
    assert_eq!(
        *input,
        json!({"observedContentType": "text/csv", "mode": "INPUT", "data": "7,9", "encoding": "CSV"})
    );
    let output = &lines[0]["captureData"]["endpointOutput"];
    assert_eq!(output["encoding"], "JSON");
    let answer: Value = serde_json::from_str(output["data"].as_str().unwrap()).unwrap();
    assert_eq!(answer["body"], "7,9");
    assert!(
        lines[0]["eventMetadata"]["inferenceTime"]
            .as_str()
            .unwrap()
            .ends_with('Z')
    );
    assert_eq!(lines[0]["eventVersion"], "0");
}
