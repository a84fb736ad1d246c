//! The endpoint's way to the wanted configuration, one step per call.
//!
//! An update that was rolled back looks like one that was never asked for: the endpoint is in
//! service on its old configuration, with or without a reason. So the intent is written down
//! before the update is asked for (with the configuration it starts from), and again, with the time,
//! once the service took it:
//!
//! | Endpoint in service on | Intent | Means |
//! |---|---|---|
//! | the wanted configuration | any | arrived |
//! | another one | none, or not known to be taken | ask for the update |
//! | the one it started from | taken a moment ago | descriptions lag behind: look again |
//! | the one it started from | taken earlier | rolled back |
//! | a third one | taken | somebody else updated it: not to be fought over |
//!
//! An endpoint that is in service on the wanted configuration, and fails the smoke test, goes back to where
//! it came from: the intent is *refuted* before the way back is asked for, and from then on the
//! table reads the other way round:
//!
//! | Endpoint in service on | Refuted intent means |
//! |---|---|
//! | the wanted configuration | ask for the way back |
//! | any other one | back: the smoke test's finding is told, and the intent withdrawn |
//!
//! A call that dies between the service's taking and the second writing leaves an intent that is not
//! known to be taken. The next call finds the endpoint on its way to the wanted configuration and
//! completes the intent; or, if the update was rolled back by then already, asks for it once more.

use crate::DeployEndpointError;
use crate::error::AfterSmokeTest;
use contract::{ErrorName, Named};
use definition::{Autoscaling, Compute, ComputeKind};
use lake::records::{Champion, DeploymentIntent, Plan};
use lake::{ObjectStore, RunKeys, documents};
use sagemaker_ports::{
    EndpointInfo, EndpointStatus, Endpoints, Guard, Owner, Scaling, Update, claim_endpoint,
};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Where the endpoint stands.
#[derive(Debug, PartialEq, Eq)]
pub enum Standing {
    /// On its way.
    Moving {
        /// SageMaker's status.
        phase: &'static str,
        /// Seconds since it was last changed.
        age_seconds: u64,
    },
    /// In service on the wanted configuration.
    InService {
        /// The configuration that this run's update started from, if it made one.
        before: Option<String>,
    },
    /// Back in service on another configuration, after the smoke test refuted the wanted one.
    Back {
        /// What the smoke test found.
        finding: String,
        /// The configuration in force.
        there: String,
    },
}

/// One step of the way.
pub struct Transition<'a, S, E, C> {
    pub store: &'a S,
    pub endpoints: &'a E,
    pub scaling: &'a C,
    pub run: &'a RunKeys,
    pub endpoint: &'a str,
    pub config: &'a str,
    /// The compute that is wanted behind it.
    pub compute: &'a Compute,
    /// How the wanted number of instances follows the traffic.
    pub autoscaling: Option<&'a Autoscaling>,
    /// What serves until then, and serves on if it comes to nothing.
    pub champion: Option<&'a Champion>,
    /// How an update shifts traffic.
    pub guard: Option<&'a Guard>,
    pub settle: Duration,
    /// Where the logs are.
    pub region: &'a str,
    /// The stack and pipeline that the endpoint must belong to.
    pub owner: Owner,
    /// Whether an endpoint of somebody else is taken over.
    pub adopt: bool,
}

impl<S: ObjectStore, E: Endpoints, C: Scaling> Transition<'_, S, E, C> {
    /// Looks, and asks for what is missing.
    pub async fn step(&self) -> Result<Standing, DeployEndpointError> {
        let key = self.run.deployment_intent();
        let intent: Option<DeploymentIntent> =
            documents::read_if_there(self.store, &key, "the intent of a deployment").await?;
        let Some(info) = self.endpoints.describe_endpoint(self.endpoint).await? else {
            return self.create().await;
        };
        // With an intent, this run has looked already.
        if intent.is_none() {
            claim_endpoint(self.endpoints, self.endpoint, &self.owner, self.adopt).await??;
        }
        match info.status {
            EndpointStatus::Creating
            | EndpointStatus::Updating
            | EndpointStatus::SystemUpdating
            | EndpointStatus::RollingBack => {
                if let Some(intent) = intent
                    && intent.requested_at.is_none()
                    && info.pending.as_deref() == Some(self.config)
                {
                    self.write_taken(intent).await?;
                }
                Ok(moving(&info))
            }
            EndpointStatus::InService => match intent {
                Some(intent) if intent.refuted.is_some() => self.go_back(info, intent).await,
                _ if info.config == self.config => Ok(Standing::InService {
                    before: intent.map(|intent| intent.from),
                }),
                _ => self.in_service_elsewhere(info, intent).await,
            },
            EndpointStatus::OutOfService
            | EndpointStatus::Deleting
            | EndpointStatus::Failed
            | EndpointStatus::UpdateRollbackFailed => Err(DeployEndpointError::EndpointUnusable {
                endpoint: self.endpoint.to_owned(),
                status: info.status,
                reason: reason(info.failure_reason),
                log: self.log(),
            }),
        }
    }

    /// The endpoint fails the smoke test on the wanted configuration: it goes back to `to`.
    pub async fn refute(
        &self,
        to: String,
        finding: String,
    ) -> Result<Standing, DeployEndpointError> {
        let intent = DeploymentIntent {
            from: to,
            to: self.config.to_owned(),
            requested_at: None,
            refuted: Some(finding),
        };
        documents::write(self.store, &self.run.deployment_intent(), &intent).await?;
        self.ask_for_rollback(intent).await
    }

    async fn go_back(
        &self,
        info: EndpointInfo,
        intent: DeploymentIntent,
    ) -> Result<Standing, DeployEndpointError> {
        if info.config == self.config {
            return self.ask_for_rollback(intent).await;
        }
        self.restore_scaling(&info.config).await?;
        // Told once: whoever calls again after this error (a redrive) means another try.
        self.store.delete(&self.run.deployment_intent()).await?;
        Ok(Standing::Back {
            finding: intent.refuted.unwrap_or_default(),
            there: info.config,
        })
    }

    /// All at once: what it comes from is known to be bad.
    async fn ask_for_rollback(
        &self,
        intent: DeploymentIntent,
    ) -> Result<Standing, DeployEndpointError> {
        let to = intent.from.as_str();
        match self
            .endpoints
            .update_endpoint(self.endpoint, to, Update::default())
            .await
        {
            Ok(()) => tracing::warn!(endpoint = self.endpoint, to, "asked for the rollback"),
            // On its way already.
            Err(error) if error.name() == ErrorName::Conflict => {
                tracing::info!(endpoint = self.endpoint, %error, "will look again");
            }
            Err(error) if error.name() == ErrorName::NotFound => {
                tracing::error!(endpoint = self.endpoint, %error, "there is no rollback");
                self.store.delete(&self.run.deployment_intent()).await?;
                let finding = intent.refuted.unwrap_or_default();
                let after = AfterSmokeTest::NoWayBack(intent.from);
                let config = self.config.to_owned();
                let endpoint = self.endpoint;
                return Err(DeployEndpointError::smoke(
                    endpoint, config, finding, &after,
                ));
            }
            Err(error) => return Err(error.into()),
        }
        Ok(just_now(EndpointStatus::RollingBack))
    }

    async fn create(&self) -> Result<Standing, DeployEndpointError> {
        match self
            .endpoints
            .create_endpoint(self.endpoint, self.config, &self.owner.tags())
            .await
        {
            Ok(()) => tracing::info!(endpoint = self.endpoint, "created the endpoint"),
            // Taken since the look before: the next look tells by whom. Or the configuration, which
            // was there a moment ago, is not known to every store of the service yet.
            Err(error) if matches!(error.name(), ErrorName::Conflict | ErrorName::NotFound) => {
                tracing::info!(endpoint = self.endpoint, %error, "will look again");
            }
            Err(error) => return Err(error.into()),
        }
        Ok(just_now(EndpointStatus::Creating))
    }

    async fn in_service_elsewhere(
        &self,
        info: EndpointInfo,
        intent: Option<DeploymentIntent>,
    ) -> Result<Standing, DeployEndpointError> {
        let taken = intent.and_then(|intent| Some((intent.requested_at?, intent.from)));
        let Some((requested_at, from)) = taken else {
            return self.update(info.config).await;
        };
        if from != info.config {
            return Err(DeployEndpointError::UpdatedByOthers {
                endpoint: self.endpoint.to_owned(),
                wanted: self.config.to_owned(),
                there: info.config,
            });
        }
        if now().saturating_sub(requested_at) < self.settle.as_secs() {
            return Ok(just_now(EndpointStatus::Updating));
        }
        self.restore_scaling(&info.config).await?;
        // Told once: whoever calls again after this error (a redrive) means another try.
        let key = self.run.deployment_intent();
        self.store.delete(&key).await?;
        Err(DeployEndpointError::RolledBack {
            endpoint: self.endpoint.into(),
            wanted: self.config.into(),
            there: info.config.into(),
            reason: reason(info.failure_reason).into(),
            log: self.log().into(),
            alarms: self
                .guard
                .map(|guard| guard.alarms.clone())
                .unwrap_or_default(),
        })
    }

    async fn update(&self, from: String) -> Result<Standing, DeployEndpointError> {
        // Asked before the scaling is detached below, which has made the count what it is.
        let resets_count = self.resets_count().await?;
        if let Some(there) = self.endpoints.describe_config(&from).await? {
            let kind = ComputeKind::from(&there.compute);
            self.compute.check_update_from(kind, self.endpoint)?;
            sagemaker_ports::detach_scaling(
                self.scaling,
                self.endpoint,
                &there.compute,
                self.compute,
            )
            .await?;
        }
        let update = Update {
            guard: self.guard,
            resets_count,
        };
        let intent = DeploymentIntent {
            from,
            to: self.config.to_owned(),
            requested_at: None,
            refuted: None,
        };
        documents::write(self.store, &self.run.deployment_intent(), &intent).await?;
        match self
            .endpoints
            .update_endpoint(self.endpoint, self.config, update)
            .await
        {
            Ok(()) => {
                tracing::info!(
                    endpoint = self.endpoint,
                    from = intent.from,
                    "asked for the update"
                );
                self.write_taken(intent).await?;
            }
            // Set in motion since the look before, or the configuration does not show everywhere
            // yet: nothing was taken, and the next look decides anew.
            Err(error) if matches!(error.name(), ErrorName::Conflict | ErrorName::NotFound) => {
                tracing::info!(endpoint = self.endpoint, %error, "will look again");
            }
            Err(error) => return Err(error.into()),
        }
        Ok(just_now(EndpointStatus::Updating))
    }

    /// Whether the number of instances becomes the definition's. It stays what scaling has made of it
    /// while something scales the endpoint; Millrace's own policy does not count if it is to go.
    async fn resets_count(&self) -> Result<bool, DeployEndpointError> {
        if self.compute.is_serverless() {
            return Ok(false);
        }
        if !self.scaling.is_scaled(self.endpoint).await? {
            return Ok(true);
        }
        let own = self.scaling.describe_scaling(self.endpoint).await?;
        Ok(self.autoscaling.is_none() && own.is_some())
    }

    /// The champion, back on `config`, is scaled as its own definition says: an update to another instance
    /// type had to make an end of that.
    async fn restore_scaling(&self, config: &str) -> Result<(), DeployEndpointError> {
        let back = self.champion.filter(|champion| {
            champion.compute == Some(ComputeKind::Instances)
                && champion.endpoint.as_deref() == Some(self.endpoint)
                && champion.endpoint_config.as_deref() == Some(config)
        });
        let Some(champion) = back else {
            return Ok(());
        };
        let key = RunKeys::new(self.run.pipeline(), &champion.run).plan();
        let plan: Option<Plan> =
            documents::read_if_there(self.store, &key, "the champion's plan").await?;
        if let Some(plan) = plan {
            let wanted = plan.definition.endpoint.autoscaling.as_ref();
            sagemaker_ports::scale(self.scaling, self.endpoint, wanted).await?;
        }
        Ok(())
    }

    fn log(&self) -> String {
        let group = format!("/aws/sagemaker/Endpoints/{}", self.endpoint);
        sagemaker_ports::log_link(self.region, &group, "")
    }

    async fn write_taken(&self, intent: DeploymentIntent) -> Result<(), DeployEndpointError> {
        let taken = DeploymentIntent {
            requested_at: Some(now()),
            ..intent
        };
        documents::write(self.store, &self.run.deployment_intent(), &taken).await?;
        Ok(())
    }
}

fn moving(info: &EndpointInfo) -> Standing {
    Standing::Moving {
        phase: info.status.as_str(),
        age_seconds: info.age_seconds,
    }
}

fn just_now(status: EndpointStatus) -> Standing {
    Standing::Moving {
        phase: status.as_str(),
        age_seconds: 0,
    }
}

fn reason(given: Option<String>) -> String {
    given.unwrap_or_else(|| "SageMaker gives no reason".to_owned())
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}
