//! The function that scores changes, as it is deployed, over the Lambda Runtime API: with models that
//! were really trained, behind a real endpoint, and a real table of scores. Its rows are those of
//! training and of `millrace encode`, its scores those of the endpoint.

#![allow(clippy::unwrap_used)] // helpers of tests may unwrap as the tests do

mod world;

use dataset::{Columns, CsvRows, Encoder, ItemForm, ItemText, RowOutcome};
use local_servers::runtime_api::Function;
use millrace::encode;
use serde_json::{Value, json};
use std::time::Duration;
use world::{World, columns, id};

/// Items of every shape that the columns take.
fn items() -> Vec<Value> {
    let item = |item: &str, more: Value| {
        let mut whole = json!({"user_id": {"S": "u2"}, "item_id": {"S": item},
            "rating": {"N": "4"}, "price": {"N": "1.50"}});
        for (name, value) in more.as_object().unwrap() {
            whole[name] = value.clone();
        }
        whole
    };
    vec![
        item("plain", json!({})),
        item(
            "whole",
            json!({"price": {"N": "12"}, "favourite": {"BOOL": true},
            "context": {"M": {"device": {"S": "tv"}}}}),
        ),
        item(
            "digits",
            json!({"price": {"N": "0.12345678901234567890123456789"}}),
        ),
        item(
            "unknown",
            json!({"user_id": {"S": "never seen"},
            "context": {"M": {"device": {"S": "radio"}}}}),
        ),
        item(
            "escaped",
            json!({"note": {"S": "a\"\n\u{1F600}"}, "user_id": {"S": "u3"}}),
        ),
        item(
            "sets",
            json!({"tags": {"SS": ["x", "y"]}, "bytes": {"B": "AQI="}}),
        ),
    ]
}

/// The row of an item as `millrace encode` prints it.
fn encoded(item: &Value) -> String {
    let columns: Columns = serde_json::from_value(columns()).unwrap();
    let mut row = Vec::new();
    encode::encode(
        &columns,
        ItemForm::DynamoDb,
        item.to_string().as_bytes(),
        &mut row,
    )
    .unwrap();
    String::from_utf8(row).unwrap()
}

/// The features of the item's training row: what `merge-to-csv` writes, less the label.
fn trained(item: &Value) -> String {
    let columns: Columns = serde_json::from_value(columns()).unwrap();
    let mut encoder = Encoder::new(&columns).unwrap();
    let item = ItemText::read(item.to_string().as_bytes(), ItemForm::DynamoDb).unwrap();
    let mut row = CsvRows::new();
    let outcome = encoder.encode(&encoder.values(&item.item()), &mut row);
    assert!(matches!(outcome, RowOutcome::Row(_)), "{outcome:?}");
    let row = String::from_utf8(row.as_bytes().to_vec()).unwrap();
    row.split_once(',').unwrap().1.to_owned()
}

fn score(row: &Value) -> f64 {
    row["prediction"]["N"].as_str().unwrap().parse().unwrap()
}

/// Serves a first model, and gives the records of all items.
async fn begin() -> (World, Vec<Value>) {
    let mut world = World::start().await;
    world.train(20, "0.5").await;
    world.serve(20).await;
    world.promote(20).await;
    let records = items()
        .iter()
        .map(|item| world.record("INSERT", item))
        .collect();
    (world, records)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_score_is_what_the_endpoint_answers_to_the_row_of_training() {
    let (mut world, records) = begin().await;
    let output = world.deliver(&records).await.unwrap();
    assert_eq!(output["scored"], items().len(), "{output}");
    assert_eq!(output["run"], id(20).as_str());

    let asked = world.asked().concat();
    let mut rows: Vec<&str> = asked.lines().collect();
    rows.sort_unstable();
    for as_made_by in [encoded, trained] {
        let made: Vec<_> = items().iter().map(as_made_by).collect();
        let mut made: Vec<_> = made.iter().map(|row| row.trim_end()).collect();
        made.sort_unstable();
        assert_eq!(rows, made);
    }
    let scores = world.rows();
    for item in items() {
        let id = item["item_id"]["S"].as_str().unwrap();
        let row = encoded(&item);
        let sum: f64 = row
            .trim()
            .split(',')
            .map(|cell| cell.parse::<f64>().unwrap())
            .sum();
        let asked = world.predicted(&row).await;
        assert_eq!(score(&scores[id]).to_bits(), asked.to_bits(), "{id}");
        assert!((score(&scores[id]) - sum * 0.5).abs() < 1e-9, "{id}");
        assert_eq!(scores[id]["user_id"], item["user_id"]);
        assert_eq!(scores[id]["run"]["S"], self::id(20).as_str());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_champion_scores_what_comes_and_not_what_was_scored() {
    let (mut world, records) = begin().await;
    world.deliver(&records).await.unwrap();
    let first = world.rows();

    world.train(21, "0.25").await;
    world.serve(21).await;
    // The endpoint serves the next model, whose run has not yet made it champion.
    let late = world.record("MODIFY", &items()[0]);
    let soon = Duration::from_secs(31);
    let early = world
        .deliver_within(std::slice::from_ref(&late), soon)
        .await
        .unwrap_err();
    assert_eq!(early.name, "ServiceUnavailable", "{early:?}");
    assert!(early.message.contains("a run is deploying"), "{early:?}");
    assert_eq!(world.rows(), first);

    world.promote(21).await;
    // Delivered again after the change, the batch keeps its scores.
    let again = world.deliver(&records).await.unwrap();
    assert_eq!(
        (&again["scored"], &again["outdated"]),
        (&json!(0), &json!(records.len()))
    );
    assert_eq!(again["run"], id(21).as_str());
    assert_eq!(world.rows(), first);
    // The next change is the new champion's.
    world.deliver(&[late]).await.unwrap();
    let rows = world.rows();
    assert_eq!(rows["plain"]["run"]["S"], id(21).as_str());
    assert!((score(&rows["plain"]) - score(&first["plain"]) / 2.0).abs() < 1e-9);
    assert_eq!(rows["whole"], first["whole"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn twins_killed_processes_and_throttles_leave_one_score_each() {
    let (mut world, records) = begin().await;
    let mut twin: Function = world.twin();
    let event = json!({"Records": records});
    let time = Duration::from_mins(5);
    let (one, other) = tokio::join!(world.deliver(&records), twin.invoke(event.clone(), time));
    let (one, other) = (one.unwrap(), other.unwrap());
    let count = |field: &str| one[field].as_u64().unwrap() + other[field].as_u64().unwrap();
    assert_eq!(count("scored"), records.len() as u64, "{one} {other}");
    assert_eq!(count("outdated"), records.len() as u64);
    assert_eq!(world.rows().len(), records.len());

    // Killed at any moment, and delivered again.
    let changed: Vec<_> = items()
        .iter()
        .map(|item| world.record("MODIFY", item))
        .collect();
    let event = json!({"Records": changed});
    for millis in [0, 5, 10, 20, 40, 80, 160] {
        let killed = Duration::from_millis(millis);
        // Whether it had time enough does not matter.
        let _ = tokio::time::timeout(killed, twin.invoke(event.clone(), time)).await;
        twin.kill().await;
    }
    let output = world.deliver(&changed).await.unwrap();
    let sum = output["scored"].as_u64().unwrap() + output["outdated"].as_u64().unwrap();
    assert_eq!(sum, changed.len() as u64, "{output}");
    for row in world.rows().values() {
        let sequence = row["sequence"]["S"].as_str().unwrap();
        assert!(
            sequence.parse::<u64>().unwrap() > records.len() as u64,
            "{row}"
        );
    }

    // The table is short of capacity, which the SDK's retries bear.
    world.scores.throttle_writes(true);
    let more: Vec<_> = items()
        .iter()
        .map(|item| world.record("MODIFY", item))
        .collect();
    assert_eq!(world.deliver(&more).await.unwrap()["scored"], more.len());
    world.scores.throttle_writes(false);

    // The endpoint is throttled for longer than the SDK tries: Lambda delivers the batch again.
    let throttle = json!([{"fault": "refuse", "operation": "InvokeEndpoint", "times": 5}]);
    world.faults(&throttle).await;
    let last = [world.record("MODIFY", &items()[0])];
    let error = world.deliver(&last).await.unwrap_err();
    assert_eq!(error.name, "Throttled", "{error:?}");
    assert_eq!(world.deliver(&last).await.unwrap()["scored"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_scored_is_counted_and_what_is_removed_loses_its_score() {
    let (mut world, records) = begin().await;
    world.deliver(&records).await.unwrap();
    let mut draft = items()[0].clone();
    draft["item_id"] = json!({"S": "draft"});
    draft["state"] = json!({"S": "draft"});
    let mut dear = items()[0].clone();
    dear["item_id"] = json!({"S": "dear"});
    dear["price"] = json!({"S": "very dear"});
    let mut broken = items()[0].clone();
    broken["item_id"] = json!({"S": "broken"});
    broken["price"] = json!({"N": 7});
    let mut unlabelled = items()[0].clone();
    unlabelled["item_id"] = json!({"S": "unlabelled"});
    unlabelled.as_object_mut().unwrap().remove("rating");
    let mut batch: Vec<_> = [&draft, &dear, &broken, &unlabelled]
        .iter()
        .map(|item| world.record("INSERT", item))
        .collect();
    batch.push(world.record("REMOVE", &items()[1]));
    batch.push(json!({"eventName": "INSERT", "dynamodb": {}}));
    let output = world.deliver(&batch).await.unwrap();
    assert_eq!(
        (&output["scored"], &output["removed"]),
        (&json!(1), &json!(1)),
        "{output}"
    );
    let reasons = output["notScored"].as_object().unwrap();
    assert_eq!(reasons.len(), 4, "{output}");
    assert!(reasons.values().all(|items| items == 1), "{output}");
    let rows = world.rows();
    assert!(rows.contains_key("unlabelled") && !rows.contains_key("whole"));
    assert_eq!(rows.len(), items().len());
    // The deletion, delivered again, finds nothing; an older change does not bring the score back
    // while a newer one is there.
    let stale = std::slice::from_ref(&records[0]);
    world.deliver(stale).await.unwrap();
    assert_eq!(world.rows(), rows);
    // A malformed event fails, and says where.
    let wrong = world
        .twin()
        .invoke(json!({"records": []}), Duration::from_mins(1))
        .await;
    assert_eq!(wrong.unwrap_err().name, "InvalidRequest");
}
