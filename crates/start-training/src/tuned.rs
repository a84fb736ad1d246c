//! One look at the run's tuning job; of its training jobs the best one's model is the run's.

use crate::standing::{Run, Standing, record};
use crate::{StartTrainingError, wanted};
use contract::{Conflict, ErrorName, Named, Names};
use definition::Tuning;
use lake::ObjectStore;
use lake::records::TuningRecord;
use sagemaker_ports::{
    BestJob, TrainingJobs, TrainingStatus, TuningInfo, TuningJobs, TuningSpec, TuningStatus,
};

/// Creates the tuning job if there is none, compares it with the one wanted, tells where it stands.
///
/// # Errors
/// If it ends without a completed training job, is stopped, cannot be created, or is not the one
/// wanted.
pub async fn look<J: TrainingJobs + TuningJobs>(
    run: &Run<'_, impl ObjectStore>,
    jobs: &J,
    tuning: &Tuning,
) -> Result<Standing, StartTrainingError> {
    let name = Names::tuning_job(run.keys.pipeline(), run.keys.run(), run.attempt.attempt);
    let spec = wanted::tuning(run, tuning, name)?;
    let info = match found_or_created(jobs, &spec).await {
        Ok(Some(info)) => info,
        Ok(None) => return Ok(Standing::starting(spec.name)),
        Err(error) => return run.refused(spec.name, error).await,
    };
    Conflict::check("tuning job", &spec.name, &spec.differences(&info.spec))?;
    match (info.status, info.best.clone()) {
        // Only at its end does it tell whether it stopped or failed.
        (TuningStatus::InProgress | TuningStatus::Stopping, _) => {
            let jobs = info.jobs;
            let ended = jobs.completed + jobs.failed + jobs.stopped;
            Ok(Standing::InProgress {
                job: spec.name,
                phase: format!("Tuning: {ended} of {} jobs ended", tuning.jobs()),
                wait: run.wait_seconds(info.age_seconds),
            })
        }
        (TuningStatus::Completed, Some(best)) => adopted(run, jobs, spec, &info, best).await,
        (TuningStatus::Completed | TuningStatus::Failed, _) => {
            let reasons = jobs.tuning_failures(&spec.name).await?;
            let job = spec.name.clone();
            let region = &run.settings.region;
            let error = StartTrainingError::of_tuning(spec, info, reasons, region);
            run.failed(job, error).await
        }
        (TuningStatus::Stopped, _) => {
            let error = StartTrainingError::tuning_stopped(&spec.name, &run.settings.region);
            run.failed(spec.name, error).await
        }
    }
}

/// The tuning job that is there, or `None` if it has just been asked for and does not show yet.
async fn found_or_created(
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
        // As of a training job: what is there is compared now or at the next look.
        Err(error) if error.name() == ErrorName::Conflict => {
            Ok(jobs.describe_tuning(&spec.name).await?)
        }
        Err(error) => Err(error.into()),
    }
}

/// The best training job's model becomes the run's.
async fn adopted(
    run: &Run<'_, impl ObjectStore>,
    jobs: &impl TrainingJobs,
    spec: TuningSpec,
    info: &TuningInfo,
    best: BestJob,
) -> Result<Standing, StartTrainingError> {
    let Some(job) = jobs.describe(&best.name).await? else {
        // Descriptions of jobs are read from an eventually consistent store.
        return Ok(Standing::starting(best.name));
    };
    let mut training = spec.training;
    training.name = best.name;
    let region = &run.settings.region;
    if job.status != TrainingStatus::Completed {
        let error = StartTrainingError::of_end(training, job, region);
        return run.failed(spec.name, error).await;
    }
    let mut record = record(&training, job, region)?;
    record.tuning = Some(TuningRecord {
        job: spec.name,
        metric: spec.metric,
        hyperparameters: best.tuned,
        completed: info.jobs.completed,
        failed: info.jobs.failed,
        stopped: info.jobs.stopped,
    });
    Ok(Standing::Completed(record))
}
