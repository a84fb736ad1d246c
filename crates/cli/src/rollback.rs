//! Rolls a pipeline's endpoint back to the configuration that served before, and the champion's
//! record with it.
//!
//! | Endpoint in service on | Action |
//! |---|---|
//! | the champion's configuration | update to the previous one, unless a rollback made this champion |
//! | the previous configuration | an earlier call was interrupted: verify it and write the record |
//! | any other | a model that nobody verified: update to the champion's |
//!
//! A model whose artifact was replaced since its training is no target.
//!
//! An endpoint that belongs to another stack or pipeline by its tags is not touched, unless the
//! champion's run adopted it. The champion of a batch pipeline has no endpoint, and so nothing to roll back.
//!
//! The record changes last, once the endpoint serves and has answered, and states that a rollback
//! made it: a repeated call never rolls back twice.

mod error;

pub use error::RollbackError;

use crate::progress::Step;
use contract::{Names, RunId};
use definition::ComputeKind;
use lake::records::{Champion, DatasetRecord, DeploymentRecord, Plan, VerdictRecord};
use lake::{ObjectStore, RunKeys, documents, keys};
use sagemaker_ports::{
    ConfigSpec, EndpointStatus, Endpoints, Finding, Invoke, Owner, Scaling, Update, check_endpoint,
};
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt;
use std::time::{Duration, Instant};

/// What to roll back, and how long to wait for it.
#[derive(Debug, Clone)]
pub struct Request {
    /// The pipeline.
    pub pipeline: String,
    /// The run whose model should serve; by default the one of the previous configuration.
    pub to: Option<RunId>,
    /// Time between two descriptions of the endpoint.
    pub pause: Duration,
    /// How long the service may take to show an update. An endpoint that is still in service on its
    /// old configuration after that was rolled back by SageMaker.
    pub settle: Duration,
}

impl Request {
    /// With the times of the command.
    pub const fn new(pipeline: String, to: Option<RunId>) -> Self {
        Self {
            pipeline,
            to,
            pause: Duration::from_secs(5),
            settle: Duration::from_secs(15),
        }
    }
}

/// Result of a rollback.
#[derive(Debug, Clone, PartialEq)]
pub struct RolledBack {
    /// The champion after the rollback.
    pub champion: Champion,
    /// The configuration that the endpoint left; `None` if it was on the right one already.
    pub from: Option<String>,
    /// Rows of the smoke request that it answered; `None` if the dataset of its run was removed.
    pub smoke_rows: Option<u32>,
}

/// What serves after a rollback.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Document {
    /// The run whose model serves.
    pub run: RunId,
    /// The endpoint.
    pub endpoint: Option<String>,
    /// Its configuration.
    pub endpoint_config: Option<String>,
    /// The configuration before; absent if nothing was updated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Rows that the endpoint answered; absent if the run's dataset was removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smoke_rows: Option<u32>,
}

impl Document {
    /// What a rollback has done.
    pub fn of(outcome: &RolledBack) -> Self {
        Self {
            run: outcome.champion.run.clone(),
            endpoint: outcome.champion.endpoint.clone(),
            endpoint_config: outcome.champion.endpoint_config.clone(),
            from: outcome.from.clone(),
            smoke_rows: outcome.smoke_rows,
        }
    }
}

impl fmt::Display for RolledBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Champion {
            endpoint,
            endpoint_config,
            run,
            ..
        } = &self.champion;
        let shown = |name: &Option<String>| name.clone().unwrap_or_default();
        let (endpoint, endpoint_config) = (shown(endpoint), shown(endpoint_config));
        match (&self.from, &self.champion.rolled_back_from) {
            (Some(from), _) => write!(
                f,
                "the endpoint {endpoint} was rolled back from {from} to {endpoint_config}, the model of run {run}"
            )?,
            (None, Some(from)) => write!(
                f,
                "the endpoint {endpoint} is already rolled back from {from} and serves the model of run {run}; --to names \
                 another run"
            )?,
            (None, None) => write!(f, "the endpoint {endpoint} serves the model of run {run}")?,
        }
        match self.smoke_rows {
            Some(rows) => write!(f, "; it answered {rows} rows"),
            None => write!(
                f,
                "; the dataset of that run was removed, so no row was sent"
            ),
        }
    }
}

/// Descriptions of an endpoint that is being updated: an hour, with the command's pause.
const MAX_POLLS: usize = 720;

/// Rolls the pipeline's endpoint back, and waits until it is in service and answers a real request.
///
/// # Errors
/// If there is nothing to roll back to, or the endpoint does not get there or does not answer.
pub async fn roll_back<S: Endpoints + Invoke>(
    store: &impl ObjectStore,
    sagemaker: &S,
    scaling: &impl Scaling,
    request: &Request,
    step: &Step,
) -> Result<RolledBack, RollbackError> {
    let pipeline = &request.pipeline;
    let key = keys::champion(pipeline);
    let champion: Option<Champion> =
        documents::read_if_there(store, &key, "the record of a champion").await?;
    let champion = champion.ok_or_else(|| RollbackError::NoChampion {
        pipeline: pipeline.clone(),
    })?;
    let (Some(endpoint), Some(champion_config)) = (&champion.endpoint, &champion.endpoint_config)
    else {
        return Err(RollbackError::NoEndpoint {
            pipeline: pipeline.clone(),
            predictions: format!("predictions/{pipeline}/"),
        });
    };
    let owner = Owner::new(&champion.stack, pipeline);
    check_endpoint(sagemaker, endpoint, &owner, false).await??;
    let current = wait_in_service(sagemaker, request, endpoint, None, step).await?;
    let target = target(request, &champion, endpoint, champion_config, &current)?;
    let config = config(sagemaker, &target).await?;
    // Read before anything is changed: a configuration without a record cannot become the champion.
    let successor = if target == *champion_config {
        champion.clone()
    } else {
        Box::pin(champion_of(store, sagemaker, pipeline, &champion, &config)).await?
    };
    // Also where the endpoint is on it already: it may not become the champion.
    lake::artifact::check_run(store, &RunKeys::new(pipeline, &successor.run)).await??;
    if current != target {
        if let Some(from) = sagemaker.describe_config(&current).await? {
            let kind = ComputeKind::from(&from.compute);
            config.compute.check_update_from(kind, endpoint)?;
            sagemaker_ports::detach_scaling(scaling, endpoint, &from.compute, &config.compute)
                .await?;
        }
        step.say(&format!("from {current} to {target}"));
        // All at once: the model that is replaced should not serve any longer.
        sagemaker
            .update_endpoint(endpoint, &target, Update::default())
            .await?;
        wait_in_service(sagemaker, request, endpoint, Some(&target), step).await?;
    }
    let smoke_rows = Box::pin(verify(store, sagemaker, pipeline, endpoint, &successor)).await?;
    if successor != champion {
        documents::write(store, &key, &successor).await?;
    }
    scale(store, scaling, pipeline, endpoint, &successor).await?;
    let from = if current == target {
        // An interrupted call updated the endpoint.
        (successor != champion).then(|| champion_config.clone())
    } else {
        Some(current)
    };
    Ok(RolledBack {
        from,
        champion: successor,
        smoke_rows,
    })
}

/// The configuration to update the endpoint to.
fn target(
    request: &Request,
    champion: &Champion,
    endpoint: &str,
    champion_config: &str,
    current: &str,
) -> Result<String, RollbackError> {
    let previous = champion.previous_endpoint_config.as_ref();
    let target = match &request.to {
        Some(run) => Names::run_resource(&request.pipeline, run),
        None if current != champion_config && previous.is_some_and(|name| name == current) => {
            current.to_owned()
        }
        None if current != champion_config || champion.rolled_back_from.is_some() => {
            champion_config.to_owned()
        }
        None => previous
            .ok_or_else(|| RollbackError::NoPrevious {
                endpoint: endpoint.to_owned(),
                config: current.to_owned(),
            })?
            .clone(),
    };
    Ok(target)
}

/// Waits until the endpoint is in service, if given on the `expected` configuration. Returns the
/// configuration that it serves.
async fn wait_in_service(
    endpoints: &impl Endpoints,
    request: &Request,
    endpoint: &str,
    expected: Option<&str>,
    step: &Step,
) -> Result<String, RollbackError> {
    let asked = Instant::now();
    let not_in_service = |status, config, reason: String| RollbackError::NotInService {
        endpoint: endpoint.to_owned(),
        status,
        config,
        expected: expected.unwrap_or("a configuration that serves").to_owned(),
        reason,
    };
    let mut last = (EndpointStatus::Updating, String::new());
    for _ in 0..MAX_POLLS {
        let info = endpoints.describe_endpoint(endpoint).await?;
        let info = info.ok_or_else(|| RollbackError::Missing {
            what: "endpoint",
            name: endpoint.to_owned(),
        })?;
        let reason = info.failure_reason.unwrap_or_default();
        match info.status {
            EndpointStatus::InService => match expected {
                Some(expected) if expected != info.config => {
                    // Descriptions lag behind.
                    if asked.elapsed() >= request.settle {
                        let reason = format!("SageMaker rolled the update back: {reason}");
                        return Err(not_in_service(info.status, info.config, reason));
                    }
                }
                _ => return Ok(info.config),
            },
            EndpointStatus::Creating
            | EndpointStatus::Updating
            | EndpointStatus::SystemUpdating
            | EndpointStatus::RollingBack => {}
            status => return Err(not_in_service(status, info.config, reason)),
        }
        step.say(info.status.as_str());
        last = (info.status, info.config);
        tokio::time::sleep(request.pause).await;
    }
    let (status, config) = last;
    let reason = "the update takes longer than an hour: call again".to_owned();
    Err(not_in_service(status, config, reason))
}

async fn config(endpoints: &impl Endpoints, name: &str) -> Result<ConfigSpec, RollbackError> {
    let found = endpoints.describe_config(name).await?;
    found.ok_or_else(|| RollbackError::Missing {
        what: "endpoint configuration",
        name: name.to_owned(),
    })
}

/// The record that makes the run of this configuration the champion again.
async fn champion_of(
    store: &impl ObjectStore,
    endpoints: &impl Endpoints,
    pipeline: &str,
    now: &Champion,
    config: &ConfigSpec,
) -> Result<Champion, RollbackError> {
    let id = config.name.strip_prefix(&Names::run_prefix(pipeline));
    let run = id.and_then(|id| RunId::parse(id).ok());
    let run = run.ok_or_else(|| RollbackError::ForeignConfig {
        pipeline: pipeline.to_owned(),
        config: config.name.clone(),
    })?;
    let keys = RunKeys::new(pipeline, &run);
    // Only a model that was verified once may become the champion again.
    let deployment: Option<DeploymentRecord> =
        documents::read_if_there(store, &keys.deployment(), "the record of a deployment").await?;
    let deployment = deployment.ok_or_else(|| RollbackError::NeverServed {
        run: run.to_string(),
    })?;
    let verdict: VerdictRecord = documents::read(store, &keys.verdict(), "a verdict").await?;
    let mut previous = deployment.previous_endpoint_config;
    // A configuration that was cleaned up is no target of a later rollback.
    if let Some(name) = &previous
        && endpoints.describe_config(name).await?.is_none()
    {
        previous = None;
    }
    Ok(Champion {
        model: config.model.clone(),
        metric: verdict.metric,
        value: verdict.value,
        endpoint_config: Some(config.name.clone()),
        endpoint: now.endpoint.clone(),
        compute: Some(ComputeKind::from(&config.compute)),
        dataset: keys.dataset(),
        previous_endpoint_config: previous,
        rolled_back_from: now.endpoint_config.clone(),
        stack: now.stack.clone(),
        run,
    })
}

/// Registers the autoscaling of the definition of the run whose model serves.
async fn scale(
    store: &impl ObjectStore,
    scaling: &impl Scaling,
    pipeline: &str,
    endpoint: &str,
    champion: &Champion,
) -> Result<(), RollbackError> {
    let key = RunKeys::new(pipeline, &champion.run).plan();
    let plan: Option<Plan> = documents::read_if_there(store, &key, "a run's plan").await?;
    if let Some(plan) = plan
        && !plan.definition.endpoint().compute.is_serverless()
    {
        let expected = plan.definition.endpoint().autoscaling.as_ref();
        sagemaker_ports::scale(scaling, endpoint, expected).await?;
    }
    Ok(())
}

/// Sends the rows with which the model was verified when it was deployed.
async fn verify(
    store: &impl ObjectStore,
    endpoints: &impl Invoke,
    pipeline: &str,
    endpoint: &str,
    champion: &Champion,
) -> Result<Option<u32>, RollbackError> {
    let key = RunKeys::new(pipeline, &champion.run).dataset();
    let dataset: Option<DatasetRecord> = documents::read_if_there(store, &key, "a dataset").await?;
    let Some(sample) = dataset.and_then(|dataset| dataset.sample) else {
        return Ok(None);
    };
    let body = sample.body.into_bytes();
    let asked = sagemaker_ports::ask(endpoints, endpoint, &sample.content_type, body, sample.rows);
    match asked.await? {
        Finding::Sound(rows) => Ok(Some(rows)),
        Finding::Wrong(finding) => Err(RollbackError::DoesNotAnswer {
            endpoint: endpoint.to_owned(),
            config: champion.endpoint_config.clone().unwrap_or_default(),
            finding,
        }),
    }
}
