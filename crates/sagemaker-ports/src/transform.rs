//! Transform jobs: the desired one, and the existing one.

use contract::ServiceError;
use serde::Serialize;
use std::collections::BTreeMap;
use std::future::Future;

/// A desired transform job: lines in, lines out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TransformSpec {
    /// Its name.
    pub name: String,
    /// The model's name.
    pub model: String,
    /// `s3://…`: every object below it is scored.
    pub input: String,
    /// The media type of the lines.
    pub content_type: String,
    /// Which columns of each line the model is asked about, as `$[1:]`; all if absent.
    pub columns: Option<String>,
    /// `s3://…` below which the predictions are written.
    pub output: String,
    /// The instance type.
    pub instance_type: String,
    /// How many.
    pub instance_count: u32,
    /// Megabytes that a request has at most, if it is not the service's default.
    pub max_payload_mb: Option<u32>,
    /// The KMS key of the volumes.
    pub volume_key: Option<String>,
    /// The KMS key of the predictions.
    pub output_key: Option<String>,
    /// Its tags.
    #[serde(skip)]
    pub tags: BTreeMap<String, String>,
}

/// A transform job's status, in SageMaker's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransformStatus {
    /// At work.
    InProgress,
    /// All is scored.
    Completed,
    /// Ended by a failure.
    Failed,
    /// On its way to being stopped.
    Stopping,
    /// Stopped by hand.
    Stopped,
}

impl TransformStatus {
    /// The status as the service writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "InProgress",
            Self::Completed => "Completed",
            Self::Failed => "Failed",
            Self::Stopping => "Stopping",
            Self::Stopped => "Stopped",
        }
    }
}

/// What is there under a transform job's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransformInfo {
    /// What it was created with; tags are not told.
    pub spec: TransformSpec,
    /// Its status.
    pub status: TransformStatus,
    /// Why it failed, in the service's words.
    pub failure_reason: Option<String>,
    /// Seconds since its creation.
    pub age_seconds: u64,
}

/// Creates, describes and stops transform jobs. They cannot be removed: a name is used once.
pub trait Transforms: Send + Sync {
    /// The job, or `None` if there is none of this name.
    fn describe_transform(
        &self,
        name: &str,
    ) -> impl Future<Output = Result<Option<TransformInfo>, ServiceError>> + Send;
    /// Creates the job; that it is there already is an error named `Conflict`.
    fn create_transform(
        &self,
        spec: &TransformSpec,
    ) -> impl Future<Output = Result<(), ServiceError>> + Send;
    /// Stops the job; the service refuses it for a job that is not `InProgress`.
    fn stop_transform(&self, name: &str) -> impl Future<Output = Result<(), ServiceError>> + Send;
}
