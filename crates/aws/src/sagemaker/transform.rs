//! Transform jobs over lines.

use super::training::tag;
use super::{InvalidAnswer, SERVICE, SageMaker, count, counted, if_there, seconds_since};
use crate::classify::service_error;
use aws_sdk_sagemaker::operation::describe_transform_job::DescribeTransformJobOutput;
use aws_sdk_sagemaker::types;
use contract::ServiceError;
use sagemaker_ports::{TransformInfo, TransformSpec, TransformStatus, Transforms};
use std::collections::BTreeMap;

const DESCRIBE: &str = "DescribeTransformJob";
const CREATE: &str = "CreateTransformJob";

impl Transforms for SageMaker {
    async fn describe_transform(&self, name: &str) -> Result<Option<TransformInfo>, ServiceError> {
        let request = self
            .client
            .describe_transform_job()
            .transform_job_name(name);
        match if_there(DESCRIBE, name, request.send()).await? {
            Some(job) => info(job)
                .map(Some)
                .map_err(|unfit| unfit.into_error(DESCRIBE, name)),
            None => Ok(None),
        }
    }

    async fn create_transform(&self, spec: &TransformSpec) -> Result<(), ServiceError> {
        let request = self.client.create_transform_job();
        let processing = spec.columns.as_ref().map(|columns| {
            types::DataProcessing::builder()
                .input_filter(columns)
                .build()
        });
        let answer = request
            .transform_job_name(&spec.name)
            .model_name(&spec.model)
            .batch_strategy(types::BatchStrategy::MultiRecord)
            .set_max_payload_in_mb(spec.max_payload_mb.map(count))
            .transform_input(input(spec))
            .transform_output(output(spec))
            .transform_resources(resources(spec))
            .set_data_processing(processing)
            .set_tags(Some(spec.tags.iter().map(tag).collect()))
            .send()
            .await;
        answer
            .map(drop)
            .map_err(|error| service_error(SERVICE, CREATE, &spec.name, error))
    }

    async fn stop_transform(&self, name: &str) -> Result<(), ServiceError> {
        let request = self.client.stop_transform_job().transform_job_name(name);
        let answer = request.send().await;
        answer
            .map(drop)
            .map_err(|error| service_error(SERVICE, "StopTransformJob", name, error))
    }
}

fn input(spec: &TransformSpec) -> types::TransformInput {
    let source = types::TransformS3DataSource::builder()
        .s3_data_type(types::S3DataType::S3Prefix)
        .s3_uri(&spec.input)
        .build();
    types::TransformInput::builder()
        .data_source(
            types::TransformDataSource::builder()
                .s3_data_source(source)
                .build(),
        )
        .content_type(&spec.content_type)
        .split_type(types::SplitType::Line)
        .build()
}

fn output(spec: &TransformSpec) -> types::TransformOutput {
    types::TransformOutput::builder()
        .s3_output_path(&spec.output)
        .accept(&spec.content_type)
        .assemble_with(types::AssemblyType::Line)
        .set_kms_key_id(spec.output_key.clone())
        .build()
}

fn resources(spec: &TransformSpec) -> types::TransformResources {
    types::TransformResources::builder()
        .instance_type(types::TransformInstanceType::from(
            spec.instance_type.as_str(),
        ))
        .instance_count(count(spec.instance_count))
        .set_volume_kms_key_id(spec.volume_key.clone())
        .build()
}

fn info(job: DescribeTransformJobOutput) -> Result<TransformInfo, InvalidAnswer> {
    let status = job
        .transform_job_status
        .ok_or(InvalidAnswer::Missing("TransformJobStatus"))?;
    let status = match status {
        types::TransformJobStatus::InProgress => TransformStatus::InProgress,
        types::TransformJobStatus::Completed => TransformStatus::Completed,
        types::TransformJobStatus::Failed => TransformStatus::Failed,
        types::TransformJobStatus::Stopping => TransformStatus::Stopping,
        types::TransformJobStatus::Stopped => TransformStatus::Stopped,
        other => return Err(InvalidAnswer::Unexpected(format!("the status {other}"))),
    };
    let input = job
        .transform_input
        .ok_or(InvalidAnswer::Missing("TransformInput"))?;
    let output = job
        .transform_output
        .ok_or(InvalidAnswer::Missing("TransformOutput"))?;
    let resources = job
        .transform_resources
        .ok_or(InvalidAnswer::Missing("TransformResources"))?;
    let source = input.data_source.and_then(|source| source.s3_data_source);
    Ok(TransformInfo {
        spec: TransformSpec {
            name: job
                .transform_job_name
                .ok_or(InvalidAnswer::Missing("TransformJobName"))?,
            model: job.model_name.ok_or(InvalidAnswer::Missing("ModelName"))?,
            input: source
                .and_then(|source| source.s3_uri)
                .ok_or(InvalidAnswer::Missing("S3Uri"))?,
            content_type: input.content_type.unwrap_or_default(),
            // Fields that were not requested may be described with their default.
            columns: job
                .data_processing
                .and_then(|processing| processing.input_filter)
                .filter(|filter| !filter.is_empty() && filter != "$"),
            output: output
                .s3_output_path
                .ok_or(InvalidAnswer::Missing("S3OutputPath"))?,
            instance_type: resources
                .instance_type
                .map(|it| it.as_str().to_owned())
                .unwrap_or_default(),
            instance_count: counted(resources.instance_count),
            max_payload_mb: job.max_payload_in_mb.map(|it| counted(Some(it))),
            volume_key: resources.volume_kms_key_id.filter(|key| !key.is_empty()),
            output_key: output.kms_key_id.filter(|key| !key.is_empty()),
            tags: BTreeMap::new(),
        },
        status,
        failure_reason: job.failure_reason,
        age_seconds: seconds_since(job.creation_time.as_ref()),
    })
}
