//! The champion's record: whether it is still the champion of the verdict, and its successor.

use crate::DeployEndpointError;
use definition::ComputeKind;
use lake::RunKeys;
use lake::records::{Champion, VerdictRecord};

/// Where the run's model serves.
pub struct Served<'a> {
    /// The stack that the endpoint belongs to.
    pub stack: &'a str,
    /// The endpoint.
    pub endpoint: &'a str,
    /// Its configuration, which has the model's name.
    pub config: &'a str,
    /// Its compute.
    pub compute: ComputeKind,
}

/// The record of the run's model in service.
///
/// A rollback returns to the champion's configuration, which is known to have served. Only without
/// a champion it returns to the configuration in force `before`, which was never verified.
pub fn successor(
    run: &RunKeys,
    served: &Served<'_>,
    verdict: &VerdictRecord,
    champion: Option<&Champion>,
    before: Option<String>,
) -> Champion {
    let Served {
        stack,
        endpoint,
        config,
        compute,
    } = *served;
    let at_it = |champion: &&Champion| champion.endpoint.as_deref() == Some(endpoint);
    let previous = match champion.filter(at_it) {
        // Written by an earlier call that then died.
        Some(champion) if champion.run == *run.run() => champion.previous_endpoint_config.clone(),
        Some(champion) => champion.endpoint_config.clone(),
        None => before,
    };
    Champion {
        run: run.run().clone(),
        stack: stack.to_owned(),
        metric: verdict.metric.clone(),
        value: verdict.value,
        model: config.to_owned(),
        endpoint_config: Some(config.to_owned()),
        endpoint: Some(endpoint.to_owned()),
        compute: Some(compute),
        dataset: run.dataset(),
        previous_endpoint_config: previous,
        rolled_back_from: None,
    }
}

/// The record of the run's model `model`, which scored a batch and has no endpoint.
pub fn scorer(run: &RunKeys, stack: &str, model: &str, verdict: &VerdictRecord) -> Champion {
    Champion {
        run: run.run().clone(),
        stack: stack.to_owned(),
        metric: verdict.metric.clone(),
        value: verdict.value,
        model: model.to_owned(),
        endpoint_config: None,
        endpoint: None,
        compute: None,
        dataset: run.dataset(),
        previous_endpoint_config: None,
        rolled_back_from: None,
    }
}

/// Whether the champion is the one that the verdict was reached against, or the run's own model:
/// redriving an old run must not replace the model of a later run.
pub fn is_champion_of_verdict(
    run: &RunKeys,
    verdict: &VerdictRecord,
    champion: Option<&Champion>,
) -> Result<(), DeployEndpointError> {
    match champion {
        Some(champion)
            if champion.run != *run.run()
                && verdict.champion_run.as_ref() != Some(&champion.run) =>
        {
            Err(DeployEndpointError::Overtaken {
                run: run.run().to_string(),
                champion: champion.run.to_string(),
            })
        }
        _ => Ok(()),
    }
}
