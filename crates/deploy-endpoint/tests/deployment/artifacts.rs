//! Artifacts that something replaced since training.

use crate::support::{World, name_of};
use bytes::Bytes;
use contract::{ErrorName, Named};
use lake::{ObjectStore, artifact, documents};
use serde_json::Value;

const TRAINED: Bytes = Bytes::from_static(b"trained");

/// Stores the artifact of the world's run, and its `ETag` in the record of the training.
async fn train(world: &World) -> String {
    let key = format!("{}/model.tar.gz", world.keys().models());
    world.store.put(&key, TRAINED).await.unwrap();
    let training = world.keys().training();
    let mut record: Value = documents::read(&world.store, &training, "a record")
        .await
        .unwrap();
    let url = record["artifact"].as_str().unwrap();
    record["artifactEtag"] = artifact::etag(&world.store, url).await.unwrap().into();
    assert!(record["artifactEtag"].is_string());
    world.put(&training, &record).await;
    key
}

async fn replace(world: &World, key: &str) {
    let replaced = Bytes::from_static(b"replaced");
    world.store.put(key, replaced).await.unwrap();
}

#[tokio::test]
async fn an_artifact_that_was_replaced_since_training_is_not_deployed() {
    let world = World::new(20).await;
    let key = train(&world).await;
    replace(&world, &key).await;
    let error = world.drive().await.unwrap_err();
    assert_eq!(error.name(), ErrorName::Conflict);
    assert!(
        error
            .to_string()
            .contains("is not the one that the training job"),
        "{error}"
    );
    assert!(world.sagemaker.models().is_empty());

    world.store.delete(&key).await.unwrap();
    let error = world.drive().await.unwrap_err();
    assert!(error.to_string().contains("absent"), "{error}");

    world.store.put(&key, TRAINED).await.unwrap();
    world.drive().await.unwrap();
}

#[tokio::test]
async fn an_endpoint_is_not_rolled_back_to_a_model_whose_artifact_was_replaced() {
    let world = World::new(20).await;
    let key = train(&world).await;
    world.drive().await.unwrap();
    let next = world.next(21).await;
    replace(&world, &key).await;
    next.sagemaker.script_answer("text/csv", "NaN\n");
    let error = next.drive().await.unwrap_err();
    assert_eq!(error.name(), ErrorName::SmokeTestFailed, "{error}");
    let text = error.to_string();
    let serves = format!("{}, which is not verified, serves now", name_of(21));
    assert!(text.contains(&serves) && text.contains(&key), "{text}");
    // Its own update alone.
    assert_eq!(next.count("UpdateEndpoint"), 1);
}
