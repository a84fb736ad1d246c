//! Maps the name of an operation to the function that performs it.

use crate::app::App;
use crate::endpoints::{alarms, configs, operations as endpoints, scaling};
use crate::protocol::refusal::Refusal;
use crate::registry::{groups, models, packages};
use crate::tags;
use crate::training::logs;
use crate::training::operations as training;
use crate::transform::operations as transform;
use crate::tuning::operations as tuning;
use serde_json::Value;
use std::sync::Arc;

/// Performs one operation of SageMaker, of Application Auto Scaling, of CloudWatch or of its logs.
pub async fn perform(app: &Arc<App>, operation: &str, request: &Value) -> Result<Value, Refusal> {
    match operation {
        "CreateTrainingJob" => training::create(app, request),
        "DescribeTrainingJob" => training::describe(app, request),
        "ListTrainingJobs" => training::list(app, request),
        "StopTrainingJob" => training::stop(app, request),
        "FilterLogEvents" => logs::filter(app, request).await,
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
        "CreateModelPackageGroup" => groups::create(app, request),
        "DescribeModelPackageGroup" => groups::describe(app, request),
        "ListModelPackageGroups" => groups::list(app, request),
        "DeleteModelPackageGroup" => groups::delete(app, request),
        "CreateModelPackage" => packages::create(app, request),
        "DescribeModelPackage" => packages::describe(app, request),
        "ListModelPackages" => packages::list(app, request),
        "UpdateModelPackage" => packages::update(app, request),
        "DeleteModelPackage" => packages::delete(app, request),
        "CreateEndpointConfig" => configs::create(app, request),
        "DescribeEndpointConfig" => configs::describe(app, request),
        "DeleteEndpointConfig" => configs::delete(app, request),
        "ListEndpointConfigs" => configs::list(app, request),
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
        "PutMetricAlarm" => alarms::put(app, request),
        "DescribeAlarms" => alarms::describe(app, request),
        _ => Err(Refusal::unknown_operation(operation)),
    }
}
