//! Crashes at every point.

use crate::support::{World, name_of};
use contract::{ErrorName, Named};
use lake::memory::poll_at_most;
use lake::{ObjectStore, documents};
use sagemaker_ports::memory::EndpointOutcome;
use serde_json::json;

#[tokio::test]
async fn a_crash_at_any_point_of_any_call_ends_in_the_same_place() {
    let mut polls = 0;
    loop {
        let world = World::new(19).await;
        world.drive().await.unwrap();
        let mut world = world.next(20).await;
        world.drive().await.unwrap();
        world = world.next(21).await;
        world.plan(json!({"keep": 2})).await;
        // Six polls complete the deployment; each of them dies at the same point first.
        let mut died = false;
        for _ in 0..6 {
            died |= poll_at_most(polls, world.call()).is_none();
        }
        world.drive().await.unwrap();
        assert_eq!(world.config().await, name_of(21), "after {polls} polls");
        let champion = world.champion().await.unwrap();
        assert_eq!(champion.previous_endpoint_config, Some(name_of(20)));
        let record = world.record().await.unwrap();
        assert_eq!(record.previous_endpoint_config, Some(name_of(20)));
        assert_eq!(world.sagemaker.configs(), [20, 21].map(name_of));
        assert_eq!(world.sagemaker.models(), [20, 21].map(name_of));
        assert_eq!(world.count("UpdateEndpoint"), 2, "after {polls} polls");
        if !died {
            break;
        }
        polls += 1;
    }
    assert!(polls > 35, "only {polls} points to crash at");
}

#[tokio::test]
async fn a_crash_around_an_update_that_is_rolled_back_still_reports_the_rollback() {
    for polls in 0..60 {
        let world = World::new(20).await;
        world.drive().await.unwrap();
        let next = world.next(21).await;
        // Twice, because the update may be requested once more.
        for _ in 0..2 {
            next.sagemaker
                .script_endpoint(EndpointOutcome::RollsBack(None));
        }
        let _ = poll_at_most(polls, next.call());
        let error = next.drive().await.unwrap_err();
        assert_eq!(
            error.name(),
            ErrorName::RolledBack,
            "after {polls} polls: {error}"
        );
        assert_eq!(next.champion().await.unwrap().run, world.run);
    }
}

#[tokio::test]
async fn the_intent_is_written_before_the_update_is_requested() {
    let world = World::new(20).await;
    world.drive().await.unwrap();
    let next = world.next(21).await;
    next.sagemaker.refuse(
        "UpdateEndpoint",
        ErrorName::ServiceRejected,
        "ValidationException",
        "no",
    );
    assert_eq!(
        next.call().await.unwrap_err().name(),
        ErrorName::ServiceRejected
    );
    let text = next
        .store
        .get(&next.keys().deployment_intent())
        .await
        .unwrap();
    let intent: serde_json::Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(intent, json!({"from": name_of(20), "to": name_of(21)}));
    // Not accepted, so it is requested again.
    next.drive().await.unwrap();
    let intent: lake::records::DeploymentIntent =
        documents::read(&next.store, &next.keys().deployment_intent(), "an intent")
            .await
            .unwrap();
    assert!(intent.requested_at.is_some());
}
