//! Serves at an endpoint. It must not know a transform job.

use crate::error::AfterSmokeTest;
use crate::look::{Look, NOT_YET};
use crate::promoted::Promoted;
use crate::transition::{Standing, Transition};
use crate::{DeployEndpointError, Settings, champion, cleanup, smoke, wanted};
use contract::Names;
use definition::ComputeKind;
use lake::records::DeploymentRecord;
use lake::{ObjectStore, RunKeys, documents, keys};
use sagemaker_ports::{Endpoints, Finding, Invoke, Scaling};

/// The smoke test failed: the endpoint goes back to the configuration before.
const GOING_BACK: &str = "RollingBack";

/// What serves a run's model, and where that is recorded.
pub struct Server<'a, S, E, C> {
    /// The lake.
    pub store: &'a S,
    /// Models, configurations, endpoints.
    pub sagemaker: &'a E,
    /// What scales the endpoint.
    pub scaling: &'a C,
    /// What the function is set up with.
    pub settings: &'a Settings,
    /// The run.
    pub run: &'a RunKeys,
}

impl<S: ObjectStore, E: Endpoints + Invoke, C: Scaling> Server<'_, S, E, C> {
    /// One look at the endpoint.
    pub async fn step(&self, promoted: &Promoted) -> Result<Look, DeployEndpointError> {
        let Self {
            store,
            sagemaker,
            scaling,
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
        let endpoint = wanted::endpoint_name(&plan.definition);
        let model = wanted::model(plan, training, settings);
        let config = wanted::config(&name, store.bucket(), plan, settings);
        if !wanted::ensure(sagemaker, &model, &config).await? {
            return Ok(Look::moving(endpoint, NOT_YET, 0));
        }
        let guard = wanted::guard(&plan.definition, settings);
        let autoscaling = plan.definition.endpoint.autoscaling.as_ref();
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
            guard: guard.as_ref(),
            settle: settings.settle,
            region: &settings.region,
            owner: wanted::owner(plan, settings),
            adopt: plan.definition.endpoint.adopt,
        };
        let kind = ComputeKind::from(&config.compute);
        let before = match transition.step().await? {
            Standing::Moving { phase, age_seconds } => {
                return Ok(Look::moving(endpoint, phase, age_seconds));
            }
            Standing::Back { finding, there } => {
                let after = AfterSmokeTest::Back(there);
                return Err(DeployEndpointError::smoke(&endpoint, name, finding, &after));
            }
            Standing::InService { before } => before,
        };
        let old = champion.as_ref();
        let successor =
            champion::successor(run, &endpoint, &name, kind, verdict, old, before.clone());
        let smoke_rows = match smoke::test(store, sagemaker, run, &endpoint).await? {
            Finding::Sound(rows) => rows,
            Finding::Wrong(finding) => {
                // It passed in an earlier call, which then died: the champion is not taken back.
                let verified = old.is_some_and(|champion| champion.run == *run.run());
                let previous = successor.previous_endpoint_config;
                let Some(previous) = previous.filter(|_| !verified) else {
                    let after = AfterSmokeTest::Stays;
                    return Err(DeployEndpointError::smoke(&endpoint, name, finding, &after));
                };
                transition.refute(previous, finding).await?;
                return Ok(Look::moving(endpoint, GOING_BACK, 0));
            }
        };

        // The record of the champion first: a model that serves is never without it. The run's own record
        // last: it says that nothing is left to do.
        documents::write(store, &keys::champion(run.pipeline()), &successor).await?;
        if kind == ComputeKind::Instances {
            sagemaker_ports::scale(scaling, &endpoint, autoscaling).await?;
        }
        let keep = plan.definition.endpoint.keep.unwrap_or(cleanup::KEEP);
        let served = old.and_then(|champion| champion.endpoint_config.clone());
        cleanup::remove_old(store, sagemaker, run, &successor, &[served, before], keep).await?;
        let record = DeploymentRecord {
            run: run.run().clone(),
            endpoint: Some(endpoint.clone()),
            endpoint_config: Some(name.clone()),
            model: name,
            previous_endpoint_config: successor.previous_endpoint_config,
            smoke_rows,
            transform: None,
        };
        documents::commit(store, &run.deployment(), &record).await?;
        tracing::info!(endpoint, smoke_rows, "the run's model serves");
        Ok(Look::done(&record))
    }
}
