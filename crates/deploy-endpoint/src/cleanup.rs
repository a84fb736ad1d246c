//! Removes old configurations and models of the pipeline, but none that serves or that a rollback
//! returns to.

use crate::DeployEndpointError;
use contract::{Names, RunId};
use lake::records::{Champion, DeploymentRecord, Plan};
use lake::{ObjectStore, RunKeys, documents};
use sagemaker_ports::Endpoints;

/// How many configurations stay, by default.
pub const KEEP: u32 = 3;

/// Removes the runs older than this one and beyond the newest `keep`. Configurations `in_use` and
/// those that the champion's record names stay, whatever their age.
pub async fn remove_old(
    store: &impl ObjectStore,
    endpoints: &impl Endpoints,
    run: &RunKeys,
    champion: &Champion,
    in_use: &[Option<String>],
    keep: u32,
) -> Result<(), DeployEndpointError> {
    let mut runs = older_runs(endpoints, run).await?;
    runs.sort_unstable_by(|one, other| other.cmp(one));
    let needed = |name: &String| {
        champion.endpoint_config.as_ref() == Some(name)
            || champion.previous_endpoint_config.as_ref() == Some(name)
            || in_use.iter().flatten().any(|used| used == name)
    };
    let name_of = |older: &RunId| Names::run_resource(run.pipeline(), older);
    // This run's own configuration is one of the `keep`.
    let mut kept = 1 + runs.iter().filter(|older| needed(&name_of(older))).count();
    for older in runs {
        let name = name_of(&older);
        if needed(&name) {
            continue;
        }
        let older = RunKeys::new(run.pipeline(), &older);
        // A run of another stack, whose lake knows it: neither removed nor counted.
        let Some(its_endpoint) = endpoint_of(store, &older).await? else {
            continue;
        };
        if kept < usize::try_from(keep).unwrap_or(usize::MAX) {
            kept += 1;
            continue;
        }
        let is_elsewhere = champion.endpoint.as_ref() != Some(&its_endpoint);
        if is_elsewhere && serves(endpoints, &its_endpoint, &name).await? {
            continue;
        }
        // The model first: while the configuration is listed, the next call after a crash finds
        // both.
        endpoints.delete_model(&name).await?;
        endpoints.delete_config(&name).await?;
        tracing::info!(name, "removed an old model and its endpoint configuration");
    }
    Ok(())
}

/// The runs before this one that have a configuration. Another pipeline's name may begin with this
/// one's, and people may have configurations of their own: only `<pipeline>-<run>` counts.
async fn older_runs(
    endpoints: &impl Endpoints,
    run: &RunKeys,
) -> Result<Vec<RunId>, DeployEndpointError> {
    let prefix = Names::run_prefix(run.pipeline());
    let names = endpoints.list_configs(&prefix).await?;
    let runs = names.iter().filter_map(|name| {
        let id = name.strip_prefix(&prefix)?;
        RunId::parse(id).ok()
    });
    Ok(runs.filter(|older| older < run.run()).collect())
}

/// The endpoint that a run's model was meant to serve at: the pipeline may have been renamed since.
/// `None` if the lake does not know.
async fn endpoint_of(
    store: &impl ObjectStore,
    run: &RunKeys,
) -> Result<Option<String>, DeployEndpointError> {
    let key = run.deployment();
    let deployed: Option<DeploymentRecord> =
        documents::read_if_there(store, &key, "the record of a deployment").await?;
    if let Some(deployed) = deployed {
        return Ok(deployed.endpoint);
    }
    // Never verified, but it may have come into service.
    let plan: Option<Plan> = documents::read_if_there(store, &run.plan(), "a run's plan").await?;
    Ok(plan.and_then(|plan| plan.definition.endpoint().name.clone()))
}

/// Whether the endpoint is on this configuration, or on its way to it.
async fn serves(
    endpoints: &impl Endpoints,
    endpoint: &str,
    config: &str,
) -> Result<bool, DeployEndpointError> {
    let info = endpoints.describe_endpoint(endpoint).await?;
    Ok(info.is_some_and(|info| info.config == config || info.pending.as_deref() == Some(config)))
}
