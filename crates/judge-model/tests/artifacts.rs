//! Artifacts that something replaced since training: no model is judged by one, and no champion
//! stays on one.

#![allow(clippy::unwrap_used)] // A test that cannot continue has failed.

mod support;

use contract::states::Decision;
use contract::{ErrorName, Named};
use lake::{ObjectStore, RunKeys, artifact, documents};
use serde_json::{Value, json};
use support::pair::{Errors, before};
use support::{World, run_keys};

const TRAINED: &[u8] = b"trained";
const REPLACED: &[u8] = b"replaced";

/// Stores the artifact of a run, and its `ETag` in the record of the training.
async fn train(world: &World, run: &RunKeys) -> String {
    let (store, key) = (&world.store, format!("{}/model.tar.gz", run.models()));
    store.put(&key, TRAINED.into()).await.unwrap();
    let what = "the record of a training job";
    let record: Option<Value> = documents::read_if_there(store, &run.training(), what)
        .await
        .unwrap();
    let mut record = record.unwrap_or_else(|| json!({"job": "job", "image": "i", "metrics": {}}));
    let url = format!("s3://{}/{key}", store.bucket());
    record["artifactEtag"] = artifact::etag(store, &url).await.unwrap().into();
    record["artifact"] = url.into();
    documents::write(store, &run.training(), &record)
        .await
        .unwrap();
    key
}

/// The run's artifact is missed as replaced, until it is put back.
async fn is_seen(world: &World, key: &str, wanted: Decision) {
    world.store.put(key, REPLACED.into()).await.unwrap();
    let error = world.call().await.unwrap_err();
    assert_eq!(error.name(), ErrorName::Conflict, "{error}");
    assert!(error.to_string().contains(key), "{error}");
    world.store.put(key, TRAINED.into()).await.unwrap();
    assert_eq!(world.call().await.unwrap().verdict, wanted);
}

#[tokio::test]
async fn a_model_whose_artifact_was_replaced_is_not_judged() {
    let world = World::trained(Some(0.5)).await;
    let key = train(&world, &run_keys()).await;
    is_seen(&world, &key, Decision::Promote).await;
}

#[tokio::test]
async fn a_champion_whose_artifact_was_replaced_does_not_stay_unseen() {
    let world = World::trained(Some(0.5)).await;
    let key = train(&world, &before()).await;
    world.crown(before().run().as_str(), 0.1).await;
    is_seen(&world, &key, Decision::Keep).await;
}

#[tokio::test]
async fn a_champion_whose_artifact_was_replaced_is_not_compared() {
    let world = World::pair(0.1, 0.9, json!({}), json!({})).await;
    let key = train(&world, &before()).await;
    // Its model exists; the job that predicts would load what lies there now.
    is_seen(&world, &key, Decision::Compare).await;
    let better = Errors {
        challenger: 0.5,
        champion: 1.0,
    };
    let verdict = world.judged(better).await.unwrap().verdict;
    assert_eq!(verdict, Decision::Promote);
}
