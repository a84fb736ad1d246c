//! Brings about a run's training job: describe, create if absent, compare, tell its end.
//!
//! It must not know how the dataset came about nor what the model is judged by.

mod error;
mod shortage;
mod told;
mod wanted;

pub use error::StartTrainingError;

use contract::states::{RunInput, StartTrainingOutput, Status};
use contract::{ErrorName, Invocation, Named, Names};
use lake::records::{DatasetRecord, Plan, TrainingAttempt, TrainingRecord};
use lake::{ObjectStore, RunKeys, documents};
use model::{TrainingInfo, TrainingJobs, TrainingSpec, TrainingStatus, wait_seconds};

/// What a job that has just been asked for is at, in SageMaker's words.
const STARTING: &str = "Starting";

/// What the function is set up with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The role that SageMaker assumes where the definition names none.
    pub role_arn: String,
    /// The region, whose registry holds the built-in algorithms' images.
    pub region: String,
}

/// One look at the run's training job, which is created by the first.
///
/// # Errors
/// If the job ends otherwise than `Completed`, cannot be created, or is not the one wanted.
pub async fn handle(
    store: &impl ObjectStore,
    jobs: &impl TrainingJobs,
    settings: &Settings,
    input: RunInput,
    invocation: Invocation,
) -> Result<StartTrainingOutput, StartTrainingError> {
    let keys = RunKeys::new(&input.pipeline, &input.run);
    let answer = |status, job: String, phase: &str, wait_seconds| StartTrainingOutput {
        status,
        pipeline: input.pipeline.clone(),
        run: input.run.clone(),
        training_job: job,
        phase: phase.to_owned(),
        wait_seconds,
    };
    let done =
        documents::read_if_there::<TrainingRecord>(store, &keys.training(), TRAINING).await?;
    if let Some(done) = done {
        return Ok(answer(Status::Done, done.job, COMPLETED, 0));
    }

    let plan: Plan = documents::read(store, &keys.plan(), "the run's plan").await?;
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
    let attempt = attempt(store, &keys).await?;
    let name = job_name(&keys, attempt.attempt);
    let spec = wanted::spec(store.bucket(), &keys, &plan, &dataset, settings, name)?;
    let shortage = shortage::Shortage {
        store,
        keys: &keys,
        limit_seconds: plan
            .definition
            .training
            .capacity_wait_minutes
            .saturating_mul(60),
        seed: &invocation.attempt,
    };

    let info = match found_or_created(jobs, &spec).await {
        Ok(Some(info)) => info,
        Ok(None) => {
            let wait = wait_seconds(0);
            return Ok(answer(Status::InProgress, spec.name, STARTING, wait));
        }
        // No job came about, so its name is still free.
        Err(error) if error.may_pass() => {
            let wait = shortage
                .wait_or_fail(attempt, attempt.attempt, error)
                .await?;
            return Ok(answer(Status::InProgress, spec.name, WAITING, wait));
        }
        Err(error) => return Err(error),
    };
    let differences = spec.differences(&info.spec);
    if !differences.is_empty() {
        return Err(StartTrainingError::NotOurs {
            job: spec.name,
            differences: differences.join("; "),
        });
    }
    match info.status {
        // Only at its end does a stopping job tell what stopped it.
        TrainingStatus::InProgress | TrainingStatus::Stopping => {
            let wait = wait_seconds(info.age_seconds);
            Ok(answer(Status::InProgress, spec.name, &info.secondary, wait))
        }
        TrainingStatus::Completed => {
            let record = record(&spec, info, &settings.region)?;
            // Losing means that another call saw the same end of the same job.
            documents::commit(store, &keys.training(), &record).await?;
            tracing::info!(job = spec.name, metrics = ?record.metrics, "the training job completed");
            Ok(answer(Status::Done, spec.name, COMPLETED, 0))
        }
        TrainingStatus::Failed | TrainingStatus::Stopped => {
            // The name is used up, so whoever calls again after this error (a retry, a redrive)
            // means another job: the attempt is closed before its failure is told.
            let job = spec.name.clone();
            let next = attempt.attempt + 1;
            let error = StartTrainingError::of_end(spec, info, &settings.region);
            let wait = shortage.wait_or_fail(attempt, next, error).await?;
            Ok(answer(Status::InProgress, job, WAITING, wait))
        }
    }
}

/// There are no machines, or a quota is used up: the step asks again later.
const WAITING: &str = "WaitingForCapacity";
const TRAINING: &str = "the record of a training job";
const COMPLETED: &str = "Completed";

async fn attempt(
    store: &impl ObjectStore,
    keys: &RunKeys,
) -> Result<TrainingAttempt, StartTrainingError> {
    let key = keys.training_attempt();
    let attempt: Option<TrainingAttempt> =
        documents::read_if_there(store, &key, "the number of a training attempt").await?;
    Ok(attempt.unwrap_or(TrainingAttempt {
        attempt: 1,
        refusals: 0,
        waited_seconds: 0,
    }))
}

/// The first attempt has the run's own name; SageMaker's 63 characters leave room for the suffix.
fn job_name(keys: &RunKeys, attempt: u32) -> String {
    let name = Names::run_resource(keys.pipeline(), keys.run());
    if attempt == 1 {
        return name;
    }
    format!("{name}-{attempt}")
}

/// The job that is there, or `None` if it has just been asked for and does not show yet.
async fn found_or_created(
    jobs: &impl TrainingJobs,
    spec: &TrainingSpec,
) -> Result<Option<TrainingInfo>, StartTrainingError> {
    if let Some(info) = jobs.describe(&spec.name).await? {
        return Ok(Some(info));
    }
    match jobs.create(spec).await {
        Ok(()) => {
            tracing::info!(job = spec.name, "created the training job");
            Ok(None)
        }
        // Taken since the look above, or by a job that does not show yet: what is there is
        // compared now or at the next look.
        Err(error) if error.name() == ErrorName::Conflict => Ok(jobs.describe(&spec.name).await?),
        Err(error) => Err(error.into()),
    }
}

fn record(
    spec: &TrainingSpec,
    info: TrainingInfo,
    region: &str,
) -> Result<TrainingRecord, StartTrainingError> {
    let artifact = info
        .artifact
        .ok_or_else(|| StartTrainingError::ArtifactMissing {
            job: spec.name.clone(),
            log: error::log_of(&spec.name, region),
        })?;
    Ok(TrainingRecord {
        job: spec.name.clone(),
        image: spec.image.clone(),
        artifact,
        // JSON has no word for what is no number; the judge then finds the metric missing.
        metrics: info
            .metrics
            .into_iter()
            .filter(|(_, value)| value.is_finite())
            .collect(),
        billable_seconds: info.billable_seconds,
    })
}
