//! Brings a run's model into service: model, configuration, endpoint, a real request, the record.
//!
//! It must not know how the model was trained nor why it was promoted.

mod champion;
mod cleanup;
mod error;
mod smoke;
mod transition;
mod wanted;

pub use error::DeployEndpointError;

use contract::definition::ComputeKind;
use contract::states::{DeployEndpointOutput, RunInput, Status, Verdict};
use contract::{Invocation, Names};
use lake::records::{Champion, DeploymentRecord, Plan, TrainingRecord, VerdictRecord};
use lake::{ObjectStore, RunKeys, documents, keys};
use model::{Endpoints, Finding, Invoke, Scaling};
use std::collections::BTreeMap;
use std::time::Duration;
use transition::Standing;

/// What the function is set up with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The role that SageMaker assumes where the definition names none.
    pub role_arn: String,
    /// How long an update may take to show after the service took it; an endpoint that is still in
    /// service on its old configuration after that was rolled back.
    pub settle: Duration,
    /// The alarms that the stack made, by the endpoints that they watch.
    pub alarms: BTreeMap<String, Vec<String>>,
    /// The region, where the logs are.
    pub region: String,
}

impl Settings {
    /// For [`Settings::settle`]: far longer than the service's descriptions lag behind.
    pub const SETTLE: Duration = Duration::from_secs(15);

    /// For [`Settings::alarms`]: the endpoint that the stack watches, and its alarms' names, separated
    /// by commas.
    pub fn alarms_of(
        endpoint: Option<String>,
        alarms: Option<&str>,
    ) -> BTreeMap<String, Vec<String>> {
        let names = alarms.unwrap_or_default().split(',').map(str::trim);
        let names: Vec<String> = names
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect();
        endpoint
            .filter(|endpoint| !endpoint.is_empty() && !names.is_empty())
            .map(|endpoint| (endpoint, names))
            .into_iter()
            .collect()
    }
}

/// One look at the run's endpoint, which is created or updated by the first, and verified and
/// recorded by the one that finds it in service.
///
/// # Errors
/// If the endpoint cannot be brought to serve the run's model, or does not answer a real request.
pub async fn handle<S: Endpoints + Invoke>(
    store: &impl ObjectStore,
    sagemaker: &S,
    scaling: &impl Scaling,
    settings: &Settings,
    input: RunInput,
    _invocation: Invocation,
) -> Result<DeployEndpointOutput, DeployEndpointError> {
    let run = RunKeys::new(&input.pipeline, &input.run);
    let answer = |status, endpoint: String, phase: &str, wait_seconds| DeployEndpointOutput {
        status,
        pipeline: input.pipeline.clone(),
        run: input.run.clone(),
        endpoint,
        phase: phase.to_owned(),
        wait_seconds,
    };
    let in_progress = |endpoint, phase: &str, age_seconds| {
        let wait = model::wait_seconds(age_seconds);
        answer(Status::InProgress, endpoint, phase, wait)
    };
    let done: Option<DeploymentRecord> =
        documents::read_if_there(store, &run.deployment(), "the record of a deployment").await?;
    if let Some(done) = done {
        return Ok(answer(Status::Done, done.endpoint, IN_SERVICE, 0));
    }

    let Promoted {
        plan,
        training,
        verdict,
        champion,
    } = Promoted::read(store, &run).await?;
    let name = Names::run_resource(run.pipeline(), run.run());
    let endpoint = wanted::endpoint_name(&plan.definition);
    let model = wanted::model(&name, &plan, &training, settings);
    let config = wanted::config(&name, store.bucket(), &plan);
    if !wanted::ensure(sagemaker, &model, &config).await? {
        return Ok(in_progress(endpoint, NOT_YET, 0));
    }
    let guard = wanted::guard(&plan.definition, settings);
    let autoscaling = plan.definition.endpoint.autoscaling.as_ref();
    let transition = transition::Transition {
        store,
        endpoints: sagemaker,
        scaling,
        run: &run,
        endpoint: &endpoint,
        config: &name,
        compute: &config.compute,
        autoscaling,
        champion: champion.as_ref(),
        guard: guard.as_ref(),
        settle: settings.settle,
        region: &settings.region,
    };
    let kind = ComputeKind::from(&config.compute);
    let (successor, before, smoke_rows) = match transition.step().await? {
        Standing::Moving { phase, age_seconds } => {
            return Ok(in_progress(endpoint, phase, age_seconds));
        }
        Standing::Back { finding, there } => {
            return Err(DeployEndpointError::smoke(
                &endpoint,
                name,
                finding,
                Some(there),
            ));
        }
        Standing::InService { before } => {
            let old = champion.as_ref();
            let successor =
                champion::successor(&run, &endpoint, &name, kind, &verdict, old, before.clone());
            match smoke::test(store, sagemaker, &run, &endpoint).await? {
                Finding::Sound(rows) => (successor, before, rows),
                Finding::Wrong(finding) => {
                    // It passed in an earlier call, which then died: the champion is not taken back.
                    let verified = champion
                        .as_ref()
                        .is_some_and(|champion| champion.run == *run.run());
                    let previous = successor.previous_endpoint_config;
                    let Some(previous) = previous.filter(|_| !verified) else {
                        return Err(DeployEndpointError::smoke(&endpoint, name, finding, None));
                    };
                    transition.refute(previous, finding).await?;
                    return Ok(in_progress(endpoint, GOING_BACK, 0));
                }
            }
        }
    };

    // The record of the champion first: a model that serves is never without it. The run's own record
    // last: it says that nothing is left to do.
    documents::write(store, &keys::champion(run.pipeline()), &successor).await?;
    if kind == ComputeKind::Instances {
        model::scale(scaling, &endpoint, autoscaling).await?;
    }
    let keep = plan.definition.endpoint.keep.unwrap_or(cleanup::KEEP);
    let in_use = [champion.map(|champion| champion.endpoint_config), before];
    cleanup::remove_old(store, sagemaker, &run, &successor, &in_use, keep).await?;
    let record = DeploymentRecord {
        run: input.run.clone(),
        endpoint: endpoint.clone(),
        endpoint_config: name.clone(),
        model: name,
        previous_endpoint_config: successor.previous_endpoint_config,
        smoke_rows,
    };
    documents::commit(store, &run.deployment(), &record).await?;
    tracing::info!(endpoint, smoke_rows, "the run's model serves");
    Ok(answer(Status::Done, endpoint, IN_SERVICE, 0))
}

/// What the lake says of a run whose model is to serve.
struct Promoted {
    plan: Plan,
    training: TrainingRecord,
    verdict: VerdictRecord,
    champion: Option<Champion>,
}

impl Promoted {
    /// Refuses a run that was not promoted, or over another champion than the one now.
    async fn read(store: &impl ObjectStore, run: &RunKeys) -> Result<Self, DeployEndpointError> {
        let plan = documents::read(store, &run.plan(), "the run's plan").await?;
        let training =
            documents::read(store, &run.training(), "the record of a training job").await?;
        let verdict: VerdictRecord = documents::read(store, &run.verdict(), "a verdict").await?;
        let key = keys::champion(run.pipeline());
        let champion = documents::read_if_there(store, &key, "the record of a champion").await?;
        if verdict.verdict != Verdict::Promote {
            return Err(DeployEndpointError::NotPromoted {
                reason: verdict.reason,
            });
        }
        champion::still_the_rival(run, &verdict, champion.as_ref())?;
        Ok(Self {
            plan,
            training,
            verdict,
            champion,
        })
    }
}

const IN_SERVICE: &str = "InService";
/// The model or the configuration was just created and does not show everywhere yet.
const NOT_YET: &str = "Preparing";
/// The smoke test failed: the endpoint goes back to the configuration before.
const GOING_BACK: &str = "RollingBack";
