//! The alarms that a definition names.

use crate::support::{Tables, definition, lake_with, plan_with};
use contract::{ErrorName, Named};
use lake::ObjectStore;
use plan_export::PlanExportError;
use sagemaker_ports::MemorySageMaker;
use serde_json::{Value, json};

fn guarded(alarms: &Value) -> Value {
    let mut definition = definition();
    definition["endpoint"] = json!({
        "compute": {"instances": {"instanceType": "ml.m5.large", "count": 2}},
        "guardrails": {"alarms": alarms},
    });
    definition
}

/// Plans in an account with the alarm `pages`, which is raised.
async fn plan(definition: &Value) -> Result<(), PlanExportError> {
    let alarms = MemorySageMaker::new();
    alarms.set_alarm("pages", true);
    let store = lake_with(definition).await;
    let planned = plan_with(&store, &Tables::default(), &alarms, "arn:1", json!({})).await;
    let left = store.list("current/").await.unwrap();
    assert_eq!(left.is_empty(), planned.is_err(), "{left:?}");
    planned.map(drop)
}

#[tokio::test]
async fn every_alarm_that_does_not_exist_is_named_at_its_place() {
    let definition = guarded(&json!(["shop-queue", "pages", "shop/default/latency"]));
    let error = plan(&definition).await.unwrap_err();
    assert_eq!(error.name(), ErrorName::InvalidDefinition);
    let faults = error.faults();
    let places: Vec<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
    assert_eq!(
        places,
        [
            "endpoint.guardrails.alarms[0]",
            "endpoint.guardrails.alarms[2]"
        ]
    );
    assert_eq!(
        faults[0].message,
        "there is no alarm \"shop-queue\" in this account and region, and without it SageMaker \
         refuses an update: create it, or leave it out"
    );
}

#[tokio::test]
async fn an_alarm_that_exists_or_is_the_pipelines_own_is_accepted() {
    for alarms in [
        json!(["pages"]),
        json!([
            "shop/default/endpoint-errors",
            "pages",
            "shop/default/endpoint-latency"
        ]),
        json!([]),
    ] {
        plan(&guarded(&alarms)).await.unwrap();
    }
    // Those of another pipeline are created by its own deployment.
    let error = plan(&guarded(&json!(["shop/other/endpoint-errors"]))).await;
    assert_eq!(error.unwrap_err().name(), ErrorName::InvalidDefinition);
}

#[tokio::test]
async fn alarms_are_looked_at_only_for_an_endpoint_that_is_updated() {
    let alarms = MemorySageMaker::new();
    let mut batch = guarded(&json!(["queue"]));
    batch["endpoint"] = json!({});
    batch["batch"] = json!({"input": "validation"});
    for definition in [definition(), batch] {
        let store = lake_with(&definition).await;
        plan_with(&store, &Tables::default(), &alarms, "arn:1", json!({}))
            .await
            .unwrap();
    }
    assert!(alarms.log().is_empty(), "{:?}", alarms.log());
}

#[tokio::test]
async fn alarms_that_cannot_be_described_fail_the_run_by_the_services_name() {
    let alarms = MemorySageMaker::new();
    alarms.refuse(
        "DescribeAlarms",
        ErrorName::AccessDenied,
        "AccessDenied",
        "no",
    );
    let store = lake_with(&guarded(&json!(["pages"]))).await;
    let error = plan_with(&store, &Tables::default(), &alarms, "arn:1", json!({}))
        .await
        .unwrap_err();
    assert_eq!(error.name(), ErrorName::AccessDenied);
    assert_eq!(error.faults(), []);
    let text = contract::chain(&error);
    assert!(text.contains("`endpoint.guardrails.alarms`"), "{text}");
}
