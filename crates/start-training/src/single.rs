//! Polls the run's single training job.

use crate::job_state::{JobState, Run, record};
use crate::{StartTrainingError, desired};
use contract::{Conflict, ErrorName, Named, Names};
use lake::ObjectStore;
use sagemaker_ports::{TrainingInfo, TrainingJobs, TrainingSpec, TrainingStatus};

/// Creates the job if there is none, compares it with the desired one, and returns its state.
///
/// # Errors
/// If the job ends otherwise than `Completed`, cannot be created, or differs from the desired one.
pub async fn poll(
    run: &Run<'_, impl ObjectStore>,
    jobs: &impl TrainingJobs,
) -> Result<JobState, StartTrainingError> {
    let name = Names::job(run.keys.pipeline(), run.keys.run(), run.attempt.attempt);
    let spec = desired::training_job(run, name)?;
    let info = match find_or_create(jobs, &spec).await {
        Ok(Some(info)) => info,
        Ok(None) => return Ok(JobState::starting(spec.name)),
        Err(error) => return run.refused(spec.name, error).await,
    };
    Conflict::check("training job", &spec.name, &spec.differences(&info.spec))?;
    match info.status {
        // A stopping job says only at its end what stopped it.
        TrainingStatus::InProgress | TrainingStatus::Stopping => Ok(JobState::InProgress {
            job: spec.name,
            wait: run.wait_seconds(info.age_seconds),
            phase: info.secondary,
        }),
        TrainingStatus::Completed => {
            let metrics = info.spec.metrics.clone();
            let record = record(&spec, info, &run.settings.region)?;
            Ok(JobState::Completed {
                record: Box::new(record),
                metrics,
            })
        }
        TrainingStatus::Failed | TrainingStatus::Stopped => {
            let job = spec.name.clone();
            let error = StartTrainingError::from_ended_job(spec, info, &run.settings.region);
            run.failed(job, error).await
        }
    }
}

/// The job, or `None` if it was just created and is not visible yet.
async fn find_or_create(
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
        // Another call created it since the lookup above, or it is not visible yet: it is compared
        // now or at the next poll.
        Err(error) if error.name() == ErrorName::Conflict => Ok(jobs.describe(&spec.name).await?),
        Err(error) => Err(error.into()),
    }
}
