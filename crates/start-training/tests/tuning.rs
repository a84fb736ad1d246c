//! Every end of a tuning job, called again and again, and through crashes at every point.

#![allow(clippy::unwrap_used)] // A test that cannot continue has failed.

mod support;

use contract::{ErrorName, Named, Names};
use lake::ObjectStore;
use lake::memory::poll_at_most;
use sagemaker_ports::TrainingJobs;
use sagemaker_ports::memory::{Fault, JobOutcome, TuningOutcome};
use serde_json::{Value, json};
use support::{PIPELINE, World, keys, run};

fn tuning_job() -> String {
    Names::tuning_job(PIPELINE, &run(), 1)
}

fn rmse(value: f64) -> JobOutcome {
    JobOutcome::Completes([("validation:rmse".to_owned(), value)].into())
}

/// A world whose definition has a tuning job, with these extra fields of `training`.
async fn world(more: Value) -> World {
    let world = World::new(1).await;
    let mut training = json!({
        "hyperparameters": {"factors": 16},
        "tuning": {"strategy": "random", "maxJobs": 3, "seed": 7, "ranges": {
            "rate": {"continuous": {"minimum": 0.01, "maximum": 0.5, "scale": "logarithmic"}},
            "epochs": {"categorical": [5, 10]},
        }},
    });
    for (field, value) in more.as_object().unwrap() {
        training[field] = value.clone();
    }
    world.plan(training).await;
    world
}

#[tokio::test]
async fn the_best_training_job_becomes_the_one_of_the_run() {
    let world = world(json!({"spot": {"maxWaitSeconds": 7200}})).await;
    let jobs = vec![
        rmse(0.7),
        rmse(0.4),
        JobOutcome::Fails("AlgorithmError".to_owned()),
    ];
    world.sagemaker.script_tuning(TuningOutcome::Ends(jobs));
    let first = world.call().await.unwrap();
    assert_eq!(
        (first.training_job, first.phase.as_str()),
        (tuning_job(), "Starting")
    );
    let second = world.call().await.unwrap();
    assert_eq!(second.phase, "Tuning: 0 of 3 jobs ended");
    let done = world.drive().await.unwrap();
    let best = format!("{}-002-1a2b3c4d", tuning_job());
    assert_eq!(done.training_job, best);
    assert_eq!(
        world.sagemaker.log(),
        [format!("CreateHyperParameterTuningJob {}", tuning_job())]
    );

    let record = world.record().await;
    assert_eq!(record.job, best);
    assert_eq!(record.metrics.get("validation:rmse"), Some(&0.4));
    assert!(record.artifact.contains(&best), "{}", record.artifact);
    let tuning = record.tuning.unwrap();
    assert_eq!(
        (tuning.job, tuning.completed, tuning.failed, tuning.stopped),
        (tuning_job(), 2, 1, 0)
    );
    assert_eq!(tuning.hyperparameters["epochs"], "10");

    let spec = world.sagemaker.tuning(&tuning_job()).unwrap();
    assert_eq!(spec.training.hyperparameters["factors"], "16");
    assert_eq!(spec.training.tags["millrace:run"], run().as_str());
    let json = serde_json::to_value(&spec).unwrap();
    assert_eq!(json["metric"], "validation:rmse");
    assert_eq!(json["goal"], "minimize");
    // SageMaker only has text values; the comparison with its description must accept that.
    assert_eq!(json["ranges"]["epochs"]["categorical"], json!(["5", "10"]));
    assert_eq!(json["training"]["maxWaitSeconds"], 7200);
    assert_eq!(
        json["training"]["checkpoints"],
        Value::Null,
        "the jobs would resume from one another's"
    );
}

#[tokio::test]
async fn every_other_end_has_its_name_and_all_reasons() {
    let fails = |reason: &str| JobOutcome::Fails(reason.to_owned());
    let cases = [
        (
            TuningOutcome::Fails(
                "No training job succeeded".to_owned(),
                vec![
                    fails("AlgorithmError: exit code 1"),
                    fails("ClientError: no data"),
                ],
            ),
            ErrorName::TrainingFailed,
            "0 completed, 2 failed and 0 were stopped: No training job succeeded; AlgorithmError: \
             exit code 1; ClientError: no data",
        ),
        (
            TuningOutcome::Ends(vec![JobOutcome::Completes([].into())]),
            ErrorName::TrainingFailed,
            "none of its training jobs has reached a value of validation:rmse",
        ),
        (
            TuningOutcome::Fails(
                "No training job succeeded".to_owned(),
                vec![fails("CapacityError: Unable to provision")],
            ),
            ErrorName::CapacityUnavailable,
            "no ml.m5.large",
        ),
        (
            TuningOutcome::Stops,
            ErrorName::TrainingStopped,
            "by hand (StopHyperParameterTuningJob)",
        ),
    ];
    for (outcome, name, words) in cases {
        let mut world = world(json!({"capacityWaitMinutes": 0})).await;
        world.sagemaker.script_tuning(outcome);
        let error = world.drive().await.unwrap_err();
        let text = error.to_string();
        assert_eq!(error.name(), name, "{text}");
        assert!(
            text.contains(words) && text.contains(&tuning_job()),
            "{text}"
        );
        assert!(world.store.get(&keys().training()).await.is_err());
        let again = world.drive().await.unwrap_err();
        assert_eq!((again.name(), again.to_string()), (name, text));
        // A redrive searches again, under another name.
        world.redrive().await.unwrap();
        let again = Names::tuning_job(PIPELINE, &run(), 2);
        assert_eq!(world.record().await.tuning.unwrap().job, again);
    }
}

#[tokio::test]
async fn a_quota_is_waited_out_and_the_tuning_job_created_under_its_name() {
    let world = world(json!({})).await;
    let name = ErrorName::ResourceLimitExceeded;
    world
        .sagemaker
        .refuse("CreateHyperParameterTuningJob", name, "Code", "no");
    assert_eq!(world.call().await.unwrap().phase, "WaitingForCapacity");
    world.drive().await.unwrap();
    assert_eq!(world.record().await.tuning.unwrap().job, tuning_job());
}

#[tokio::test]
async fn a_tuning_job_of_the_same_name_that_differs_is_a_conflict() {
    let world = world(json!({})).await;
    let spec = sagemaker_ports::conformance::tuning_spec(&tuning_job(), "s3://elsewhere");
    world.sagemaker.plant_tuning(&spec);
    let error = world.call().await.unwrap_err();
    assert_eq!(error.name(), ErrorName::Conflict);
    let text = error.to_string();
    for words in ["the tuning job", "ranges.loss is ", "training.image is "] {
        assert!(text.contains(words), "{text}");
    }
}

#[tokio::test]
async fn a_best_job_that_is_not_visible_yet_is_polled_again() {
    let world = world(json!({})).await;
    let best = format!("{}-001-1a2b3c4d", tuning_job());
    world.call().await.unwrap();
    assert!(world.sagemaker.describe(&best).await.unwrap().is_some());
    world.drive().await.unwrap();
    assert_eq!(world.record().await.job, best);
}

#[tokio::test]
async fn a_crash_at_any_point_of_any_call_ends_in_the_same_place() {
    let whole = world(json!({})).await;
    whole.drive().await.unwrap();
    let wanted = whole.record().await;
    for polls in 0..60 {
        let world = world(json!({})).await;
        for _ in 0..5 {
            let _ = poll_at_most(polls, world.call());
        }
        world.drive().await.unwrap();
        assert_eq!(world.record().await, wanted, "after {polls} polls");
        assert_eq!(world.sagemaker.log().len(), 1, "after {polls} polls");
    }
}

#[tokio::test]
async fn a_crash_before_a_failure_is_reported_creates_no_other_tuning_job() {
    for polls in 0..60 {
        let mut world = world(json!({})).await;
        let failed = vec![JobOutcome::Fails("AlgorithmError".to_owned())];
        let outcome = TuningOutcome::Fails("No training job succeeded".to_owned(), failed);
        world.sagemaker.script_tuning(outcome);
        for _ in 0..6 {
            let _ = poll_at_most(polls, world.call());
        }
        let error = world.drive().await.unwrap_err();
        assert_eq!(error.name(), ErrorName::TrainingFailed);
        assert_eq!(world.sagemaker.log().len(), 1, "after {polls} polls");
        world.redrive().await.unwrap();
        assert_eq!(world.sagemaker.log().len(), 2, "after {polls} polls");
    }
}

#[tokio::test]
async fn a_lost_request_or_answer_at_any_call_ends_in_the_same_place() {
    let whole = world(json!({})).await;
    whole.drive().await.unwrap();
    let wanted = whole.record().await;
    for fault in [Fault::RequestLost, Fault::AnswerLost] {
        for number in 0.. {
            let world = world(json!({})).await;
            world.sagemaker.fail_call(number, fault);
            if let Err(error) = world.drive().await {
                assert_eq!(error.name(), ErrorName::ServiceUnavailable);
                // As the state machine's retry does.
                world.drive().await.unwrap();
            }
            assert_eq!(world.record().await, wanted, "call {number}");
            assert_eq!(world.sagemaker.log().len(), 1, "call {number}");
            if !world.sagemaker.has_failed() {
                assert!(number > 4, "only {number} calls to fail");
                break;
            }
        }
    }
}
