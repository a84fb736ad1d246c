//! How a model is trained on the rows. It must not ask the service.

use crate::FieldError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How a model is trained on the rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Training {
    /// The container image that trains and serves, as a registry path.
    pub image: String,
    /// The role SageMaker assumes; by default the one that the stack made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    /// The instance type of the training job.
    #[serde(default = "default_instance_type")]
    pub instance_type: String,
    /// Instances of the training job.
    #[serde(default = "one")]
    #[schemars(range(min = 1))]
    pub instance_count: u32,
    /// Which of the training files each instance is given.
    #[serde(default)]
    pub distribution: Distribution,
    /// Gigabytes of each instance's volume.
    #[serde(default = "default_volume")]
    #[schemars(range(min = 1))]
    pub volume_gb: u32,
    /// Seconds after which SageMaker stops the job.
    #[serde(default = "default_max_runtime")]
    #[schemars(range(min = 1))]
    pub max_runtime_seconds: u32,
    /// What the algorithm is told; at most 100, and numbers and booleans are passed as text.
    #[serde(default)]
    pub hyperparameters: BTreeMap<String, Scalar>,
    /// How the job's metrics are read from its log.
    #[serde(default)]
    pub metrics: Vec<MetricDefinition>,
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

/// Which of the training files each instance of a training job is given. Validation files go to
/// every instance.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Distribution {
    /// All of them.
    #[default]
    FullyReplicated,
    /// An equal share: there are then at least as many files as instances.
    ShardedByS3Key,
}

/// A hyperparameter's value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Scalar {
    /// `true` or `false`.
    Boolean(bool),
    /// A number, passed on as it is written.
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
    pub(crate) fn validate(&self) -> Result<(), FieldError> {
        let fail = |path, message: String| Err(FieldError { path, message });
        if self.image.is_empty() {
            return fail("training.image", "name the container image".to_owned());
        }
        if self.hyperparameters.len() > 100 {
            return fail(
                "training.hyperparameters",
                "SageMaker takes at most 100".to_owned(),
            );
        }
        if self.metrics.len() > 40 {
            return fail("training.metrics", "SageMaker takes at most 40".to_owned());
        }
        for (path, value) in [
            ("training.instanceCount", self.instance_count),
            ("training.volumeGb", self.volume_gb),
            ("training.maxRuntimeSeconds", self.max_runtime_seconds),
        ] {
            if value == 0 {
                return fail(path, "must be at least 1".to_owned());
            }
        }
        Ok(())
    }
}
