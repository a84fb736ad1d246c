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

use contract::states::{DeployEndpointOutput, RunInput, Status, Verdict};
use contract::{Invocation, Names};
use lake::records::{Champion, DeploymentRecord, Plan, TrainingRecord, VerdictRecord};
use lake::{ObjectStore, RunKeys, documents, keys};
use model::{Endpoints, Invoke};
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
}

impl Settings {
    /// For [`Settings::settle`]: far longer than the service's descriptions lag behind.
    pub const SETTLE: Duration = Duration::from_secs(15);
}

/// One look at the run's endpoint, which is created or updated by the first, and verified and
/// recorded by the one that finds it in service.
///
/// # Errors
/// If the endpoint cannot be brought to serve the run's model, or does not answer a real request.
pub async fn handle<S: Endpoints + Invoke>(
    store: &impl ObjectStore,
    sagemaker: &S,
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
    let done: Option<DeploymentRecord> =
        documents::read_if_there(store, &run.deployment(), "the record of a deployment").await?;
    if let Some(done) = done {
        return Ok(answer(Status::Done, done.endpoint, IN_SERVICE, 0));
    }

    let plan: Plan = documents::read(store, &run.plan(), "the run's plan").await?;
    let training: TrainingRecord =
        documents::read(store, &run.training(), "the record of a training job").await?;
    let verdict: VerdictRecord = documents::read(store, &run.verdict(), "a verdict").await?;
    let champion_key = keys::champion(run.pipeline());
    let champion: Option<Champion> =
        documents::read_if_there(store, &champion_key, "the record of a champion").await?;
    if verdict.verdict != Verdict::Promote {
        return Err(DeployEndpointError::NotPromoted {
            reason: verdict.reason,
        });
    }
    champion::still_the_rival(&run, &verdict, champion.as_ref())?;

    let name = Names::run_resource(run.pipeline(), run.run());
    let endpoint = wanted::endpoint_name(&plan.definition);
    let model = wanted::model(&name, &plan, &training, settings);
    let config = wanted::config(&name, &plan);
    if !wanted::ensure_model(sagemaker, &model).await?
        || !wanted::ensure_config(sagemaker, &config).await?
    {
        return Ok(answer(
            Status::InProgress,
            endpoint,
            NOT_YET,
            model::wait_seconds(0),
        ));
    }
    let transition = transition::Transition {
        store,
        endpoints: sagemaker,
        run: &run,
        endpoint: &endpoint,
        config: &name,
        settle: settings.settle,
    };
    let before = match transition.step().await? {
        Standing::Moving { phase, age_seconds } => {
            let wait = model::wait_seconds(age_seconds);
            return Ok(answer(Status::InProgress, endpoint, phase, wait));
        }
        Standing::InService { before } => before,
    };

    let successor = champion::successor(
        &run,
        &endpoint,
        &name,
        &verdict,
        champion.as_ref(),
        before.clone(),
    );
    let smoke_rows = smoke::test(store, sagemaker, &run, &successor).await?;
    // The record of the champion first: a model that serves is never without it. The run's own record
    // last: it says that nothing is left to do.
    documents::write(store, &champion_key, &successor).await?;
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

const IN_SERVICE: &str = "InService";
/// The model or the configuration was just created and does not show everywhere yet.
const NOT_YET: &str = "Preparing";
