//! Serves at an endpoint.

use crate::error::AfterSmokeTest;
use crate::guardrails::Guardrails;
use crate::progress::{PREPARING, Progress};
use crate::promoted::Promoted;
use crate::transition::{EndpointState, Transition};
use crate::{DeployEndpointError, Settings, champion, cleanup, desired, smoke};
use contract::{Names, RunId};
use definition::ComputeKind;
use lake::artifact::ArtifactReplaced;
use lake::records::DeploymentRecord;
use lake::{PagedStore, RunKeys, documents, keys};
use sagemaker_ports::{Alarms, Endpoints, Finding, Invoke, Scaling};

/// The smoke test failed: the endpoint is rolled back to the configuration before.
const ROLLING_BACK: &str = "RollingBack";

/// What a deployment to an endpoint needs.
pub struct Server<'a, S, E, C, A> {
    /// The lake.
    pub store: &'a S,
    /// Models, configurations, endpoints.
    pub sagemaker: &'a E,
    /// The endpoint's scaling.
    pub scaling: &'a C,
    /// The endpoint's alarms.
    pub alarms: &'a A,
    /// Configuration of the function.
    pub settings: &'a Settings,
    /// The run.
    pub run: &'a RunKeys,
}

impl<S: PagedStore, E: Endpoints + Invoke, C: Scaling, A: Alarms> Server<'_, S, E, C, A> {
    /// Polls the endpoint.
    pub async fn step(&self, promoted: &Promoted) -> Result<Progress, DeployEndpointError> {
        let Self {
            store,
            sagemaker,
            scaling,
            alarms,
            settings,
            run,
        } = *self;
        let Promoted {
            plan,
            training,
            verdict,
            champion,
        } = promoted;
        let name = Names::run_resource(run.pipeline(), run.run());
        let endpoint = plan.definition.endpoint_name()?.to_owned();
        let model = desired::model(plan, training, settings)?;
        let config = desired::config(&name, store.bucket(), plan, settings)?;
        if !desired::ensure(sagemaker, &model, &config).await? {
            return Ok(Progress::in_progress(endpoint, PREPARING, 0));
        }
        let owner = desired::owner(plan, settings);
        let desired = plan.definition.endpoint();
        let guardrails = Guardrails::new(alarms, settings, &owner, &endpoint, desired);
        let autoscaling = desired.autoscaling.as_ref();
        let transition = Transition {
            store,
            endpoints: sagemaker,
            scaling,
            run,
            endpoint: &endpoint,
            config: &name,
            compute: &config.compute,
            autoscaling,
            champion: champion.as_ref(),
            guardrails: &guardrails,
            settle: settings.settle,
            region: &settings.region,
            owner: &owner,
            adopt: desired.adopt,
        };
        let kind = ComputeKind::from(&config.compute);
        let (before, alarms_left_out) = match transition.step().await? {
            EndpointState::InProgress { phase, age_seconds } => {
                return Ok(Progress::in_progress(endpoint, phase, age_seconds));
            }
            EndpointState::RolledBack { finding, current } => {
                let after = AfterSmokeTest::RolledBack(current);
                return Err(DeployEndpointError::smoke(&endpoint, name, finding, &after));
            }
            EndpointState::InService {
                before,
                alarms_left_out,
            } => (before, alarms_left_out),
        };
        let old = champion.as_ref();
        let served = champion::Served {
            stack: &settings.stack,
            endpoint: &endpoint,
            config: &name,
            compute: kind,
        };
        let successor = champion::successor(run, &served, verdict, old, before.clone());
        let smoke_rows = match smoke::test(store, sagemaker, run, &endpoint).await? {
            Finding::Sound(rows) => rows,
            Finding::Wrong(finding) => {
                // The test passed in an earlier call that then died: the champion stays recorded.
                let verified = old.is_some_and(|champion| champion.run == *run.run());
                let previous = successor.previous_endpoint_config;
                let previous = previous.filter(|_| !verified);
                return self.leave(&transition, previous, finding).await;
            }
        };

        // The champion's record is written before this run's: a model that serves always has one.
        // The run's own record is written last and marks the deployment as finished.
        documents::write(store, &keys::champion(run.pipeline()), &successor).await?;
        if kind == ComputeKind::Instances {
            sagemaker_ports::scale(scaling, &endpoint, autoscaling).await?;
        }
        let keep = desired.keep.unwrap_or(cleanup::KEEP);
        let served = old.and_then(|champion| champion.endpoint_config.clone());
        cleanup::remove_old(store, sagemaker, run, &successor, &[served, before], keep).await?;
        let record = DeploymentRecord {
            run: run.run().clone(),
            endpoint: Some(endpoint.clone()),
            endpoint_config: Some(name.clone()),
            model: name,
            previous_endpoint_config: successor.previous_endpoint_config,
            alarms_left_out,
            smoke_rows,
            transform: None,
        };
        documents::commit(store, &run.deployment(), &record).await?;
        tracing::info!(endpoint, smoke_rows, "the run's model serves");
        Ok(Progress::done(&record))
    }

    /// Rolls the endpoint back to the configuration before, because it fails the smoke test; or says
    /// why it stays.
    async fn leave(
        &self,
        transition: &Transition<'_, S, E, C, A>,
        previous: Option<String>,
        finding: String,
    ) -> Result<Progress, DeployEndpointError> {
        let endpoint = transition.endpoint;
        let after = if let Some(previous) = previous {
            let Some(replaced) = self.replaced(&previous).await? else {
                transition.roll_back(previous, finding).await?;
                return Ok(Progress::in_progress(endpoint.to_owned(), ROLLING_BACK, 0));
            };
            AfterSmokeTest::RollbackRefused(replaced)
        } else {
            AfterSmokeTest::Stays
        };
        let config = transition.config.to_owned();
        Err(DeployEndpointError::smoke(
            endpoint, config, finding, &after,
        ))
    }

    /// Whether the artifact of the model of a configuration was replaced since its training.
    async fn replaced(
        &self,
        config: &str,
    ) -> Result<Option<ArtifactReplaced>, DeployEndpointError> {
        let pipeline = self.run.pipeline();
        let id = config.strip_prefix(&Names::run_prefix(pipeline));
        // Another configuration was made by hand, and is no run's.
        let Some(run) = id.and_then(|id| RunId::parse(id).ok()) else {
            return Ok(None);
        };
        let checked = lake::artifact::check_run(self.store, &RunKeys::new(pipeline, &run)).await?;
        Ok(checked.err())
    }
}
