//! Items are predicted only by the model that they are encoded for.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

use contract::RunId;
use dataset::ItemForm;
use definition::Compute;
use lake::{MemoryStore, RunKeys, documents, keys};
use millrace::exit::{Exit, Explain};
use millrace::predict::{self, PredictError, Predictions, Serving};
use sagemaker_ports::{
    ConfigSpec, EndpointStatus, Endpoints, MemorySageMaker, ModelSpec, Prediction, Tags, Update,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const PIPELINE: &str = "films";
const ENDPOINT: &str = "recommendations";

fn run() -> RunId {
    RunId::parse("20261120-173000-1a2b3c4d").unwrap()
}

/// Waits until the endpoint is in service on the configuration.
async fn serving(sagemaker: &MemorySageMaker, config: &str) {
    loop {
        let info = sagemaker
            .describe_endpoint(ENDPOINT)
            .await
            .unwrap()
            .unwrap();
        if info.status == EndpointStatus::InService && info.config == config {
            return;
        }
    }
}

/// A lake whose champion serves at an endpoint on the configuration `serves`.
async fn world(serves: &str) -> (MemoryStore, MemorySageMaker) {
    let (store, sagemaker) = (MemoryStore::new(), MemorySageMaker::new());
    for name in ["ours", "theirs"] {
        let model = ModelSpec {
            name: name.to_owned(),
            image: "image".to_owned(),
            artifact: "s3://lake/model.tar.gz".to_owned(),
            role_arn: "arn".to_owned(),
            environment: BTreeMap::new(),
            vpc: None,
            network_isolation: false,
            tags: Tags::new(),
        };
        sagemaker.create_model(&model).await.unwrap();
        let config = ConfigSpec {
            name: name.to_owned(),
            model: name.to_owned(),
            compute: Compute::default(),
            capture: None,
            startup_seconds: None,
            volume_key: None,
            tags: Tags::new(),
        };
        sagemaker.create_config(&config).await.unwrap();
    }
    let tags = Tags::new();
    let created = sagemaker.create_endpoint(ENDPOINT, "ours", &tags);
    created.await.unwrap();
    serving(&sagemaker, "ours").await;
    if serves != "ours" {
        let update = sagemaker.update_endpoint(ENDPOINT, serves, Update::default());
        update.await.unwrap();
        serving(&sagemaker, serves).await;
    }
    let keys = RunKeys::new(PIPELINE, &run());
    let champion = json!({
        "run": run(), "stack": "shop", "metric": "m", "value": 1.0, "model": "ours",
        "endpointConfig": "ours",
        "endpoint": ENDPOINT, "dataset": keys.dataset(),
    });
    let columns = json!({
        "label": "liked", "labelClasses": ["no", "yes"],
        "columns": [{"path": "user", "encoding": "ordinal", "vocabulary": ["u1", "u2"]}],
        "split": {"by": ["user"], "validation": 0.1, "seed": 0}, "inferred": false,
    });
    let dataset = json!({
        "run": run(), "rows": {"train": 1, "validation": 0, "rejected": 0}, "channels": ["train"],
        "contentType": "text/csv", "columns": columns, "files": [],
    });
    for (key, document) in [
        (keys::champion(PIPELINE), champion),
        (keys.dataset(), dataset),
    ] {
        documents::write(&store, &key, &document).await.unwrap();
    }
    (store, sagemaker)
}

async fn ask(
    store: &MemoryStore,
    sagemaker: &MemorySageMaker,
    items: &str,
) -> Result<Predictions, PredictError> {
    let serving = predict::serving(store, sagemaker, PIPELINE).await?;
    predict::predict(store, sagemaker, &serving, ItemForm::Either, items).await
}

#[tokio::test]
async fn items_are_encoded_asked_and_decoded() {
    let (store, sagemaker) = world("ours").await;
    let items = "{\"user\": \"u2\"}\n{\"user\": {\"S\": \"u1\"}}\n";
    let predictions = ask(&store, &sagemaker, items).await.unwrap();
    // The memory's model answers 0.5 to every row.
    assert_eq!(predictions.text(), "yes  (50.0 %)\nyes  (50.0 %)\n");
    let document: Value = serde_json::to_value(&predictions).unwrap();
    let first = json!({"answer": 0.5, "class": "yes", "probability": 0.5});
    assert_eq!(document["predictions"][0], first);
    assert_eq!(
        (&document["label"], &document["run"]),
        (&json!("liked"), &json!(run()))
    );
}

#[tokio::test]
async fn another_model_than_the_champion_is_not_asked() {
    let (store, sagemaker) = world("theirs").await;
    let error = ask(&store, &sagemaker, "{\"user\": \"u1\"}")
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the endpoint recommendations serves theirs, and the champion is ours"
    );
    assert_eq!(error.kind().exit(), Exit::No);
}

#[tokio::test]
async fn what_cannot_be_predicted_is_named() {
    let (store, sagemaker) = world("ours").await;
    let nothing = ask(&store, &sagemaker, "\n").await.unwrap_err();
    assert_eq!(nothing.kind().exit(), Exit::Usage, "{nothing}");
    let no_item = ask(&store, &sagemaker, "{\"user\": true}")
        .await
        .unwrap_err();
    assert!(contract::chain(&no_item).contains("user"), "{no_item}");
    let none = predict::serving(&store, &sagemaker, "other")
        .await
        .unwrap_err();
    assert!(matches!(none, PredictError::NoChampion { .. }), "{none}");
    let champion = json!({
        "run": run(), "stack": "shop", "metric": "m", "value": 1.0, "model": "m", "dataset": "d",
    });
    documents::write(&store, &keys::champion(PIPELINE), &champion)
        .await
        .unwrap();
    let batch = predict::serving(&store, &sagemaker, PIPELINE)
        .await
        .unwrap_err();
    assert_eq!(batch.kind().exit(), Exit::Missing, "{batch}");
}

/// An endpoint that answers one row, whatever it is asked.
struct OneRow;

impl sagemaker_ports::Invoke for OneRow {
    async fn invoke(
        &self,
        _: &str,
        _: &str,
        _: Vec<u8>,
    ) -> Result<Prediction, contract::ServiceError> {
        Ok(Prediction {
            body: b"0.5\n".to_vec(),
            content_type: None,
        })
    }
}

#[tokio::test]
async fn an_answer_with_too_few_predictions_is_refused() {
    let (store, _) = world("ours").await;
    let serving = Serving {
        pipeline: PIPELINE.to_owned(),
        run: run(),
        endpoint: ENDPOINT.to_owned(),
    };
    let items = "{\"user\": \"u1\"}\n{\"user\": \"u2\"}\n";
    let asked = predict::predict(&store, &OneRow, &serving, ItemForm::Plain, items);
    let error = asked.await.unwrap_err().to_string();
    assert!(
        error.contains("2 rows were answered with 1 predictions"),
        "{error}"
    );
}
