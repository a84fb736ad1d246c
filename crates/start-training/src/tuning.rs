//! Polls the run's tuning job; the model of its best training job becomes the run's.

use crate::job_state::{JobState, Run, record};
use crate::{StartTrainingError, desired};
use contract::{Conflict, ErrorName, Named, Names};
use definition::Tuning;
use lake::ObjectStore;
use lake::records::TuningRecord;
use sagemaker_ports::{
    BestJob, TrainingJobs, TrainingStatus, TuningInfo, TuningJobs, TuningSpec, TuningStatus,
};

/// Creates the tuning job if there is none, compares it with the desired one, and returns its
/// state.
///
/// # Errors
/// If it ends without a completed training job, is stopped, cannot be created, or differs from the
/// desired one.
pub async fn poll<J: TrainingJobs + TuningJobs>(
    run: &Run<'_, impl ObjectStore>,
    jobs: &J,
    tuning: &Tuning,
) -> Result<JobState, StartTrainingError> {
    let name = Names::tuning_job(run.keys.pipeline(), run.keys.run(), run.attempt.attempt);
    let spec = desired::tuning_job(run, tuning, name)?;
    let info = match find_or_create(jobs, &spec).await {
        Ok(Some(info)) => info,
        Ok(None) => return Ok(JobState::starting(spec.name)),
        Err(error) => return run.refused(spec.name, error).await,
    };
    Conflict::check("tuning job", &spec.name, &spec.differences(&info.spec))?;
    match (info.status, info.best.clone()) {
        // A stopping job says only at its end whether it stopped or failed.
        (TuningStatus::InProgress | TuningStatus::Stopping, _) => {
            let jobs = info.jobs;
            let ended = jobs.completed + jobs.failed + jobs.stopped;
            Ok(JobState::InProgress {
                job: spec.name,
                phase: format!("Tuning: {ended} of {} jobs ended", tuning.jobs()),
                wait: run.wait_seconds(info.age_seconds),
            })
        }
        (TuningStatus::Completed, Some(best)) => adopt_best(run, jobs, spec, &info, best).await,
        (TuningStatus::Completed | TuningStatus::Failed, _) => {
            let reasons = jobs.tuning_failures(&spec.name).await?;
            let job = spec.name.clone();
            let region = &run.settings.region;
            let error = StartTrainingError::from_tuning_job(spec, info, reasons, region);
            run.failed(job, error).await
        }
        (TuningStatus::Stopped, _) => {
            let error = StartTrainingError::tuning_stopped(&spec.name, &run.settings.region);
            run.failed(spec.name, error).await
        }
    }
}

/// The tuning job, or `None` if it was just created and is not visible yet.
async fn find_or_create(
    jobs: &impl TuningJobs,
    spec: &TuningSpec,
) -> Result<Option<TuningInfo>, StartTrainingError> {
    if let Some(info) = jobs.describe_tuning(&spec.name).await? {
        return Ok(Some(info));
    }
    match jobs.create_tuning(spec).await {
        Ok(()) => {
            tracing::info!(job = spec.name, "created the tuning job");
            Ok(None)
        }
        // As for a training job: it is compared now or at the next poll.
        Err(error) if error.name() == ErrorName::Conflict => {
            Ok(jobs.describe_tuning(&spec.name).await?)
        }
        Err(error) => Err(error.into()),
    }
}

/// Makes the best training job's model the run's.
async fn adopt_best(
    run: &Run<'_, impl ObjectStore>,
    jobs: &impl TrainingJobs,
    spec: TuningSpec,
    info: &TuningInfo,
    best: BestJob,
) -> Result<JobState, StartTrainingError> {
    let Some(job) = jobs.describe(&best.name).await? else {
        // Descriptions of jobs are read from an eventually consistent store.
        return Ok(JobState::starting(best.name));
    };
    let mut training = spec.training;
    training.name = best.name;
    let region = &run.settings.region;
    if job.status != TrainingStatus::Completed {
        let error = StartTrainingError::from_ended_job(training, job, region);
        return run.failed(spec.name, error).await;
    }
    let metrics = job.spec.metrics.clone();
    let mut record = record(&training, job, region)?;
    record.tuning = Some(TuningRecord {
        job: spec.name,
        metric: spec.metric,
        hyperparameters: best.tuned,
        completed: info.jobs.completed,
        failed: info.jobs.failed,
        stopped: info.jobs.stopped,
    });
    Ok(JobState::Completed {
        record: Box::new(record),
        metrics,
    })
}
