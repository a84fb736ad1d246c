//! Batches of changes against a lake, an endpoint and a table in memory: what is scored, by which
//! model, and how often.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

use contract::{ErrorName, Invocation, Named, RunId};
use lake::{MemoryStore, RunKeys, documents, keys};
use sagemaker_ports::MemorySageMaker;
use score_changes::{ScoreChangesError, ScoreChangesOutput, Scorer, Settings, StreamEvent, handle};
use serde_json::{Value, json};
use source::MemoryRows;
use std::time::{Duration, SystemTime};

const PIPELINE: &str = "default";
const SCORES: &str = "scores";
const FIRST: &str = "20261120-173000-1a2b3c4d";
const SECOND: &str = "20261121-173000-1a2b3c4d";
const STREAM: &str =
    "arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/2026-11-20T00:00:00.000";

/// What a function has around it.
struct World {
    store: MemoryStore,
    sagemaker: MemorySageMaker,
    rows: MemoryRows,
    scorer: Scorer,
}

impl World {
    /// With a champion that serves, read again for each batch.
    async fn new() -> Self {
        let world = Self {
            store: MemoryStore::new(),
            sagemaker: MemorySageMaker::new(),
            rows: MemoryRows::new(),
            scorer: scorer(Duration::ZERO),
        };
        world.dataset(FIRST, &json!({})).await;
        world.promote(FIRST).await;
        world.serve(FIRST);
        world
    }

    /// A run's dataset, with these fields of its columns besides.
    async fn dataset(&self, run: &str, more: &Value) {
        let mut columns = json!({
            "label": "rating", "inferred": false,
            "columns": [
                {"path": "user", "encoding": "ordinal", "vocabulary": ["u1", "u2"]},
                {"path": "price", "encoding": "number"},
            ],
            "split": {"by": ["user"], "validation": 0.1, "seed": 0},
        });
        for (field, value) in more.as_object().unwrap() {
            columns[field] = value.clone();
        }
        let dataset = json!({
            "run": run, "rows": {"train": 1, "validation": 1, "rejected": 0},
            "channels": ["train", "validation"], "contentType": "text/csv", "columns": columns,
            "files": [],
        });
        let key = RunKeys::new(PIPELINE, &RunId::parse(run).unwrap()).dataset();
        documents::write(&self.store, &key, &dataset).await.unwrap();
    }

    /// Makes the run champion.
    async fn promote(&self, run: &str) {
        let champion = json!({
            "run": run, "stack": "shop", "metric": "rmse", "value": 0.5, "model": config(run),
            "endpointConfig": config(run), "endpoint": "orders",
            "dataset": RunKeys::new(PIPELINE, &RunId::parse(run).unwrap()).dataset(),
        });
        let key = keys::champion(PIPELINE);
        documents::write(&self.store, &key, &champion)
            .await
            .unwrap();
    }

    /// Puts the run's model in service.
    fn serve(&self, run: &str) {
        self.sagemaker.plant_endpoint("orders", &config(run));
    }

    async fn deliver(&self, records: &[Value]) -> Result<ScoreChangesOutput, ScoreChangesError> {
        self.deliver_within(records, Duration::from_mins(5)).await
    }

    async fn deliver_within(
        &self,
        records: &[Value],
        time: Duration,
    ) -> Result<ScoreChangesOutput, ScoreChangesError> {
        let event = StreamEvent {
            records: records.to_vec(),
        };
        let invocation = Invocation {
            attempt: "a".to_owned(),
            deadline: SystemTime::now() + time,
        };
        let (store, sagemaker, rows) = (&self.store, &self.sagemaker, &self.rows);
        handle(store, sagemaker, rows, &self.scorer, event, invocation).await
    }

    fn scores(&self) -> Vec<Value> {
        self.rows.rows(SCORES)
    }

    /// The bodies that the endpoint was asked about.
    fn asked(&self) -> Vec<String> {
        let log = self.sagemaker.log();
        let asked = log.iter();
        let asked = asked.filter_map(|line| Some(line.split_once("InvokeEndpoint orders ")?.1));
        asked.map(str::to_owned).collect()
    }
}

fn scorer(fresh: Duration) -> Scorer {
    Scorer::new(Settings {
        fresh,
        pause: Duration::from_millis(5),
        ..Settings::new(PIPELINE.to_owned(), SCORES.to_owned())
    })
}

fn config(run: &str) -> String {
    format!("default-{run}")
}

fn record(name: &str, id: &str, number: u64, image: Value) -> Value {
    let mut record = json!({
        "eventName": name, "eventSourceARN": STREAM,
        "dynamodb": {"Keys": {"id": {"S": id}}, "SequenceNumber": format!("{number:021}"),
            "StreamViewType": "NEW_IMAGE"},
    });
    if !image.is_null() {
        record["dynamodb"]["NewImage"] = image;
    }
    record
}

fn item(id: &str, price: &str) -> Value {
    json!({"id": {"S": id}, "user": {"S": "u2"}, "price": {"N": price}})
}

fn put(id: &str, number: u64) -> Value {
    record("INSERT", id, number, item(id, &number.to_string()))
}

#[tokio::test]
async fn a_batch_is_scored_with_one_request_and_its_scores_say_by_what() {
    let world = World::new().await;
    world.sagemaker.script_answer("text/csv", "0.25\n7\n");
    let output = world.deliver(&[put("a", 1), put("b", 2)]).await.unwrap();
    assert_eq!((output.scored, output.outdated), (2, 0));
    assert_eq!(output.run.unwrap().as_str(), FIRST);
    assert_eq!(world.asked(), ["2,1\n2,2\n"]);
    let scores = world.scores();
    assert_eq!(scores.len(), 2);
    for (score, (id, prediction, number)) in scores.iter().zip([("a", "0.25", 1), ("b", "7", 2)]) {
        assert_eq!(score["id"], json!({"S": id}));
        assert_eq!(score["prediction"], json!({"N": prediction}));
        assert_eq!(score["run"], json!({"S": FIRST}));
        assert_eq!(score["sequence"], json!({"S": format!("{number:040}")}));
        let time = score["scoredAt"]["S"].as_str().unwrap();
        assert!(time.parse::<jiff::Timestamp>().is_ok(), "{time}");
        assert!(score.get("class").is_none());
    }
}

#[tokio::test]
async fn a_label_with_classes_gives_the_class_and_its_probability() {
    let world = World::new().await;
    let classes = json!({"labelClasses": ["no", "yes"]});
    world.dataset(FIRST, &classes).await;
    world.sagemaker.script_answer("text/csv", "0.75\n");
    world.deliver(&[put("a", 1)]).await.unwrap();
    let score = &world.scores()[0];
    assert_eq!(score["class"], json!({"S": "yes"}));
    assert_eq!(score["probability"], json!({"N": "0.75"}));
}

#[tokio::test]
async fn a_batch_that_is_delivered_again_keeps_the_score_of_the_first_model() {
    let world = World::new().await;
    let batch = [put("a", 1), put("b", 2), put("c", 3)];
    // The first attempt writes one row and is throttled.
    world.rows.throttle_after(1, 1);
    let error = world.deliver(&batch).await.unwrap_err();
    assert_eq!(error.name(), ErrorName::Throttled);
    let first = world.scores();
    assert!(!first.is_empty());

    world.dataset(SECOND, &json!({})).await;
    world.promote(SECOND).await;
    world.serve(SECOND);
    let output = world.deliver(&batch).await.unwrap();
    assert_eq!(output.run.unwrap().as_str(), SECOND);
    assert_eq!(output.scored + output.outdated, 3);
    assert_eq!(output.outdated, first.len() as u64);
    let scores = world.scores();
    assert_eq!(scores.len(), 3);
    for score in &first {
        assert!(scores.contains(score), "{score} stays");
    }
    // A twin of the call changes nothing.
    let twin = world.deliver(&batch).await.unwrap();
    assert_eq!((twin.scored, twin.outdated), (0, 3));
    assert_eq!(world.scores(), scores);
}

#[tokio::test]
async fn the_newer_change_of_an_item_wins_in_whatever_order_they_come() {
    let world = World::new().await;
    let (old, new) = (put("a", 99), put("a", 100));
    world.deliver(std::slice::from_ref(&new)).await.unwrap();
    let late = world.deliver(std::slice::from_ref(&old)).await.unwrap();
    assert_eq!((late.scored, late.outdated), (0, 1));
    assert_eq!(world.scores()[0]["sequence"]["S"], format!("{:040}", 100));
    // In one batch, the last one alone is asked about.
    let both = world.deliver(&[put("b", 7), put("b", 8)]).await.unwrap();
    assert_eq!((both.scored, both.superseded), (1, 1));
    assert_eq!(world.asked().last().unwrap(), "2,8\n");
}

#[tokio::test]
async fn the_score_of_a_removed_item_is_deleted() {
    let world = World::new().await;
    world.deliver(&[put("a", 1), put("b", 2)]).await.unwrap();
    let asked = world.asked().len();
    let removed = record("REMOVE", "a", 3, Value::Null);
    let output = world.deliver(std::slice::from_ref(&removed)).await.unwrap();
    assert_eq!((output.removed, output.run), (1, None));
    assert_eq!(world.scores().len(), 1);
    assert_eq!(world.asked().len(), asked, "nothing is asked");
    let again = world.deliver(&[removed]).await.unwrap();
    assert_eq!((again.removed, again.outdated), (0, 1));
    // A removal that comes late leaves the score of the item that was put again.
    world.deliver(&[put("a", 5)]).await.unwrap();
    let late = record("REMOVE", "a", 4, Value::Null);
    let late = world.deliver(&[late]).await.unwrap();
    assert_eq!((late.removed, late.outdated), (0, 1));
    assert_eq!(world.scores().len(), 2);
}

#[tokio::test]
async fn items_that_have_no_row_are_counted_and_the_others_are_scored() {
    let world = World::new().await;
    let conditions = json!({"where": [
        {"path": "state", "op": "notEqual", "value": "draft"},
        {"path": "rating", "op": "greater", "value": 0},
    ]});
    world.dataset(FIRST, &conditions).await;
    let with = |id: &str, number: u64, field: &str, value: Value| {
        let mut item = item(id, "1");
        item[field] = value;
        record("MODIFY", id, number, item)
    };
    let batch = [
        put("good", 1),
        with("draft", 2, "state", json!({"S": "draft"})),
        with("text", 3, "price", json!({"S": "dear"})),
        with("broken", 4, "price", json!({"N": 7})),
        with("worse", 5, "price", json!("7")),
        with("rated", 6, "rating", json!({"N": "0"})),
        with("rated-well", 7, "rating", json!({"N": "3"})),
        json!({"eventName": "INSERT"}),
    ];
    let output = world.deliver(&batch).await.unwrap();
    assert_eq!(output.scored, 2, "{output:?}");
    let not_scored: Vec<_> = output.not_scored.iter().collect();
    let counted = |why: &str| {
        let mut all = not_scored.iter();
        let found = all.find(|(reason, _)| reason.contains(why));
        found.map_or(0, |(_, items)| **items)
    };
    assert_eq!(counted("`where`"), 2, "{output:?}");
    assert_eq!(counted("`price`: the value is S, not a number"), 1);
    assert_eq!(counted("not DynamoDB JSON"), 2);
    assert_eq!(counted("not one of a DynamoDB stream"), 1);
    assert_eq!(output.not_scored.values().sum::<u64>(), 6);
    // No value of an item appears in the message.
    assert!(!format!("{output:?}").contains("dear"));
}

#[tokio::test]
async fn while_the_endpoint_goes_to_another_model_nothing_is_written() {
    let world = World::new().await;
    world.deliver(&[put("a", 1)]).await.unwrap();
    // The next run's model answers already, and its record is not written yet.
    world.serve(SECOND);
    let soon = Duration::from_secs(30);
    let error = world
        .deliver_within(&[put("b", 2)], soon)
        .await
        .unwrap_err();
    assert_eq!(error.name(), ErrorName::ServiceUnavailable);
    assert!(error.to_string().contains("a run is deploying"), "{error}");
    assert_eq!(world.scores().len(), 1);

    world.dataset(SECOND, &json!({})).await;
    world.promote(SECOND).await;
    let output = world.deliver(&[put("b", 2)]).await.unwrap();
    assert_eq!(output.run.unwrap().as_str(), SECOND);
    // An endpoint that was deleted is named.
    world.sagemaker.delete_endpoint("orders");
    let gone = world
        .deliver_within(&[put("c", 3)], soon)
        .await
        .unwrap_err();
    assert!(gone.to_string().contains("is not there"), "{gone}");
}

#[tokio::test]
async fn a_champion_that_is_cached_is_read_again_as_soon_as_its_endpoint_serves_another() {
    let mut world = World::new().await;
    world.scorer = scorer(Duration::from_hours(1));
    world.deliver(&[put("a", 1)]).await.unwrap();
    // Another encoding, so that the rows show which dataset made them.
    let other = json!({"columns": [{"path": "price", "encoding": "number"}]});
    world.dataset(SECOND, &other).await;
    world.promote(SECOND).await;
    world.serve(SECOND);
    let output = world.deliver(&[put("b", 2)]).await.unwrap();
    assert_eq!(output.run.unwrap().as_str(), SECOND);
    assert_eq!(world.asked().last().unwrap(), "2\n");
    assert_eq!(world.scores()[1]["run"]["S"], SECOND);
}

#[tokio::test]
async fn what_the_endpoint_refuses_fails_the_batch() {
    let world = World::new().await;
    let refuse = |name, code| world.sagemaker.refuse("InvokeEndpoint", name, code, "no");
    refuse(ErrorName::Throttled, "ThrottlingException");
    let error = world.deliver(&[put("a", 1)]).await.unwrap_err();
    assert_eq!(error.name(), ErrorName::Throttled);
    world.sagemaker.script_answer("text/csv", "0.5\n0.5\n");
    let error = world.deliver(&[put("a", 1)]).await.unwrap_err();
    assert_eq!(error.name(), ErrorName::ServiceRejected);
    assert!(
        error.to_string().contains("1 rows were answered with 2"),
        "{error}"
    );
    assert_eq!(world.scores().len(), 0);
    assert_eq!(world.deliver(&[put("a", 1)]).await.unwrap().scored, 1);
}

#[tokio::test]
async fn a_pipeline_that_cannot_be_asked_says_what_to_do() {
    let world = World::new().await;
    let key = keys::champion(PIPELINE);
    lake::ObjectStore::delete(&world.store, &key).await.unwrap();
    let error = world.deliver(&[put("a", 1)]).await.unwrap_err();
    assert_eq!(error.name(), ErrorName::NotFound);
    assert!(error.to_string().contains("run the pipeline"), "{error}");

    let champion = json!({
        "run": FIRST, "stack": "shop", "metric": "rmse", "value": 0.5, "model": "m", "dataset": "d",
    });
    documents::write(&world.store, &key, &champion)
        .await
        .unwrap();
    let error = world.deliver(&[put("a", 1)]).await.unwrap_err();
    assert_eq!(error.name(), ErrorName::InvalidDefinition);
    assert!(error.to_string().contains("scores batches"), "{error}");

    world.promote(FIRST).await;
    let mut clash = put("a", 1);
    clash["dynamodb"]["Keys"] = json!({"run": {"S": "a"}});
    clash["dynamodb"]["NewImage"]["run"] = json!({"S": "a"});
    let error = world.deliver(&[clash]).await.unwrap_err();
    assert!(error.to_string().contains("`run`"), "{error}");
}
