//! Tuning jobs: the desired one, and the existing one.

use crate::TrainingSpec;
use crate::difference::differences;
use contract::ServiceError;
use definition::{Goal, TuningRange, TuningStrategy};
use serde::Serialize;
use std::collections::BTreeMap;
use std::future::Future;

/// A desired tuning job.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TuningSpec {
    /// The tuning job's name, at most 32 characters.
    pub name: String,
    /// How the next values are chosen.
    pub strategy: TuningStrategy,
    /// The metric that decides the best job.
    pub metric: String,
    /// Which direction of it is better.
    pub goal: Goal,
    /// Training jobs in all; a grid has none.
    pub max_jobs: Option<u32>,
    /// Training jobs side by side.
    pub max_parallel_jobs: u32,
    /// Whether jobs that are unlikely to become the best are stopped.
    pub early_stopping: bool,
    /// The seed of what is drawn.
    pub seed: Option<u32>,
    /// What is searched, by the hyperparameters' names.
    pub ranges: BTreeMap<String, TuningRange>,
    /// What all of its training jobs have in common. The name is the tuning job's, the
    /// hyperparameters are those that are not searched, the tags are the tuning job's.
    pub training: TrainingSpec,
}

impl TuningSpec {
    /// One phrase for each field in which `there` differs from this.
    pub fn differences(&self, there: &Self) -> Vec<String> {
        let mut there = there.clone();
        there.training.keep_metrics_of(&self.training);
        differences(self, &there)
    }
}

/// A tuning job's status, in SageMaker's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TuningStatus {
    /// At work.
    InProgress,
    /// Ended well.
    Completed,
    /// Ended in failure.
    Failed,
    /// On its way to `Stopped`.
    Stopping,
    /// Ended before its time.
    Stopped,
}

/// How many training jobs of a tuning job are in which status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JobCounts {
    /// Ended well.
    pub completed: u32,
    /// At work.
    pub in_progress: u32,
    /// Ended in failure, those that the service will try again included.
    pub failed: u32,
    /// Stopped, early by the tuning job or by hand.
    pub stopped: u32,
}

/// The training job whose metric is the best.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BestJob {
    /// Its name.
    pub name: String,
    /// The values that it was given to try.
    pub tuned: BTreeMap<String, String>,
}

/// What is there under a tuning job's name.
#[derive(Debug, Clone, PartialEq)]
pub struct TuningInfo {
    /// The specification it was created with; tags are not told.
    pub spec: TuningSpec,
    /// Its status.
    pub status: TuningStatus,
    /// Why it failed, in the service's words.
    pub failure_reason: Option<String>,
    /// Its training jobs.
    pub jobs: JobCounts,
    /// The best of them so far.
    pub best: Option<BestJob>,
    /// Seconds since it was created.
    pub age_seconds: u64,
}

/// Creates, describes and stops tuning jobs.
pub trait TuningJobs: Send + Sync {
    /// The tuning job, or `None` if there is none of this name.
    fn describe_tuning(
        &self,
        name: &str,
    ) -> impl Future<Output = Result<Option<TuningInfo>, ServiceError>> + Send;

    /// Creates the tuning job. A name that is taken is an error named `Conflict`.
    fn create_tuning(
        &self,
        spec: &TuningSpec,
    ) -> impl Future<Output = Result<(), ServiceError>> + Send;

    /// Stops the tuning job and its training jobs; the service refuses it for a job that is not
    /// `InProgress`.
    fn stop_tuning(&self, name: &str) -> impl Future<Output = Result<(), ServiceError>> + Send;

    /// Why training jobs of a tuning job failed, in the service's words: of the last ten, each
    /// reason once.
    fn tuning_failures(
        &self,
        name: &str,
    ) -> impl Future<Output = Result<Vec<String>, ServiceError>> + Send;
}

#[cfg(test)]
mod tests {
    use crate::conformance::tuning_spec;

    #[test]
    fn what_differs_is_named_and_what_the_service_adds_is_not() {
        let wanted = tuning_spec("tune", "s3://lake");
        let mut there = wanted.clone();
        let more = ("train:rmse".to_owned(), "x".to_owned());
        there.training.metrics.extend([more]);
        assert!(wanted.differences(&there).is_empty());
        there.max_parallel_jobs = 9;
        there.training.image.push('2');
        there.ranges.remove("loss");
        let found = wanted.differences(&there);
        assert_eq!(found.len(), 3, "{found:?}");
        assert_eq!(found[0], "maxParallelJobs is 9, wanted 2");
        assert!(found[1].starts_with("ranges.loss is absent, wanted {"));
        assert!(found[2].starts_with("training.image is "), "{found:?}");
    }
}
