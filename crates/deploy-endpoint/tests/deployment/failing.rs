//! Endpoints that cannot serve, and models that do not answer.

use crate::support::{World, name_of};
use contract::{ErrorName, Named};
use lake::memory::poll_at_most;
use sagemaker_ports::EndpointStatus;
use sagemaker_ports::memory::{EndpointOutcome, Fault};

#[tokio::test]
async fn every_final_status_is_reported_with_its_reason() {
    for status in [
        EndpointStatus::Failed,
        EndpointStatus::OutOfService,
        EndpointStatus::Deleting,
        EndpointStatus::UpdateRollbackFailed,
    ] {
        let world = World::new(20).await;
        let outcome = EndpointOutcome::Ends(status, "no memory left".to_owned());
        world.sagemaker.script_endpoint(outcome);
        for _ in 0..2 {
            let error = world.drive().await.unwrap_err();
            let text = error.to_string();
            assert_eq!(error.name(), ErrorName::DeploymentFailed);
            assert!(
                text.contains(status.as_str()) && text.contains("no memory left"),
                "{text}"
            );
        }
        assert!(world.champion().await.is_none());
    }
}

const BAD: &str = "0.5\nNaN\n0.5\n0.5\n0.5\n";

#[tokio::test]
async fn a_model_that_fails_the_smoke_test_is_rolled_back_to_the_champion() {
    let world = World::new(20).await;
    world.drive().await.unwrap();
    let next = world.next(21).await;
    next.sagemaker.script_answer("text/csv", BAD);
    let error = next.drive().await.unwrap_err();
    assert_eq!(error.name(), ErrorName::SmokeTestFailed);
    let text = error.to_string();
    assert!(
        text.contains("NaN") && text.contains(&format!("rolled back to {}", name_of(20))),
        "{text}"
    );
    assert_eq!(next.champion().await.unwrap().run, world.run);
    assert_eq!(next.config().await, name_of(20), "nothing is left half-way");
    // A redrive tries again.
    next.drive().await.unwrap();
    assert_eq!(next.champion().await.unwrap().run, next.run);
}

#[tokio::test]
async fn a_failed_smoke_test_whose_rollback_is_impossible_reports_both() {
    let world = World::new(20).await;
    world.drive().await.unwrap();
    let next = world.next(21).await;
    next.sagemaker.script_answer("text/csv", BAD);
    let (code, message) = (
        "ValidationException",
        "Could not find endpoint configuration.",
    );
    // The first update is the run's, the second the rollback.
    next.drive_until_update().await;
    next.sagemaker
        .refuse("UpdateEndpoint", ErrorName::NotFound, code, message);
    let error = next.drive().await.unwrap_err();
    assert_eq!(error.name(), ErrorName::SmokeTestFailed, "{error}");
    let text = error.to_string();
    let gone = format!("configuration {} no longer exists", name_of(20));
    let serves = format!("{}, which is not verified, serves now", name_of(21));
    assert!(
        text.contains("NaN") && text.contains(&gone) && text.contains(&serves),
        "{text}"
    );
    // A redrive repeats the request.
    next.drive().await.unwrap();
    assert_eq!(next.champion().await.unwrap().run, next.run);
}

#[tokio::test]
async fn a_first_model_that_fails_the_smoke_test_cannot_be_rolled_back() {
    let world = World::new(20).await;
    world.sagemaker.script_answer("text/csv", BAD);
    let error = world.drive().await.unwrap_err();
    assert_eq!(error.name(), ErrorName::SmokeTestFailed, "{error}");
    assert!(world.champion().await.is_none());
    world.drive().await.unwrap();
}

#[tokio::test]
async fn a_crash_during_the_rollback_still_ends_on_the_champion() {
    for polls in 0..60 {
        let world = World::new(20).await;
        world.drive().await.unwrap();
        let next = world.next(21).await;
        // Every answer of the new model is bad, also after a repeated request.
        for _ in 0..8 {
            next.sagemaker.script_answer("text/csv", BAD);
        }
        for _ in 0..6 {
            let _ = poll_at_most(polls, next.call());
        }
        let mut told = 0;
        for _ in 0..20 {
            if let Err(error) = next.call().await {
                assert_eq!(error.name(), ErrorName::SmokeTestFailed, "{error}");
                told += 1;
                break;
            }
        }
        assert_eq!(told, 1, "after {polls} polls");
        assert_eq!(next.champion().await.unwrap().run, world.run);
        assert_eq!(next.config().await, name_of(20), "after {polls} polls");
    }
}

#[tokio::test]
async fn a_lost_request_or_answer_at_any_call_ends_in_the_same_place() {
    for fault in [Fault::RequestLost, Fault::AnswerLost] {
        for number in 0.. {
            let world = World::new(20).await;
            world.drive().await.unwrap();
            let next = world.next(21).await;
            next.sagemaker.fail_call(number, fault);
            if let Err(error) = next.drive().await {
                assert_eq!(error.name(), ErrorName::ServiceUnavailable, "{error}");
                next.drive().await.unwrap();
            }
            if !next.sagemaker.has_failed() {
                assert!(number > 10, "only {number} calls to fail");
                break;
            }
            assert_eq!(next.config().await, name_of(21), "call {number}");
            assert_eq!(next.champion().await.unwrap().run, next.run);
            assert_eq!(next.count("CreateModel"), 2, "call {number}");
        }
    }
}
