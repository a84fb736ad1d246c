//! Application Auto Scaling as [`sagemaker_ports::Scaling`]. Only the policy with Millrace's name
//! is changed.

use crate::classify::service_error;
use aws_config::SdkConfig;
use aws_sdk_applicationautoscaling::error::{BuildError, SdkError};
use aws_sdk_applicationautoscaling::types::{
    MetricType, PolicyType, PredefinedMetricSpecification, ScalableDimension, ScalableTarget,
    ScalingPolicy, ServiceNamespace, TargetTrackingScalingPolicyConfiguration,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use contract::{ErrorName, ServiceError};
use definition::Autoscaling;
use sagemaker_ports::Scaling;
use std::error::Error;

const SERVICE: &str = "Application Auto Scaling";
/// The name of Millrace's policies.
const POLICY: &str = "millrace-invocations-per-instance";
const NAMESPACE: ServiceNamespace = ServiceNamespace::Sagemaker;
const DIMENSION: ScalableDimension = ScalableDimension::SageMakerVariantDesiredInstanceCount;

/// The client of Application Auto Scaling. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AutoScaling {
    client: aws_sdk_applicationautoscaling::Client,
}

impl AutoScaling {
    /// Application Auto Scaling at the endpoint of `config` (or
    /// `AWS_ENDPOINT_URL_APPLICATION_AUTO_SCALING`).
    pub fn new(config: &SdkConfig) -> Self {
        Self {
            client: aws_sdk_applicationautoscaling::Client::new(config),
        }
    }

    /// All policies of the endpoint's variant, also those of others.
    async fn policies(&self, endpoint: &str) -> Result<Vec<ScalingPolicy>, ServiceError> {
        let answer = self
            .client
            .describe_scaling_policies()
            .service_namespace(NAMESPACE)
            .resource_id(resource(endpoint))
            .scalable_dimension(DIMENSION)
            .send()
            .await;
        answer
            .map(|found| found.scaling_policies.unwrap_or_default())
            .map_err(|error| failed("DescribeScalingPolicies", endpoint, error))
    }
}

impl AutoScaling {
    /// The limits of the endpoint's variant, if anything scales it.
    async fn target(&self, endpoint: &str) -> Result<Option<ScalableTarget>, ServiceError> {
        let found = self
            .client
            .describe_scalable_targets()
            .service_namespace(NAMESPACE)
            .resource_ids(resource(endpoint))
            .scalable_dimension(DIMENSION)
            .send()
            .await
            .map_err(|error| failed("DescribeScalableTargets", endpoint, error))?;
        let targets = found.scalable_targets.unwrap_or_default();
        Ok(targets.into_iter().next())
    }
}

impl Scaling for AutoScaling {
    async fn describe_scaling(&self, endpoint: &str) -> Result<Option<Autoscaling>, ServiceError> {
        let policies = self.policies(endpoint).await?.into_iter();
        let mut ours = policies.filter(|policy| policy.policy_name == POLICY);
        let tracking = ours
            .next()
            .and_then(|policy| policy.target_tracking_scaling_policy_configuration);
        let Some(tracking) = tracking else {
            return Ok(None);
        };
        let target = self.target(endpoint).await?;
        Ok(target.map(|target| Autoscaling {
            min_instances: counted(target.min_capacity),
            max_instances: counted(target.max_capacity),
            invocations_per_instance: whole(tracking.target_value),
            scale_in_cooldown_seconds: counted(tracking.scale_in_cooldown.unwrap_or_default()),
            scale_out_cooldown_seconds: counted(tracking.scale_out_cooldown.unwrap_or_default()),
        }))
    }

    async fn is_scaled(&self, endpoint: &str) -> Result<bool, ServiceError> {
        Ok(self.target(endpoint).await?.is_some())
    }

    async fn put_scaling(&self, endpoint: &str, wanted: &Autoscaling) -> Result<(), ServiceError> {
        self.client
            .register_scalable_target()
            .service_namespace(NAMESPACE)
            .resource_id(resource(endpoint))
            .scalable_dimension(DIMENSION)
            .min_capacity(count(wanted.min_instances))
            .max_capacity(count(wanted.max_instances))
            .send()
            .await
            .map_err(|error| failed("RegisterScalableTarget", endpoint, error))?;
        let tracking = tracking(wanted).map_err(|error| unbuilt(endpoint, &error))?;
        let answer = self
            .client
            .put_scaling_policy()
            .policy_name(POLICY)
            .service_namespace(NAMESPACE)
            .resource_id(resource(endpoint))
            .scalable_dimension(DIMENSION)
            .policy_type(PolicyType::TargetTrackingScaling)
            .target_tracking_scaling_policy_configuration(tracking)
            .send()
            .await;
        answer
            .map(drop)
            .map_err(|error| failed("PutScalingPolicy", endpoint, error))
    }

    async fn remove_scaling(&self, endpoint: &str) -> Result<(), ServiceError> {
        let removed = self
            .client
            .delete_scaling_policy()
            .policy_name(POLICY)
            .service_namespace(NAMESPACE)
            .resource_id(resource(endpoint))
            .scalable_dimension(DIMENSION)
            .send();
        if_there("DeleteScalingPolicy", endpoint, removed).await?;
        // The target has the limits of every policy: another policy still needs it.
        if !self.policies(endpoint).await?.is_empty() {
            return Ok(());
        }
        let removed = self
            .client
            .deregister_scalable_target()
            .service_namespace(NAMESPACE)
            .resource_id(resource(endpoint))
            .scalable_dimension(DIMENSION)
            .send();
        if_there("DeregisterScalableTarget", endpoint, removed).await
    }
}

fn resource(endpoint: &str) -> String {
    format!("endpoint/{endpoint}/variant/AllTraffic")
}

fn tracking(wanted: &Autoscaling) -> Result<TargetTrackingScalingPolicyConfiguration, BuildError> {
    let metric = PredefinedMetricSpecification::builder()
        .predefined_metric_type(MetricType::SageMakerVariantInvocationsPerInstance)
        .build()?;
    TargetTrackingScalingPolicyConfiguration::builder()
        .target_value(f64::from(wanted.invocations_per_instance))
        .predefined_metric_specification(metric)
        .scale_in_cooldown(count(wanted.scale_in_cooldown_seconds))
        .scale_out_cooldown(count(wanted.scale_out_cooldown_seconds))
        .build()
}

/// A missing resource need not be removed.
async fn if_there<T, E>(
    operation: &'static str,
    endpoint: &str,
    answer: impl Future<Output = Result<T, SdkError<E, HttpResponse>>> + Send,
) -> Result<(), ServiceError>
where
    T: Send,
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    match answer.await {
        Ok(_) => Ok(()),
        Err(error) => {
            let error = failed(operation, endpoint, error);
            if error.name == ErrorName::NotFound {
                return Ok(());
            }
            Err(error)
        }
    }
}

fn failed<E>(
    operation: &'static str,
    endpoint: &str,
    error: SdkError<E, HttpResponse>,
) -> ServiceError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    service_error(SERVICE, operation, endpoint, error)
}

fn unbuilt(endpoint: &str, error: &BuildError) -> ServiceError {
    ServiceError {
        name: ErrorName::Bug,
        service: SERVICE,
        operation: "PutScalingPolicy",
        subject: endpoint.to_owned(),
        code: "RequestUnbuilt".to_owned(),
        message: error.to_string(),
        source: None,
    }
}

/// A count as the API takes it; a larger one is above every quota.
fn count(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

/// A count as the API returns it.
fn counted(value: i32) -> u32 {
    u32::try_from(value).unwrap_or_default()
}

/// Millrace sets a whole number; any other value was changed by somebody and differs anyway.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "casts of floats saturate"
)]
fn whole(value: f64) -> u32 {
    value.ceil() as u32
}
