//! What a producer should not put, and what Firehose should not send.

use crate::program;
use end_to_end::firehose::answer::{self, MOST, Record, Transformed};
use end_to_end::firehose::trial;
use local_servers::runtime_api::{Function, InvocationError};
use serde_json::{Value, json};
use std::time::Duration;

const TIME: Duration = Duration::from_mins(2);

pub fn function(folder: &std::path::Path) -> Function {
    trial::function(program(), "default", &folder.join("transform-records.log"))
}

/// The answer to an invocation, of a process of its own, and what it printed.
async fn answer(payload: Value) -> (Result<Value, InvocationError>, String) {
    let folder = tempfile::tempdir().unwrap();
    let mut function = function(folder.path());
    let answer = function.invoke(payload, TIME).await;
    function.kill().await;
    let log = std::fs::read_to_string(folder.path().join("transform-records.log")).unwrap();
    (answer, log)
}

fn records(data: &[&[u8]]) -> Vec<Record> {
    let record = |(number, data): (usize, &&[u8])| Record {
        id: format!("49546986683135544286507457936321625675700192471156785154{number:06}"),
        arrival: 1_796_000_000_000,
        data: data.to_vec(),
    };
    data.iter().enumerate().map(record).collect()
}

#[tokio::test]
async fn what_is_refused_has_its_reason_in_the_log() {
    let good: &[u8] = br#"{"event_id":"e1"}"#;
    let cases: [(&[u8], &str); 10] = [
        (b"", "byte 0: a record without an event"),
        (b" \n ", "byte 3: a record without an event"),
        (
            b"Hello, this is a test 123.",
            "byte 0: expected `{` of an event",
        ),
        (b"[{\"event_id\":1}]", "byte 0: expected `{` of an event"),
        (b"{\"event_id\":\"\xff\"}", "byte 13: not UTF-8"),
        (
            b"{\"event_id\":NaN}",
            "byte 12: expected a JSON value, found 'N'",
        ),
        (
            b"{\"event_id\":1,\"event_id\":2}",
            "byte 14: the name `event_id` occurs twice",
        ),
        (
            b"{\"id\":1}",
            "byte 0: the required attribute `event_id` is missing or null",
        ),
        (
            b"{\"event_id\":1}\n{\"event_id\":",
            "byte 27: expected a JSON value",
        ),
        (
            b"{\"event_id\":123456789012345678901234567890123456789}",
            "byte 12: a number of 39",
        ),
    ];
    let data: Vec<&[u8]> = std::iter::once(good)
        .chain(cases.iter().map(|it| it.0))
        .collect();
    let asked = records(&data);
    let (answered, log) = answer(answer::invocation(&asked)).await;
    let transformed = answer::read(&asked, &answered.unwrap()).unwrap();
    let line = b"{\"Item\":{\"event_id\":{\"S\":\"e1\"}}}\n";
    assert_eq!(transformed[0], Transformed::Ok(line.to_vec()));
    for (number, (_, reason)) in cases.iter().enumerate() {
        let failed = Transformed::Failed("Lambda.ProcessingFailedStatus");
        assert_eq!(transformed[number + 1], failed, "{reason}");
        let id = &asked[number + 1].id;
        let logged = log.lines().find(|line| line.contains(id.as_str())).unwrap();
        let logged: Value = serde_json::from_str(logged).unwrap();
        let message = logged["message"].as_str().unwrap();
        assert!(
            message.starts_with(&format!("failed: {reason}")),
            "{message}"
        );
    }
    let metrics = log
        .lines()
        .find(|line| line.contains("EventRecordsFailed"))
        .unwrap();
    let metrics: Value = serde_json::from_str(metrics).unwrap();
    assert_eq!(metrics["pipeline"], "default");
    assert_eq!(
        ["EventsKept", "EventsDropped", "EventRecordsFailed"].map(|it| metrics[it].as_f64()),
        [Some(1.0), Some(0.0), Some(10.0)]
    );
}

#[tokio::test]
async fn a_record_of_several_events_is_stored_whole_or_not_at_all() {
    let kept =
        "{\"event_id\":\"e1\"}\n{\"event_id\":\"e2\",\"kind\":\"test\"}{\"event_id\":\"e3\"}";
    let dropped = "{\"event_id\":\"e4\",\"kind\":\"test\"} {\"event_id\":\"e5\",\"kind\":\"test\"}";
    let refused = "{\"event_id\":\"e6\"}\n{\"event_id\":null}\n{\"event_id\":\"e7\"}";
    let asked = records(&[kept, dropped, refused].map(str::as_bytes));
    let (answered, _) = answer(answer::invocation(&asked)).await;
    let transformed = answer::read(&asked, &answered.unwrap()).unwrap();
    let lines =
        "{\"Item\":{\"event_id\":{\"S\":\"e1\"}}}\n{\"Item\":{\"event_id\":{\"S\":\"e3\"}}}\n";
    assert_eq!(
        transformed,
        [
            Transformed::Ok(lines.as_bytes().to_vec()),
            Transformed::Dropped,
            Transformed::Failed("Lambda.ProcessingFailedStatus"),
        ]
    );
}

/// The worst shape: a list of small integers is 6.5 times as long as a raw line.
#[tokio::test]
async fn an_answer_stays_below_what_lambda_lets_through() {
    let worst = format!("{{\"event_id\":1,\"a\":[{}1]}}", "1,".repeat(20_000));
    let small = "{\"event_id\":2}";
    // As much as the largest buffer may send, with some small ones between.
    let data: Vec<&[u8]> = (0..72)
        .flat_map(|_| [worst.as_bytes(), small.as_bytes()])
        .collect();
    let asked = records(&data);
    let (answered, log) = answer(answer::invocation(&asked)).await;
    let answered = answered.unwrap();
    let bytes = answered.to_string().len();
    assert!(bytes <= 5_900_000 && bytes > 5_500_000, "{bytes}");
    assert!(bytes < MOST);
    let transformed = answer::read(&asked, &answered).unwrap();
    let ok = transformed
        .iter()
        .filter(|it| matches!(it, Transformed::Ok(_)));
    let ok = ok.count();
    // Records that do not fit do not keep smaller ones from being delivered.
    assert!((72 + 10..144 - 20).contains(&ok), "{ok}");
    assert_eq!(transformed.len(), 144);
    assert!(
        log.contains("the answer would be above 5900000 bytes"),
        "{log}"
    );
    assert!(
        log.contains("more records failed than have their reasons logged"),
        "{log}"
    );
}

#[tokio::test]
async fn the_strangest_records_are_answered_once_each() {
    let data = "eyJldmVudF9pZCI6MX0="; // {"event_id":1}
    let payload = json!({
        "invocationId": "i", "deliverySteamArn": "misspelt", "region": null, "more": [{}],
        "sourceKinesisStreamArn": "arn",
        "records": [
            {"recordId": "a", "data": data, "kinesisRecordMetadata": {"shardId": "s"}},
            {"recordId": "a", "data": data},
            {"data": "no base64!", "recordId": "b\"\\\u{1}"},
            {"recordId": "", "data": "e30"},
        ],
    });
    let (answered, _) = answer(payload).await;
    let line = "eyJJdGVtIjp7ImV2ZW50X2lkIjp7Ik4iOiIxIn19fQo="; // {"Item":{"event_id":{"N":"1"}}}
    assert_eq!(
        answered.unwrap(),
        json!({"records": [
            {"recordId": "a", "result": "Ok", "data": line},
            {"recordId": "a", "result": "Ok", "data": line},
            {"recordId": "b\"\\\u{1}", "result": "ProcessingFailed", "data": ""},
            {"recordId": "", "result": "ProcessingFailed", "data": ""},
        ]})
    );
    let (answered, _) = answer(json!({"records": []})).await;
    assert_eq!(answered.unwrap(), json!({"records": []}));
}

#[tokio::test]
async fn what_firehose_never_sends_is_an_error_of_the_whole_invocation() {
    for payload in [
        json!({}),
        json!([]),
        json!(null),
        json!({"records": {}}),
        json!({"records": [{"recordId": "a"}]}),
        json!({"records": [{"data": "e30="}]}),
        json!({"records": [{"recordId": 1, "data": "e30="}]}),
    ] {
        let (answered, _) = answer(payload.clone()).await;
        let error = answered.unwrap_err();
        assert_eq!(error.name, "InvalidRequest", "{payload}");
        let begin = "the invocation is none of Firehose's for a transformation: ";
        assert!(error.message.starts_with(begin), "{}", error.message);
    }
}

#[tokio::test]
async fn settings_that_cannot_be_used_keep_the_function_from_starting() {
    let folder = tempfile::tempdir().unwrap();
    for (required, conditions, expected) in [
        ("a..b", "[]", "required[0] leads to no attribute: `a..b`"),
        ("none", "{}", "EVENTS_WHERE"),
        (
            "none",
            r#"[{"path":"a","op":"in","value":1}]"#,
            "where[0]: `in` takes a list of values",
        ),
    ] {
        let log = folder.path().join("log");
        let environment = [
            ("EVENTS_PIPELINE", "default"),
            ("EVENTS_REQUIRED", required),
            ("EVENTS_WHERE", conditions),
        ];
        let owned = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut function = Function::new(program(), owned, &log);
        let error = function
            .invoke(json!({"records": []}), TIME)
            .await
            .unwrap_err();
        assert_eq!(error.name, "Runtime.ExitError");
        let log = std::fs::read_to_string(&log).unwrap();
        assert!(log.contains(expected), "{log}");
    }
}
