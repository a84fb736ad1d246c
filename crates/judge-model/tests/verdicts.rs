//! A verdict is reached once, from what the lake holds.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use contract::states::{JudgeModelOutput, RunInput, Verdict};
use contract::{ErrorName, Invocation, Named, RunId};
use judge_model::{JudgeModelError, handle};
use lake::memory::poll_at_most;
use lake::records::{Champion, Plan, TrainingRecord, VerdictRecord};
use lake::{MemoryStore, ObjectStore, RunKeys, documents, keys};
use serde_json::json;
use std::time::SystemTime;

fn run() -> RunId {
    RunId::parse("20261120-173000-1a2b3c4d").unwrap()
}

fn run_keys() -> RunKeys {
    RunKeys::new("default", &run())
}

/// A lake whose run has been trained, with this value of `validation:rmse` if any.
async fn trained(rmse: Option<f64>) -> MemoryStore {
    let store = MemoryStore::new();
    let plan: Plan = serde_json::from_value(json!({
        "run": run(), "execution": "arn:e", "started": "2026-11-20T17:30:00Z",
        "definition": {
            "source": {"dynamodb": {"table": "interactions"}},
            "dataset": {"label": "rating"},
            "training": {"image": "recommender:1"},
            "promotion": {"metric": "validation:rmse", "goal": "minimize"},
        },
        "keyAttributes": ["user"], "segments": 1, "tasks": [],
        "estimate": {"items": 10, "bytes": 100, "readUnits": 1},
    }))
    .unwrap();
    documents::write(&store, &run_keys().plan(), &plan)
        .await
        .unwrap();
    let mut metrics = json!({"validation:ndcg": 0.25});
    if let Some(rmse) = rmse {
        metrics["validation:rmse"] = json!(rmse);
    }
    let training: TrainingRecord = serde_json::from_value(json!({
        "job": "job", "image": "recommender:1", "artifact": "s3://a", "metrics": metrics,
    }))
    .unwrap();
    documents::write(&store, &run_keys().training(), &training)
        .await
        .unwrap();
    store
}

async fn crown(store: &MemoryStore, run: &str, rmse: f64) {
    let champion: Champion = serde_json::from_value(json!({
        "run": run, "metric": "validation:rmse", "value": rmse, "model": "m",
        "endpointConfig": "c", "endpoint": "e", "dataset": "d",
    }))
    .unwrap();
    documents::write(store, &keys::champion("default"), &champion)
        .await
        .unwrap();
}

async fn call(store: &MemoryStore) -> Result<JudgeModelOutput, JudgeModelError> {
    let input = RunInput {
        pipeline: "default".to_owned(),
        run: run(),
    };
    let invocation = Invocation {
        attempt: "a".to_owned(),
        deadline: SystemTime::now(),
    };
    handle(store, input, invocation).await
}

const BEFORE: &str = "20261119-173000-00000000";

#[tokio::test]
async fn the_verdict_is_written_down_with_the_champion_it_was_reached_against() {
    let store = trained(Some(0.5)).await;
    crown(&store, BEFORE, 0.75).await;
    let output = call(&store).await.unwrap();
    assert_eq!((output.verdict, output.value), (Verdict::Promote, 0.5));
    assert_eq!(output.champion, Some(0.75));
    let record: VerdictRecord = documents::read(&store, &run_keys().verdict(), "a verdict")
        .await
        .unwrap();
    assert_eq!(record.champion_run, Some(RunId::parse(BEFORE).unwrap()));
    assert_eq!(record.reason, output.reason);
}

#[tokio::test]
async fn a_verdict_stands_whatever_the_champion_is_later() {
    let store = trained(Some(0.5)).await;
    let first = call(&store).await.unwrap();
    assert_eq!((first.verdict, first.champion), (Verdict::Promote, None));
    crown(&store, run().as_str(), 0.5).await;
    assert_eq!(call(&store).await.unwrap(), first);
    crown(&store, BEFORE, 0.1).await;
    assert_eq!(call(&store).await.unwrap(), first);
}

#[tokio::test]
async fn a_missing_metric_names_those_there_are() {
    let store = trained(None).await;
    let error = call(&store).await.unwrap_err();
    assert_eq!(error.name(), ErrorName::MetricMissing);
    let text = error.to_string();
    assert!(text.contains("reports validation:ndcg"), "{text}");
    assert!(store.get(&run_keys().verdict()).await.is_err());
}

#[tokio::test]
async fn without_a_trained_model_there_is_no_verdict() {
    let store = trained(Some(0.5)).await;
    store.delete(&run_keys().training()).await.unwrap();
    let error = call(&store).await.unwrap_err();
    assert_eq!(error.name(), ErrorName::NotFound);
    assert!(error.to_string().contains("training.json"), "{error}");
}

#[tokio::test]
async fn a_crash_at_any_point_leaves_one_verdict() {
    for polls in 0..20 {
        let store = trained(Some(0.5)).await;
        let _ = poll_at_most(polls, call(&store));
        let output = call(&store).await.unwrap();
        assert_eq!(output.verdict, Verdict::Promote, "after {polls} polls");
    }
}
