//! What of a pipeline's old runs can go: models, endpoint configurations, raw and processed data,
//! predictions. It must not remove what serves, what a rollback returns to, what is at work, nor any report.

use contract::{Names, RunId, ServiceError};
use futures::{StreamExt, TryStreamExt};
use lake::records::{Champion, DeploymentRecord, Plan};
use lake::{DocumentError, ObjectStore, RunKeys, StoreError, documents, keys};
use sagemaker_ports::Endpoints;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// Why the old runs cannot be cleaned up.
#[derive(Debug, thiserror::Error)]
pub enum CleanError {
    /// SageMaker refused or could not be reached.
    #[error(transparent)]
    Service(Box<ServiceError>),
    /// The lake could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A document of the lake could not be read.
    #[error(transparent)]
    Document(#[from] DocumentError),
}

impl From<ServiceError> for CleanError {
    fn from(error: ServiceError) -> Self {
        Self::Service(Box::new(error))
    }
}

/// A run that can go.
#[derive(Debug, PartialEq, Eq)]
pub struct OldRun {
    /// The run.
    pub run: RunId,
    /// Its model and configuration, where they are there.
    pub resources: Vec<String>,
    /// Its objects in the lake: raw, then processed, then the model's artifact, then predictions, then what it was judged by.
    pub objects: Vec<String>,
    /// Their bytes.
    pub bytes: u64,
}

/// What can go and what stays.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Plans {
    /// Runs that can go, oldest first.
    pub old: Vec<OldRun>,
    /// Runs that stay, with the reason, oldest first.
    pub kept: Vec<(RunId, &'static str)>,
}

/// The tiers of the lake that are cleaned up. Reports stay: they are small, and the pipeline's memory.
const TIERS: [&str; 5] = ["raw", "processed", "models", "predictions", "judging"];

/// Objects that are removed side by side.
const AT_ONCE: usize = 32;

/// Finds what can go, so that the newest `keep` runs stay. Changes nothing.
///
/// # Errors
/// If the lake or SageMaker cannot be read.
pub async fn plan(
    store: &impl ObjectStore,
    endpoints: &impl Endpoints,
    pipeline: &str,
    keep: usize,
) -> Result<Plans, CleanError> {
    let mut runs: BTreeMap<RunId, (Vec<String>, u64)> = BTreeMap::new();
    for tier in TIERS {
        let prefix = format!("{tier}/{pipeline}/run=");
        for object in store.list(&prefix).await? {
            if let Some(run) = run_at(&object.key, &prefix) {
                let (objects, bytes) = runs.entry(run).or_default();
                *bytes += object.size;
                objects.push(object.key);
            }
        }
    }
    let prefix = format!("{pipeline}-");
    let configs: BTreeSet<String> = endpoints.list_configs(&prefix).await?.into_iter().collect();
    for name in &configs {
        if let Some(run) = name
            .strip_prefix(&prefix)
            .and_then(|id| RunId::parse(id).ok())
        {
            runs.entry(run).or_default();
        }
    }
    let at_work = at_work(store, pipeline).await?;
    let champion: Option<Champion> =
        documents::read_if_there(store, &keys::champion(pipeline), "the record of a champion")
            .await?;
    let newest: BTreeSet<RunId> = runs.keys().rev().take(keep).cloned().collect();
    let mut plans = Plans::default();
    for (run, (objects, bytes)) in runs {
        let name = Names::run_resource(pipeline, &run);
        let reason = if newest.contains(&run) {
            Some("one of the newest")
        } else if at_work.contains(&run) {
            Some("at work")
        } else {
            needed(store, endpoints, pipeline, &run, &name, champion.as_ref()).await?
        };
        if let Some(reason) = reason {
            plans.kept.push((run, reason));
            continue;
        }
        let mut resources = Vec::new();
        if endpoints.describe_model(&name).await?.is_some() {
            resources.push(format!("model {name}"));
        }
        if configs.contains(&name) {
            resources.push(format!("endpoint configuration {name}"));
        }
        plans.old.push(OldRun {
            run,
            resources,
            objects,
            bytes,
        });
    }
    Ok(plans)
}

fn run_at(key: &str, prefix: &str) -> Option<RunId> {
    let (run, _) = key.strip_prefix(prefix)?.split_once('/')?;
    RunId::parse(run).ok()
}

async fn at_work(store: &impl ObjectStore, pipeline: &str) -> Result<BTreeSet<RunId>, CleanError> {
    let prefix = keys::current_runs(pipeline);
    let listed = store.list(&prefix).await?.into_iter();
    let runs = listed.filter_map(|object| {
        let run = object.key.strip_prefix(&prefix)?.strip_suffix(".json")?;
        RunId::parse(run).ok()
    });
    Ok(runs.collect())
}

/// Why a run that is old must stay.
async fn needed(
    store: &impl ObjectStore,
    endpoints: &impl Endpoints,
    pipeline: &str,
    run: &RunId,
    name: &str,
    champion: Option<&Champion>,
) -> Result<Option<&'static str>, CleanError> {
    if let Some(champion) = champion {
        if champion.run == *run || champion.endpoint_config.as_deref() == Some(name) {
            return Ok(Some("the champion"));
        }
        if champion.previous_endpoint_config.as_deref() == Some(name) {
            return Ok(Some("what a rollback returns to"));
        }
    }
    // It may serve at an endpoint that the pipeline had under another name, or without a champion.
    let keys = RunKeys::new(pipeline, run);
    let deployed: Option<DeploymentRecord> =
        documents::read_if_there(store, &keys.deployment(), "the record of a deployment").await?;
    let planned: Option<Plan> =
        documents::read_if_there(store, &keys.plan(), "a run's plan").await?;
    let named = [
        deployed.and_then(|record| record.endpoint),
        planned.map(|plan| plan.definition.endpoint_name().to_owned()),
        champion.and_then(|champion| champion.endpoint.clone()),
        Some(pipeline.to_owned()),
    ];
    let asked: BTreeSet<String> = named.into_iter().flatten().collect();
    for endpoint in asked {
        let info = endpoints.describe_endpoint(&endpoint).await?;
        if info.is_some_and(|info| info.config == name || info.pending.as_deref() == Some(name)) {
            return Ok(Some("it serves"));
        }
    }
    Ok(None)
}

/// Removes what the plans say. What an earlier call removed already is no error.
///
/// # Errors
/// If SageMaker or the lake refuses; called again, it goes on.
pub async fn carry_out(
    store: &impl ObjectStore,
    endpoints: &impl Endpoints,
    pipeline: &str,
    plans: &Plans,
) -> Result<(), CleanError> {
    for old in &plans.old {
        let name = Names::run_resource(pipeline, &old.run);
        // The model first: as long as anything of the run is listed, a call that died here is followed
        // by one that finds the rest.
        endpoints.delete_model(&name).await?;
        endpoints.delete_config(&name).await?;
        let deletions = futures::stream::iter(&old.objects).map(|key| store.delete(key));
        deletions
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>()
            .await?;
    }
    Ok(())
}

/// What can go and what stays, for people.
pub fn summary(plans: &Plans, removed: bool) -> String {
    let mut text = String::new();
    let mut line = |line: String| {
        // Writing to memory does not fail.
        let _ = writeln!(text, "{line}");
    };
    let verb = if removed { "removed" } else { "would remove" };
    for old in &plans.old {
        let objects = format!("{} objects, {} MiB", old.objects.len(), old.bytes >> 20);
        let all = std::iter::once(&objects).chain(&old.resources);
        let all: Vec<_> = all.map(String::as_str).collect();
        line(format!("{verb} run {}: {}", old.run, all.join(", ")));
    }
    for (run, reason) in &plans.kept {
        line(format!("keep run {run}: {reason}"));
    }
    if plans.old.is_empty() {
        line("nothing to remove".to_owned());
    } else if !removed {
        line("nothing was changed: --yes instead of --dry-run removes it".to_owned());
    }
    text
}
