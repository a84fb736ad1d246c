//! Rollbacks by SageMaker and updates by somebody else.

use crate::support::{PIPELINE, World, name_of};
use contract::states::Status;
use contract::{ErrorName, Named};
use sagemaker_ports::memory::EndpointOutcome;
use sagemaker_ports::{Endpoints, Update};
use std::time::Duration;

#[tokio::test]
async fn a_rollback_is_reported_with_or_without_a_reason_and_can_be_retried() {
    for reason in [
        Some("the container did not pass the ping health check"),
        None,
    ] {
        let world = World::new(20).await;
        world.drive().await.unwrap();
        let next = world.next(21).await;
        let outcome = EndpointOutcome::RollsBack(reason.map(str::to_owned));
        next.sagemaker.script_endpoint(outcome);
        let error = next.drive().await.unwrap_err();
        let text = error.to_string();
        assert_eq!(error.name(), ErrorName::RolledBack, "{text}");
        assert!(text.contains(reason.unwrap_or("gives no reason")), "{text}");
        assert_eq!(next.champion().await.unwrap().run, world.run);
        assert_eq!(next.count("UpdateEndpoint"), 1);
        assert!(next.record().await.is_none());

        next.drive().await.unwrap();
        assert_eq!(next.config().await, name_of(21));
    }
}

#[tokio::test]
async fn a_lagging_description_is_no_rollback() {
    let mut world = World::new(20).await;
    world.settle = Duration::from_hours(1);
    world.drive().await.unwrap();
    let next = world.next(21).await;
    next.sagemaker
        .script_endpoint(EndpointOutcome::RollsBack(None));
    for _ in 0..10 {
        let output = next.call().await.unwrap();
        assert_eq!(output.status, Status::InProgress);
    }
    assert_eq!(next.count("UpdateEndpoint"), 1);
}

#[tokio::test]
async fn an_update_by_somebody_else_is_an_error() {
    let world = World::new(20).await;
    world.drive().await.unwrap();
    let next = world.next(21).await;
    next.call().await.unwrap();
    while next.config().await != name_of(21) {}
    next.plant("theirs").await;
    next.sagemaker
        .update_endpoint(PIPELINE, "theirs", Update::default())
        .await
        .unwrap();
    let error = next.drive().await.unwrap_err();
    assert_eq!(error.name(), ErrorName::Conflict);
    assert!(error.to_string().contains("theirs"), "{error}");
    assert_eq!(next.count("UpdateEndpoint"), 2);
}

#[tokio::test]
async fn an_update_of_others_before_ours_is_waited_for() {
    let world = World::new(20).await;
    world.drive().await.unwrap();
    let next = world.next(21).await;
    next.plant("theirs").await;
    next.sagemaker
        .update_endpoint(PIPELINE, "theirs", Update::default())
        .await
        .unwrap();
    next.drive().await.unwrap();
    assert_eq!(next.config().await, name_of(21));
    // A rollback returns to the champion's configuration, but the one in force before stays as
    // well.
    let champion = next.champion().await.unwrap();
    assert_eq!(champion.previous_endpoint_config, Some(name_of(20)));
}
