//! The `Scan` adapter against a server that answers by a script: it reads what the SDK alone would
//! read, and of an answer that is not as DynamoDB sent it, nothing.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

#[path = "support/model.rs"]
mod model;
#[path = "support/script.rs"]
mod script;

use aws::dynamodb::Tables;
use aws_sdk_dynamodb::types::AttributeValue;
use contract::{ErrorName, Named, ServiceError};
use model::model;
use script::{Answer, Script};
use serde_json::{Value, json};
use source::{PageBuffer, PageEnd, PageRequest, ScanPages, Selection, Throttles};

fn request(throttles: &Throttles) -> PageRequest<'_> {
    PageRequest {
        table: "t",
        segment: 2,
        total_segments: 5,
        cursor: None,
        consistent: true,
        selection: None,
        limit: Some(70),
        throttles,
    }
}

fn page(numbers: std::ops::Range<u32>, next: Option<u32>) -> Vec<u8> {
    let items: Vec<_> = numbers
        .map(|n| json!({ "n": { "N": n.to_string() } }))
        .collect();
    let mut answer = json!({
        "Count": items.len(),
        "ScannedCount": items.len(),
        "Items": items,
        "ConsumedCapacity": { "TableName": "t", "CapacityUnits": 12.5 },
    });
    if let Some(next) = next {
        answer["LastEvaluatedKey"] = json!({ "n": { "N": next.to_string() } });
    }
    answer.to_string().into_bytes()
}

/// One page of the script, and what it asked.
async fn read(
    answers: Vec<Answer>,
    buffer: &mut PageBuffer,
) -> (Result<PageEnd, ServiceError>, Vec<Value>) {
    let server = Script::start(answers).await;
    let tables = Tables::new(&aws::local(&server.url).await);
    let end = tables.page(&request(&Throttles::new()), buffer).await;
    (end, server.requests())
}

fn items(buffer: &PageBuffer) -> Vec<Value> {
    let lines = buffer.lines().unwrap().lines();
    lines
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["Item"].take())
        .collect()
}

fn numbers(buffer: &PageBuffer) -> Vec<String> {
    let text = |item: &Value| item["n"]["N"].as_str().unwrap().to_owned();
    items(buffer).iter().map(text).collect()
}

// ---- what is read ----

#[tokio::test]
async fn items_and_cursor_are_what_the_sdk_reads_whatever_the_frames() {
    let items_sent = json!([
        { "s": { "S": "é \" \\ \n \u{1F600} ],\"Items\":[" }, "n": { "N": "-9999999999999999999999999999999999.9999" } },
        { "b": { "B": "AAEC/w==" }, "t": { "BOOL": true }, "f": { "BOOL": false }, "u": { "NULL": true } },
        { "m": { "M": { "x": { "M": {} }, "l": { "L": [{ "S": "" }, { "L": [] }, { "M": { "é": { "N": "1" } } }] } } } },
        { "ss": { "SS": ["p", "q"] }, "ns": { "NS": ["1", "2.5"] }, "bs": { "BS": ["/w=="] } },
        {},
    ]);
    let body = json!({
        "LastEvaluatedKey": { "s": { "S": "key" }, "b": { "B": "AAE=" } },
        "Items": items_sent,
        "ScannedCount": 7,
        "Count": 5,
        "ConsumedCapacity": { "TableName": "t", "CapacityUnits": 0.5 },
    })
    .to_string();
    let plain = Script::start(vec![Answer::ok(body.clone())]).await;
    let client = aws_sdk_dynamodb::Client::new(&aws::local(&plain.url).await);
    let oracle = client.scan().table_name("t").send().await.unwrap();
    let wanted: Vec<_> = oracle
        .items()
        .iter()
        .map(|item| model(&AttributeValue::M(item.clone()))["M"].take())
        .collect();
    for frame in [1, 2, 13, 64, 0] {
        let answer = Answer {
            frame,
            ..Answer::ok(body.clone())
        };
        let crc = crc32fast::hash(body.as_bytes());
        let mut buffer = PageBuffer::new();
        let (end, requests) = read(vec![answer.header("x-amz-crc32", &crc)], &mut buffer).await;
        let end = end.unwrap();
        assert_eq!(items(&buffer), wanted, "frames of {frame}");
        assert_eq!(
            end.cursor,
            Some(json!({ "b": { "B": "AAE=" }, "s": { "S": "key" } }))
        );
        assert!((end.read_units - 0.5).abs() < 1e-9);
        assert_eq!(end.scanned, 7);
        assert_eq!(requests.len(), 1);
        let asked = &requests[0];
        assert_eq!(asked["Limit"], json!(70));
        assert_eq!(
            (
                &asked["Segment"],
                &asked["TotalSegments"],
                &asked["ConsistentRead"]
            ),
            (&json!(2), &json!(5), &json!(true))
        );
    }
}

#[tokio::test]
async fn an_empty_page_is_a_page() {
    let mut buffer = PageBuffer::new();
    let (end, _) = read(vec![Answer::ok(page(0..0, Some(9)))], &mut buffer).await;
    assert_eq!(end.unwrap().cursor, Some(json!({ "n": { "N": "9" } })));
    assert!(buffer.lines().unwrap().is_empty());
}

#[tokio::test]
async fn a_selection_is_asked_for_as_the_service_has_it() {
    let source = json!({
        "table": "t",
        "index": "by-rating",
        "filter": {
            "expression": "#r > :least AND #c IN (:all, :some)",
            "names": {"#r": "rating", "#c": "context"},
            "values": {
                ":least": {"N": "3.50"},
                ":all": {"M": {"x": {"L": [{"BOOL": true}, {"NULL": true}]}}},
                ":some": {"SS": ["a"]},
            },
        },
    });
    let source = contract::read::from_value(source).unwrap();
    let projection = ["context.device".to_owned()];
    let paths = source::projected(&projection, &["n".to_owned()]).unwrap();
    let selection = Selection::new(&source, &paths);
    let throttles = Throttles::new();
    let asking = PageRequest {
        consistent: false,
        selection: Some(&selection),
        ..request(&throttles)
    };
    let server = Script::start(vec![Answer::ok(page(0..3, None))]).await;
    let tables = Tables::new(&aws::local(&server.url).await);
    let mut buffer = PageBuffer::new();
    tables.page(&asking, &mut buffer).await.unwrap();
    let asked = &server.requests()[0];
    assert_eq!(asked["IndexName"], "by-rating");
    assert_eq!(
        asked["FilterExpression"],
        "#r > :least AND #c IN (:all, :some)"
    );
    assert_eq!(asked["ProjectionExpression"], "#c.#a2, #a3");
    assert_eq!(
        asked["ExpressionAttributeNames"],
        json!({"#r": "rating", "#c": "context", "#a2": "device", "#a3": "n"})
    );
    assert_eq!(
        asked["ExpressionAttributeValues"],
        json!({
            ":least": {"N": "3.50"},
            ":all": {"M": {"x": {"L": [{"BOOL": true}, {"NULL": true}]}}},
            ":some": {"SS": ["a"]},
        })
    );
    assert_eq!(
        (asked["Segment"].as_u64(), numbers(&buffer).len()),
        (Some(2), 3)
    );

    let whole = Selection::default();
    let asking = PageRequest {
        selection: Some(&whole),
        ..request(&throttles)
    };
    let server = Script::start(vec![Answer::ok(page(0..1, None))]).await;
    let tables = Tables::new(&aws::local(&server.url).await);
    tables.page(&asking, &mut buffer).await.unwrap();
    let asked = server.requests()[0].as_object().unwrap().clone();
    let unasked = [
        "IndexName",
        "ExpressionAttributeNames",
        "ExpressionAttributeValues",
    ];
    assert!(unasked.iter().all(|name| !asked.contains_key(*name)));
}

// ---- attempts ----

#[tokio::test]
async fn what_an_attempt_left_behind_does_not_count() {
    let whole = page(0..50, None);
    let crc = crc32fast::hash(&whole);
    let mut flipped = whole.clone();
    let middle = whole.iter().position(|&byte| byte == b'7').unwrap();
    flipped[middle] = b'8';
    let throttled = Answer {
        status: 400,
        ..Answer::ok(
            r#"{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"slow down"}"#,
        )
    };
    let cases = [
        (
            "breaks in the middle",
            Answer {
                breaks: true,
                ..Answer::ok(&whole[..whole.len() / 2])
            },
        ),
        (
            "breaks at its end",
            Answer {
                breaks: true,
                ..Answer::ok(whole.clone())
            },
        ),
        ("is short", Answer::ok(&whole[..whole.len() - 30])),
        (
            "is shorter than announced",
            Answer::ok(&whole[..whole.len() / 2]).header("content-length", &whole.len()),
        ),
        (
            "has a flipped bit",
            Answer::ok(flipped).header("x-amz-crc32", &crc),
        ),
        (
            "has a checksum of something else",
            Answer::ok(whole.clone()).header("x-amz-crc32", &(crc ^ 1)),
        ),
        (
            "has no number for a checksum",
            Answer::ok(whole.clone()).header("x-amz-crc32", &"x"),
        ),
        (
            "is encoded",
            Answer::ok(whole.clone()).header("content-encoding", &"gzip"),
        ),
        (
            "counts wrong",
            Answer::ok(String::from_utf8(whole.clone()).unwrap().replacen(
                "\"Count\":50",
                "\"Count\":51",
                1,
            )),
        ),
        ("is no JSON", Answer::ok("<html>")),
        ("is empty", Answer::ok("")),
        ("is a throttle", throttled),
        (
            "is a failure",
            Answer {
                status: 500,
                ..Answer::default()
            },
        ),
    ];
    let mut buffer = PageBuffer::new();
    for (what, bad) in cases {
        let good = Answer::ok(whole.clone()).header("x-amz-crc32", &crc);
        let (end, requests) = read(vec![bad, good], &mut buffer).await;
        let end = end.unwrap_or_else(|error| panic!("an answer that {what}: {error:?}"));
        assert_eq!(end.cursor, None, "an answer that {what}");
        let wanted: Vec<_> = (0..50).map(|n| n.to_string()).collect();
        assert_eq!(numbers(&buffer), wanted, "an answer that {what}");
        assert_eq!(requests.len(), 2, "an answer that {what}");
    }
}

#[tokio::test]
async fn throttled_attempts_and_lost_answers_are_counted() {
    let refused = |code: &str| Answer {
        status: 400,
        ..Answer::ok(format!(
            r#"{{"__type":"com.amazonaws.dynamodb.v20120810#{code}","message":"slow down"}}"#
        ))
    };
    let lost = Answer::ok(page(0..50, None)).header("x-amz-crc32", &1);
    let failed = Answer {
        status: 500,
        ..Answer::default()
    };
    for (answers, throttled, units) in [
        (
            vec![
                refused("ProvisionedThroughputExceededException"),
                refused("ThrottlingException"),
                refused("RequestLimitExceeded"),
            ],
            3,
            12.5,
        ),
        (vec![failed, lost], 0, 25.0),
    ] {
        let mut script = answers;
        script.push(Answer::ok(page(0..50, None)));
        let server = Script::start(script).await;
        let tables = Tables::new(&aws::local(&server.url).await);
        let throttles = Throttles::new();
        let mut buffer = PageBuffer::new();
        let end = tables
            .page(&request(&throttles), &mut buffer)
            .await
            .unwrap();
        assert_eq!(throttles.count(), throttled);
        assert!((end.read_units - units).abs() < 1e-9, "{}", end.read_units);
    }
    let server = Script::start(vec![refused("ThrottlingException")]).await;
    let tables = Tables::new(&aws::local(&server.url).await);
    let throttles = Throttles::new();
    let error = tables
        .page(&request(&throttles), &mut PageBuffer::new())
        .await
        .unwrap_err();
    assert_eq!(error.name(), ErrorName::Throttled);
    assert_eq!(throttles.count(), 5, "each attempt of the SDK");
}

#[tokio::test]
async fn an_answer_that_stays_bad_is_an_unavailable_service_and_never_a_short_page() {
    let whole = page(0..50, None);
    // Its items are read before the SDK finds that the rest is malformed, and makes no further
    // attempt.
    let malformed_key = String::from_utf8(page(0..50, Some(1))).unwrap();
    let malformed_key = malformed_key.replace("\"N\":\"1\"}}}", "\"N\":1}}}");
    assert_ne!(malformed_key.as_bytes(), page(0..50, Some(1)));
    for (bad, attempts) in [
        (Answer::ok(&whole[..whole.len() / 2]), 5),
        (Answer::ok(whole.clone()).header("x-amz-crc32", &1), 5),
        (
            Answer::ok(whole.clone()).header("content-encoding", &"br"),
            5,
        ),
        (Answer::ok(malformed_key), 1),
    ] {
        let mut buffer = PageBuffer::new();
        let (end, requests) = read(vec![bad], &mut buffer).await;
        let error = end.unwrap_err();
        assert_eq!(error.name(), ErrorName::ServiceUnavailable, "{error:?}");
        assert!(buffer.lines().unwrap().is_empty(), "nothing of it is left");
        assert_eq!(requests.len(), attempts);
    }
}

#[tokio::test]
async fn a_refusal_is_the_services_own() {
    let missing = Answer {
        status: 400,
        ..Answer::ok(
            r#"{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException","message":"no table t"}"#,
        )
    };
    let (end, requests) = read(vec![missing], &mut PageBuffer::new()).await;
    let error = end.unwrap_err();
    assert_eq!(
        (error.name(), error.code.as_str()),
        (ErrorName::NotFound, "ResourceNotFoundException")
    );
    assert_eq!(requests.len(), 1);
}
