//! How a model is trained on the rows.

use super::{Algorithm, Tuning};
use crate::FieldError;
use crate::faults::Faults;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How a model is trained on the rows: with an image, or with a built-in algorithm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Training {
    /// The container image that trains and serves, as a registry path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The built-in algorithm that trains and serves, instead of an image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<Algorithm>,
    /// The role that SageMaker assumes; by default the stack's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    /// The instance type of the training job.
    #[serde(default = "default_instance_type")]
    pub instance_type: String,
    /// Number of instances of the training job.
    #[serde(default = "one")]
    #[schemars(range(min = 1))]
    pub instance_count: u32,
    /// Gigabytes of each instance's volume. Instances with disks of their own, such as `ml.g5`, store
    /// on those.
    #[serde(default = "default_volume")]
    #[schemars(range(min = 1))]
    pub volume_gb: u32,
    /// Seconds after which SageMaker stops the job. With everything else that the run may wait for, it must fit
    /// into the two days of an execution.
    #[serde(default = "default_max_runtime")]
    #[schemars(range(min = 1, max = 158_400))]
    pub max_runtime_seconds: u32,
    /// Spot instances, for a fraction of the price: the job may wait for them and be interrupted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spot: Option<Spot>,
    /// How long a run waits in total while SageMaker has no instances or a quota is used up, before
    /// it fails with `CapacityUnavailable` or `ResourceLimitExceeded`; 0 fails at once.
    #[serde(default = "default_capacity_wait")]
    pub capacity_wait_minutes: u32,
    /// How the channels' files reach the container.
    #[serde(default)]
    pub input_mode: InputMode,
    /// Whether each instance gets all of the channel `train`, or its share of the files.
    #[serde(default)]
    pub distribution: Distribution,
    /// The algorithm's hyperparameters; at most 100. Numbers and booleans are passed as text.
    #[serde(default)]
    pub hyperparameters: BTreeMap<String, Scalar>,
    /// A search for the best hyperparameters with many training jobs, instead of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tuning: Option<Tuning>,
    /// How the job's metrics are read from its log; a built-in algorithm has its own.
    #[serde(default)]
    pub metrics: Vec<MetricDefinition>,
    /// Environment variables of the container.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    /// The network of training job and model; by default SageMaker's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc: Option<Vpc>,
    /// Whether the containers have no network at all.
    #[serde(default)]
    pub network_isolation: bool,
    /// Whether traffic between instances of a job is encrypted.
    #[serde(default)]
    pub encrypt_traffic: bool,
    /// KMS keys; by default S3's and SageMaker's own.
    #[serde(default)]
    pub kms: Kms,
    /// Tags of the training job, besides Millrace's own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

fn default_instance_type() -> String {
    "ml.m5.large".to_owned()
}

const fn one() -> u32 {
    1
}

const fn default_volume() -> u32 {
    30
}

const fn default_max_runtime() -> u32 {
    3600
}

const fn default_capacity_wait() -> u32 {
    60
}

/// Training on spot instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Spot {
    /// Maximum seconds of the job, including its waiting time; at least `maxRuntimeSeconds`.
    pub max_wait_seconds: u32,
    /// Whether `/opt/ml/checkpoints` is stored in the lake, so that an interrupted job resumes from
    /// there.
    #[serde(default = "yes")]
    pub checkpoints: bool,
}

const fn yes() -> bool {
    true
}

/// How a channel's files reach the container.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum InputMode {
    /// Copied to the volume before training starts.
    #[default]
    File,
    /// Read from S3 when the container opens them.
    FastFile,
    /// As a named pipe.
    Pipe,
}

/// Which files of the channel `train` an instance gets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Distribution {
    /// All of them.
    #[default]
    FullyReplicated,
    /// Its share; there must be at least as many files as instances.
    #[serde(rename = "shardedByS3Key")]
    ShardedByS3Key,
}

/// The VPC network of containers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Vpc {
    /// Subnets, 1 to 16.
    pub subnets: Vec<String>,
    /// Security groups, 1 to 5.
    pub security_group_ids: Vec<String>,
}

/// KMS keys, as ids, ARNs or aliases.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Kms {
    /// For the instances' volumes, in training and serving.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_key: Option<String>,
    /// For what the job writes to S3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_key: Option<String>,
}

/// A hyperparameter's value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Scalar {
    /// `true` or `false`.
    Boolean(bool),
    /// A number, passed as it is written.
    Number(serde_json::Number),
    /// Text.
    Text(String),
}

impl std::fmt::Display for Scalar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Boolean(value) => value.fmt(f),
            Self::Number(value) => value.fmt(f),
            Self::Text(value) => value.fmt(f),
        }
    }
}

/// How a metric is read from the training log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MetricDefinition {
    /// The metric's name, such as `validation:rmse`.
    pub name: String,
    /// A regular expression whose first group is the value.
    pub regex: String,
}

impl Training {
    /// The image in this region: the definition's own, or the built-in algorithm's.
    ///
    /// # Errors
    /// If the region does not have the algorithm, or neither is named.
    pub fn image_in(&self, region: &str) -> Result<String, FieldError> {
        match (&self.image, &self.algorithm) {
            (Some(image), _) => Ok(image.clone()),
            (None, Some(algorithm)) => algorithm.image(region),
            (None, None) => Err(neither()),
        }
    }

    pub(crate) fn validate(&self, faults: &mut Faults) {
        match (&self.image, &self.algorithm) {
            (Some(_), Some(_)) => {
                faults.add(
                    "training.algorithm",
                    "name either an algorithm or an image, not both",
                );
            }
            (Some(image), None) if image.is_empty() => {
                faults.add("training.image", "name the container image");
            }
            (Some(_), None) => {}
            (None, Some(algorithm)) => algorithm.validate(faults),
            (None, None) => faults.push(neither()),
        }
        if self.hyperparameters.len() > 100 {
            faults.add("training.hyperparameters", "SageMaker takes at most 100");
        }
        if let (None, Some(algorithm)) = (&self.image, &self.algorithm)
            && algorithm.name.needs_gpu()
            && !["ml.p", "ml.g"]
                .iter()
                .any(|gpu| self.instance_type.starts_with(gpu))
        {
            faults.add(
                "training.instanceType",
                format!(
                    "{} trains on instances with a GPU only, and {:?} has none: name one of ml.g or ml.p, such as ml.g4dn.xlarge",
                    algorithm.name.as_str(),
                    self.instance_type
                ),
            );
        }
        // With an image as well, it is not known whose hyperparameters they are.
        if let (None, Some(algorithm)) = (&self.image, &self.algorithm) {
            let tuned = |name: &str| {
                let tuning = self.tuning.as_ref();
                tuning.is_some_and(|tuning| tuning.ranges.contains_key(name))
            };
            let known = algorithm.hyperparameters();
            known.check(&self.hyperparameters, &tuned, faults);
        }
        if self.metrics.len() > 40 {
            faults.add("training.metrics", "SageMaker takes at most 40");
        }
        for (path, value) in [
            ("training.instanceCount", self.instance_count),
            ("training.volumeGb", self.volume_gb),
            ("training.maxRuntimeSeconds", self.max_runtime_seconds),
        ] {
            if value == 0 {
                faults.add(path, "must be at least 1");
            }
        }
        if let Some(tuning) = &self.tuning {
            tuning.validate(self, faults);
        }
        self.validate_surroundings(faults);
    }

    fn validate_surroundings(&self, faults: &mut Faults) {
        if let Some(spot) = &self.spot
            && spot.max_wait_seconds < self.max_runtime_seconds
        {
            faults.add(
                "training.spot.maxWaitSeconds",
                "must be at least maxRuntimeSeconds, of which it is a part",
            );
        }
        if let Some(vpc) = &self.vpc
            && !((1..=16).contains(&vpc.subnets.len())
                && (1..=5).contains(&vpc.security_group_ids.len()))
        {
            faults.add(
                "training.vpc",
                "needs 1 to 16 subnets and 1 to 5 security groups",
            );
        }
        if self.distribution == Distribution::ShardedByS3Key && self.instance_count == 1 {
            faults.add(
                "training.distribution",
                "shardedByS3Key shares the files out to several instances: set instanceCount",
            );
        }
        if self.environment.len() > 100 {
            faults.add("training.environment", "SageMaker takes at most 100");
        }
        let reserved = |key: &String| key.starts_with("aws:") || key.starts_with("millrace:");
        if self.tags.len() > 48 || self.tags.keys().any(reserved) {
            faults.add(
                "training.tags",
                "at most 48, and none that begins with aws: or millrace:",
            );
        }
    }
}

fn neither() -> FieldError {
    FieldError::new(
        "training.image",
        "name the container image, or a built-in algorithm as training.algorithm",
    )
}
