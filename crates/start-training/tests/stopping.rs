//! The jobs of an execution that was aborted or timed out are stopped; those of any other are not.

#![allow(clippy::unwrap_used)] // A test that cannot continue has failed.

mod support;

use contract::stop::{StopOutput, StopRequest};
use contract::{ErrorName, ExecutionStatus, Named, Names, ServiceError};
use lake::executions::{DescribeExecution, ExecutionRecord};
use lake::{ObjectStore, documents};
use sagemaker_ports::memory::Fault;
use sagemaker_ports::{
    Endpoints, MemorySageMaker, TrainingJobs, TransformStatus, Transforms, conformance,
};
use serde_json::{Value, json};
use start_training::{StartTrainingError, stop};
use std::time::Duration;
use support::{EXECUTION, PIPELINE, START, World, job, keys, run};

/// The only execution that there is.
struct Ended(ExecutionStatus, &'static str, u32);

impl DescribeExecution for Ended {
    async fn execution(&self, arn: &str) -> Result<ExecutionRecord, ServiceError> {
        assert_eq!(arn, EXECUTION);
        let Self(status, input, redrives) = *self;
        Ok(ExecutionRecord {
            status,
            start_time: START.to_owned(),
            input: input.to_owned(),
            redrives,
            stopped: None,
            failure: None,
        })
    }
}

const ABORTED: Ended = Ended(ExecutionStatus::Aborted, "{}", 0);

async fn stop_at(world: &World, ended: &Ended) -> Result<StopOutput, StartTrainingError> {
    let execution = EXECUTION.to_owned();
    let request = StopRequest { execution };
    stop(&world.store, &world.sagemaker, ended, request).await
}

/// The operations that stopped something.
fn stops(sagemaker: &MemorySageMaker) -> Vec<String> {
    let log = sagemaker.log().into_iter();
    log.filter(|line| line.starts_with("Stop")).collect()
}

/// Changes the definition of the run's plan.
async fn define(world: &World, section: &str, value: Value) {
    let mut plan: Value = documents::read(&world.store, &keys().plan(), "the plan")
        .await
        .unwrap();
    plan["definition"][section] = value;
    documents::write(&world.store, &keys().plan(), &plan)
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_aborted_run_stops_its_training_job_and_a_redrive_begins_the_next_one() {
    let mut world = World::new(1).await;
    world.call().await.unwrap();
    let stopped = stop_at(&world, &ABORTED).await.unwrap();
    assert_eq!(stopped.stopped, [format!("training job {}", job())]);
    assert_eq!(
        (stopped.run, stopped.status),
        (Some(run()), ExecutionStatus::Aborted)
    );
    assert_eq!(
        stops(&world.sagemaker),
        [format!("StopTrainingJob {}", job())]
    );

    let again = stop_at(&world, &ABORTED).await.unwrap();
    assert_eq!((again.stopped.len(), stops(&world.sagemaker).len()), (0, 1));
    assert_eq!(again.reason, "none of its jobs is in progress");

    let late = world.call().await.unwrap_err();
    assert_eq!(late.name(), ErrorName::TrainingStopped);
    assert!(late.to_string().contains("which is ABORTED"), "{late}");
    let done = world.redrive().await.unwrap();
    assert_eq!(done.training_job, format!("{}-2", job()));
}

#[tokio::test(start_paused = true)]
async fn a_timed_out_run_stops_its_tuning_job() {
    let world = World::new(1).await;
    let tuning =
        json!({"maxJobs": 2, "ranges": {"rate": {"continuous": {"minimum": 0.1, "maximum": 0.5}}}});
    world
        .plan(json!({"tuning": tuning, "hyperparameters": {"factors": 16}}))
        .await;
    world.call().await.unwrap();
    let ended = Ended(ExecutionStatus::TimedOut, "{}", 0);
    let stopped = stop_at(&world, &ended).await.unwrap();
    let name = Names::tuning_job(PIPELINE, &run(), 1);
    assert_eq!(stopped.stopped, [format!("tuning job {name}")]);
    let asked = [format!("StopHyperParameterTuningJob {name}")];
    assert_eq!(stops(&world.sagemaker), asked);
}

#[tokio::test(start_paused = true)]
async fn transform_jobs_of_a_comparison_and_of_a_batch_are_stopped() {
    let world = World::new(1).await;
    world.drive().await.unwrap();
    let promotion = json!({"metric": "validation:rmse", "goal": "minimize", "reevaluate": {"instanceType": "ml.m5.large"}});
    define(&world, "promotion", promotion).await;
    let batch = json!({"input": "validation", "instanceType": "ml.m5.large"});
    define(&world, "batch", batch).await;
    let model = conformance::model("model", "image", "s3://lake/model.tar.gz");
    world.sagemaker.create_model(&model).await.unwrap();
    let names = [
        Names::judging_job(PIPELINE, &run(), Names::CHALLENGER, 1),
        Names::judging_job(PIPELINE, &run(), Names::CHAMPION, 1),
        Names::job(PIPELINE, &run(), 1),
    ];
    for name in &names {
        let spec = conformance::transform_spec(name, "model");
        world.sagemaker.create_transform(&spec).await.unwrap();
    }
    let stopped = stop_at(&world, &ABORTED).await.unwrap().stopped;
    assert_eq!(
        stopped,
        names.each_ref().map(|name| format!("transform job {name}"))
    );
    for (name, key) in names.iter().zip([
        keys().comparison_attempt(Names::CHALLENGER),
        keys().comparison_attempt(Names::CHAMPION),
        keys().transform_attempt(),
    ]) {
        let info = world.sagemaker.describe_transform(name).await.unwrap();
        assert_eq!(info.unwrap().status, TransformStatus::Stopped, "{name}");
        let attempt: Value = documents::read(&world.store, &key, "an attempt")
            .await
            .unwrap();
        assert_eq!(attempt["attempt"], 2, "{name}");
        assert_eq!(attempt["failure"]["name"], "TransformFailed", "{name}");
    }
    let training = world.store.get(&keys().training_attempt()).await;
    assert!(
        training.is_err(),
        "the completed training job keeps its attempt"
    );
}

#[tokio::test(start_paused = true)]
async fn every_other_end_stops_nothing() {
    let world = World::new(1).await;
    world.call().await.unwrap();
    for (status, reason) in [
        (
            ExecutionStatus::Failed,
            "a redrive of a failed execution continues with its job",
        ),
        (ExecutionStatus::Running, "it was redriven and runs again"),
        (
            ExecutionStatus::PendingRedrive,
            "it was redriven and runs again",
        ),
        (ExecutionStatus::Succeeded, "it succeeded"),
    ] {
        let output = stop_at(&world, &Ended(status, "{}", 0)).await.unwrap();
        assert_eq!((output.reason.as_str(), output.stopped.len()), (reason, 0));
    }
    assert!(stops(&world.sagemaker).is_empty());
    assert!(world.drive().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn an_execution_without_a_plan_has_no_jobs() {
    let world = World::new(1).await;
    world.call().await.unwrap();
    for (input, reason) in [
        ("[]", "its input names no pipeline"),
        (r#"{"pipeline": 7}"#, "its input names no pipeline"),
        (
            r#"{"pipeline": "other"}"#,
            "it ended before its run was planned",
        ),
    ] {
        let ended = Ended(ExecutionStatus::Aborted, input, 0);
        let output = stop_at(&world, &ended).await.unwrap();
        assert_eq!((output.reason.as_str(), output.stopped.len()), (reason, 0));
    }
    assert!(stops(&world.sagemaker).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_job_that_a_last_call_creates_after_the_first_look_is_stopped_too() {
    let world = World::new(1).await;
    let late = async {
        tokio::time::sleep(Duration::from_secs(15)).await;
        world.call().await.unwrap();
    };
    let (stopped, ()) = tokio::join!(stop_at(&world, &ABORTED), late);
    assert_eq!(
        stopped.unwrap().stopped,
        [format!("training job {}", job())]
    );
}

#[tokio::test(start_paused = true)]
async fn a_job_that_ends_by_itself_in_between_keeps_its_result() {
    let mut world = World::new(1).await;
    world.call().await.unwrap();
    for _ in 0..3 {
        // The next description is the last one in progress.
        world.sagemaker.describe(&job()).await.unwrap();
    }
    let output = stop_at(&world, &ABORTED).await.unwrap();
    assert!(output.stopped.is_empty(), "{output:?}");
    let done = world.redrive().await.unwrap();
    assert_eq!(done.training_job, job());
}

#[tokio::test(start_paused = true)]
async fn a_stop_that_is_refused_is_an_error() {
    let world = World::new(1).await;
    world.call().await.unwrap();
    let denied = ErrorName::AccessDenied;
    world
        .sagemaker
        .refuse("StopTrainingJob", denied, "AccessDeniedException", "no");
    let error = stop_at(&world, &ABORTED).await.unwrap_err();
    assert_eq!(error.name(), denied);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_lost_anywhere_is_repeated_to_the_same_end() {
    for fault in [Fault::RequestLost, Fault::AnswerLost] {
        for number in 0.. {
            let mut world = World::new(1).await;
            world.call().await.unwrap();
            world.sagemaker.fail_call(number, fault);
            let first = stop_at(&world, &ABORTED).await;
            if !world.sagemaker.has_failed() {
                assert!(number >= 3, "describe, stop, describe: {number}");
                break;
            }
            if first.is_err() {
                stop_at(&world, &ABORTED).await.unwrap();
            }
            assert_eq!(stops(&world.sagemaker).len(), 1, "{fault:?} {number}");
            let done = world.redrive().await.unwrap();
            assert_eq!(done.training_job, format!("{}-2", job()), "{number}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_attempt_of_a_redriven_execution_is_stopped_by_its_own_name() {
    let mut world = World::new(1).await;
    world.call().await.unwrap();
    stop_at(&world, &ABORTED).await.unwrap();
    world.redrives = 1;
    world.call().await.unwrap();
    let ended = Ended(ExecutionStatus::Aborted, "{}", 1);
    let stopped = stop_at(&world, &ended).await.unwrap().stopped;
    assert_eq!(stopped, [format!("training job {}-2", job())]);
}
