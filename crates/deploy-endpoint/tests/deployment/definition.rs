//! Endpoint settings of the definition.

use crate::support::{ERRORS, LAKE_KEY, LATENCY, World, name_of};
use contract::{ErrorName, Named};
use definition::Shift;
use sagemaker_ports::Endpoints;
use serde_json::json;

fn instances() -> serde_json::Value {
    json!({"instances": {"instanceType": "ml.m5.large", "count": 2}})
}

#[tokio::test]
async fn an_endpoint_on_instances_is_updated_by_a_canary_under_its_alarms() {
    let world = World::new(20).await;
    world.plan(json!({"compute": instances()})).await;
    world.drive().await.unwrap();
    let next = world.next(21).await;
    next.plan(json!({"compute": instances()})).await;
    next.drive().await.unwrap();
    let guard = next.sagemaker.guard().unwrap();
    assert_eq!(guard.shift, Shift::Canary { percent: 10 });
    assert_eq!(guard.alarms, [ERRORS, LATENCY]);
    assert_eq!(guard.bake_seconds, 300);

    let last = next.next(22).await;
    let guardrails = json!({"shift": "allAtOnce", "bakeSeconds": 0, "alarms": []});
    last.plan(json!({"compute": instances(), "guardrails": guardrails}))
        .await;
    last.drive().await.unwrap();
    let guard = last.sagemaker.guard().unwrap();
    assert_eq!((guard.shift, guard.alarms.len()), (Shift::AllAtOnce, 0));
}

#[tokio::test]
async fn a_serverless_endpoint_is_updated_without_guardrails() {
    let world = World::new(20).await;
    world.drive().await.unwrap();
    let next = world.next(21).await;
    next.drive().await.unwrap();
    assert_eq!(next.sagemaker.guard(), None);
}

#[tokio::test]
async fn capture_environment_and_network_reach_model_and_configuration() {
    let world = World::new(20).await;
    world
        .plan(json!({
            "compute": instances(), "dataCapture": {"percent": 25}, "startupSeconds": 600,
            "environment": {"LEVEL": "info"},
        }))
        .await;
    world.drive().await.unwrap();
    let config = world
        .sagemaker
        .describe_config(&world.name())
        .await
        .unwrap();
    let config = config.unwrap();
    let capture = config.capture.unwrap();
    assert_eq!((capture.percent, config.startup_seconds), (25, Some(600)));
    assert_eq!(capture.destination, "s3://memory/captured/default");
    assert_eq!(capture.key.as_deref(), Some(LAKE_KEY));
    let model = world.sagemaker.describe_model(&world.name()).await.unwrap();
    assert!(model.unwrap().environment.contains_key("LEVEL"));
}

#[tokio::test]
async fn an_endpoint_on_instances_is_not_updated_to_serverless() {
    let world = World::new(20).await;
    world.plan(json!({"compute": instances()})).await;
    world.drive().await.unwrap();
    let next = world.next(21).await;
    let error = next.drive().await.unwrap_err();
    assert_eq!(error.name(), ErrorName::InvalidDefinition);
    assert!(error.to_string().contains("serverless"), "{error}");
    assert_eq!(next.count("UpdateEndpoint"), 0);
    assert_eq!(next.config().await, name_of(20));
}

#[tokio::test]
async fn a_container_that_refuses_fails_the_smoke_test_and_a_busy_service_does_not() {
    for (answered, told) in [
        (ErrorName::ServiceRejected, ErrorName::SmokeTestFailed),
        (ErrorName::Throttled, ErrorName::Throttled),
        (ErrorName::ServiceUnavailable, ErrorName::ServiceUnavailable),
    ] {
        let world = World::new(20).await;
        world
            .sagemaker
            .refuse("InvokeEndpoint", answered, "ModelError", "status 500");
        assert_eq!(world.drive().await.unwrap_err().name(), told);
        world.drive().await.unwrap();
    }
}
