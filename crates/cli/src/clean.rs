//! Finds and removes what a pipeline's old runs left: models, endpoint configurations, raw and
//! processed data, predictions. Keeps the newest good data, the models that serve, the target of a
//! rollback, runs that are not over, and all reports.

use contract::{Names, RunId, ServiceError};
use futures::{StreamExt, TryStreamExt};
use lake::records::{Champion, DeploymentRecord, Latest, Plan};
use lake::{DocumentError, ObjectStore, RunKeys, StoreError, documents, keys};
use sagemaker_ports::Endpoints;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// Why old runs were not cleaned up.
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

/// A run to remove.
#[derive(Debug, PartialEq, Eq)]
pub struct OldRun {
    /// The run.
    pub run: RunId,
    /// Its model and endpoint configuration, if they exist.
    pub resources: Vec<String>,
    /// Its objects in the lake, tier by tier.
    pub objects: Vec<String>,
    /// Total size of the objects in bytes.
    pub bytes: u64,
}

/// The runs to remove and the runs to keep.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct CleanUp {
    /// Runs to remove, oldest first.
    pub old: Vec<OldRun>,
    /// Runs to keep, with the reason, oldest first.
    pub kept: Vec<(RunId, &'static str)>,
}

/// The tiers of the lake that are cleaned up. Reports are small, and later runs read them.
const TIERS: [&str; 5] = ["raw", "processed", "models", "predictions", "judging"];

/// Objects that are removed concurrently.
const CONCURRENCY: usize = 32;

/// Finds what to remove so that the newest `keep` runs are kept. Changes nothing.
///
/// # Errors
/// If the lake or SageMaker cannot be read.
pub async fn plan(
    store: &impl ObjectStore,
    endpoints: &impl Endpoints,
    pipeline: &str,
    keep: usize,
) -> Result<CleanUp, CleanError> {
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
    let mut cleanup = CleanUp::default();
    let prefix = Names::run_prefix(pipeline);
    let configs: BTreeSet<String> = endpoints.list_configs(&prefix).await?.into_iter().collect();
    for name in &configs {
        let run = name.strip_prefix(&prefix);
        let Some(run) = run.and_then(|id| RunId::parse(id).ok()) else {
            continue;
        };
        // Another stack of the account may have a pipeline of this name: its runs are its own.
        if runs.contains_key(&run) || was_trained(store, pipeline, &run).await? {
            runs.entry(run).or_default();
        } else {
            cleanup.kept.push((run, "not of this lake"));
        }
    }
    let running = running(store, pipeline).await?;
    let champion: Option<Champion> =
        documents::read_if_there(store, &keys::champion(pipeline), "the record of a champion")
            .await?;
    let latest: Option<Latest> = documents::read_if_there(
        store,
        &keys::latest(pipeline),
        "the record of the newest data",
    )
    .await?;
    let newest: BTreeSet<RunId> = runs.keys().rev().take(keep).cloned().collect();
    for (run, (objects, bytes)) in runs {
        let name = Names::run_resource(pipeline, &run);
        let reason = if newest.contains(&run) {
            Some("one of the newest")
        } else if running.contains(&run) {
            Some("not over yet")
        } else if latest.as_ref().is_some_and(|latest| latest.run == run) {
            Some("the newest good data")
        } else {
            reason_to_keep(store, endpoints, pipeline, &run, &name, champion.as_ref()).await?
        };
        if let Some(reason) = reason {
            cleanup.kept.push((run, reason));
            continue;
        }
        let mut resources = Vec::new();
        if endpoints.describe_model(&name).await?.is_some() {
            resources.push(format!("model {name}"));
        }
        if configs.contains(&name) {
            resources.push(format!("endpoint configuration {name}"));
        }
        cleanup.old.push(OldRun {
            run,
            resources,
            objects,
            bytes,
        });
    }
    cleanup.kept.sort();
    Ok(cleanup)
}

/// Whether the lake has the record of a run's training. It is a report, which stays.
async fn was_trained(
    store: &impl ObjectStore,
    pipeline: &str,
    run: &RunId,
) -> Result<bool, CleanError> {
    let key = RunKeys::new(pipeline, run).training();
    let record: Option<Value> =
        documents::read_if_there(store, &key, "the record of a training").await?;
    Ok(record.is_some())
}

fn run_at(key: &str, prefix: &str) -> Option<RunId> {
    let (run, _) = key.strip_prefix(prefix)?.split_once('/')?;
    RunId::parse(run).ok()
}

async fn running(store: &impl ObjectStore, pipeline: &str) -> Result<BTreeSet<RunId>, CleanError> {
    let prefix = keys::current_runs(pipeline);
    let listed = store.list(&prefix).await?.into_iter();
    let runs = listed.filter_map(|object| {
        let run = object.key.strip_prefix(&prefix)?.strip_suffix(".json")?;
        RunId::parse(run).ok()
    });
    Ok(runs.collect())
}

/// Why an old run must be kept.
async fn reason_to_keep(
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
            return Ok(Some("the target of a rollback"));
        }
    }
    // It may serve at an endpoint of another name that the pipeline had, or without a champion.
    let keys = RunKeys::new(pipeline, run);
    let deployed: Option<DeploymentRecord> =
        documents::read_if_there(store, &keys.deployment(), "the record of a deployment").await?;
    let planned: Option<Plan> =
        documents::read_if_there(store, &keys.plan(), "a run's plan").await?;
    let named = [
        deployed.and_then(|record| record.endpoint),
        planned.and_then(|plan| plan.definition.endpoint().name.clone()),
        champion.and_then(|champion| champion.endpoint.clone()),
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

/// Removes old runs. What an earlier call has removed is not an error.
///
/// # Errors
/// If SageMaker or the lake fails. A second call continues.
pub async fn remove(
    store: &impl ObjectStore,
    endpoints: &impl Endpoints,
    pipeline: &str,
    cleanup: &CleanUp,
) -> Result<(), CleanError> {
    for old in &cleanup.old {
        let name = Names::run_resource(pipeline, &old.run);
        // The model first: if this call dies, the next one finds the run by its configuration or
        // objects.
        endpoints.delete_model(&name).await?;
        endpoints.delete_config(&name).await?;
        let deletions = futures::stream::iter(&old.objects).map(|key| store.delete(key));
        deletions
            .buffer_unordered(CONCURRENCY)
            .try_collect::<()>()
            .await?;
    }
    Ok(())
}

/// The runs to remove and to keep, as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Document {
    /// Whether the old runs were removed, and not only listed.
    pub removed: bool,
    /// Old runs, oldest first.
    pub old: Vec<OldDocument>,
    /// Runs that are kept, oldest first.
    pub kept: Vec<KeptDocument>,
}

/// An old run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OldDocument {
    /// The run.
    pub run: RunId,
    /// Its model and endpoint configuration, if they exist.
    pub resources: Vec<String>,
    /// Number of its objects in the lake.
    pub objects: usize,
    /// Their total size in bytes.
    pub bytes: u64,
}

/// A run that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeptDocument {
    /// The run.
    pub run: RunId,
    /// Why.
    pub reason: String,
}

impl Document {
    /// What was found, and whether it was removed.
    pub fn of(cleanup: &CleanUp, removed: bool) -> Self {
        let old = cleanup.old.iter().map(|old| OldDocument {
            run: old.run.clone(),
            resources: old.resources.clone(),
            objects: old.objects.len(),
            bytes: old.bytes,
        });
        let kept = cleanup.kept.iter().map(|(run, reason)| KeptDocument {
            run: run.clone(),
            reason: (*reason).to_owned(),
        });
        Self {
            removed,
            old: old.collect(),
            kept: kept.collect(),
        }
    }
}

/// The runs to remove and to keep, as text.
pub fn summary(cleanup: &CleanUp, removed: bool) -> String {
    let mut text = String::new();
    let mut line = |line: String| {
        // Writing to memory cannot fail.
        let _ = writeln!(text, "{line}");
    };
    let verb = if removed { "removed" } else { "would remove" };
    for old in &cleanup.old {
        let objects = format!("{} objects, {} MiB", old.objects.len(), old.bytes >> 20);
        let all = std::iter::once(&objects).chain(&old.resources);
        let all: Vec<_> = all.map(String::as_str).collect();
        line(format!("{verb} run {}: {}", old.run, all.join(", ")));
    }
    for (run, reason) in &cleanup.kept {
        line(format!("keep run {run}: {reason}"));
    }
    if cleanup.old.is_empty() {
        line("nothing to remove".to_owned());
    } else if !removed {
        line("nothing was changed: use --yes instead of --dry-run to remove this".to_owned());
    }
    text
}
