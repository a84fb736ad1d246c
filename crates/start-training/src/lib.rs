//! Starts a run's training job, or the tuning job that searches for the best one: describe, create
//! if absent, compare, report the end. Stops the jobs of a run whose execution was aborted.

mod capacity;
mod curve;
mod desired;
mod error;
mod hyperparameters;
mod job_state;
mod single;
mod stop;
mod tuning;

pub use error::StartTrainingError;
pub use stop::{JobKind, stop};

use contract::Invocation;
use contract::states::{JobInput, StartTrainingOutput, Status, Then};
use contract::stop::{StartTrainingAnswer, StartTrainingInput};
use job_state::{JobState, Run};
use lake::attempt::Attempts;
use lake::executions::DescribeExecution;
use lake::records::{DatasetRecord, Plan, TrainingRecord};
use lake::{ObjectStore, RunKeys, documents};
use sagemaker_ports::{TrainingJobs, TrainingLogs, Transforms, TuningJobs};

/// Configuration of the function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The role that SageMaker assumes where the definition names none.
    pub role_arn: String,
    /// ARN of the lake's KMS key. Without a key, SageMaker would write with the account's default
    /// key, whatever the bucket's is.
    pub lake_key: String,
    /// The stack's name, with which the jobs are tagged.
    pub stack: String,
    /// The region, whose registry holds the built-in algorithms' images.
    pub region: String,
}

/// Answers either input.
///
/// # Errors
/// As [`handle`] and [`stop`].
pub async fn answer<J: TrainingJobs + TuningJobs + Transforms>(
    store: &impl ObjectStore,
    jobs: &J,
    logs: &impl TrainingLogs,
    executions: &impl DescribeExecution,
    settings: &Settings,
    input: StartTrainingInput,
    invocation: Invocation,
) -> Result<StartTrainingAnswer, StartTrainingError> {
    Ok(match input {
        StartTrainingInput::Poll(input) => {
            let polled = Box::pin(handle(store, jobs, logs, settings, input, invocation));
            StartTrainingAnswer::Poll(polled.await?)
        }
        StartTrainingInput::Stop(request) => {
            let stopped = Box::pin(stop(store, jobs, executions, request));
            StartTrainingAnswer::Stop(stopped.await?)
        }
    })
}

/// Polls the run's training job or tuning job; the first call creates it.
///
/// # Errors
/// If the job ends otherwise than `Completed`, cannot be created, or differs from the desired one; or
/// if its log cannot be read.
pub async fn handle<S: TrainingJobs + TuningJobs>(
    store: &impl ObjectStore,
    jobs: &S,
    logs: &impl TrainingLogs,
    settings: &Settings,
    input: JobInput,
    invocation: Invocation,
) -> Result<StartTrainingOutput, StartTrainingError> {
    let keys = RunKeys::new(&input.pipeline, &input.run);
    let plan: Plan = documents::read(store, &keys.plan(), "the run's plan").await?;
    let training = plan.definition.training()?;
    let then = Then::if_any(plan.definition.promotion.as_ref());
    let answer = |status, job: String, phase: &str, wait_seconds| StartTrainingOutput {
        status,
        pipeline: input.pipeline.clone(),
        run: input.run.clone(),
        training_job: job,
        phase: phase.to_owned(),
        then,
        wait_seconds,
    };
    let done =
        documents::read_if_there::<TrainingRecord>(store, &keys.training(), TRAINING).await?;
    if let Some(done) = done {
        return Ok(answer(Status::Done, done.job, COMPLETED, 0));
    }

    let dataset: DatasetRecord = documents::read_if_there(store, &keys.dataset(), "a dataset")
        .await?
        .ok_or_else(|| StartTrainingError::DatasetNotSealed {
            bucket: store.bucket().to_owned(),
            key: keys.dataset(),
        })?;
    if dataset.rows.train == 0 {
        return Err(StartTrainingError::NoRows {
            rejected: dataset.rows.rejected,
        });
    }
    let attempts = Attempts {
        store,
        key: keys.training_attempt(),
        redrives: input.execution.redrive_count,
    };
    let attempt = attempts.current().await??;
    let backoff = capacity::CapacityBackoff {
        attempts,
        limit_seconds: training.capacity_wait_minutes.saturating_mul(60),
        seed: &invocation.attempt,
    };
    let run = Run {
        keys: &keys,
        plan: &plan,
        dataset: &dataset,
        bucket: store.bucket(),
        settings,
        attempt,
        backoff,
    };
    let state = match &training.tuning {
        None => single::poll(&run, jobs).await?,
        Some(tuning) => tuning::poll(&run, jobs, tuning).await?,
    };
    match state {
        JobState::InProgress { job, phase, wait } => {
            Ok(answer(Status::InProgress, job, &phase, wait))
        }
        JobState::Completed {
            mut record,
            metrics,
        } => {
            record.curves = curve::read(logs, &record.job, &metrics).await?;
            record.artifact_etag = lake::artifact::etag(store, &record.artifact).await?;
            // If another call committed first, it saw the same end of the same job.
            documents::commit(store, &keys.training(), &*record).await?;
            tracing::info!(job = record.job, metrics = ?record.metrics, "the training job completed");
            Ok(answer(Status::Done, record.job, COMPLETED, 0))
        }
    }
}

const TRAINING: &str = "the record of a training job";
const COMPLETED: &str = "Completed";
