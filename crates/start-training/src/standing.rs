//! What the looks at a training job and at a tuning job have in common: what they look for, and what
//! they find. It must not know either.

use crate::shortage::Shortage;
use crate::{Settings, StartTrainingError, error};
use lake::attempt::Attempt;
use lake::records::{DatasetRecord, Plan, TrainingRecord};
use lake::{ObjectStore, RunKeys};
use sagemaker_ports::{TrainingInfo, TrainingSpec, wait_seconds};

/// The run whose job is looked for.
pub struct Run<'a, S> {
    pub keys: &'a RunKeys,
    pub plan: &'a Plan,
    pub dataset: &'a DatasetRecord,
    pub bucket: &'a str,
    pub settings: &'a Settings,
    pub attempt: Attempt,
    pub shortage: Shortage<'a, S>,
}

/// Where the job stands.
#[derive(Debug)]
pub enum Standing {
    /// Look again later.
    InProgress {
        job: String,
        phase: String,
        /// Seconds until then.
        wait: u32,
    },
    /// The model is there.
    Completed(TrainingRecord),
}

/// What a job that has just been asked for is at, in SageMaker's words.
const STARTING: &str = "Starting";
/// There are no machines, or a quota is used up: the step asks again later.
const WAITING: &str = "WaitingForCapacity";

impl Standing {
    /// Of a job that has just been asked for, and does not show yet.
    pub fn starting(job: String) -> Self {
        Self::InProgress {
            job,
            phase: STARTING.to_owned(),
            wait: wait_seconds(0),
        }
    }
}

impl<S: ObjectStore> Run<'_, S> {
    /// Seconds until the next poll of a job of this age. A run that has waited for machines has polled
    /// other jobs before this one, so the polls of them all grow rarer together.
    pub fn wait_seconds(&self, age_seconds: u64) -> u32 {
        wait_seconds(age_seconds.max(u64::from(self.attempt.waited_seconds)))
    }

    /// Of a creation that was refused: its name is still free.
    ///
    /// # Errors
    /// If waiting does not help, or has lasted long enough.
    pub async fn refused(
        &self,
        job: String,
        error: StartTrainingError,
    ) -> Result<Standing, StartTrainingError> {
        if !error.may_pass() {
            return Err(error);
        }
        self.ended(job, self.attempt.attempt, error).await
    }

    /// Of a job that ended badly. Its name is used up, so the next attempt's job has another; see
    /// [`lake::attempt`] for when there is one.
    ///
    /// # Errors
    /// If waiting does not help, or has lasted long enough.
    pub async fn failed(
        &self,
        job: String,
        error: StartTrainingError,
    ) -> Result<Standing, StartTrainingError> {
        self.ended(job, self.attempt.attempt + 1, error).await
    }

    async fn ended(
        &self,
        job: String,
        next: u32,
        error: StartTrainingError,
    ) -> Result<Standing, StartTrainingError> {
        let wait = self
            .shortage
            .wait_or_fail(&self.attempt, next, error)
            .await?;
        let phase = WAITING.to_owned();
        Ok(Standing::InProgress { job, phase, wait })
    }
}

/// The record of a completed training job.
///
/// # Errors
/// If it left no model.
pub fn record(
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
        artifact_etag: None,
        // JSON has no word for what is no number; the judge then finds the metric missing.
        metrics: info
            .metrics
            .into_iter()
            .filter(|(_, value)| value.is_finite())
            .collect(),
        billable_seconds: info.billable_seconds,
        tuning: None,
    })
}
