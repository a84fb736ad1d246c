//! Training jobs in memory.

use super::{MemorySageMaker, State, refusal};
use crate::{TrainingInfo, TrainingJobs, TrainingLogs, TrainingSpec, TrainingStatus};
use contract::{ErrorName, ServiceError};
use std::collections::BTreeMap;

/// What a running job goes through, one step a description.
pub(super) const STAGES: [&str; 4] = ["Starting", "Downloading", "Training", "Uploading"];
/// How much older a job is at each description.
const SECONDS_PER_POLL: u64 = 10;

/// How a training job ends.
#[derive(Debug, Clone, PartialEq)]
pub enum JobOutcome {
    /// With these metrics.
    Completes(BTreeMap<String, f64>),
    /// In failure, for this reason.
    Fails(String),
    /// Stopping for one poll, then stopped, with this secondary status, such as
    /// `MaxRuntimeExceeded` or `Stopped`.
    Stops(String),
}

impl Default for JobOutcome {
    fn default() -> Self {
        let metrics = [("validation:rmse", 0.5), ("validation:ndcg", 0.25)];
        Self::Completes(metrics.map(|(name, value)| (name.to_owned(), value)).into())
    }
}

#[derive(Debug)]
pub(super) struct Job {
    pub(super) spec: TrainingSpec,
    pub(super) outcome: JobOutcome,
    pub(super) polls: usize,
}

impl State {
    pub(super) fn start_job(&mut self, spec: &TrainingSpec) {
        let outcome = self.next_jobs.pop_front().unwrap_or_default();
        let job = Job {
            spec: spec.clone(),
            outcome,
            polls: 0,
        };
        self.jobs.insert(spec.name.clone(), job);
    }
}

/// The refusal to stop a job that is not there or not in progress.
pub(super) fn not_running(operation: &'static str, name: &str) -> ServiceError {
    let message = "The request was rejected because the job is not in progress.";
    let code = "ValidationException";
    refusal(operation, name, ErrorName::ServiceRejected, code, message)
}

impl Job {
    const fn is_running(&self) -> bool {
        self.polls < STAGES.len()
    }

    /// What is there now; the next poll finds more.
    fn poll(&mut self) -> TrainingInfo {
        let polls = self.polls;
        self.polls += 1;
        let mut info = TrainingInfo {
            spec: TrainingSpec {
                tags: BTreeMap::new(),
                ..self.spec.clone()
            },
            status: TrainingStatus::InProgress,
            secondary: String::new(),
            failure_reason: None,
            artifact: None,
            metrics: BTreeMap::new(),
            age_seconds: polls as u64 * SECONDS_PER_POLL,
            billable_seconds: None,
        };
        if let Some(stage) = STAGES.get(polls) {
            (*stage).clone_into(&mut info.secondary);
            return info;
        }
        info.billable_seconds = Some(60);
        match &self.outcome {
            JobOutcome::Completes(metrics) => {
                info.status = TrainingStatus::Completed;
                "Completed".clone_into(&mut info.secondary);
                info.metrics.clone_from(metrics);
                info.artifact = Some(format!(
                    "{}/{}/output/model.tar.gz",
                    self.spec.output, self.spec.name
                ));
            }
            JobOutcome::Fails(reason) => {
                info.status = TrainingStatus::Failed;
                "Failed".clone_into(&mut info.secondary);
                info.failure_reason = Some(reason.clone());
            }
            JobOutcome::Stops(_) if polls == STAGES.len() => {
                info.status = TrainingStatus::Stopping;
                "Stopping".clone_into(&mut info.secondary);
            }
            JobOutcome::Stops(secondary) => {
                info.status = TrainingStatus::Stopped;
                info.secondary.clone_from(secondary);
            }
        }
        info
    }
}

impl TrainingJobs for MemorySageMaker {
    async fn describe(&self, name: &str) -> Result<Option<TrainingInfo>, ServiceError> {
        self.call("DescribeTrainingJob", |state| {
            Ok(state.jobs.get_mut(name).map(Job::poll))
        })
        .await
    }

    async fn create(&self, spec: &TrainingSpec) -> Result<(), ServiceError> {
        self.call("CreateTrainingJob", |state| {
            if state.jobs.contains_key(&spec.name) {
                return Err(refusal(
                    "CreateTrainingJob",
                    &spec.name,
                    ErrorName::Conflict,
                    "ResourceInUse",
                    "Training job names must be unique within an AWS account and region.",
                )
                .into());
            }
            state.start_job(spec);
            state.took_effect("CreateTrainingJob", &spec.name);
            Ok(())
        })
        .await
    }

    async fn stop(&self, name: &str) -> Result<(), ServiceError> {
        const OPERATION: &str = "StopTrainingJob";
        self.call(OPERATION, |state| {
            let job = state.jobs.get_mut(name).filter(|job| job.is_running());
            let job = job.ok_or_else(|| Box::new(not_running(OPERATION, name)))?;
            job.outcome = JobOutcome::Stops("Stopped".to_owned());
            job.polls = STAGES.len();
            state.took_effect(OPERATION, name);
            Ok(())
        })
        .await
    }
}

impl TrainingLogs for MemorySageMaker {
    async fn lines(&self, _job: &str, most_bytes: usize) -> Result<Vec<String>, ServiceError> {
        self.call("FilterLogEvents", |state| {
            let mut bytes = 0;
            let lines = state.job_log.iter().take_while(|line| {
                bytes += line.len();
                bytes <= most_bytes
            });
            Ok(lines.cloned().collect())
        })
        .await
    }
}
