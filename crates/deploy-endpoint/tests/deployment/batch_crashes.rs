//! Crashes and lost calls of a deployment that is a transform job.

use crate::batch::{predict, scoring};
use crate::support::{World, name_of};
use contract::{ErrorName, Named};
use lake::memory::poll_at_most;
use sagemaker_ports::TransformStatus;
use sagemaker_ports::memory::{Fault, TransformOutcome};

const PREDICTIONS: &str = "1\n2\n3\n4\n5\n6\n7\n";

#[tokio::test]
async fn a_crash_at_any_point_of_any_call_ends_in_the_same_place() {
    let mut polls = 0;
    loop {
        let world = scoring(World::new(20).await).await;
        world.drive().await.unwrap();
        let next = scoring(world.next(21).await).await;
        // Four polls complete the job; each of them dies at the same point first.
        let mut died = false;
        for _ in 0..4 {
            died |= poll_at_most(polls, next.call()).is_none();
        }
        next.drive().await.unwrap();
        assert_eq!(next.champion().await.unwrap().run, next.run);
        let transform = next.record().await.unwrap().transform.unwrap();
        assert_eq!((transform.job, transform.rows), (name_of(21), Some(7)));
        assert_eq!(
            next.sagemaker.models(),
            [name_of(21)],
            "after {polls} polls"
        );
        assert_eq!(next.count("CreateTransformJob"), 2, "after {polls} polls");
        if !died {
            break;
        }
        polls += 1;
    }
    assert!(polls > 15, "only {polls} points to crash at");
}

#[tokio::test]
async fn a_crash_around_a_job_that_fails_never_makes_the_model_champion_before_another_scored() {
    for polls in 0..60 {
        let world = scoring(World::new(20).await).await;
        world.drive().await.unwrap();
        let next = scoring(world.next(21).await).await;
        let outcome = TransformOutcome::Ends(TransformStatus::Failed, "no memory".to_owned());
        next.sagemaker.script_transform(outcome);
        for _ in 0..5 {
            if let Some(Err(error)) = poll_at_most(polls, next.call()) {
                assert_eq!(error.name(), ErrorName::TransformFailed, "{error}");
                break;
            }
        }
        // Whether the failure was reported or not, a retry reports it and creates no other job.
        let error = next.drive().await.unwrap_err();
        assert_eq!(error.name(), ErrorName::TransformFailed, "{error}");
        assert_eq!(next.count("CreateTransformJob"), 2, "after {polls} polls");
        assert_eq!(next.champion().await.unwrap().run, world.run);
        for _ in 0..2 {
            next.redrive();
            predict(&next, PREDICTIONS).await;
            if next.drive().await.is_ok() {
                break;
            }
        }
        assert_eq!(next.champion().await.unwrap().run, next.run);
        let job = next.record().await.unwrap().transform.unwrap().job;
        assert_eq!(job, format!("{}-2", name_of(21)), "after {polls} polls");
        assert_eq!(next.count("CreateTransformJob"), 3, "after {polls} polls");
    }
}

#[tokio::test]
async fn a_lost_request_or_answer_at_any_call_ends_in_the_same_place() {
    for fault in [Fault::RequestLost, Fault::AnswerLost] {
        for number in 0.. {
            let world = scoring(World::new(20).await).await;
            world.drive().await.unwrap();
            let next = scoring(world.next(21).await).await;
            next.sagemaker.fail_call(number, fault);
            if let Err(error) = next.drive().await {
                assert_eq!(error.name(), ErrorName::ServiceUnavailable, "{error}");
                next.drive().await.unwrap();
            }
            if !next.sagemaker.has_failed() {
                assert!(number > 5, "only {number} calls to fail");
                break;
            }
            assert_eq!(next.champion().await.unwrap().run, next.run);
            assert_eq!(next.sagemaker.models(), [name_of(21)], "call {number}");
            assert_eq!(next.count("CreateTransformJob"), 2, "call {number}");
        }
    }
}
