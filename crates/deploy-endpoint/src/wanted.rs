//! The model and the configuration that a run wants, brought about: describe, compare, create.

use crate::{DeployEndpointError, Settings};
use contract::{ErrorName, Named};
use definition::Definition;
use lake::records::{Plan, TrainingRecord};
use sagemaker_ports::{Capture, ConfigSpec, Endpoints, Ensured, Guard, ModelSpec, differences};

/// The endpoint's name, which stays the same from run to run.
pub fn endpoint_name(definition: &Definition) -> String {
    let named = definition.endpoint.name.as_ref();
    named.unwrap_or(&definition.pipeline).clone()
}

/// The run's model, under the run's name.
pub fn model(plan: &Plan, training: &TrainingRecord, settings: &Settings) -> ModelSpec {
    let (image, artifact) = (&training.image, &training.artifact);
    ModelSpec::of_run(
        &plan.definition,
        &plan.run,
        image,
        artifact,
        &settings.role_arn,
    )
}

/// The run's endpoint configuration, under the model's name.
pub fn config(name: &str, bucket: &str, plan: &Plan, settings: &Settings) -> ConfigSpec {
    let definition = &plan.definition;
    let compute = definition.endpoint.compute.clone();
    // AWS has no volume to encrypt where it has no instances.
    let key = definition.training.kms.volume_key.as_ref();
    let key = key.filter(|_| !compute.is_serverless());
    ConfigSpec {
        name: name.to_owned(),
        model: name.to_owned(),
        capture: definition.endpoint.data_capture.map(|capture| Capture {
            percent: capture.percent,
            destination: format!("s3://{bucket}/captured/{}", definition.pipeline),
            key: Some(settings.lake_key.clone()),
        }),
        startup_seconds: definition.endpoint.startup_seconds,
        volume_key: key.cloned(),
        compute,
    }
}

/// How an update of the endpoint shifts traffic; a serverless one has no instances to shift it to.
pub fn guard(definition: &Definition, settings: &Settings) -> Option<Guard> {
    if definition.endpoint.compute.is_serverless() {
        return None;
    }
    let wanted = definition.endpoint.guardrails.clone().unwrap_or_default();
    let stacks = settings.alarms.get(&endpoint_name(definition));
    Some(Guard {
        shift: wanted.shift,
        bake_seconds: wanted.bake_seconds,
        alarms: wanted
            .alarms
            .or_else(|| stacks.cloned())
            .unwrap_or_default(),
    })
}

/// Brings about the model and then the configuration; `false` if one does not show yet.
pub async fn ensure(
    endpoints: &impl Endpoints,
    model: &ModelSpec,
    config: &ConfigSpec,
) -> Result<bool, DeployEndpointError> {
    Ok(ensure_model(endpoints, model).await? && ensure_config(endpoints, config).await?)
}

/// Brings about the model; `false` if it does not show yet.
pub async fn ensure_model(
    endpoints: &impl Endpoints,
    wanted: &ModelSpec,
) -> Result<bool, DeployEndpointError> {
    match sagemaker_ports::ensure_model(endpoints, wanted).await? {
        Ensured::There => Ok(true),
        Ensured::NotYet => Ok(false),
        Ensured::Differs(differences) => same("model", &wanted.name, &differences),
    }
}

/// Brings about the configuration; `false` if it, or the model it names, does not show yet.
async fn ensure_config(
    endpoints: &impl Endpoints,
    wanted: &ConfigSpec,
) -> Result<bool, DeployEndpointError> {
    let mut there = endpoints.describe_config(&wanted.name).await?;
    if there.is_none() {
        match endpoints.create_config(wanted).await {
            Ok(()) => {
                tracing::info!(config = wanted.name, "created the endpoint configuration");
                return Ok(true);
            }
            // Taken since the look above.
            Err(error) if error.name() == ErrorName::Conflict => {
                there = endpoints.describe_config(&wanted.name).await?;
            }
            // The model was there a moment ago: not every store of the service knows it yet.
            Err(error) if error.name() == ErrorName::NotFound => return Ok(false),
            Err(error) => return Err(error.into()),
        }
    }
    let Some(there) = there else {
        return Ok(false);
    };
    same(
        "endpoint configuration",
        &wanted.name,
        &differences(wanted, &there),
    )
}

pub fn same(
    what: &'static str,
    name: &str,
    differences: &[String],
) -> Result<bool, DeployEndpointError> {
    if differences.is_empty() {
        return Ok(true);
    }
    Err(DeployEndpointError::NotOurs {
        what,
        name: name.to_owned(),
        differences: differences.join("; "),
    })
}
