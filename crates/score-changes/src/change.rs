//! The records of a stream: which item changed, to what, and in which order.
//!
//! Source: Amazon DynamoDB Developer Guide, "DynamoDB Streams record event"; AWS Lambda Developer
//! Guide, "Using AWS Lambda with Amazon DynamoDB".

use crate::ScoreChangesError;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Digits of a sequence number, at most. Source: Amazon DynamoDB Streams API Reference,
/// "`StreamRecord`".
const DIGITS: usize = 40;

const NO_RECORD: &str = "the record is not one of a DynamoDB stream";

/// A batch of a stream's records, as Lambda delivers it. What else is in it does not matter.
#[derive(Debug, Clone, Deserialize)]
pub struct StreamEvent {
    /// The records, in the order of their shard.
    #[serde(rename = "Records")]
    pub records: Vec<Value>,
}

/// The last change of an item in a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The item's key, in DynamoDB JSON.
    pub key: Value,
    /// Its sequence number, padded with zeros: text of one length, whose order is the numbers'.
    pub sequence: String,
    /// The item's new image, in DynamoDB JSON; absent if the item was removed.
    pub image: Option<Value>,
}

/// What a batch says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Changes {
    /// The last change of each item, by its key's text.
    pub last: Vec<Change>,
    /// How many changes another one of the batch has superseded.
    pub superseded: u64,
    /// Why records cannot be read, and how many.
    pub unreadable: BTreeMap<&'static str, u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    event_name: String,
    dynamodb: StreamRecord,
    #[serde(default, rename = "eventSourceARN")]
    stream: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StreamRecord {
    keys: Map<String, Value>,
    #[serde(default)]
    new_image: Option<Map<String, Value>>,
    sequence_number: String,
    #[serde(default)]
    stream_view_type: Option<String>,
}

/// Reads a batch of the changes of another table than `scores`.
///
/// # Errors
/// If the stream is of no use, whatever its records say: it carries no new images, or is the one of
/// `scores` itself.
pub fn read(event: &StreamEvent, scores: &str) -> Result<Changes, ScoreChangesError> {
    let mut changes = Changes::default();
    let mut last: BTreeMap<String, Change> = BTreeMap::new();
    for record in &event.records {
        let read = match Record::deserialize(record) {
            Ok(record) => {
                check_stream(&record, scores)?;
                change(record)
            }
            // What serde says could quote the item.
            Err(_) => Err(NO_RECORD),
        };
        match read {
            Ok(change) => {
                let key = change.key.to_string();
                match last.get(&key) {
                    Some(known) if known.sequence >= change.sequence => changes.superseded += 1,
                    Some(_) => {
                        changes.superseded += 1;
                        last.insert(key, change);
                    }
                    None => {
                        last.insert(key, change);
                    }
                }
            }
            Err(why) => *changes.unreadable.entry(why).or_default() += 1,
        }
    }
    changes.last = last.into_values().collect();
    Ok(changes)
}

fn check_stream(record: &Record, scores: &str) -> Result<(), ScoreChangesError> {
    let stream = record.stream.as_deref().unwrap_or_default();
    let table = stream.split_once(":table/").map(|(_, rest)| rest);
    let table = table.and_then(|rest| rest.split('/').next());
    if table == Some(scores) {
        return Err(ScoreChangesError::OwnTable {
            table: scores.to_owned(),
        });
    }
    match record.dynamodb.stream_view_type.as_deref() {
        Some(view @ ("KEYS_ONLY" | "OLD_IMAGE")) => Err(ScoreChangesError::NoImages {
            stream: stream.to_owned(),
            view: view.to_owned(),
        }),
        _ => Ok(()),
    }
}

fn change(record: Record) -> Result<Change, &'static str> {
    let StreamRecord {
        keys,
        new_image,
        sequence_number,
        ..
    } = record.dynamodb;
    if keys.is_empty() {
        return Err("the record has no key");
    }
    let image = match (record.event_name.as_str(), new_image) {
        ("REMOVE", _) => None,
        ("INSERT" | "MODIFY", Some(image)) => {
            // Whatever has another key would be scored as an item that it is not.
            if keys.iter().any(|(name, key)| image.get(name) != Some(key)) {
                return Err("the new image does not have the record's key");
            }
            Some(Value::Object(image))
        }
        ("INSERT" | "MODIFY", None) => return Err("the record has no new image"),
        _ => return Err("the record's eventName is not known"),
    };
    // The order of a key's attributes is nobody's promise.
    let sorted: BTreeMap<String, Value> = keys.into_iter().collect();
    Ok(Change {
        key: sorted.into_iter().collect(),
        sequence: padded(&sequence_number)?,
        image,
    })
}

/// A sequence number with as many leading zeros as make it 40 digits.
fn padded(number: &str) -> Result<String, &'static str> {
    let digits = number.trim_start_matches('0');
    let is_number = !number.is_empty() && number.bytes().all(|it| it.is_ascii_digit());
    if is_number && digits.len() <= DIGITS {
        return Ok(format!("{digits:0>DIGITS$}"));
    }
    Err("the record's SequenceNumber is not a number of at most 40 digits")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const STREAM: &str =
        "arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/2026-11-20T00:00:00.000";

    fn record(name: &str, id: &str, number: &str) -> Value {
        let image = (name != "REMOVE").then(|| json!({"id": {"S": id}, "n": {"N": number}}));
        let mut record = json!({
            "eventID": "1", "eventName": name, "eventVersion": "1.1", "awsRegion": "us-east-1",
            "eventSource": "aws:dynamodb", "eventSourceARN": STREAM,
            "dynamodb": {"Keys": {"id": {"S": id}}, "SequenceNumber": number, "SizeBytes": 7,
                "StreamViewType": "NEW_AND_OLD_IMAGES", "ApproximateCreationDateTime": 1.7e9},
        });
        if let Some(image) = image {
            record["dynamodb"]["NewImage"] = image;
        }
        record
    }

    fn changes(records: Vec<Value>) -> Changes {
        read(&StreamEvent { records }, "scores").unwrap()
    }

    #[test]
    fn the_last_change_of_each_item_counts_by_its_number() {
        let all = changes(vec![
            record("INSERT", "a", "000000000000000000999"),
            record("MODIFY", "a", "1000"),
            record("INSERT", "b", "4421584500000000017450439091"),
            record("REMOVE", "b", "4421584500000000017450439092"),
            // Delivered late: the number decides, not the place.
            record("MODIFY", "a", "998"),
        ]);
        assert_eq!(all.superseded, 3);
        assert_eq!(all.unreadable, BTreeMap::new());
        let [a, b] = &all.last[..] else {
            panic!("{all:?}")
        };
        assert_eq!(a.image, Some(json!({"id": {"S": "a"}, "n": {"N": "1000"}})));
        assert_eq!((a.sequence.len(), b.sequence.len()), (40, 40));
        assert!(a.sequence < b.sequence);
        assert_eq!(b.image, None);
    }

    #[test]
    fn a_key_of_two_attributes_is_one_whatever_their_order() {
        let of = |keys: Value, number: &str| {
            let mut record = record("REMOVE", "a", number);
            record["dynamodb"]["Keys"] = keys;
            record
        };
        let all = changes(vec![
            of(json!({"u": {"S": "1"}, "i": {"N": "2"}}), "1"),
            of(json!({"i": {"N": "2"}, "u": {"S": "1"}}), "2"),
        ]);
        assert_eq!((all.last.len(), all.superseded), (1, 1));
    }

    #[test]
    fn a_record_that_cannot_be_read_is_counted_and_the_others_are_read() {
        let without = |pointer: &str, field: &str| {
            let mut record = record("INSERT", "a", "1");
            let at = record.pointer_mut(pointer).unwrap();
            at.as_object_mut().unwrap().remove(field);
            record
        };
        let with = |field: &str, value: Value| {
            let mut record = record("INSERT", "a", "1");
            record["dynamodb"][field] = value;
            record
        };
        let bad = [
            json!(7),
            without("/dynamodb", "Keys"),
            without("/dynamodb", "SequenceNumber"),
            without("/dynamodb", "NewImage"),
            without("", "eventName"),
            with("NewImage", Value::Null),
            with("NewImage", json!({})),
            with("NewImage", json!([1])),
            with("Keys", json!({})),
            with("SequenceNumber", json!("")),
            with("SequenceNumber", json!("12a")),
            with("SequenceNumber", json!("1".repeat(41))),
            record("UPSERT", "a", "1"),
        ];
        for record in bad {
            let all = changes(vec![record.clone(), self::record("INSERT", "z", "5")]);
            assert_eq!(all.last.len(), 1, "{record}");
            assert_eq!(all.unreadable.values().sum::<u64>(), 1, "{record}");
        }
        let zeros = format!("{}5", "0".repeat(60));
        assert_eq!(changes(vec![record("INSERT", "a", &zeros)]).last.len(), 1);
    }

    #[test]
    fn a_stream_that_can_never_be_scored_fails() {
        let mut keys_only = record("INSERT", "a", "1");
        keys_only["dynamodb"]["StreamViewType"] = json!("KEYS_ONLY");
        let event = StreamEvent {
            records: vec![keys_only],
        };
        let error = read(&event, "scores").unwrap_err();
        assert!(error.to_string().contains("KEYS_ONLY"), "{error}");
        let event = StreamEvent {
            records: vec![record("INSERT", "a", "1")],
        };
        let error = read(&event, "orders").unwrap_err();
        assert!(matches!(error, ScoreChangesError::OwnTable { .. }));
    }
}
