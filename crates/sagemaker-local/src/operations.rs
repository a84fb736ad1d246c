//! Which function performs which operation. It must not know how a request arrives.

use crate::app::App;
use crate::protocol::{Refusal, unknown};
use crate::{
    endpoint_configs, endpoints, model_groups, model_packages, models, scaling, tags, training,
    transform, tuning,
};
use serde_json::Value;
use std::sync::Arc;

/// Performs one operation of SageMaker or of Application Auto Scaling.
pub async fn perform(app: &Arc<App>, operation: &str, request: &Value) -> Result<Value, Refusal> {
    match operation {
        "CreateTrainingJob" => training::create(app, request),
        "DescribeTrainingJob" => training::describe(app, request),
        "ListTrainingJobs" => training::list(app, request),
        "StopTrainingJob" => training::stop(app, request),
        "CreateHyperParameterTuningJob" => tuning::create(app, request),
        "DescribeHyperParameterTuningJob" => tuning::describe(app, request),
        "ListHyperParameterTuningJobs" => tuning::list(app, request),
        "StopHyperParameterTuningJob" => tuning::stop(app, request),
        "ListTrainingJobsForHyperParameterTuningJob" => tuning::children(app, request),
        "CreateTransformJob" => transform::create(app, request),
        "DescribeTransformJob" => transform::describe(app, request),
        "ListTransformJobs" => transform::list(app, request),
        "StopTransformJob" => transform::stop(app, request),
        "CreateModel" => models::create(app, request).await,
        "DescribeModel" => models::describe(app, request),
        "DeleteModel" => models::delete(app, request),
        "ListModels" => models::list(app, request),
        "CreateModelPackageGroup" => model_groups::create(app, request),
        "DescribeModelPackageGroup" => model_groups::describe(app, request),
        "ListModelPackageGroups" => model_groups::list(app, request),
        "DeleteModelPackageGroup" => model_groups::delete(app, request),
        "CreateModelPackage" => model_packages::create(app, request),
        "DescribeModelPackage" => model_packages::describe(app, request),
        "ListModelPackages" => model_packages::list(app, request),
        "UpdateModelPackage" => model_packages::update(app, request),
        "DeleteModelPackage" => model_packages::delete(app, request),
        "CreateEndpointConfig" => endpoint_configs::create(app, request),
        "DescribeEndpointConfig" => endpoint_configs::describe(app, request),
        "DeleteEndpointConfig" => endpoint_configs::delete(app, request),
        "ListEndpointConfigs" => endpoint_configs::list(app, request),
        "CreateEndpoint" => endpoints::create(app, request),
        "UpdateEndpoint" => endpoints::update(app, request),
        "DescribeEndpoint" => endpoints::describe(app, request),
        "DeleteEndpoint" => endpoints::delete(app, request),
        "ListEndpoints" => endpoints::list(app, request),
        "AddTags" => tags::add(app, request),
        "ListTags" => tags::list(app, request),
        "DeleteTags" => tags::delete(app, request),
        "RegisterScalableTarget" => scaling::register(app, request),
        "DescribeScalableTargets" => scaling::targets(app, request),
        "DeregisterScalableTarget" => scaling::deregister(app, request),
        "PutScalingPolicy" => scaling::put_policy(app, request),
        "DescribeScalingPolicies" => scaling::policies(app, request),
        "DeleteScalingPolicy" => scaling::delete_policy(app, request),
        _ => Err(unknown(operation)),
    }
}
