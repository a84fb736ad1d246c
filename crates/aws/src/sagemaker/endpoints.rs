//! Models, endpoint configurations of one variant, endpoints and invocations.

use super::{
    InvalidAnswer, SERVICE, SageMaker, count, counted, described_vpc, if_there, seconds_since,
    sorted, tags, vpc,
};
use crate::classify::service_error;
use aws_sdk_sagemaker::operation::describe_endpoint::DescribeEndpointOutput;
use aws_sdk_sagemaker::operation::describe_endpoint_config::DescribeEndpointConfigOutput;
use aws_sdk_sagemaker::operation::describe_model::DescribeModelOutput;
use aws_sdk_sagemaker::types;
use aws_sdk_sagemakerruntime::primitives::Blob;
use contract::ServiceError;
use definition::{Compute, Shift};
use sagemaker_ports::{
    Capture, ConfigSpec, EndpointInfo, EndpointStatus, Endpoints, Guard, Invoke, ModelSpec,
    Prediction, Tags, Update,
};

const VARIANT: &str = "AllTraffic";
const DESCRIBE_CONFIG: &str = "DescribeEndpointConfig";
const DESCRIBE_ENDPOINT: &str = "DescribeEndpoint";

impl Endpoints for SageMaker {
    async fn describe_model(&self, name: &str) -> Result<Option<ModelSpec>, ServiceError> {
        let request = self.client.describe_model().model_name(name);
        Ok(if_there("DescribeModel", name, request.send())
            .await?
            .map(described_model))
    }

    async fn create_model(&self, spec: &ModelSpec) -> Result<(), ServiceError> {
        let environment = spec.environment.clone().into_iter().collect();
        let container = types::ContainerDefinition::builder()
            .image(&spec.image)
            .model_data_url(&spec.artifact)
            .set_environment(Some(environment));
        let answer = self
            .client
            .create_model()
            .model_name(&spec.name)
            .execution_role_arn(&spec.role_arn)
            .primary_container(container.build())
            .set_vpc_config(spec.vpc.as_ref().map(vpc))
            .enable_network_isolation(spec.network_isolation)
            .set_tags(tags::request(&spec.tags))
            .send()
            .await;
        answer
            .map(drop)
            .map_err(|error| service_error(SERVICE, "CreateModel", &spec.name, error))
    }

    async fn delete_model(&self, name: &str) -> Result<(), ServiceError> {
        let request = self.client.delete_model().model_name(name);
        if_there("DeleteModel", name, request.send())
            .await
            .map(drop)
    }

    async fn describe_config(&self, name: &str) -> Result<Option<ConfigSpec>, ServiceError> {
        let request = self
            .client
            .describe_endpoint_config()
            .endpoint_config_name(name);
        match if_there(DESCRIBE_CONFIG, name, request.send()).await? {
            Some(config) => described_config(config)
                .map(Some)
                .map_err(|unfit| unfit.into_error(DESCRIBE_CONFIG, name)),
            None => Ok(None),
        }
    }

    async fn create_config(&self, spec: &ConfigSpec) -> Result<(), ServiceError> {
        let answer = self
            .client
            .create_endpoint_config()
            .endpoint_config_name(&spec.name)
            .production_variants(variant(spec))
            .set_data_capture_config(spec.capture.as_ref().map(capture))
            .set_kms_key_id(spec.volume_key.clone())
            .set_tags(tags::request(&spec.tags))
            .send()
            .await;
        answer
            .map(drop)
            .map_err(|error| service_error(SERVICE, "CreateEndpointConfig", &spec.name, error))
    }

    async fn delete_config(&self, name: &str) -> Result<(), ServiceError> {
        let request = self
            .client
            .delete_endpoint_config()
            .endpoint_config_name(name);
        if_there("DeleteEndpointConfig", name, request.send())
            .await
            .map(drop)
    }

    async fn list_configs(&self, prefix: &str) -> Result<Vec<String>, ServiceError> {
        let mut pages = self
            .client
            .list_endpoint_configs()
            .name_contains(prefix)
            .sort_by(types::EndpointConfigSortKey::CreationTime)
            .sort_order(types::OrderKey::Ascending)
            .into_paginator()
            .send();
        let mut names = Vec::new();
        while let Some(page) = pages.next().await {
            let page =
                page.map_err(|error| service_error(SERVICE, "ListEndpointConfigs", prefix, error))?;
            // The service searches for the text anywhere in the name.
            let listed = page.endpoint_configs.unwrap_or_default().into_iter();
            names.extend(
                listed
                    .filter_map(|config| config.endpoint_config_name)
                    .filter(|name| name.starts_with(prefix)),
            );
        }
        Ok(names)
    }

    async fn describe_endpoint(&self, name: &str) -> Result<Option<EndpointInfo>, ServiceError> {
        let request = self.client.describe_endpoint().endpoint_name(name);
        match if_there(DESCRIBE_ENDPOINT, name, request.send()).await? {
            Some(endpoint) => described_endpoint(endpoint)
                .map(Some)
                .map_err(|unfit| unfit.into_error(DESCRIBE_ENDPOINT, name)),
            None => Ok(None),
        }
    }

    async fn endpoint_tags(&self, name: &str) -> Result<Option<Tags>, ServiceError> {
        let request = self.client.describe_endpoint().endpoint_name(name);
        let Some(found) = if_there(DESCRIBE_ENDPOINT, name, request.send()).await? else {
            return Ok(None);
        };
        let arn = tags::arn(found.endpoint_arn, "EndpointArn")
            .map_err(|unfit| unfit.into_error(DESCRIBE_ENDPOINT, name))?;
        Ok(Some(tags::tags_of(&self.client, name, &arn).await?))
    }

    async fn tag_endpoint(&self, name: &str, tags: &Tags) -> Result<(), ServiceError> {
        let request = self.client.describe_endpoint().endpoint_name(name);
        let found = request
            .send()
            .await
            .map_err(|error| service_error(SERVICE, DESCRIBE_ENDPOINT, name, error))?;
        let arn = tags::arn(found.endpoint_arn, "EndpointArn")
            .map_err(|unfit| unfit.into_error(DESCRIBE_ENDPOINT, name))?;
        tags::add(&self.client, name, &arn, tags).await
    }

    async fn create_endpoint(
        &self,
        name: &str,
        config: &str,
        tags: &Tags,
    ) -> Result<(), ServiceError> {
        let answer = self
            .client
            .create_endpoint()
            .endpoint_name(name)
            .endpoint_config_name(config)
            .set_tags(tags::request(tags))
            .send()
            .await;
        answer
            .map(drop)
            .map_err(|error| service_error(SERVICE, "CreateEndpoint", name, error))
    }

    async fn update_endpoint(
        &self,
        name: &str,
        config: &str,
        update: Update<'_>,
    ) -> Result<(), ServiceError> {
        let answer = self
            .client
            .update_endpoint()
            .endpoint_name(name)
            .endpoint_config_name(config)
            // By default the service resets counts that autoscaling changed to the configuration's.
            .retain_all_variant_properties(!update.resets_count)
            .set_deployment_config(update.guard.map(deployment))
            .send()
            .await;
        answer
            .map(drop)
            .map_err(|error| service_error(SERVICE, "UpdateEndpoint", name, error))
    }
}

impl Invoke for SageMaker {
    async fn invoke(
        &self,
        endpoint: &str,
        content_type: &str,
        body: Vec<u8>,
    ) -> Result<Prediction, ServiceError> {
        let answer = self
            .runtime
            .invoke_endpoint()
            .endpoint_name(endpoint)
            .content_type(content_type)
            .body(Blob::new(body))
            .send()
            .await
            .map_err(|error| {
                service_error("SageMaker Runtime", "InvokeEndpoint", endpoint, error)
            })?;
        Ok(Prediction {
            content_type: answer.content_type,
            body: answer.body.map(Blob::into_inner).unwrap_or_default(),
        })
    }
}

fn variant(spec: &ConfigSpec) -> types::ProductionVariant {
    let variant = types::ProductionVariant::builder()
        .variant_name(VARIANT)
        .model_name(&spec.model)
        .initial_variant_weight(1.0);
    match &spec.compute {
        Compute::Serverless {
            memory_mb,
            max_concurrency,
        } => variant.serverless_config(
            types::ProductionVariantServerlessConfig::builder()
                .memory_size_in_mb(count(*memory_mb))
                .max_concurrency(count(*max_concurrency))
                .build(),
        ),
        Compute::Instances {
            instance_type,
            count: instances,
            ..
        } => variant
            .instance_type(instance_type.as_str().into())
            .initial_instance_count(count(*instances))
            .set_container_startup_health_check_timeout_in_seconds(spec.startup_seconds.map(count)),
    }
    .build()
}

fn capture(capture: &Capture) -> types::DataCaptureConfig {
    let option = |mode| types::CaptureOption::builder().capture_mode(mode).build();
    let headers = types::CaptureContentTypeHeader::builder();
    types::DataCaptureConfig::builder()
        .enable_capture(true)
        .initial_sampling_percentage(count(capture.percent))
        .destination_s3_uri(&capture.destination)
        .set_kms_key_id(capture.key.clone())
        .capture_options(option(types::CaptureMode::Input))
        .capture_options(option(types::CaptureMode::Output))
        // Without it, CSV is stored as Base64.
        .capture_content_type_header(headers.csv_content_types("text/csv").build())
        .build()
}

fn deployment(guard: &Guard) -> types::DeploymentConfig {
    let size = |percent| {
        let size = types::CapacitySize::builder().r#type(types::CapacitySizeType::CapacityPercent);
        size.value(count(percent)).build()
    };
    let routing =
        types::TrafficRoutingConfig::builder().wait_interval_in_seconds(count(guard.bake_seconds));
    let routing = match guard.shift {
        Shift::AllAtOnce => routing.r#type(types::TrafficRoutingConfigType::AllAtOnce),
        Shift::Canary { percent } => {
            let routing = routing.canary_size(size(percent));
            routing.r#type(types::TrafficRoutingConfigType::Canary)
        }
        Shift::Linear { percent } => {
            let routing = routing.linear_step_size(size(percent));
            routing.r#type(types::TrafficRoutingConfigType::Linear)
        }
    };
    let longest = definition::update_seconds(guard.shift, guard.bake_seconds);
    let policy = types::BlueGreenUpdatePolicy::builder()
        .traffic_routing_configuration(routing.build())
        .maximum_execution_timeout_in_seconds(count(longest));
    let alarms: Vec<types::Alarm> = guard
        .alarms
        .iter()
        .map(|name| types::Alarm::builder().alarm_name(name).build())
        .collect();
    let rollback = types::AutoRollbackConfig::builder().set_alarms(Some(alarms));
    types::DeploymentConfig::builder()
        .blue_green_update_policy(policy.build())
        .set_auto_rollback_configuration((!guard.alarms.is_empty()).then(|| rollback.build()))
        .build()
}

fn described_model(model: DescribeModelOutput) -> ModelSpec {
    let container = model.primary_container;
    let (image, artifact, environment) = container
        .map(|it| (it.image, it.model_data_url, it.environment))
        .unwrap_or_default();
    ModelSpec {
        name: model.model_name.unwrap_or_default(),
        image: image.unwrap_or_default(),
        artifact: artifact.unwrap_or_default(),
        role_arn: model.execution_role_arn.unwrap_or_default(),
        environment: sorted(environment),
        vpc: model.vpc_config.map(described_vpc),
        network_isolation: model.enable_network_isolation == Some(true),
        tags: Tags::new(),
    }
}

fn described_config(config: DescribeEndpointConfigOutput) -> Result<ConfigSpec, InvalidAnswer> {
    let mut variants = config.production_variants.unwrap_or_default();
    let variant = variants
        .pop()
        .ok_or(InvalidAnswer::Missing("ProductionVariants"))?;
    let compute = match (variant.serverless_config, variant.instance_type) {
        (Some(serverless), _) => Compute::Serverless {
            memory_mb: counted(serverless.memory_size_in_mb),
            max_concurrency: counted(serverless.max_concurrency),
        },
        (None, Some(instance_type)) => Compute::Instances {
            instance_type: instance_type.as_str().to_owned(),
            count: counted(variant.initial_instance_count),
        },
        (None, None) => return Err(InvalidAnswer::Missing("the compute of its variant")),
    };
    Ok(ConfigSpec {
        name: config.endpoint_config_name.unwrap_or_default(),
        // With several variants it is not this pipeline's: no model's name matches.
        model: if variants.is_empty() {
            variant.model_name.unwrap_or_default()
        } else {
            format!("one of {} variants", variants.len() + 1)
        },
        compute,
        capture: config
            .data_capture_config
            .filter(|capture| capture.enable_capture != Some(false))
            .map(|capture| Capture {
                percent: counted(capture.initial_sampling_percentage),
                destination: capture.destination_s3_uri.unwrap_or_default(),
                key: capture.kms_key_id.filter(|key| !key.is_empty()),
            }),
        startup_seconds: variant
            .container_startup_health_check_timeout_in_seconds
            .map(|seconds| counted(Some(seconds))),
        volume_key: config.kms_key_id.filter(|key| !key.is_empty()),
        tags: Tags::new(),
    })
}

fn described_endpoint(endpoint: DescribeEndpointOutput) -> Result<EndpointInfo, InvalidAnswer> {
    let status = match endpoint.endpoint_status {
        Some(types::EndpointStatus::OutOfService) => EndpointStatus::OutOfService,
        Some(types::EndpointStatus::Creating) => EndpointStatus::Creating,
        Some(types::EndpointStatus::Updating) => EndpointStatus::Updating,
        Some(types::EndpointStatus::SystemUpdating) => EndpointStatus::SystemUpdating,
        Some(types::EndpointStatus::RollingBack) => EndpointStatus::RollingBack,
        Some(types::EndpointStatus::InService) => EndpointStatus::InService,
        Some(types::EndpointStatus::Deleting) => EndpointStatus::Deleting,
        Some(types::EndpointStatus::Failed) => EndpointStatus::Failed,
        Some(types::EndpointStatus::UpdateRollbackFailed) => EndpointStatus::UpdateRollbackFailed,
        Some(other) => return Err(InvalidAnswer::Unexpected(format!("the status {other}"))),
        None => return Err(InvalidAnswer::Missing("EndpointStatus")),
    };
    Ok(EndpointInfo {
        // An endpoint that failed during its creation may have none.
        config: endpoint.endpoint_config_name.unwrap_or_default(),
        status,
        failure_reason: endpoint.failure_reason,
        pending: endpoint
            .pending_deployment_summary
            .and_then(|pending| pending.endpoint_config_name),
        age_seconds: seconds_since(
            endpoint
                .last_modified_time
                .or(endpoint.creation_time)
                .as_ref(),
        ),
    })
}
