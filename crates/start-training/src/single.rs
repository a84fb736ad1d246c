//! One look at the run's only training job.

use crate::standing::{Run, Standing, record};
use crate::{StartTrainingError, wanted};
use contract::{Conflict, ErrorName, Named, Names};
use lake::{ObjectStore, RunKeys};
use sagemaker_ports::{TrainingInfo, TrainingJobs, TrainingSpec, TrainingStatus};

/// Creates the job if there is none, compares it with the one wanted, tells where it stands.
///
/// # Errors
/// If the job ends otherwise than `Completed`, cannot be created, or is not the one wanted.
pub async fn look(
    run: &Run<'_, impl ObjectStore>,
    jobs: &impl TrainingJobs,
) -> Result<Standing, StartTrainingError> {
    let name = job_name(run.keys, run.attempt.attempt);
    let spec = wanted::spec(run, name)?;
    let info = match found_or_created(jobs, &spec).await {
        Ok(Some(info)) => info,
        Ok(None) => return Ok(Standing::starting(spec.name)),
        Err(error) => return run.refused(spec.name, error).await,
    };
    Conflict::check("training job", &spec.name, &spec.differences(&info.spec))?;
    match info.status {
        // Only at its end does a stopping job tell what stopped it.
        TrainingStatus::InProgress | TrainingStatus::Stopping => Ok(Standing::InProgress {
            job: spec.name,
            wait: run.wait_seconds(info.age_seconds),
            phase: info.secondary,
        }),
        TrainingStatus::Completed => {
            let record = record(&spec, info, &run.settings.region)?;
            Ok(Standing::Completed(record))
        }
        TrainingStatus::Failed | TrainingStatus::Stopped => {
            let job = spec.name.clone();
            let error = StartTrainingError::of_end(spec, info, &run.settings.region);
            run.failed(job, error).await
        }
    }
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
