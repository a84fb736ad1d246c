//! The model and the configuration that a run wants, brought about: describe, compare, create.

use crate::{DeployEndpointError, Settings};
use contract::{Definition, ErrorName, Named};
use lake::records::{Plan, TrainingRecord};
use model::{ConfigSpec, Endpoints, ModelSpec};
use std::collections::BTreeMap;
use std::fmt::Debug;

/// The endpoint's name, which stays the same from run to run.
pub fn endpoint_name(definition: &Definition) -> String {
    let named = definition.endpoint.name.as_ref();
    named.unwrap_or(&definition.pipeline).clone()
}

/// The run's model, under this name.
pub fn model(name: &str, plan: &Plan, training: &TrainingRecord, settings: &Settings) -> ModelSpec {
    let role = plan.definition.training.role_arn.as_ref();
    ModelSpec {
        name: name.to_owned(),
        image: training.image.clone(),
        artifact: training.artifact.clone(),
        role_arn: role.unwrap_or(&settings.role_arn).clone(),
        environment: BTreeMap::new(),
    }
}

/// The run's endpoint configuration, under the model's name.
pub fn config(name: &str, plan: &Plan) -> ConfigSpec {
    ConfigSpec {
        name: name.to_owned(),
        model: name.to_owned(),
        compute: plan.definition.endpoint.compute.clone(),
    }
}

/// Brings about the model; `false` if it does not show yet.
pub async fn ensure_model(
    endpoints: &impl Endpoints,
    wanted: &ModelSpec,
) -> Result<bool, DeployEndpointError> {
    let mut there = endpoints.describe_model(&wanted.name).await?;
    if there.is_none() {
        match endpoints.create_model(wanted).await {
            Ok(()) => {
                tracing::info!(model = wanted.name, "created the model");
                return Ok(true);
            }
            // Taken since the look above.
            Err(error) if error.name() == ErrorName::Conflict => {
                there = endpoints.describe_model(&wanted.name).await?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    let Some(there) = there else {
        return Ok(false);
    };
    let differences = [
        difference("image", &wanted.image, &there.image),
        difference("artifact", &wanted.artifact, &there.artifact),
        difference("role", &wanted.role_arn, &there.role_arn),
        difference("environment", &wanted.environment, &there.environment),
    ];
    same("model", &wanted.name, differences)
}

/// Brings about the configuration; `false` if it, or the model it names, does not show yet.
pub async fn ensure_config(
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
    let differences = [
        difference("model", &wanted.model, &there.model),
        difference("compute", &wanted.compute, &there.compute),
    ];
    same("endpoint configuration", &wanted.name, differences)
}

fn difference<T: PartialEq + Debug>(field: &str, wanted: &T, there: &T) -> Option<String> {
    (wanted != there).then(|| format!("{field} is {there:?}, wanted {wanted:?}"))
}

fn same<const N: usize>(
    what: &'static str,
    name: &str,
    differences: [Option<String>; N],
) -> Result<bool, DeployEndpointError> {
    let differences: Vec<String> = differences.into_iter().flatten().collect();
    if differences.is_empty() {
        return Ok(true);
    }
    Err(DeployEndpointError::NotOurs {
        what,
        name: name.to_owned(),
        differences: differences.join("; "),
    })
}
