//! The alarms that a definition names to roll back an update of the endpoint.

use crate::PlanExportError;
use definition::{Definition, Faults};
use sagemaker_ports::{AlarmSpec, Alarms, Owner};

/// Checks that the alarms of `endpoint.guardrails.alarms` exist. SageMaker refuses an update with
/// one that does not: found here, the mistake costs nothing; found by the deployment, a whole run.
///
/// The pipeline's own two alarms need not exist yet: the deployment creates them. A pipeline
/// without `promotion` or with `batch` does not touch the endpoint.
///
/// # Errors
/// If an alarm is missing, or the alarms cannot be described.
pub async fn check_alarms(
    alarms: &impl Alarms,
    stack: &str,
    definition: &Definition,
) -> Result<(), PlanExportError> {
    if definition.promotion.is_none() || definition.batch.is_some() {
        return Ok(());
    }
    let guardrails = definition.endpoint().guardrails.as_ref();
    let Some(desired) = guardrails.and_then(|guardrails| guardrails.alarms.as_ref()) else {
        return Ok(());
    };
    let own = AlarmSpec::names(&Owner::new(stack, &definition.pipeline));
    let others = desired.iter().enumerate();
    let others: Vec<_> = others.filter(|(_, name)| !own.contains(name)).collect();
    if others.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = others.iter().map(|(_, name)| (*name).clone()).collect();
    let found = alarms.in_alarm(&names).await;
    let found = found.map_err(|error| PlanExportError::Alarms(Box::new(error)))?;
    let mut faults = Faults::default();
    for (at, name) in others {
        if !found.contains_key(name) {
            faults.add(
                format!("endpoint.guardrails.alarms[{at}]"),
                format!(
                    "there is no alarm {name:?} in this account and region, and without it \
                     SageMaker refuses an update: create it, or leave it out"
                ),
            );
        }
    }
    faults.none_or().map_err(|faults| PlanExportError::Invalid {
        pipeline: definition.pipeline.clone(),
        faults,
    })
}
