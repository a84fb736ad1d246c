//! Too many items that cannot become rows end the run, and the report says so.
#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests may unwrap as the tests do"
)]

use contract::states::{RunInput, SealDatasetOutput};
use contract::{ErrorName, Invocation, Named, RunId};
use dataset::Quality;
use lake::{MemoryStore, ObjectStore, RunKeys, documents};
use profile::Profile;
use seal_dataset::SealDatasetError;
use serde_json::json;
use std::time::SystemTime;

fn input() -> RunInput {
    let run = RunId::parse("20261120-173000-1a2b3c4d").unwrap();
    RunInput {
        pipeline: "default".to_owned(),
        run,
    }
}

fn keys() -> RunKeys {
    RunKeys::new(&input().pipeline, &input().run)
}

/// A lake in which ten items are merged, three of them to no row.
async fn merged(most: f64) -> MemoryStore {
    let store = MemoryStore::new();
    let put =
        async |key: String, document| documents::write(&store, &key, &document).await.unwrap();
    let run = input().run;
    put(keys().plan(), json!({
        "run": run, "execution": "arn:e", "started": "2026-11-20T17:30:00Z",
        "definition": {
            "source": {"dynamodb": {"table": "t"}}, "dataset": {"label": "y", "gate": {"maximumRejected": most}},
            "training": {"image": "i"}, "promotion": {"metric": "m", "goal": "minimize"},
        },
        "keyAttributes": ["id"], "route": "Scan", "reason": "a test", "segments": 1, "tasks": [], "estimate": {"items": 0, "bytes": 0, "readUnits": 0},
    })).await;
    put(keys().dataset_plan(), json!({
        "columns": {"label": "y", "columns": [{"path": "x", "encoding": "number"}], "inferred": true,
            "split": {"by": ["id"], "validation": 0.1, "seed": 0}},
        "keyAttributes": ["id"], "shards": [[]],
        "exported": {"items": 10, "rawBytes": 1, "pages": 1, "readUnits": 1.0, "checksum": "0"},
    })).await;
    let file = |channel: &str, rows: u64| {
        let key = keys().channel_file(channel, 0, "csv");
        json!({"channel": channel, "key": key, "rows": rows, "bytes": rows * 4})
    };
    put(
        keys().shard_manifest(0),
        json!({
            "shard": 0, "rows": {"train": 6, "validation": 1, "rejected": 3},
            "files": [file("train", 6), file("validation", 1)],
        }),
    )
    .await;
    let quality = serde_json::to_value(Quality::default()).unwrap();
    put(keys().quality(), quality).await;
    put(
        keys().profile(),
        serde_json::to_value(Profile::new().statistics()).unwrap(),
    )
    .await;
    store
}

async fn seal(store: &MemoryStore) -> Result<SealDatasetOutput, SealDatasetError> {
    let invocation = Invocation {
        attempt: "a".to_owned(),
        deadline: SystemTime::now(),
    };
    seal_dataset::handle(store, input(), invocation).await
}

async fn report(store: &MemoryStore) -> Quality {
    documents::read(store, &keys().quality(), "the quality")
        .await
        .unwrap()
}

#[tokio::test]
async fn as_many_as_may_be_rejected_are_sealed() {
    let store = merged(0.3).await;
    seal(&store).await.unwrap();
    let quality = report(&store).await;
    assert!(quality.passed() && quality.gate.len() == 2);
    let mut bounds = quality.gate.iter().map(|verdict| verdict.bound.as_str());
    assert!(bounds.any(|bound| bound == "maximumRejected"));
    assert!(store.get(&keys().dataset()).await.is_ok());
}

#[tokio::test]
async fn one_more_ends_the_run_and_is_reported_once() {
    let store = merged(0.29).await;
    for _ in 0..2 {
        let error = seal(&store).await.unwrap_err();
        assert_eq!(error.name(), ErrorName::QualityGateFailed);
        let quality = report(&store).await;
        assert!(!quality.passed() && quality.gate.len() == 2);
    }
    assert!(
        store.get(&keys().dataset()).await.is_err(),
        "nothing is trained on"
    );
}

#[tokio::test]
async fn a_run_planned_without_a_report_is_judged_all_the_same() {
    for (most, sealed) in [(0.3, true), (0.29, false)] {
        let store = merged(most).await;
        store.delete(&keys().quality()).await.unwrap();
        assert_eq!(seal(&store).await.is_ok(), sealed);
    }
}
