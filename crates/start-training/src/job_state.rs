//! State of a training or tuning job, and what both kinds of polls share.

use crate::capacity::CapacityBackoff;
use crate::{Settings, StartTrainingError, error};
use lake::attempt::Attempt;
use lake::records::{DatasetRecord, Plan, TrainingRecord};
use lake::{ObjectStore, RunKeys};
use sagemaker_ports::{TrainingInfo, TrainingSpec, wait_seconds};
use std::collections::BTreeMap;

/// The run whose job is polled.
pub struct Run<'a, S> {
    pub keys: &'a RunKeys,
    pub plan: &'a Plan,
    pub dataset: &'a DatasetRecord,
    pub bucket: &'a str,
    pub settings: &'a Settings,
    pub attempt: Attempt,
    pub backoff: CapacityBackoff<'a, S>,
}

/// State of the job.
#[derive(Debug)]
pub enum JobState {
    /// Not finished: poll again later.
    InProgress {
        job: String,
        phase: String,
        /// Seconds until the next poll.
        wait: u32,
    },
    /// The model is trained.
    Completed {
        record: Box<TrainingRecord>,
        /// The regular expressions of the metrics, by their names, those of the image included.
        metrics: BTreeMap<String, String>,
    },
}

/// The phase of a job that was just created.
const STARTING: &str = "Starting";
/// The phase during the capacity back-off.
const WAITING: &str = "WaitingForCapacity";

impl JobState {
    /// The state of a job that was just created and is not visible yet.
    pub fn starting(job: String) -> Self {
        Self::InProgress {
            job,
            phase: STARTING.to_owned(),
            wait: wait_seconds(0),
        }
    }
}

impl<S: ObjectStore> Run<'_, S> {
    /// Seconds until the next poll of a job of this age. After a capacity back-off the run has
    /// polled earlier jobs already, so the waited time counts as age.
    pub fn wait_seconds(&self, age_seconds: u64) -> u32 {
        wait_seconds(age_seconds.max(u64::from(self.attempt.waited_seconds)))
    }

    /// After a refused creation: the job's name is still free.
    ///
    /// # Errors
    /// If waiting does not help, or the limit is reached.
    pub async fn refused(
        &self,
        job: String,
        error: StartTrainingError,
    ) -> Result<JobState, StartTrainingError> {
        if !error.is_capacity_limit() {
            return Err(error);
        }
        self.ended(job, self.attempt.attempt, error).await
    }

    /// After a failed job. Its name is used up, so the next attempt's job has another name;
    /// [`lake::attempt`] says when there is a next attempt.
    ///
    /// # Errors
    /// If waiting does not help, or the limit is reached.
    pub async fn failed(
        &self,
        job: String,
        error: StartTrainingError,
    ) -> Result<JobState, StartTrainingError> {
        self.ended(job, self.attempt.attempt + 1, error).await
    }

    async fn ended(
        &self,
        job: String,
        next: u32,
        error: StartTrainingError,
    ) -> Result<JobState, StartTrainingError> {
        let wait = self
            .backoff
            .wait_or_fail(&self.attempt, next, error)
            .await?;
        let phase = WAITING.to_owned();
        Ok(JobState::InProgress { job, phase, wait })
    }
}

/// The record of a completed training job; its curves are still empty.
///
/// # Errors
/// If it produced no model.
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
        // JSON cannot represent a non-finite number; judge-model then reports the metric as
        // missing.
        metrics: info
            .metrics
            .into_iter()
            .filter(|(_, value)| value.is_finite())
            .collect(),
        curves: BTreeMap::new(),
        billable_seconds: info.billable_seconds,
        tuning: None,
    })
}
