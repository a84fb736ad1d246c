//! Training jobs: the desired one, and the existing one.

use crate::difference::differences;
use contract::ServiceError;
use definition::{Distribution, InputMode, Vpc};
use serde::Serialize;
use std::collections::BTreeMap;
use std::future::Future;

/// A desired training job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
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
    /// On spot instances: seconds that the job may take in all, its waiting included.
    pub max_wait_seconds: Option<u32>,
    /// `s3://…` below which checkpoints are kept.
    pub checkpoints: Option<String>,
    /// How the channels' files reach the container.
    pub input_mode: InputMode,
    /// Hyperparameters, all text.
    pub hyperparameters: BTreeMap<String, String>,
    /// The regular expressions by which metrics are read from the log, by the metrics' names.
    pub metrics: BTreeMap<String, String>,
    /// The input channels by name.
    pub channels: BTreeMap<String, Channel>,
    /// `s3://…` below which the artifact is written.
    pub output: String,
    /// Environment variables of the container.
    pub environment: BTreeMap<String, String>,
    /// The network that the container runs in.
    pub vpc: Option<Vpc>,
    /// Whether the container has no network at all.
    pub network_isolation: bool,
    /// Whether traffic between instances is encrypted.
    pub encrypt_traffic: bool,
    /// The KMS key of the volumes.
    pub volume_key: Option<String>,
    /// The KMS key of the output.
    pub output_key: Option<String>,
    /// Tags of the job; a description does not contain them, so they are not compared.
    #[serde(skip)]
    pub tags: BTreeMap<String, String>,
}

impl TrainingSpec {
    /// One phrase for each field in which `there` differs from this.
    pub fn differences(&self, there: &Self) -> Vec<String> {
        let mut there = there.clone();
        there.keep_metrics_of(self);
        differences(self, &there)
    }

    /// Of the images that SageMaker knows it adds the metrics' own definitions: more is no
    /// difference.
    pub(crate) fn keep_metrics_of(&mut self, wanted: &Self) {
        self.metrics
            .retain(|name, _| wanted.metrics.contains_key(name));
    }
}

/// An input channel: every object below a prefix, or those that an augmented manifest names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Channel {
    /// `s3://…/`, with the trailing slash; of an augmented manifest, its own URI.
    pub prefix: String,
    /// The attributes of an augmented manifest, each of which the container gets as a record, in
    /// this order. Of a prefix, none.
    pub attributes: Vec<String>,
    /// The media type of its files.
    pub content_type: String,
    /// Whether each instance gets all files or its share.
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

/// Creates, describes and stops training jobs.
pub trait TrainingJobs: Send + Sync {
    /// The job, or `None` if there is none of this name.
    fn describe(
        &self,
        name: &str,
    ) -> impl Future<Output = Result<Option<TrainingInfo>, ServiceError>> + Send;

    /// Creates the job. A name that is taken is an error named `Conflict`.
    fn create(&self, spec: &TrainingSpec) -> impl Future<Output = Result<(), ServiceError>> + Send;

    /// Stops the job; the service refuses it for a job that is not `InProgress`.
    fn stop(&self, name: &str) -> impl Future<Output = Result<(), ServiceError>> + Send;
}

#[cfg(test)]
mod tests {
    use super::TrainingSpec;
    use crate::conformance::job_spec;
    use serde_json::Value;

    fn after(change: impl FnOnce(&mut TrainingSpec)) -> Vec<String> {
        let wanted = job_spec("job", "s3://lake");
        let mut there = wanted.clone();
        change(&mut there);
        wanted.differences(&there)
    }

    #[test]
    fn tags_and_metrics_that_the_service_adds_are_no_difference() {
        assert!(after(|_| ()).is_empty());
        assert!(after(|there| there.tags.clear()).is_empty());
        assert!(
            after(|there| drop(
                there
                    .metrics
                    .insert("train:rmse".to_owned(), "x".to_owned())
            ))
            .is_empty()
        );
    }

    #[test]
    fn the_suites_specification_says_something_in_every_field() {
        let Value::Object(fields) = serde_json::to_value(job_spec("job", "s3://lake")).unwrap()
        else {
            panic!("no object");
        };
        for (name, value) in fields {
            let empty = match &value {
                Value::Null | Value::Bool(false) => true,
                Value::Object(fields) => fields.is_empty(),
                _ => false,
            };
            assert!(!empty, "{name} is {value}");
        }
    }

    #[test]
    fn what_differs_is_named() {
        for (words, found) in [
            ("image is ", after(|it| it.image.push('2'))),
            (
                "channels.validation is absent",
                after(|it| drop(it.channels.remove("validation"))),
            ),
            (
                "channels.validation.attributes",
                after(|it| {
                    let validation = it.channels.get_mut("validation").unwrap();
                    validation.attributes.push("class".to_owned());
                }),
            ),
            (
                "hyperparameters.factors is absent",
                after(|it| it.hyperparameters.clear()),
            ),
            (
                "metrics.validation:rmse is absent",
                after(|it| it.metrics.clear()),
            ),
            (
                "maxWaitSeconds is absent",
                after(|it| it.max_wait_seconds = None),
            ),
            ("vpc is absent", after(|it| it.vpc = None)),
        ] {
            assert_eq!(found.len(), 1, "{words}: {found:?}");
            assert!(found[0].starts_with(words), "{found:?}");
        }
    }
}
