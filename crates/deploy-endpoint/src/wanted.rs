//! The model and the configuration that a run wants, brought about: describe, compare, create.

use crate::{DeployEndpointError, Settings};
use contract::{Conflict, ErrorName, Named};
use definition::Definition;
use lake::records::{Plan, TrainingRecord};
use sagemaker_ports::{ConfigSpec, Endpoints, Ensured, Guard, ModelSpec, Owner, differences};

/// The endpoint's name, which stays the same from run to run.
pub fn endpoint_name(definition: &Definition) -> String {
    let named = definition.endpoint.name.as_ref();
    named.unwrap_or(&definition.pipeline).clone()
}

/// The stack and pipeline that everything is tagged with.
pub fn owner(plan: &Plan, settings: &Settings) -> Owner {
    Owner::new(&settings.stack, &plan.definition.pipeline)
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
        owner(plan, settings).run_tags(&plan.run),
    )
}

/// The run's endpoint configuration, under the model's name.
pub fn config(name: &str, bucket: &str, plan: &Plan, settings: &Settings) -> ConfigSpec {
    let tags = owner(plan, settings).run_tags(&plan.run);
    ConfigSpec::of_run(&plan.definition, name, bucket, &settings.lake_key, tags)
}

/// How an update of the endpoint shifts traffic; a serverless one has no instances to shift it to.
pub fn guard(definition: &Definition, settings: &Settings) -> Option<Guard> {
    if definition.endpoint.compute.is_serverless() {
        return None;
    }
    let wanted = definition.endpoint.update_guardrails();
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
        Ensured::Exists => Ok(true),
        Ensured::Pending => Ok(false),
        Ensured::Conflicts(differences) => {
            Conflict::check("model", &wanted.name, &differences)?;
            Ok(true)
        }
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
    let differences = differences(wanted, &there);
    Conflict::check("endpoint configuration", &wanted.name, &differences)?;
    Ok(true)
}
