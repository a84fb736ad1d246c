//! The model and the endpoint configuration of a run: describe, compare, create.

use crate::{DeployEndpointError, Settings};
use contract::{Conflict, ErrorName, Named};
use definition::PartMissing;
use lake::records::{Plan, TrainingRecord};
use sagemaker_ports::{ConfigSpec, Endpoints, Ensured, ModelSpec, Owner, differences};

/// The stack and pipeline that every resource is tagged with.
pub fn owner(plan: &Plan, settings: &Settings) -> Owner {
    Owner::new(&settings.stack, &plan.definition.pipeline)
}

/// The run's model, under the run's name.
pub fn model(
    plan: &Plan,
    training: &TrainingRecord,
    settings: &Settings,
) -> Result<ModelSpec, PartMissing> {
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
pub fn config(
    name: &str,
    bucket: &str,
    plan: &Plan,
    settings: &Settings,
) -> Result<ConfigSpec, PartMissing> {
    let tags = owner(plan, settings).run_tags(&plan.run);
    ConfigSpec::of_run(&plan.definition, name, bucket, &settings.lake_key, tags)
}

/// Ensures that the model and then the configuration exist; `false` if one is not visible yet.
pub async fn ensure(
    endpoints: &impl Endpoints,
    model: &ModelSpec,
    config: &ConfigSpec,
) -> Result<bool, DeployEndpointError> {
    Ok(ensure_model(endpoints, model).await? && ensure_config(endpoints, config).await?)
}

/// Ensures that the model exists; `false` if it is not visible yet.
pub async fn ensure_model(
    endpoints: &impl Endpoints,
    desired: &ModelSpec,
) -> Result<bool, DeployEndpointError> {
    match sagemaker_ports::ensure_model(endpoints, desired).await? {
        Ensured::Exists => Ok(true),
        Ensured::Pending => Ok(false),
        Ensured::Conflicts(differences) => {
            Conflict::check("model", &desired.name, &differences)?;
            Ok(true)
        }
    }
}

/// Ensures that the configuration exists; `false` if it, or its model, is not visible yet.
async fn ensure_config(
    endpoints: &impl Endpoints,
    desired: &ConfigSpec,
) -> Result<bool, DeployEndpointError> {
    let mut current = endpoints.describe_config(&desired.name).await?;
    if current.is_none() {
        match endpoints.create_config(desired).await {
            Ok(()) => {
                tracing::info!(config = desired.name, "created the endpoint configuration");
                return Ok(true);
            }
            // Another call created it since the lookup above.
            Err(error) if error.name() == ErrorName::Conflict => {
                current = endpoints.describe_config(&desired.name).await?;
            }
            // The model existed a moment ago but is not visible everywhere in the service yet.
            Err(error) if error.name() == ErrorName::NotFound => return Ok(false),
            Err(error) => return Err(error.into()),
        }
    }
    let Some(current) = current else {
        return Ok(false);
    };
    let differences = differences(desired, &current);
    Conflict::check("endpoint configuration", &desired.name, &differences)?;
    Ok(true)
}
