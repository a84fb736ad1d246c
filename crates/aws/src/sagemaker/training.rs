//! Training jobs: one S3 prefix per channel, metrics scraped from the log.

use super::{
    InvalidAnswer, SERVICE, SageMaker, count, counted, described_vpc, if_there, seconds_since,
    sorted, vpc,
};
use crate::classify::service_error;
use aws_sdk_sagemaker::operation::describe_training_job::DescribeTrainingJobOutput;
use aws_sdk_sagemaker::types;
use contract::ServiceError;
use definition::{Distribution, InputMode};
use sagemaker_ports::{Channel, TrainingInfo, TrainingJobs, TrainingSpec, TrainingStatus};
use std::collections::{BTreeMap, HashMap};

const DESCRIBE: &str = "DescribeTrainingJob";

impl TrainingJobs for SageMaker {
    async fn describe(&self, name: &str) -> Result<Option<TrainingInfo>, ServiceError> {
        let request = self.client.describe_training_job().training_job_name(name);
        match if_there(DESCRIBE, name, request.send()).await? {
            Some(job) => info(job)
                .map(Some)
                .map_err(|unfit| unfit.into_error(DESCRIBE, name)),
            None => Ok(None),
        }
    }

    async fn create(&self, spec: &TrainingSpec) -> Result<(), ServiceError> {
        let request = self.client.create_training_job();
        let answer = request
            .training_job_name(&spec.name)
            .role_arn(&spec.role_arn)
            .algorithm_specification(algorithm(spec))
            .set_hyper_parameters(Some(spec.hyperparameters.clone().into_iter().collect()))
            .set_input_data_config(Some(spec.channels.iter().map(channel).collect()))
            .output_data_config(output(spec))
            .resource_config(resources(spec))
            .stopping_condition(stopping(spec))
            .enable_managed_spot_training(spec.max_wait_seconds.is_some())
            .set_checkpoint_config(spec.checkpoints.as_ref().map(checkpoints))
            .set_environment(environment(spec))
            .set_vpc_config(spec.vpc.as_ref().map(vpc))
            .enable_network_isolation(spec.network_isolation)
            .enable_inter_container_traffic_encryption(spec.encrypt_traffic)
            .set_tags(Some(spec.tags.iter().map(tag).collect()))
            .send()
            .await;
        answer
            .map(drop)
            .map_err(|error| service_error(SERVICE, "CreateTrainingJob", &spec.name, error))
    }

    async fn stop(&self, name: &str) -> Result<(), ServiceError> {
        let request = self.client.stop_training_job().training_job_name(name);
        let answer = request.send().await;
        answer
            .map(drop)
            .map_err(|error| service_error(SERVICE, "StopTrainingJob", name, error))
    }
}

fn algorithm(spec: &TrainingSpec) -> types::AlgorithmSpecification {
    types::AlgorithmSpecification::builder()
        .training_image(&spec.image)
        .training_input_mode(input_mode(spec.input_mode))
        .set_metric_definitions(metrics(spec))
        .build()
}

pub(super) const fn input_mode(mode: InputMode) -> types::TrainingInputMode {
    match mode {
        InputMode::File => types::TrainingInputMode::File,
        InputMode::FastFile => types::TrainingInputMode::Fastfile,
        InputMode::Pipe => types::TrainingInputMode::Pipe,
    }
}

/// The service refuses an empty list.
pub(super) fn metrics(spec: &TrainingSpec) -> Option<Vec<types::MetricDefinition>> {
    let metric = |(name, regex): (&String, &String)| {
        let metric = types::MetricDefinition::builder().name(name);
        metric.regex(regex).build()
    };
    (!spec.metrics.is_empty()).then(|| spec.metrics.iter().map(metric).collect())
}

/// The service refuses an empty map.
pub(super) fn environment(spec: &TrainingSpec) -> Option<HashMap<String, String>> {
    (!spec.environment.is_empty()).then(|| spec.environment.clone().into_iter().collect())
}

pub(super) fn resources(spec: &TrainingSpec) -> types::ResourceConfig {
    types::ResourceConfig::builder()
        .instance_type(spec.instance_type.as_str().into())
        .instance_count(count(spec.instance_count))
        .volume_size_in_gb(count(spec.volume_gb))
        .set_volume_kms_key_id(spec.volume_key.clone())
        .build()
}

pub(super) fn output(spec: &TrainingSpec) -> types::OutputDataConfig {
    types::OutputDataConfig::builder()
        .s3_output_path(&spec.output)
        .set_kms_key_id(spec.output_key.clone())
        .build()
}

pub(super) fn stopping(spec: &TrainingSpec) -> types::StoppingCondition {
    types::StoppingCondition::builder()
        .max_runtime_in_seconds(count(spec.max_runtime_seconds))
        .set_max_wait_time_in_seconds(spec.max_wait_seconds.map(count))
        .build()
}

pub(super) fn checkpoints(uri: &String) -> types::CheckpointConfig {
    types::CheckpointConfig::builder().s3_uri(uri).build()
}

pub(super) fn channel((name, channel): (&String, &Channel)) -> types::Channel {
    let distribution = match channel.distribution {
        Distribution::FullyReplicated => types::S3DataDistribution::FullyReplicated,
        Distribution::ShardedByS3Key => types::S3DataDistribution::ShardedByS3Key,
    };
    let attributes = &channel.attributes;
    let (kind, wrapper) = if attributes.is_empty() {
        (types::S3DataType::S3Prefix, None)
    } else {
        let records = types::RecordWrapper::Recordio;
        (types::S3DataType::AugmentedManifestFile, Some(records))
    };
    let source = types::S3DataSource::builder()
        .s3_data_type(kind)
        .s3_uri(&channel.prefix)
        .s3_data_distribution_type(distribution)
        .set_attribute_names((!attributes.is_empty()).then(|| attributes.clone()))
        .build();
    types::Channel::builder()
        .channel_name(name)
        .content_type(&channel.content_type)
        .set_record_wrapper_type(wrapper)
        .data_source(types::DataSource::builder().s3_data_source(source).build())
        .build()
}

pub(super) fn tag((key, value): (&String, &String)) -> types::Tag {
    types::Tag::builder().key(key).value(value).build()
}

fn info(job: DescribeTrainingJobOutput) -> Result<TrainingInfo, InvalidAnswer> {
    let status = match job.training_job_status() {
        Some(types::TrainingJobStatus::InProgress) => TrainingStatus::InProgress,
        Some(types::TrainingJobStatus::Completed) => TrainingStatus::Completed,
        Some(types::TrainingJobStatus::Failed) => TrainingStatus::Failed,
        // A job that is being deleted has no usable result.
        Some(types::TrainingJobStatus::Stopping | types::TrainingJobStatus::Deleting) => {
            TrainingStatus::Stopping
        }
        Some(types::TrainingJobStatus::Stopped) => TrainingStatus::Stopped,
        Some(other) => return Err(InvalidAnswer::Unexpected(format!("the status {other}"))),
        None => return Err(InvalidAnswer::Missing("TrainingJobStatus")),
    };
    let metrics = job
        .final_metric_data_list()
        .iter()
        .filter_map(|metric| Some((metric.metric_name()?.to_owned(), widened(metric.value()?))))
        .collect();
    Ok(TrainingInfo {
        status,
        secondary: job
            .secondary_status()
            .map(|secondary| secondary.as_str().to_owned())
            .unwrap_or_default(),
        failure_reason: job.failure_reason().map(str::to_owned),
        artifact: job
            .model_artifacts()
            .and_then(|artifacts| artifacts.s3_model_artifacts())
            .map(str::to_owned),
        metrics,
        age_seconds: seconds_since(job.creation_time()),
        billable_seconds: job
            .billable_time_in_seconds()
            .and_then(|seconds| u64::try_from(seconds).ok()),
        spec: spec(job)?,
    })
}

/// SageMaker stores metrics as 32-bit floats. The shortest decimal of the same float is what the
/// log had: 0.9, not 0.8999999761581421.
fn widened(value: f32) -> f64 {
    value
        .to_string()
        .parse()
        .expect("a float's text is a float's text")
}

fn spec(job: DescribeTrainingJobOutput) -> Result<TrainingSpec, InvalidAnswer> {
    let algorithm = job
        .algorithm_specification
        .ok_or(InvalidAnswer::Missing("AlgorithmSpecification"))?;
    let parts = Parts {
        name: job.training_job_name,
        image: algorithm.training_image,
        input_mode: algorithm.training_input_mode,
        metrics: algorithm.metric_definitions,
        role_arn: job.role_arn,
        hyperparameters: job.hyper_parameters,
        resources: job.resource_config,
        stopping: job.stopping_condition,
        output: job.output_data_config,
        channels: job.input_data_config,
        checkpoints: job.checkpoint_config,
        environment: job.environment,
        vpc: job.vpc_config,
        spot: job.enable_managed_spot_training,
        isolation: job.enable_network_isolation,
        encryption: job.enable_inter_container_traffic_encryption,
    };
    parts.into_spec()
}

/// What descriptions of training jobs and of tuning jobs' definitions have in common.
pub(super) struct Parts {
    pub name: Option<String>,
    pub image: Option<String>,
    pub input_mode: Option<types::TrainingInputMode>,
    pub metrics: Option<Vec<types::MetricDefinition>>,
    pub role_arn: Option<String>,
    pub hyperparameters: Option<HashMap<String, String>>,
    pub resources: Option<types::ResourceConfig>,
    pub stopping: Option<types::StoppingCondition>,
    pub output: Option<types::OutputDataConfig>,
    pub channels: Option<Vec<types::Channel>>,
    pub checkpoints: Option<types::CheckpointConfig>,
    pub environment: Option<HashMap<String, String>>,
    pub vpc: Option<types::VpcConfig>,
    pub spot: Option<bool>,
    pub isolation: Option<bool>,
    pub encryption: Option<bool>,
}

impl Parts {
    pub(super) fn into_spec(self) -> Result<TrainingSpec, InvalidAnswer> {
        let resources = self
            .resources
            .ok_or(InvalidAnswer::Missing("ResourceConfig"))?;
        let input_mode = match self.input_mode {
            Some(types::TrainingInputMode::File) => InputMode::File,
            Some(types::TrainingInputMode::Fastfile) => InputMode::FastFile,
            Some(types::TrainingInputMode::Pipe) => InputMode::Pipe,
            Some(other) => {
                return Err(InvalidAnswer::Unexpected(format!("the input mode {other}")));
            }
            None => return Err(InvalidAnswer::Missing("TrainingInputMode")),
        };
        let metrics = self.metrics.unwrap_or_default();
        let stopping = self.stopping;
        let output = self.output;
        let channels = self.channels.unwrap_or_default().into_iter();
        Ok(TrainingSpec {
            name: self.name.unwrap_or_default(),
            // A job of an AWS Marketplace algorithm has no image.
            image: self.image.unwrap_or_default(),
            role_arn: self.role_arn.unwrap_or_default(),
            instance_type: resources
                .instance_type
                .map(|instance| instance.as_str().to_owned())
                .unwrap_or_default(),
            instance_count: counted(resources.instance_count),
            volume_gb: counted(resources.volume_size_in_gb),
            max_runtime_seconds: counted(
                stopping.as_ref().and_then(|it| it.max_runtime_in_seconds),
            ),
            max_wait_seconds: stopping
                .and_then(|it| it.max_wait_time_in_seconds)
                .filter(|_| self.spot == Some(true))
                .map(|seconds| counted(Some(seconds))),
            checkpoints: self.checkpoints.and_then(|it| it.s3_uri),
            input_mode,
            hyperparameters: sorted(self.hyperparameters),
            metrics: metrics
                .into_iter()
                .filter_map(|metric| Some((metric.name?, metric.regex.unwrap_or_default())))
                .collect(),
            channels: channels.map(described_channel).collect::<Result<_, _>>()?,
            output: output
                .as_ref()
                .and_then(|it| it.s3_output_path.clone())
                .unwrap_or_default(),
            environment: sorted(self.environment),
            vpc: self.vpc.map(described_vpc),
            network_isolation: self.isolation == Some(true),
            encrypt_traffic: self.encryption == Some(true),
            volume_key: resources.volume_kms_key_id.filter(|key| !key.is_empty()),
            output_key: output
                .and_then(|it| it.kms_key_id)
                .filter(|key| !key.is_empty()),
            tags: BTreeMap::new(),
        })
    }
}

fn described_channel(channel: types::Channel) -> Result<(String, Channel), InvalidAnswer> {
    let source = channel
        .data_source
        .and_then(|source| source.s3_data_source)
        .ok_or(InvalidAnswer::Missing("S3DataSource"))?;
    let distribution = match source.s3_data_distribution_type {
        None | Some(types::S3DataDistribution::FullyReplicated) => Distribution::FullyReplicated,
        Some(types::S3DataDistribution::ShardedByS3Key) => Distribution::ShardedByS3Key,
        Some(other) => {
            return Err(InvalidAnswer::Unexpected(format!(
                "the distribution {other}"
            )));
        }
    };
    let described = Channel {
        prefix: source.s3_uri.unwrap_or_default(),
        attributes: source.attribute_names.unwrap_or_default(),
        content_type: channel.content_type.unwrap_or_default(),
        distribution,
    };
    Ok((channel.channel_name.unwrap_or_default(), described))
}

#[cfg(test)]
mod tests {
    use super::widened;

    #[test]
    fn a_metric_keeps_the_decimals_of_the_log() {
        for (kept, said) in [(0.9_f32, 0.9_f64), (1.25, 1.25), (0.123_456, 0.123_456)] {
            assert!((widened(kept) - said).abs() < f64::EPSILON, "{said}");
        }
        assert!(widened(f32::NAN).is_nan());
        assert!(widened(f32::INFINITY).is_infinite());
    }
}
