//! Mistakes of users, on local AWS: each fails the execution with its own error name, in one line
//! that names the field or resource, before anything is trained.
#![allow(clippy::unwrap_used)] // helpers of tests may unwrap as the tests do

use end_to_end::dynamodb;
use end_to_end::pipeline::Pipeline;
use lake::ObjectStore;
use millrace::demo::data::Interactions;
use millrace::demo::{self, TABLE};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn each_mistake_ends_under_its_own_name() {
    let pipeline = Pipeline::start().await;
    let (name, cause) = pipeline.run_badly(&json!({})).await;
    assert_eq!(name, "DefinitionMissing");
    assert!(cause.contains("config/default.json"), "{cause}");

    pipeline.fill(TABLE, &Interactions::generate(1, 300)).await;
    pipeline
        .fill(
            "empty-table",
            &Interactions {
                films: Vec::new(),
                rows: Vec::new(),
            },
        )
        .await;
    // Without its name, which would have to be each pipeline's own.
    let mut definition = serde_json::to_value(demo::definition()).unwrap();
    definition.as_object_mut().unwrap().remove("pipeline");
    let definition = definition.to_string();
    pipeline.define("default", &definition).await;
    pipeline
        .define("torn", &definition[..definition.len() / 2])
        .await;
    pipeline
        .define(
            "misspelt",
            &definition.replacen("\"label\"", "\"lable\"", 1),
        )
        .await;

    let table = |name: &str| json!({"source": {"dynamodb": {"table": name}}});
    for (input, name, says) in [
        (
            json!({"pipeline": "torn"}),
            "InvalidDefinition",
            "config/torn.json",
        ),
        (
            json!({"pipeline": "misspelt"}),
            "InvalidDefinition",
            "lable",
        ),
        (
            json!({"pipeline": "No Name"}),
            "InvalidDefinition",
            "pipeline",
        ),
        (json!([1]), "InvalidDefinition", "array"),
        (
            json!({"dataset": {"colour": 1}}),
            "InvalidDefinition",
            "colour",
        ),
        (
            json!({"dataset": {"label": 7}}),
            "InvalidDefinition",
            "dataset.label",
        ),
        (
            json!({"endpoint": {"name": "not_a_name"}}),
            "InvalidDefinition",
            "endpoint.name",
        ),
        (table("elsewhere"), "TableMissing", "elsewhere"),
        (table("empty-table"), "TableEmpty", "empty-table"),
        (
            json!({"source": {"dynamodb": {"index": "by-film"}}}),
            "TableMissing",
            "by-film",
        ),
        (
            json!({"source": {"dynamodb": {"mode": "export"}}}),
            "InvalidDefinition",
            "update-continuous-backups",
        ),
        (
            json!({"limits": {"maxReadUnits": 1}}),
            "LimitExceeded",
            "limits.maxReadUnits",
        ),
        (
            json!({"dataset": {"label": "stars"}}),
            "AttributeMissing",
            "`stars`, which none of 300 sampled items has",
        ),
        (
            json!({"dataset": {"gate": {"minimumRows": 301}}}),
            "QualityGateFailed",
            "301",
        ),
    ] {
        let (error, cause) = pipeline.run_badly(&input).await;
        assert_eq!(error, name, "{input}: {cause}");
        assert!(cause.contains(says), "{input}: {cause}");
        assert!(!cause.contains('\n'), "one line: {cause}");
    }

    an_alarm_that_does_not_exist_is_refused(&pipeline).await;
    an_export_that_wrote_nothing_is_refused(&pipeline).await;

    let models = pipeline.lake.list("models/").await.unwrap();
    assert!(models.is_empty(), "nothing was trained: {models:?}");
    pipeline.local.stop().await.unwrap();
}

/// The pipeline's own alarms, which its first deployment creates, are accepted.
async fn an_alarm_that_does_not_exist_is_refused(pipeline: &Pipeline) {
    let input = json!({"endpoint": {
        "compute": {
            "serverless": null,
            "instances": {"instanceType": "ml.m5.large", "count": 1},
        },
        "guardrails": {"alarms": ["millrace/default/endpoint-errors", "nobodys"]},
    }});
    let (error, cause) = pipeline.run_badly(&input).await;
    assert_eq!(error, "InvalidDefinition", "{cause}");
    let says = "field `endpoint.guardrails.alarms[1]`: there is no alarm \"nobodys\"";
    assert!(cause.contains(says), "{cause}");
    assert!(!cause.contains("alarms[0]"), "{cause}");
}

/// ministack takes the request, says that the export is complete, and writes nothing.
async fn an_export_that_wrote_nothing_is_refused(pipeline: &Pipeline) {
    dynamodb::turn_recovery_on(&pipeline.local.url(), TABLE).await;
    let export = json!({"source": {"dynamodb": {"mode": "export"}}});
    let (error, cause) = pipeline.run_badly(&export).await;
    assert_eq!(error, "DatasetInvalid", "{cause}");
    assert!(cause.contains("there is no manifest"), "{cause}");
}
