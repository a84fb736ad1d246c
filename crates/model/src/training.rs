//! Training jobs: what is wanted of one, and what is there.

use contract::ServiceError;
use contract::definition::{Distribution, MetricDefinition};
use std::collections::BTreeMap;
use std::future::Future;

/// What is wanted of a training job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrainingSpec {
    /// The job's name.
    pub name: String,
    /// The container image.
    pub image: String,
    /// The role that the service assumes.
    pub role_arn: String,
    /// The instance type.
    pub instance_type: String,
    /// How many instances.
    pub instance_count: u32,
    /// Gigabytes of each instance's volume.
    pub volume_gb: u32,
    /// Seconds after which the job is stopped.
    pub max_runtime_seconds: u32,
    /// Hyperparameters, all text.
    pub hyperparameters: BTreeMap<String, String>,
    /// How metrics are read from the log.
    pub metrics: Vec<MetricDefinition>,
    /// The input channels, by order of name.
    pub channels: Vec<Channel>,
    /// `s3://…` below which the artifact is written.
    pub output: String,
    /// Tags of the job.
    pub tags: BTreeMap<String, String>,
}

/// An input channel: every object below a prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// Its name, such as `train`.
    pub name: String,
    /// `s3://…/`, with the trailing slash.
    pub prefix: String,
    /// The media type of its files.
    pub content_type: String,
    /// Which of its files each instance is given.
    pub distribution: Distribution,
}

/// A training job's status, in SageMaker's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrainingStatus {
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

/// What is there under a training job's name.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainingInfo {
    /// The specification it was created with; tags are not told.
    pub spec: TrainingSpec,
    /// Its status.
    pub status: TrainingStatus,
    /// The secondary status, such as `Downloading`, `Training` or `MaxRuntimeExceeded`.
    pub secondary: String,
    /// Why it failed, in the service's words.
    pub failure_reason: Option<String>,
    /// `s3://…/model.tar.gz`, once there.
    pub artifact: Option<String>,
    /// The final metrics by name.
    pub metrics: BTreeMap<String, f64>,
    /// Seconds since it was created.
    pub age_seconds: u64,
    /// Seconds of training that are billed, once known.
    pub billable_seconds: Option<u64>,
}

/// Creates and describes training jobs.
pub trait TrainingJobs: Send + Sync {
    /// The job, or `None` if there is none of this name.
    fn describe(
        &self,
        name: &str,
    ) -> impl Future<Output = Result<Option<TrainingInfo>, ServiceError>> + Send;

    /// Creates the job. A name that is taken is an error named `Conflict`.
    fn create(&self, spec: &TrainingSpec) -> impl Future<Output = Result<(), ServiceError>> + Send;
}
