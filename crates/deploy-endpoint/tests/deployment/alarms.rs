//! The endpoint's alarms, and those that roll an update back.

use crate::support::{ERRORS, LATENCY, PIPELINE, TOPIC, World, name_of};
use contract::{ErrorName, Named};
use sagemaker_ports::memory::EndpointOutcome;
use sagemaker_ports::{AlarmSpec, Owner};
use serde_json::{Value, json};

fn instances() -> Value {
    json!({"instances": {"instanceType": "ml.m5.large", "count": 2}})
}

/// An endpoint on instances in service, and the next run with these parts of `endpoint`.
async fn next_run(endpoint: Value) -> World {
    let world = World::new(20).await;
    world.plan(json!({"compute": instances()})).await;
    world.drive().await.unwrap();
    let next = world.next(21).await;
    let mut all = json!({"compute": instances()});
    all.as_object_mut()
        .unwrap()
        .extend(endpoint.as_object().unwrap().clone());
    next.plan(all).await;
    next
}

fn armed(world: &World) -> Vec<String> {
    world.sagemaker.guard().unwrap().alarms
}

#[tokio::test]
async fn every_endpoint_has_its_alarms_before_it_serves() {
    for compute in [
        instances(),
        json!({"serverless": {"memoryMb": 2048, "maxConcurrency": 5}}),
    ] {
        let world = World::new(20).await;
        world
            .plan(json!({"compute": compute, "name": "films"}))
            .await;
        world.call().await.unwrap();
        let owner = Owner::new("shop", PIPELINE);
        let specs = AlarmSpec::of_endpoint(&owner, "films", 1000, TOPIC);
        let specs = specs.map(|spec| (spec.name.clone(), spec));
        assert_eq!(world.sagemaker.alarms(), specs.into(), "{compute}");
    }
}

#[tokio::test]
async fn an_update_makes_the_alarms_as_the_definition_has_them_now() {
    let world = World::new(20).await;
    world.drive().await.unwrap();
    let next = world.next(21).await;
    next.plan(json!({"maxLatencyMilliseconds": 50})).await;
    next.drive().await.unwrap();
    assert_eq!(next.sagemaker.alarms()[LATENCY].threshold, 50_000);
}

#[tokio::test]
async fn an_alarm_that_the_old_model_raised_is_left_out_of_the_update_and_named() {
    let next = next_run(json!({})).await;
    next.sagemaker.set_alarm(ERRORS, true);
    next.drive().await.unwrap();
    assert_eq!(armed(&next), [LATENCY]);
    assert_eq!(next.config().await, name_of(21));
    assert_eq!(next.record().await.unwrap().alarms_left_out, [ERRORS]);

    // The new model has repaired it.
    let last = next.next(22).await;
    last.plan(json!({"compute": instances()})).await;
    last.sagemaker.set_alarm(ERRORS, false);
    last.drive().await.unwrap();
    assert_eq!(armed(&last), [ERRORS, LATENCY]);
    assert!(last.record().await.unwrap().alarms_left_out.is_empty());
}

#[tokio::test]
async fn with_all_alarms_raised_the_smoke_test_alone_guards_the_update() {
    let next = next_run(json!({})).await;
    next.sagemaker.set_alarm(ERRORS, true);
    next.sagemaker.set_alarm(LATENCY, true);
    next.sagemaker.script_answer("text/csv", "no number\n");
    let error = next.drive().await.unwrap_err();
    assert_eq!(error.name(), ErrorName::SmokeTestFailed);
    assert_eq!(next.config().await, name_of(20));

    next.drive().await.unwrap();
    assert!(armed(&next).is_empty());
    let record = next.record().await.unwrap();
    assert_eq!(record.alarms_left_out, [ERRORS, LATENCY]);
}

#[tokio::test]
async fn a_rollback_names_the_alarms_that_could_roll_back_and_those_left_out() {
    let next = next_run(json!({})).await;
    next.sagemaker.set_alarm(ERRORS, true);
    next.sagemaker
        .script_endpoint(EndpointOutcome::RollsBack(None));
    let error = next.drive().await.unwrap_err();
    assert_eq!(error.name(), ErrorName::RolledBack);
    let text = error.to_string();
    let (could, left_out) = text.split_once("in ALARM before the update").unwrap();
    assert!(
        could.contains(LATENCY) && !could.contains(ERRORS) && left_out.contains(ERRORS),
        "{text}"
    );
}

#[tokio::test]
async fn an_alarm_of_the_definition_that_does_not_exist_is_refused_before_the_update() {
    let guardrails = json!({"alarms": ["pages", "queue"]});
    let next = next_run(json!({"guardrails": guardrails})).await;
    next.sagemaker.set_alarm("pages", false);
    let error = next.drive().await.unwrap_err();
    assert_eq!(error.name(), ErrorName::InvalidDefinition);
    let text = error.to_string();
    assert!(text.contains("queue") && !text.contains("pages"), "{text}");
    assert_eq!(next.count("UpdateEndpoint"), 0);

    next.sagemaker.set_alarm("queue", false);
    next.drive().await.unwrap();
    assert_eq!(armed(&next), ["pages", "queue"]);
}
