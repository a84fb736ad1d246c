//! The request for a training job: its constraints, and the members that the run needs.

use crate::protocol::members::parse;
use crate::protocol::refusal::Refusal;
use crate::protocol::validation::{
    self, Kind, NAME, ROLE, Rule, S3_URI, check, optional, required,
};
use crate::store::s3_uri::S3Uri;
use crate::tags;
use crate::training::channels::Channel;
use crate::training::metrics::{self, MetricDefinition};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};

const CHANNEL: Kind = validation::text(64, r"[A-Za-z0-9\.\-_]+");
const INSTANCE_TYPE: Kind = Kind::Text {
    min: 1,
    max: 64,
    pattern: r"ml\.[a-z0-9\-]+\.[a-z0-9]+",
};
const MODES: Kind = Kind::OneOf(&["Pipe", "File", "FastFile"]);
const RULES: &[Rule] = &[
    required("TrainingJobName", validation::text(63, NAME)),
    required(
        "RoleArn",
        Kind::Text {
            min: 20,
            max: 2048,
            pattern: ROLE,
        },
    ),
    optional(
        "HyperParameters",
        Kind::TextMap {
            entries: 100,
            key: 256,
            value: 2500,
        },
    ),
    required("AlgorithmSpecification", Kind::Object),
    required(
        "AlgorithmSpecification.TrainingImage",
        validation::text(255, ""),
    ),
    required("AlgorithmSpecification.TrainingInputMode", MODES),
    optional(
        "AlgorithmSpecification.MetricDefinitions",
        Kind::List { min: 0, max: 40 },
    ),
    required(
        "AlgorithmSpecification.MetricDefinitions[].Name",
        validation::text(255, ".+"),
    ),
    required(
        "AlgorithmSpecification.MetricDefinitions[].Regex",
        validation::text(500, ".+"),
    ),
    optional("InputDataConfig", Kind::List { min: 1, max: 20 }),
    required("InputDataConfig[].ChannelName", CHANNEL),
    required("InputDataConfig[].DataSource", Kind::Object),
    required("InputDataConfig[].DataSource.S3DataSource", Kind::Object),
    required(
        "InputDataConfig[].DataSource.S3DataSource.S3DataType",
        Kind::OneOf(&["ManifestFile", "S3Prefix", "AugmentedManifestFile"]),
    ),
    required(
        "InputDataConfig[].DataSource.S3DataSource.S3Uri",
        validation::text(1024, S3_URI),
    ),
    optional(
        "InputDataConfig[].DataSource.S3DataSource.AttributeNames",
        Kind::List { min: 0, max: 16 },
    ),
    optional(
        "InputDataConfig[].DataSource.S3DataSource.S3DataDistributionType",
        Kind::OneOf(&["FullyReplicated", "ShardedByS3Key"]),
    ),
    optional(
        "InputDataConfig[].CompressionType",
        Kind::OneOf(&["None", "Gzip"]),
    ),
    optional(
        "InputDataConfig[].RecordWrapperType",
        Kind::OneOf(&["None", "RecordIO"]),
    ),
    optional("InputDataConfig[].InputMode", MODES),
    required("OutputDataConfig", Kind::Object),
    required(
        "OutputDataConfig.S3OutputPath",
        validation::text(1024, S3_URI),
    ),
    optional(
        "OutputDataConfig.CompressionType",
        Kind::OneOf(&["GZIP", "NONE"]),
    ),
    required("ResourceConfig", Kind::Object),
    required("ResourceConfig.InstanceType", INSTANCE_TYPE),
    required(
        "ResourceConfig.InstanceCount",
        Kind::Integer {
            min: 1,
            max: i64::MAX,
        },
    ),
    required(
        "ResourceConfig.VolumeSizeInGB",
        Kind::Integer {
            min: 1,
            max: i64::MAX,
        },
    ),
    required("StoppingCondition", Kind::Object),
    optional(
        "StoppingCondition.MaxRuntimeInSeconds",
        Kind::Integer {
            min: 1,
            max: 2_419_200,
        },
    ),
    optional(
        "StoppingCondition.MaxWaitTimeInSeconds",
        Kind::Integer {
            min: 1,
            max: 2_419_200,
        },
    ),
    optional("EnableManagedSpotTraining", Kind::Boolean),
    optional("CheckpointConfig", Kind::Object),
    required("CheckpointConfig.S3Uri", validation::text(1024, S3_URI)),
    optional(
        "CheckpointConfig.LocalPath",
        Kind::Text {
            min: 0,
            max: 4096,
            pattern: "",
        },
    ),
    optional(
        "Environment",
        Kind::TextMap {
            entries: 100,
            key: 512,
            value: 512,
        },
    ),
];

/// The members that the run needs.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TrainingRequest {
    pub training_job_name: String,
    #[serde(default)]
    pub hyper_parameters: BTreeMap<String, String>,
    pub algorithm_specification: AlgorithmSpecification,
    #[serde(default)]
    pub input_data_config: Vec<Channel>,
    output_data_config: OutputDataConfig,
    pub resource_config: ResourceConfig,
    pub stopping_condition: StoppingCondition,
    #[serde(default, rename = "EnableManagedSpotTraining")]
    pub is_spot: bool,
    pub checkpoint_config: Option<CheckpointConfig>,
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AlgorithmSpecification {
    pub training_image: String,
    pub training_input_mode: String,
    #[serde(default)]
    pub metric_definitions: Vec<MetricDefinition>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OutputDataConfig {
    s3_output_path: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ResourceConfig {
    pub instance_type: String,
    instance_count: u64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct StoppingCondition {
    pub max_runtime_in_seconds: Option<u64>,
    pub max_wait_time_in_seconds: Option<u64>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CheckpointConfig {
    #[serde(rename = "S3Uri")]
    uri: String,
    local_path: Option<String>,
}

impl CheckpointConfig {
    /// The URI of the checkpoints between instances.
    pub fn uri(&self) -> Result<S3Uri, Refusal> {
        S3Uri::parse(&self.uri)
    }

    /// The folder of the checkpoints below `/opt/ml`.
    pub fn folder(&self) -> Result<&str, Refusal> {
        let path = self.local_path.as_deref().unwrap_or("/opt/ml/checkpoints");
        let below = path.strip_prefix("/opt/ml/").map(|it| it.trim_matches('/'));
        below
            .filter(|it| !it.is_empty() && !it.split('/').any(|part| part == ".."))
            .ok_or_else(|| {
                Refusal::validation(format!(
                    "sagemaker-local keeps checkpoints below /opt/ml, not in {path}"
                ))
            })
    }
}

impl TrainingRequest {
    /// Checks a request against the API's constraints, refuses what is not supported, and parses
    /// it.
    pub fn read(request: &Value) -> Result<Self, Refusal> {
        check(request, RULES)?;
        tags::validate(request)?;
        refuse_unsupported(request)?;
        let parsed: Self = parse(request)?;
        parsed.output("")?;
        metrics::compile(&parsed.algorithm_specification.metric_definitions)?;
        parsed.check_spot()?;
        if let Some(checkpoints) = &parsed.checkpoint_config {
            checkpoints.uri()?;
            checkpoints.folder()?;
        }
        let mut names = HashSet::new();
        for channel in &parsed.input_data_config {
            let name = channel.name.as_str();
            if !names.insert(name) || matches!(name, "." | "..") {
                return Err(Refusal::validation(format!(
                    "InputDataConfig has invalid or duplicate channel name: {name}"
                )));
            }
            channel.check(&parsed.algorithm_specification.training_input_mode)?;
        }
        if parsed.resource_config.instance_count > 1 {
            return Err(Refusal::limit(format!(
                "The account-level service limit '{} for training job usage' is 1 Instances, with \
                 current utilization of 0 Instances and a request delta of {} Instances: \
                 sagemaker-local trains on one.",
                parsed.resource_config.instance_type, parsed.resource_config.instance_count
            )));
        }
        Ok(parsed)
    }

    /// Spot training needs a wait time of at least the run time. Other jobs must have none.
    fn check_spot(&self) -> Result<(), Refusal> {
        let condition = &self.stopping_condition;
        let (wait, run) = (
            condition.max_wait_time_in_seconds,
            condition.max_runtime_in_seconds,
        );
        match (self.is_spot, wait) {
            (true, Some(wait)) if run.is_none_or(|run| wait >= run) => Ok(()),
            (false, None) => Ok(()),
            (true, _) => Err(Refusal::validation(
                "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to \
                 MaxRuntimeInSeconds",
            )),
            (false, Some(_)) => Err(Refusal::validation(
                "Invalid MaxWaitTimeInSeconds. It is supported only with EnableManagedSpotTraining",
            )),
        }
    }

    /// The URI of the file `name` of the job's output.
    pub fn output(&self, name: &str) -> Result<S3Uri, Refusal> {
        let base = S3Uri::parse(&self.output_data_config.s3_output_path)?;
        Ok(base.join(&format!("{}/output/{name}", self.training_job_name)))
    }
}

/// Refuses what this server does not support, so that a job never runs differently from its
/// request.
fn refuse_unsupported(request: &Value) -> Result<(), Refusal> {
    let algorithm = &request["AlgorithmSpecification"];
    let channels = request["InputDataConfig"].as_array().into_iter().flatten();
    let mut shuffles = channels.clone().map(|channel| &channel["ShuffleConfig"]);
    let mut compressions = channels.map(|channel| &channel["CompressionType"]);
    let found = if shuffles.any(|shuffle| !shuffle.is_null()) {
        "ShuffleConfig: a channel has one order in every pass"
    } else if compressions.any(|compression| compression == "Gzip") {
        "channels of CompressionType Gzip"
    } else if request["OutputDataConfig"]["CompressionType"] == "NONE" {
        "OutputDataConfig without compression"
    } else if !algorithm["ContainerEntrypoint"].is_null() {
        "ContainerEntrypoint: the mapping of the image says what is run"
    } else if !algorithm["ContainerArguments"].is_null() {
        "ContainerArguments: the mapping of the image says what is run"
    } else {
        return Ok(());
    };
    Err(Refusal::validation(format!(
        "sagemaker-local does not support {found}"
    )))
}
