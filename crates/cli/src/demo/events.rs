//! The demo's interactions as events: put into the deployed delivery stream of local AWS, whose
//! function turns them into raw lines.

use super::data::Interactions;
use super::definition::text;
use super::{Algorithm, DemoError};
use crate::local::{Local, STACK};
use crate::progress::{Progress, count};
use aws::firehose::DeliveryStreams;
use contract::Names;
use lake::{ObjectStore, events};
use serde_json::{Map, Value, json};
use std::time::{Duration, Instant};

/// The parameter with which the stack has a delivery stream.
pub const PARAMETER: (&str, &str) = ("EventsState", "ENABLED");

/// Events of a record: Firehose bills each record in steps of 5 KB. Local AWS calls the function once
/// for each.
const EVENTS: usize = 100;
/// Longest that local AWS takes to deliver, and how often that is looked at.
const DELIVERED_WITHIN: Duration = Duration::from_mins(3);
const LOOK: Duration = Duration::from_millis(250);

/// Puts the interactions into the delivery stream, and waits until they are delivered.
///
/// # Errors
/// If the stream refuses them, or does not deliver them.
pub async fn put(
    local: &Local,
    interactions: &Interactions,
    progress: &Progress,
) -> Result<(), DemoError> {
    let step = progress.step("Events");
    let all: Vec<String> = interactions
        .items()
        .map(|item| format!("{}\n", event(item)))
        .collect();
    let records: Vec<Vec<u8>> = all
        .chunks(EVENTS)
        .map(|events| events.concat().into_bytes())
        .collect();
    let total = records.len() as u64;
    let before = objects(local).await?;
    let streams = DeliveryStreams::new(local.aws_config());
    let stream = format!("{STACK}-events");
    for (done, record) in records.iter().enumerate() {
        step.count(done as u64, total, "records");
        let put = streams.put(&stream, std::slice::from_ref(record)).await;
        put.map_err(Box::new)?;
    }
    delivered(local, before + total).await?;
    step.done(&format!(
        "{} in {} records through {stream}; unlike AWS, local AWS writes an object for each record, uncompressed",
        count(all.len() as u64),
        count(total)
    ));
    Ok(())
}

/// The objects that are delivered.
async fn objects(local: &Local) -> Result<u64, DemoError> {
    let folder = events::delivered(Names::DEFAULT_PIPELINE);
    Ok(local.lake().list(&folder).await?.len() as u64)
}

/// Waits for an object of each record.
async fn delivered(local: &Local, records: u64) -> Result<(), DemoError> {
    let begun = Instant::now();
    loop {
        let objects = objects(local).await?;
        if objects >= records {
            return Ok(());
        }
        if begun.elapsed() > DELIVERED_WITHIN {
            return Err(DemoError::NotDelivered { objects, records });
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// The demo's definition with the events as its source. All events are one shard, because some may
/// have been delivered twice.
///
/// # Panics
/// If the demo's definition is not JSON.
pub fn definition(algorithm: Algorithm) -> Value {
    let mut definition: Value =
        serde_json::from_str(text(algorithm)).expect("the demo's definitions are tested");
    definition["source"] = json!({"events": {
        "days": 30, "id": ["user_id", "event_id"], "at": "at",
    }});
    if let Some(dataset) = definition["dataset"].as_object_mut() {
        dataset.remove("shardBytes");
    }
    definition
}

/// An item as the application would put it: sets are lists, and binary is base64.
fn event(item: &Value) -> Value {
    let attributes = item.as_object().into_iter().flatten();
    let attributes = attributes.map(|(name, value)| (name.clone(), plain(value)));
    Value::Object(attributes.collect::<Map<_, _>>())
}

fn plain(value: &Value) -> Value {
    let typed = value.as_object().and_then(|value| value.iter().next());
    let Some((kind, inner)) = typed else {
        return Value::Null;
    };
    match (kind.as_str(), inner) {
        ("N", Value::String(digits)) => number(digits),
        ("NS", Value::Array(all)) => all
            .iter()
            .map(|digits| number(digits.as_str().unwrap_or_default()))
            .collect(),
        ("NULL", _) => Value::Null,
        ("L", Value::Array(all)) => all.iter().map(plain).collect(),
        ("M", _) => event(inner),
        (_, inner) => inner.clone(),
    }
}

/// A number, or text where JSON's readers would round it.
fn number(digits: &str) -> Value {
    let parsed: Option<serde_json::Number> = serde_json::from_str(digits).ok();
    match parsed {
        Some(parsed) if digits.len() < 16 => Value::Number(parsed),
        _ => Value::String(digits.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_plain_json_with_the_items_values() {
        let item = json!({
            "user_id": {"S": "u-1"}, "rating": {"N": "4.5"}, "ledger_number": {"N": "1".repeat(38)},
            "tags": {"SS": ["a", "b"]}, "chapters": {"NS": ["1", "2.5"]}, "referrer": {"NULL": true},
            "favourite": {"BOOL": true}, "positions": {"L": [{"N": "12"}, {"S": "credits"}, {"L": []}]},
            "context": {"M": {"app": {"M": {"beta": {"BOOL": false}}}}}, "thumbnail": {"B": "AQI="},
        });
        assert_eq!(
            event(&item),
            json!({
                "user_id": "u-1", "rating": 4.5, "ledger_number": "1".repeat(38),
                "tags": ["a", "b"], "chapters": [1, 2.5], "referrer": null,
                "favourite": true, "positions": [12, "credits", []],
                "context": {"app": {"beta": false}}, "thumbnail": "AQI=",
            })
        );
    }

    #[test]
    fn the_definitions_can_be_read() {
        for algorithm in [Algorithm::Recommender, Algorithm::Xgboost] {
            let definition = dataset::read_definition(&definition(algorithm)).unwrap();
            let rule = definition.dataset.unwrap().deduplicate.unwrap();
            assert_eq!(rule.by, ["user_id", "event_id"]);
        }
    }
}
