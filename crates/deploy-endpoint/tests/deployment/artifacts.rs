//! Artifacts that something replaced since training.

use crate::support::World;
use contract::{ErrorName, Named};
use lake::{ObjectStore, artifact, documents};
use serde_json::Value;

#[tokio::test]
async fn an_artifact_that_was_replaced_since_training_is_not_deployed() {
    let world = World::new(20).await;
    let key = format!("{}/model.tar.gz", world.keys().models());
    let trained = bytes::Bytes::from_static(b"trained");
    world.store.put(&key, trained.clone()).await.unwrap();
    let training = world.keys().training();
    let mut record: Value = documents::read(&world.store, &training, "a record")
        .await
        .unwrap();
    let url = record["artifact"].as_str().unwrap();
    record["artifactEtag"] = artifact::etag(&world.store, url).await.unwrap().into();
    assert!(record["artifactEtag"].is_string());
    world.put(&training, &record).await;

    let replaced = bytes::Bytes::from_static(b"replaced");
    world.store.put(&key, replaced).await.unwrap();
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

    world.store.put(&key, trained).await.unwrap();
    world.drive().await.unwrap();
}
