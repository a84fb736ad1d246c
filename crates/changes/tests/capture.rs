//! Batches of a stream in the shapes that AWS documents, and in shapes that it does not.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

use changes::capture::{self, Batch, CaptureError, RecordError, ReplayError, WholeTables};
use lake::captured::{CapturedObject, CapturedStream, Hour};
use lake::memory::poll_at_most;
use lake::part::{LineReader, lines};
use lake::records::{CaptureSource, Encoding, Latest, SnapshotKind, SnapshotRecord};
use lake::{MemoryStore, ObjectStore, RunKeys, keys};
use serde_json::{Value, json};
use std::time::SystemTime;

const ARN: &str = "arn:aws:dynamodb:us-west-2:account-id:table/ExampleTableWithStream/stream/2015-06-27T00:48:05.899";

/// After the sample event of the AWS Lambda Developer Guide, with short numbers, members of the
/// envelope that no line takes over, and line breaks within the images.
const SAMPLE: &str = r#"{
  "Records": [
    {
      "eventID": "1", "eventVersion": "1.0", "awsRegion": "us-west-2", "eventSource": "aws:dynamodb",
      "eventName": "INSERT",
      "dynamodb": {
        "Keys": {"Id": {"N": "101"}},
        "NewImage": {
          "Message": {"S": "New item!"},
          "Id": {"N": "101"}
        },
        "SequenceNumber": "111", "SizeBytes": 26, "StreamViewType": "NEW_AND_OLD_IMAGES",
        "ApproximateCreationDateTime": 1.47949974E9
      },
      "eventSourceARN": "STREAM-OF-TABLE"
    },
    {
      "eventID": "2", "eventName": "MODIFY", "eventSourceARN": "STREAM-OF-TABLE", "userIdentity": null,
      "dynamodb": {
        "SizeBytes": 59, "StreamViewType": "NEW_AND_OLD_IMAGES",
        "OldImage": {"Message": {"S": "New item!"}, "Id": {"N": "101"}},
        "NewImage": {"Message": {"S": "This item has changed"}, "Id": {"N": "101"}},
        "Keys": {"Id": {"N": "101"}}, "SequenceNumber": "4421584500000000017450439091"
      }
    },
    {
      "eventID": "3", "eventName": "REMOVE", "eventSourceARN": "STREAM-OF-TABLE", "invented": {"Keys": [1, "}"]},
      "userIdentity": {"type": "Service", "principalId": "dynamodb.amazonaws.com"},
      "dynamodb": {
        "OldImage": {"Message": {"S": "This item has changed"}, "Id": {"N": "101"}}, "NewImage": null,
        "Keys": {"Id": {"N": "101"}}, "SequenceNumber": "0000000000000000000000000000000000000222",
        "ApproximateCreationDateTime": 1480642020
      }
    }
  ]
}"#;

fn sample() -> String {
    SAMPLE.replace("STREAM-OF-TABLE", ARN)
}

async fn stored(store: &MemoryStore) -> Vec<(CapturedObject, Vec<String>)> {
    let mut all = Vec::new();
    for object in store.list("changes/").await.unwrap() {
        let Some(parsed) = CapturedObject::parse(&object.key) else {
            continue;
        };
        let stream = store.stream(&object.key).await.unwrap();
        let mut reader = LineReader::new(stream, Encoding::Zstd, "memory", &object.key).unwrap();
        let mut read = Vec::new();
        while let Some(batch) = reader.next().await.unwrap() {
            read.extend(lines(batch).map(|line| String::from_utf8(line.to_vec()).unwrap()));
        }
        all.push((parsed, read));
    }
    all
}

fn hour() -> Hour {
    Hour::of(SystemTime::UNIX_EPOCH)
}

#[tokio::test]
async fn the_documented_batch_becomes_lines_of_the_same_bytes() {
    let event = sample();
    let batch = Batch::read(&event).unwrap();
    assert_eq!((batch.changes, batch.expired), (3, 1));
    assert!(batch.unreadable.is_empty(), "{:?}", batch.unreadable);
    let store = MemoryStore::new();
    let key = batch.store(&store, &hour(), "a1").await.unwrap().unwrap();
    let all = stored(&store).await;
    let [(object, lines)] = all.as_slice() else {
        panic!("{all:?}");
    };
    assert_eq!(CapturedObject::parse(&key).as_ref(), Some(object));
    assert_eq!(object.stream.table(), "ExampleTableWithStream");
    // By number, in whatever order they come.
    assert_eq!(object.first, "111".parse().unwrap());
    assert_eq!(object.last, "4421584500000000017450439091".parse().unwrap());
    let expected = [
        r#"{"Metadata":{"SequenceNumber":{"S":"111"},"ApproximateCreationDateTime":{"N":"1.47949974E9"},"EventName":{"S":"INSERT"}},"Keys":{"Id": {"N": "101"}},"NewImage":{          "Message": {"S": "New item!"},          "Id": {"N": "101"}        }}"#,
        r#"{"Metadata":{"SequenceNumber":{"S":"4421584500000000017450439091"},"EventName":{"S":"MODIFY"}},"Keys":{"Id": {"N": "101"}},"NewImage":{"Message": {"S": "This item has changed"}, "Id": {"N": "101"}},"OldImage":{"Message": {"S": "New item!"}, "Id": {"N": "101"}}}"#,
        r#"{"Metadata":{"SequenceNumber":{"S":"0000000000000000000000000000000000000222"},"ApproximateCreationDateTime":{"N":"1480642020"},"EventName":{"S":"REMOVE"},"UserIdentity":{"S":"dynamodb.amazonaws.com"}},"Keys":{"Id": {"N": "101"}},"OldImage":{"Message": {"S": "This item has changed"}, "Id": {"N": "101"}}}"#,
    ];
    assert_eq!(lines, &expected);
    for line in lines {
        let maps = dynamodb_json::parse_maps(line.as_bytes()).unwrap();
        assert!(maps.len() >= 3, "{line}");
    }
}

/// A good record, with a change.
fn with(change: impl Fn(&mut Value)) -> Value {
    let mut record = json!({
        "eventName": "MODIFY",
        "eventSourceARN": ARN,
        "dynamodb": {
            "Keys": {"id": {"N": "1"}},
            "NewImage": {"id": {"N": "1"}},
            "OldImage": {"id": {"N": "1.0"}},
            "SequenceNumber": "100000000003126276362",
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
    });
    change(&mut record);
    record
}

fn without(pointer: &str, name: &str) -> Value {
    with(|record| {
        let object = record.pointer_mut(pointer).unwrap().as_object_mut();
        object.unwrap().shift_remove(name);
    })
}

fn set(pointer: &'static str, value: Value) -> Value {
    with(move |record| *record.pointer_mut(pointer).unwrap() = value.clone())
}

#[tokio::test]
async fn a_record_of_no_known_shape_is_kept_as_it_is_and_the_others_are_captured() {
    let strange = [
        (json!(7), "`the record` is no object"),
        (without("", "dynamodb"), "`dynamodb` is no object"),
        (without("", "eventName"), "`eventName` is missing"),
        (without("", "eventSourceARN"), "`eventSourceARN` is missing"),
        (without("/dynamodb", "Keys"), "`Keys` is missing"),
        (
            without("/dynamodb", "SequenceNumber"),
            "`SequenceNumber` is missing",
        ),
        (without("/dynamodb", "OldImage"), "`OldImage` is missing"),
        (set("/dynamodb", Value::Null), "`dynamodb` is no object"),
        (
            set("/eventName", json!("ARCHIVE")),
            "`eventName` is \"ARCHIVE\"",
        ),
        (
            set("/eventName", json!("INSERT")),
            "`OldImage` in a record of INSERT",
        ),
        (
            set("/eventName", json!("REMOVE")),
            "`NewImage` in a record of REMOVE",
        ),
        (set("/dynamodb/Keys", json!({})), "`Keys` is empty"),
        (
            set("/dynamodb/NewImage", Value::Null),
            "`NewImage` is missing",
        ),
        (set("/dynamodb/NewImage", json!({})), "`NewImage` is empty"),
        (
            set("/dynamodb/OldImage", json!([])),
            "`OldImage` is no object",
        ),
        (
            set("/dynamodb/SequenceNumber", json!("12x")),
            "no sequence number",
        ),
        (
            set("/dynamodb/SequenceNumber", json!("0".repeat(41))),
            "no sequence number",
        ),
        (
            set("/dynamodb/SequenceNumber", json!(12.5)),
            "no sequence number",
        ),
        (
            set("/eventSourceARN", json!("arn:aws:kinesis:x:1:stream/s")),
            "another one than the batch's",
        ),
    ];
    for (record, reason) in strange {
        let event = json!({"Records": [with(|_| {}), record]}).to_string();
        let batch = Batch::read(&event).unwrap();
        assert_eq!(batch.changes, 1, "{record}");
        let said = batch.unreadable[0].reason.to_string();
        assert!(said.contains(reason), "{record}: {said}");
        let store = MemoryStore::new();
        batch.store(&store, &hour(), "a").await.unwrap().unwrap();
        let keys: Vec<_> = store.list("").await.unwrap();
        let keys = keys
            .iter()
            .filter(|it| CapturedStream::is_unreadable(&it.key));
        let [key] = keys.collect::<Vec<_>>()[..] else {
            panic!("{record}");
        };
        let kept = store.get(&key.key).await.unwrap();
        assert_eq!(kept, record.to_string());
        assert_eq!(stored(&store).await.len(), 1);
    }
    let twice = with(|_| {}).to_string();
    let twice = twice.replace("\"Keys\"", "\"Keys\":{\"id\":{\"N\":\"2\"}},\"Keys\"");
    let event = format!("{{\"Records\":[{twice}]}}");
    let batch = Batch::read(&event).unwrap();
    assert_eq!(
        batch.unreadable[0].reason,
        RecordError::Twice { name: "Keys" }
    );
}

#[test]
fn what_is_no_batch_of_a_stream_is_refused_as_a_whole() {
    for event in ["{}", "[]", "7", "{\"Records\":{}}", "{\"spare\":1}"] {
        assert!(
            matches!(Batch::read(event), Err(CaptureError::NoBatch)),
            "{event}"
        );
    }
    let kinesis =
        json!({"Records": [{"kinesis": {}, "eventSourceARN": "arn:aws:kinesis:x:1:stream/s"}]});
    let refused = Batch::read(&kinesis.to_string()).map(|_| ());
    assert!(
        matches!(refused, Err(CaptureError::NoStream)),
        "{refused:?}"
    );
    let keys_only = json!({"Records": [
        with(|_| {}),
        with(|record| record["dynamodb"]["StreamViewType"] = json!("KEYS_ONLY")),
    ]});
    let refused = Batch::read(&keys_only.to_string()).map(|_| ());
    let message = refused.unwrap_err().to_string();
    assert!(
        message.contains("ExampleTableWithStream has KEYS_ONLY"),
        "{message}"
    );
    let empty = Batch::read("{\"Records\":[]}").unwrap();
    assert!(empty.lines.is_empty() && empty.origin().is_none());
}

#[test]
fn numbers_of_every_length_are_taken() {
    for digits in [1, 20, 21, 28, 39, 40] {
        let number = "9".repeat(digits);
        let event = json!({"Records": [set("/dynamodb/SequenceNumber", json!(number))]});
        let event = event.to_string();
        let batch = Batch::read(&event).unwrap();
        let line = String::from_utf8(batch.lines).unwrap();
        assert!(line.contains(&format!("{{\"S\":\"{number}\"}}")), "{line}");
    }
}

#[test]
fn an_item_of_the_largest_size_is_captured() {
    let text = "x\\\"{".repeat(100_000);
    let event = format!(
        r#"{{"Records":[{{"eventName":"INSERT","eventSourceARN":"{ARN}","dynamodb":{{"SequenceNumber":"7",
        "Keys":{{"id":{{"B":"AA=="}}}},"NewImage":{{"id":{{"B":"AA=="}},"t":{{"S":"{text}"}}}}}}}}]}}"#
    );
    let batch = Batch::read(&event).unwrap();
    assert_eq!((batch.changes, batch.unreadable.len()), (1, 0));
    assert!(String::from_utf8(batch.lines).unwrap().contains(&text));
}

/// Whenever a replay dies, nothing is lost, and another one ends it.
#[tokio::test]
async fn a_replay_can_be_interrupted_anywhere() {
    let object = json!({"payload": sample(), "DDBStreamBatchInfo": {"batchSize": 3}});
    let key = "aws/lambda/m/s/2026/11/28/one";
    let mut ended = false;
    for polls in 0.. {
        let store = MemoryStore::new();
        store.put(key, object.to_string().into()).await.unwrap();
        let whole = WholeTables::read(&store).await.unwrap();
        let object = capture::given_up(&store).await.unwrap().remove(0);
        let outcome = poll_at_most(polls, capture::replay(&store, &object, &whole, false));
        ended = outcome.is_some();
        let waits = capture::given_up(&store).await.unwrap();
        // What is marked is stored.
        assert!(
            !waits.is_empty() || stored(&store).await.len() == 1,
            "{polls}"
        );
        capture::replay(&store, &object, &whole, false)
            .await
            .unwrap();
        assert!(capture::given_up(&store).await.unwrap().is_empty());
        let all = stored(&store).await;
        assert!(all.iter().all(|(_, lines)| lines.len() == 3), "{polls}");
        if ended {
            break;
        }
    }
    assert!(ended);
}

/// Items of a run that merged changes into a reading of the whole table that began at a moment.
async fn merged(store: &MemoryStore, stream_arn: &str, full_as_of: i64) {
    let latest: Latest = serde_json::from_value(json!({
        "pipeline": "films",
        "run": "20261120-030000-1a2b3c4d",
        "outcome": "NothingNew",
        "started": "2026-11-20T03:00:00Z",
        "finished": "2026-11-20T03:20:00Z",
        "report": "reports/films/20261120-030000-1a2b3c4d.json",
        "export": {
            "table": "ExampleTableWithStream",
            "items": 3,
            "rawBytes": 90,
            "prefix": "raw/films/run=20261120-030000-1a2b3c4d/",
            "manifest": "raw/films/run=20261120-030000-1a2b3c4d/export.json",
        },
    }))
    .unwrap();
    let snapshot = SnapshotRecord {
        run: latest.run.clone(),
        as_of: full_as_of + 86_400,
        items: 3,
        segments: 1,
        full_as_of,
        generation: 1,
        changed_keys: 1,
        audit: None,
        kind: SnapshotKind::Exact,
        capture: Some(CaptureSource {
            stream_arn: stream_arn.to_owned(),
            mapping: "m".to_owned(),
            listed_at: full_as_of + 86_400,
        }),
    };
    let put = async |key: &str, json: String| store.put(key, json.into()).await.unwrap();
    put(
        &keys::latest("films"),
        serde_json::to_string(&latest).unwrap(),
    )
    .await;
    let key = RunKeys::new("films", &latest.run).snapshot();
    put(&key, serde_json::to_string(&snapshot).unwrap()).await;
}

/// Its changes are in the items already, and what came after them may be forgotten.
#[tokio::test]
async fn what_was_given_up_before_the_whole_table_was_read_is_not_replayed() {
    const AT_NOON: i64 = 1_795_176_000;
    let noon = |seconds: i64| {
        let moment = jiff::Timestamp::from_second(AT_NOON + seconds).unwrap();
        moment.to_string()
    };
    let other = ARN.replace("ExampleTableWithStream", "Another");
    // Clocks differ by a minute at most.
    for (arn, written, is_included) in [
        (ARN, Some(noon(-61)), true),
        (ARN, Some(noon(-60)), false),
        (ARN, Some(noon(1)), false),
        (ARN, None, false),
        (&other, Some(noon(-61)), false),
    ] {
        let store = MemoryStore::new();
        merged(&store, arn, AT_NOON).await;
        let key = "aws/lambda/m/s/2026/11/28/one";
        let given_up = json!({"payload": sample()}).to_string();
        store.put(key, given_up.into()).await.unwrap();
        if let Some(written) = &written {
            store.set_modified(key, written);
        }
        let whole = WholeTables::read(&store).await.unwrap();
        let object = capture::given_up(&store).await.unwrap().remove(0);
        for is_dry in [true, false] {
            let replayed = capture::replay(&store, &object, &whole, is_dry).await;
            match replayed {
                Err(error @ ReplayError::Included { .. }) => {
                    assert!(is_included, "{arn} {written:?}");
                    let said = "run 20261120-030000-1a2b3c4d of pipeline films has read the whole table since";
                    assert!(error.to_string().starts_with(said), "{error}");
                }
                replayed => assert!(!is_included && replayed.is_ok(), "{arn} {written:?}"),
            }
        }
        let waits = capture::given_up(&store).await.unwrap();
        assert_eq!(waits.len(), usize::from(is_included));
        assert_eq!(stored(&store).await.len(), usize::from(!is_included));
    }
}

/// A payload that is JSON, instead of text with JSON in it, is read as well.
#[tokio::test]
async fn a_payload_may_be_json_itself() {
    let event: Value = serde_json::from_str(&sample()).unwrap();
    let object = json!({"payload": event}).to_string();
    let (event, size) = capture::payload(object.as_bytes()).unwrap();
    assert_eq!((Batch::read(&event).unwrap().changes, size), (3, None));
    for other in ["", "{}", "{\"payload\":\"{\"}", "[]"] {
        assert!(capture::payload(other.as_bytes()).is_err(), "{other}");
    }
}
