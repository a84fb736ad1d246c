//! What a run waits for before it is planned.

use crate::support::{Tables, definition, lake_with, plan_of, plan_on};
use contract::states::{Execution, PlanExportOutput, Status};
use contract::{ErrorName, Named};
use lake::{MemoryStore, ObjectStore};
use plan_export::PlanExportError;
use sagemaker_ports::MemorySageMaker;
use serde_json::{Value, json};
use source::{FunctionAnswer, MemoryFunctions};
use std::time::{Duration, SystemTime};

const CLOSED: &str = "arn:aws:lambda:eu-central-1:123456789012:function:closed";

/// Where a run is planned: a lake with a definition that waits, a table, and a function.
struct World {
    store: MemoryStore,
    tables: Tables,
    functions: MemoryFunctions,
}

impl World {
    async fn waiting_for(when: &Value) -> Self {
        let mut definition = definition();
        definition["ready"] = json!({"when": when, "withinMinutes": 30});
        Self {
            store: lake_with(&definition).await,
            tables: Tables {
                bytes: 1 << 20,
                ..Tables::default()
            },
            functions: MemoryFunctions::default(),
        }
    }

    fn answers(&mut self, answer: Value) {
        let answer = FunctionAnswer::Returned(answer);
        self.functions.answers.insert(CLOSED.to_owned(), answer);
    }

    /// Plans a run that began so long ago.
    async fn plan(&self, age: Duration) -> Result<PlanExportOutput, PlanExportError> {
        let started = jiff::Timestamp::try_from(SystemTime::now() - age).unwrap();
        let execution = Execution {
            id: "arn:1".to_owned(),
            start_time: started.to_string(),
        };
        let alarms = MemorySageMaker::new();
        let Self {
            store,
            tables,
            functions,
        } = self;
        plan_of(store, tables, &alarms, functions, execution, json!({})).await
    }

    /// Plans a run that has just begun, and waits; what for.
    async fn waits(&self) -> String {
        let output = self.plan(Duration::ZERO).await.unwrap();
        assert_eq!(
            (output.status, output.wait_seconds),
            (Status::InProgress, 2)
        );
        output.reason
    }
}

#[tokio::test]
async fn a_run_waits_for_an_object_and_then_is_planned() {
    let world = World::waiting_for(&json!([{"s3": "s3://books/2026/closed"}])).await;
    let near = world.store.put("2026/closed.draft", "".into()).await;
    near.unwrap();
    assert_eq!(
        world.waits().await,
        "waits until s3://books/2026/closed exists; no such object is there"
    );
    // It is the pipeline's run while it waits.
    assert_eq!(world.store.list("current/").await.unwrap().len(), 1);
    assert!(world.store.list("raw/").await.unwrap().is_empty());
    let done = world.store.put("2026/closed", "".into()).await;
    done.unwrap();
    let output = world.plan(Duration::from_mins(29)).await.unwrap();
    assert_eq!((output.status, output.wait_seconds), (Status::Done, 0));
    assert!(output.tasks > 0);
}

#[tokio::test]
async fn a_folder_is_empty_though_consoles_show_it() {
    let world = World::waiting_for(&json!([{"s3": "s3://books/2026/"}])).await;
    world.store.put("2026/", "".into()).await.unwrap();
    assert!(world.waits().await.contains("no such object"));
    world.store.put("2026/a", "".into()).await.unwrap();
    let output = world.plan(Duration::ZERO).await.unwrap();
    assert_eq!(output.status, Status::Done);
}

#[tokio::test]
async fn what_is_not_true_in_time_is_named_with_its_place() {
    let when = json!([{"s3": "s3://books/config/*"}, {"s3": "s3://books/2026/closed"}]);
    let world = World::waiting_for(&when).await;
    let output = world.plan(Duration::from_secs(30 * 60 - 3)).await.unwrap();
    assert!(output.wait_seconds <= 3, "{output:?}");
    let error = world.plan(Duration::from_mins(31)).await.unwrap_err();
    assert_eq!(error.name(), ErrorName::NotReady);
    assert_eq!(
        error.to_string(),
        "ready.when[1] did not become true within 30 minutes (ready.withinMinutes): \
         s3://books/2026/closed exists; no such object is there"
    );
    // A redrive finds it.
    world.store.put("2026/closed", "".into()).await.unwrap();
    let output = world.plan(Duration::from_hours(5)).await.unwrap();
    assert_eq!(output.status, Status::Done);
}

#[tokio::test]
async fn a_run_waits_until_the_source_has_the_items() {
    let mut world = World::waiting_for(&json!([{"items": {"atLeast": 1000}}])).await;
    world.tables.items = 999;
    assert_eq!(
        world.waits().await,
        "waits until the source has 1000 items or more; it has 999"
    );
    let read = world.tables.read.lock().unwrap().len();
    assert_eq!(read, 0, "a run that waits reads no sample");
    world.tables.items = 1000;
    world.tables.empty = true;
    let reason = world.waits().await;
    assert!(reason.contains("holds no items"), "{reason}");
    world.tables.empty = false;
    let output = world.plan(Duration::ZERO).await.unwrap();
    assert_eq!(output.status, Status::Done);
    let read = world.tables.read.lock().unwrap().len();
    assert!(read > 0, "its plan does");
    // One item is there, although DynamoDB has not counted it yet.
    let mut world = World::waiting_for(&json!([{"items": {"atLeast": 1}}])).await;
    world.tables.items = 0;
    let output = world.plan(Duration::ZERO).await.unwrap();
    assert_eq!(output.status, Status::Done);
}

#[tokio::test]
async fn a_function_says_whether_the_run_may_begin() {
    let mut world = World::waiting_for(&json!([{"lambda": CLOSED}])).await;
    world.answers(json!({"ready": false, "reason": "the books\n are open"}));
    assert_eq!(
        world.waits().await,
        format!("waits until {CLOSED} answers that it is ready; it answers: the books are open")
    );
    let failed = FunctionAnswer::Failed("no\nconnection".to_owned());
    world.functions.answers.insert(CLOSED.to_owned(), failed);
    let reason = world.waits().await;
    assert!(reason.ends_with("it failed: no connection"), "{reason}");
    world.answers(json!({"ready": true}));
    let output = world.plan(Duration::ZERO).await.unwrap();
    assert_eq!(output.status, Status::Done);
}

#[tokio::test]
async fn a_function_that_cannot_be_asked_ends_the_run_at_once() {
    let mut world = World::waiting_for(&json!([{"lambda": CLOSED}])).await;
    let error = world.plan(Duration::ZERO).await.unwrap_err();
    assert_eq!(error.name(), ErrorName::NotFound);
    let message = contract::chain(&error);
    for words in ["ready.when[0]", "ReadyFunctionArns", "Function not found"] {
        assert!(message.contains(words), "{message}");
    }
    for answer in [
        json!(true),
        json!({}),
        json!({"ready": "yes"}),
        json!("x".repeat(9000)),
    ] {
        world.answers(answer);
        let error = world.plan(Duration::ZERO).await.unwrap_err();
        assert_eq!(error.name(), ErrorName::NotReady);
        let message = error.to_string();
        assert!(
            message.contains("must answer {\"ready\": true}"),
            "{message}"
        );
        assert!(message.len() < 400, "{message}");
    }
}

#[tokio::test]
async fn other_faults_of_the_source_are_not_waited_for() {
    let mut definition = definition();
    definition["ready"] = json!({"when": [{"items": {"atLeast": 1}}]});
    definition["source"]["dynamodb"]["index"] = json!("by-nothing");
    let store = lake_with(&definition).await;
    let error = plan_on(&store, &Tables::default(), "arn:1", json!({})).await;
    let error = error.unwrap_err();
    assert!(error.to_string().contains("has no index"), "{error}");
}
