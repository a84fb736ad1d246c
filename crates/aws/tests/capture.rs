//! What the services say of a table's capture, and how they are asked.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

#[path = "support/script.rs"]
mod script;

use aws::capture::Captures;
use contract::ErrorName;
use script::{Answer, Script};
use serde_json::{Value, json};
use source::{CaptureMapping, DescribeCapture, OldestRecord};

const UUID: &str = "14e0db71-5d35-4eb5-b481-8945cf9d10c2";
const STREAM: &str =
    "arn:aws:dynamodb:us-east-1:123456789012:table/t/stream/2026-11-28T09:12:01.789";

async fn captures(answers: &[Value]) -> (Captures, Script) {
    let answers = answers.iter().map(|body| Answer::ok(body.to_string()));
    let script = Script::start(answers.collect()).await;
    let config = aws::local(&script.url).await;
    (Captures::new(&config, UUID.to_owned()), script)
}

#[tokio::test]
async fn a_mapping_says_what_it_reads_and_calls() {
    // Source: AWS Lambda API Reference, "GetEventSourceMapping".
    let answer = json!({
        "UUID": UUID, "BatchSize": 1000, "EventSourceArn": STREAM,
        "FunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:shop-capture",
        "LastModified": 1_795_860_000.5, "LastProcessingResult": "OK",
        "StartingPosition": "TRIM_HORIZON", "State": "Enabled",
    });
    let (captures, script) = captures(&[answer]).await;
    let mapping = captures.mapping().await.unwrap();
    let expected = CaptureMapping {
        uuid: UUID.to_owned(),
        stream_arn: Some(STREAM.to_owned()),
        function: Some("shop-capture".to_owned()),
        state: "Enabled".to_owned(),
        starting_position: Some("TRIM_HORIZON".to_owned()),
        last_result: Some("OK".to_owned()),
    };
    assert_eq!(mapping, Some(expected));
    let path = format!("/2015-03-31/event-source-mappings/{UUID}");
    assert_eq!(script.paths(), [path]);
    assert_eq!(script.requests(), [Value::Null], "it is asked by GET");
}

#[tokio::test]
async fn a_mapping_that_is_gone_is_none_and_a_refusal_is_an_error() {
    for (status, code) in [
        (404, "ResourceNotFoundException"),
        (403, "AccessDeniedException"),
    ] {
        let refused = Answer {
            status,
            body: br#"{"Message": "not you"}"#.to_vec(),
            ..Answer::default()
        };
        let refused = refused.header("X-Amzn-Errortype", &code);
        let script = Script::start(vec![refused]).await;
        let captures = Captures::new(&aws::local(&script.url).await, UUID.to_owned());
        let mapping = captures.mapping().await;
        if status == 404 {
            assert_eq!(mapping.unwrap(), None);
        } else {
            assert_eq!(mapping.unwrap_err().name, ErrorName::AccessDenied);
        }
    }
    let script = Script::start(vec![Answer::ok("{}")]).await;
    let none = Captures::new(&aws::local(&script.url).await, String::new());
    assert_eq!(none.mapping().await.unwrap(), None);
    assert!(
        script.paths().is_empty(),
        "a stack without capture asks nobody"
    );
}

#[tokio::test]
async fn the_longest_lag_is_of_whole_hours_and_may_be_unknown() {
    let answer = json!({"MetricDataResults": [{"Id": "lag", "Values": [1500.0, 61_000.0, 0.0]}]});
    let none = json!({"MetricDataResults": [{"Id": "lag", "Values": []}]});
    let (captures, script) = captures(&[answer, none]).await;
    let lag = captures.longest_lag("shop-capture", 7201).await.unwrap();
    assert_eq!(lag, Some(62));
    assert_eq!(
        captures.longest_lag("shop-capture", 7201).await.unwrap(),
        None
    );
    let asked = &script.requests()[0];
    assert_eq!(asked["StartTime"], 7200);
    assert_eq!(asked["EndTime"].as_i64().unwrap() % 3600, 0);
    let metric = &asked["MetricDataQueries"][0]["MetricStat"];
    assert_eq!(metric["Metric"]["MetricName"], "IteratorAge");
    assert_eq!(metric["Stat"], "Maximum");
}

#[tokio::test]
async fn the_oldest_record_of_each_shard_is_read() {
    let (captures, script) = captures(&[
        json!({"StreamDescription": {"Shards": [{"ShardId": "one"}, {"ShardId": "two"}]}}),
        json!({"ShardIterator": "at-one"}),
        json!({"Records": [{"eventName": "INSERT", "dynamodb": {
            "SequenceNumber": "000000000000000000111", "ApproximateCreationDateTime": 1_795_860_000.0,
        }}]}),
        json!({"ShardIterator": "at-two"}),
        json!({"Records": []}),
    ])
    .await;
    let oldest = captures.oldest_records(STREAM).await.unwrap();
    let expected = OldestRecord {
        sequence: "000000000000000000111".to_owned(),
        created: 1_795_860_000,
    };
    assert_eq!(oldest, [expected]);
    let asked = script.requests();
    assert_eq!(asked[0], json!({"StreamArn": STREAM}));
    assert_eq!(asked[1]["ShardIteratorType"], "TRIM_HORIZON");
    assert_eq!(asked[2]["ShardIterator"], "at-one");
}
