//! Brings a pipeline's endpoint back to the configuration that served before, and the champion's record
//! with it. It must not know how that configuration came about.
//!
//! | Endpoint in service on | Means |
//! |---|---|
//! | the champion's configuration | bring it to the one before, unless a rollback made this champion |
//! | the one before the champion's | an earlier call was interrupted: verify it and write the record |
//! | any other | a model that nobody verified: bring it to the champion's |
//!
//! A champion without an endpoint has scored in one go: nothing serves that could be brought back.
//!
//! The record changes last, once the endpoint serves and has answered, and says that a rollback made it: so a
//! call that is repeated, for whatever reason, never goes back twice.

mod error;

pub use error::RollbackError;

use crate::progress::Step;
use contract::{Names, RunId};
use definition::ComputeKind;
use lake::records::{Champion, DatasetRecord, DeploymentRecord, Plan, VerdictRecord};
use lake::{ObjectStore, RunKeys, documents, keys};
use sagemaker_ports::{ConfigSpec, EndpointStatus, Endpoints, Finding, Invoke, Scaling, Update};
use std::fmt;
use std::time::{Duration, Instant};

/// What is rolled back, and how patiently.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The pipeline.
    pub pipeline: String,
    /// The run whose model shall serve; by default that of the configuration before.
    pub to: Option<RunId>,
    /// Between two looks at the endpoint.
    pub pause: Duration,
    /// How long an update may take to show after the service took it; an endpoint that is still in service
    /// on its old configuration after that was taken back by SageMaker.
    pub settle: Duration,
}

impl Wish {
    /// Of a pipeline, as the command does it.
    pub const fn new(pipeline: String, to: Option<RunId>) -> Self {
        Self {
            pipeline,
            to,
            pause: Duration::from_secs(5),
            settle: Duration::from_secs(15),
        }
    }
}

/// Where the endpoint is after a rollback.
#[derive(Debug, Clone, PartialEq)]
pub struct RolledBack {
    /// The champion now.
    pub champion: Champion,
    /// The configuration that it came from; `None` if it was where it should be.
    pub from: Option<String>,
    /// Rows that it was asked about and answered; `None` if its run's dataset is gone.
    pub smoke_rows: Option<u32>,
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
                "the endpoint {endpoint} is back from {from} on {endpoint_config}, the model of run {run}"
            )?,
            (None, Some(from)) => write!(
                f,
                "the endpoint {endpoint} was rolled back from {from} already, and serves the model of run {run}; \
                 --to goes to another run's"
            )?,
            (None, None) => write!(f, "the endpoint {endpoint} serves the model of run {run}")?,
        }
        match self.smoke_rows {
            Some(rows) => write!(f, "; it answered {rows} rows"),
            None => write!(
                f,
                "; its dataset is gone, so it was not asked about any row"
            ),
        }
    }
}

/// Looks at an endpoint while it is on its way: an hour, as the command looks.
const LOOKS: usize = 720;

/// Rolls the pipeline's endpoint back, and waits until it serves and has answered a real request.
///
/// # Errors
/// If there is nothing to go back to, or the endpoint does not get there or does not answer.
pub async fn roll_back<S: Endpoints + Invoke>(
    store: &impl ObjectStore,
    sagemaker: &S,
    scaling: &impl Scaling,
    wish: &Wish,
    step: &Step,
) -> Result<RolledBack, RollbackError> {
    let pipeline = &wish.pipeline;
    let key = keys::champion(pipeline);
    let champion: Option<Champion> =
        documents::read_if_there(store, &key, "the record of a champion").await?;
    let champion = champion.ok_or_else(|| RollbackError::NoChampion {
        pipeline: pipeline.clone(),
    })?;
    let (Some(endpoint), Some(in_force)) = (&champion.endpoint, &champion.endpoint_config) else {
        return Err(RollbackError::NoEndpoint {
            pipeline: pipeline.clone(),
            predictions: format!("predictions/{pipeline}/"),
        });
    };
    let there = settled(sagemaker, wish, endpoint, None, step).await?;
    let target = target(wish, &champion, endpoint, in_force, &there)?;
    let config = config(sagemaker, &target).await?;
    // Before anything is changed: what has no record could be brought back, but not be the champion.
    let successor = if target == *in_force {
        champion.clone()
    } else {
        champion_of(store, sagemaker, pipeline, &champion, &config).await?
    };
    if there != target {
        if let Some(from) = sagemaker.describe_config(&there).await? {
            let kind = ComputeKind::from(&from.compute);
            config.compute.check_update_from(kind, endpoint)?;
            sagemaker_ports::make_way(scaling, endpoint, &from.compute, &config.compute).await?;
        }
        step.say(&format!("from {there} to {target}"));
        // All at once: what it comes from is not wanted a minute longer.
        sagemaker
            .update_endpoint(endpoint, &target, Update::default())
            .await?;
        settled(sagemaker, wish, endpoint, Some(&target), step).await?;
    }
    let smoke_rows = verify(store, sagemaker, pipeline, endpoint, &successor).await?;
    if successor != champion {
        documents::write(store, &key, &successor).await?;
    }
    scale(store, scaling, pipeline, endpoint, &successor).await?;
    let from = if there == target {
        // An interrupted call has brought it here.
        (successor != champion).then(|| in_force.clone())
    } else {
        Some(there)
    };
    Ok(RolledBack {
        from,
        champion: successor,
        smoke_rows,
    })
}

/// The configuration to bring the endpoint to.
fn target(
    wish: &Wish,
    champion: &Champion,
    endpoint: &str,
    in_force: &str,
    there: &str,
) -> Result<String, RollbackError> {
    let before = champion.previous_endpoint_config.as_ref();
    let target = match &wish.to {
        Some(run) => Names::run_resource(&wish.pipeline, run),
        None if there != in_force && before.is_some_and(|it| it == there) => there.to_owned(),
        None if there != in_force || champion.rolled_back_from.is_some() => in_force.to_owned(),
        None => before
            .ok_or_else(|| RollbackError::NothingBefore {
                endpoint: endpoint.to_owned(),
                config: there.to_owned(),
            })?
            .clone(),
    };
    Ok(target)
}

/// The configuration on which the endpoint is in service, once it is; after an update, once that has
/// brought it to `wanted`.
async fn settled(
    endpoints: &impl Endpoints,
    wish: &Wish,
    endpoint: &str,
    wanted: Option<&str>,
    step: &Step,
) -> Result<String, RollbackError> {
    let asked = Instant::now();
    let not_back = |status, config, reason: String| RollbackError::NotBack {
        endpoint: endpoint.to_owned(),
        status,
        config,
        wanted: wanted.unwrap_or("a configuration that serves").to_owned(),
        reason,
    };
    let mut last = (EndpointStatus::Updating, String::new());
    for _ in 0..LOOKS {
        let info = endpoints.describe_endpoint(endpoint).await?;
        let info = info.ok_or_else(|| RollbackError::Missing {
            what: "endpoint",
            name: endpoint.to_owned(),
        })?;
        let reason = info.failure_reason.unwrap_or_default();
        match info.status {
            EndpointStatus::InService => match wanted {
                Some(wanted) if wanted != info.config => {
                    // Descriptions lag behind.
                    if asked.elapsed() >= wish.settle {
                        let reason = format!("SageMaker took the update back: {reason}");
                        return Err(not_back(info.status, info.config, reason));
                    }
                }
                _ => return Ok(info.config),
            },
            EndpointStatus::Creating
            | EndpointStatus::Updating
            | EndpointStatus::SystemUpdating
            | EndpointStatus::RollingBack => {}
            status => return Err(not_back(status, info.config, reason)),
        }
        step.say(info.status.as_str());
        last = (info.status, info.config);
        tokio::time::sleep(wish.pause).await;
    }
    let (status, config) = last;
    let reason = "it is still on its way: call again".to_owned();
    Err(not_back(status, config, reason))
}

async fn config(endpoints: &impl Endpoints, name: &str) -> Result<ConfigSpec, RollbackError> {
    let found = endpoints.describe_config(name).await?;
    found.ok_or_else(|| RollbackError::Missing {
        what: "endpoint configuration",
        name: name.to_owned(),
    })
}

/// The record of the run whose configuration this is, as the champion again.
async fn champion_of(
    store: &impl ObjectStore,
    endpoints: &impl Endpoints,
    pipeline: &str,
    now: &Champion,
    config: &ConfigSpec,
) -> Result<Champion, RollbackError> {
    let id = config.name.strip_prefix(&format!("{pipeline}-"));
    let run = id.and_then(|id| RunId::parse(id).ok());
    let run = run.ok_or_else(|| RollbackError::NotARuns {
        pipeline: pipeline.to_owned(),
        config: config.name.clone(),
    })?;
    let keys = RunKeys::new(pipeline, &run);
    // Only what was verified once may be the champion again.
    let deployment: Option<DeploymentRecord> =
        documents::read_if_there(store, &keys.deployment(), "the record of a deployment").await?;
    let deployment = deployment.ok_or_else(|| RollbackError::NeverServed {
        run: run.to_string(),
    })?;
    let verdict: VerdictRecord = documents::read(store, &keys.verdict(), "a verdict").await?;
    let mut previous = deployment.previous_endpoint_config;
    // What was cleaned up meanwhile is nothing to go back to.
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
        run,
    })
}

/// Lets the endpoint be scaled as the definition of the run says whose model serves.
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
        && !plan.definition.endpoint.compute.is_serverless()
    {
        let wanted = plan.definition.endpoint.autoscaling.as_ref();
        sagemaker_ports::scale(scaling, endpoint, wanted).await?;
    }
    Ok(())
}

/// Asks the endpoint about the rows that the model was verified with when it was deployed.
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
