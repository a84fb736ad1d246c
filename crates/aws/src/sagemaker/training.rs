//! Training jobs: one S3 prefix per channel in File mode, metrics scraped from the log.

use super::{SERVICE, SageMaker, Unfit, count, counted, if_there, seconds_since};
use crate::classify::service_error;
use aws_sdk_sagemaker::operation::describe_training_job::DescribeTrainingJobOutput;
use aws_sdk_sagemaker::types;
use contract::ServiceError;
use contract::definition::{Distribution, MetricDefinition};
use model::{Channel, TrainingInfo, TrainingJobs, TrainingSpec, TrainingStatus};
use std::collections::BTreeMap;

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
        let algorithm = types::AlgorithmSpecification::builder()
            .training_image(&spec.image)
            .training_input_mode(types::TrainingInputMode::File)
            // The service refuses an empty list.
            .set_metric_definitions(
                (!spec.metrics.is_empty()).then(|| spec.metrics.iter().map(metric).collect()),
            );
        let resources = types::ResourceConfig::builder()
            .instance_type(spec.instance_type.as_str().into())
            .instance_count(count(spec.instance_count))
            .volume_size_in_gb(count(spec.volume_gb));
        let answer = self
            .client
            .create_training_job()
            .training_job_name(&spec.name)
            .role_arn(&spec.role_arn)
            .algorithm_specification(algorithm.build())
            .set_hyper_parameters(Some(spec.hyperparameters.clone().into_iter().collect()))
            .set_input_data_config(Some(spec.channels.iter().map(channel).collect()))
            .output_data_config(
                types::OutputDataConfig::builder()
                    .s3_output_path(&spec.output)
                    .build(),
            )
            .resource_config(resources.build())
            .stopping_condition(
                types::StoppingCondition::builder()
                    .max_runtime_in_seconds(count(spec.max_runtime_seconds))
                    .build(),
            )
            .set_tags(Some(spec.tags.iter().map(tag).collect()))
            .send()
            .await;
        answer
            .map(drop)
            .map_err(|error| service_error(SERVICE, "CreateTrainingJob", &spec.name, error))
    }
}

fn metric(metric: &MetricDefinition) -> types::MetricDefinition {
    types::MetricDefinition::builder()
        .name(&metric.name)
        .regex(&metric.regex)
        .build()
}

fn channel(channel: &Channel) -> types::Channel {
    let source = types::S3DataSource::builder()
        .s3_data_type(types::S3DataType::S3Prefix)
        .s3_uri(&channel.prefix)
        .s3_data_distribution_type(match channel.distribution {
            Distribution::FullyReplicated => types::S3DataDistribution::FullyReplicated,
            Distribution::ShardedByS3Key => types::S3DataDistribution::ShardedByS3Key,
        })
        .build();
    types::Channel::builder()
        .channel_name(&channel.name)
        .content_type(&channel.content_type)
        .data_source(types::DataSource::builder().s3_data_source(source).build())
        .build()
}

fn tag((key, value): (&String, &String)) -> types::Tag {
    types::Tag::builder().key(key).value(value).build()
}

fn info(job: DescribeTrainingJobOutput) -> Result<TrainingInfo, Unfit> {
    let status = match job.training_job_status() {
        Some(types::TrainingJobStatus::InProgress) => TrainingStatus::InProgress,
        Some(types::TrainingJobStatus::Completed) => TrainingStatus::Completed,
        Some(types::TrainingJobStatus::Failed) => TrainingStatus::Failed,
        // A job that is being deleted ran to no end that anybody can still use.
        Some(types::TrainingJobStatus::Stopping | types::TrainingJobStatus::Deleting) => {
            TrainingStatus::Stopping
        }
        Some(types::TrainingJobStatus::Stopped) => TrainingStatus::Stopped,
        Some(other) => return Err(Unfit::Holds(format!("the status {other}"))),
        None => return Err(Unfit::Lacks("TrainingJobStatus")),
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

/// SageMaker keeps metrics as 32-bit floats. The shortest decimal that means the same float is
/// what the log said: 0.9, not 0.8999999761581421.
fn widened(value: f32) -> f64 {
    value
        .to_string()
        .parse()
        .expect("a float's text is a float's text")
}

fn spec(job: DescribeTrainingJobOutput) -> Result<TrainingSpec, Unfit> {
    let algorithm = job
        .algorithm_specification
        .ok_or(Unfit::Lacks("AlgorithmSpecification"))?;
    let resources = job.resource_config.ok_or(Unfit::Lacks("ResourceConfig"))?;
    let mut channels: Vec<Channel> = job
        .input_data_config
        .unwrap_or_default()
        .into_iter()
        .map(described_channel)
        .collect();
    channels.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(TrainingSpec {
        name: job.training_job_name.unwrap_or_default(),
        // A job of an AWS Marketplace algorithm has no image.
        image: algorithm.training_image.unwrap_or_default(),
        role_arn: job.role_arn.unwrap_or_default(),
        instance_type: resources
            .instance_type
            .map(|instance| instance.as_str().to_owned())
            .unwrap_or_default(),
        instance_count: counted(resources.instance_count),
        volume_gb: counted(resources.volume_size_in_gb),
        max_runtime_seconds: counted(
            job.stopping_condition
                .and_then(|condition| condition.max_runtime_in_seconds),
        ),
        hyperparameters: job
            .hyper_parameters
            .unwrap_or_default()
            .into_iter()
            .collect(),
        metrics: algorithm
            .metric_definitions
            .unwrap_or_default()
            .into_iter()
            .map(|metric| MetricDefinition {
                name: metric.name.unwrap_or_default(),
                regex: metric.regex.unwrap_or_default(),
            })
            .collect(),
        channels,
        output: job
            .output_data_config
            .and_then(|output| output.s3_output_path)
            .unwrap_or_default(),
        tags: BTreeMap::new(),
    })
}

fn described_channel(channel: types::Channel) -> Channel {
    let source = channel.data_source.and_then(|it| it.s3_data_source);
    let sharded = source.as_ref().is_some_and(|source| {
        source.s3_data_distribution_type == Some(types::S3DataDistribution::ShardedByS3Key)
    });
    Channel {
        name: channel.channel_name.unwrap_or_default(),
        prefix: source.and_then(|it| it.s3_uri).unwrap_or_default(),
        content_type: channel.content_type.unwrap_or_default(),
        // What is not said is fully replicated.
        distribution: if sharded {
            Distribution::ShardedByS3Key
        } else {
            Distribution::FullyReplicated
        },
    }
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
