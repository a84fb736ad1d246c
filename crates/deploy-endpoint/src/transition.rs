//! Moves the endpoint to the desired configuration, one step per call.
//!
//! An update that was rolled back looks like one that was never requested: the endpoint is in
//! service on its old configuration, with or without a reason. So the intent is written before the
//! update is requested (with the configuration it starts from), and again, with the time, once the
//! service accepted the request:
//!
//! | Endpoint in service on | Intent | Means |
//! |---|---|---|
//! | the desired configuration | any | finished |
//! | another one | none, or not recorded as accepted | request the update |
//! | the one it started from | accepted a moment ago | descriptions lag: poll again |
//! | the one it started from | accepted earlier | rolled back |
//! | a third one | accepted | somebody else updated it: an error |
//!
//! If the endpoint is in service on the desired configuration but fails the smoke test, it is
//! rolled back to where it came from. The intent is first marked *smoke failed*; from then on the
//! table is:
//!
//! | Endpoint in service on | An intent marked *smoke failed* means |
//! |---|---|
//! | the desired configuration | request the rollback |
//! | any other one | rolled back: report the smoke test's finding, remove the intent |
//!
//! A call that dies after the service accepted the request but before the second write leaves an
//! intent that is not recorded as accepted. The next call finds the endpoint on its way to the
//! desired configuration and completes the intent; or, if the update was rolled back by then,
//! requests it once more.

use crate::DeployEndpointError;
use crate::error::AfterSmokeTest;
use crate::guardrails::Guardrails;
use crate::progress::PREPARING;
use contract::{ErrorName, Named};
use definition::{Autoscaling, Compute, ComputeKind};
use lake::records::{Champion, DeploymentIntent, Plan};
use lake::{ObjectStore, RunKeys, documents};
use sagemaker_ports::{
    Alarms, EndpointInfo, EndpointStatus, Endpoints, Owner, Scaling, Update, claim_endpoint,
};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// State of the endpoint.
#[derive(Debug, PartialEq, Eq)]
pub enum EndpointState {
    /// Changing.
    InProgress {
        /// SageMaker's status.
        phase: &'static str,
        /// Seconds since it was last changed.
        age_seconds: u64,
    },
    /// In service on the desired configuration.
    InService {
        /// The configuration that this run's update started from, if it made one.
        before: Option<String>,
        /// Alarms that could not roll that update back.
        alarms_left_out: Vec<String>,
    },
    /// Back in service on another configuration, after the desired one failed the smoke test.
    RolledBack {
        /// What the smoke test found.
        finding: String,
        /// The configuration in force.
        current: String,
    },
}

/// One step of the deployment.
pub struct Transition<'a, S, E, C, A> {
    pub store: &'a S,
    pub endpoints: &'a E,
    pub scaling: &'a C,
    pub run: &'a RunKeys,
    pub endpoint: &'a str,
    pub config: &'a str,
    /// The desired compute.
    pub compute: &'a Compute,
    /// The desired autoscaling.
    pub autoscaling: Option<&'a Autoscaling>,
    /// The champion, which serves meanwhile and stays if the update fails.
    pub champion: Option<&'a Champion>,
    /// What guards an update.
    pub guardrails: &'a Guardrails<'a, A>,
    pub settle: Duration,
    /// Where the logs are.
    pub region: &'a str,
    /// The stack and pipeline that the endpoint must belong to.
    pub owner: &'a Owner,
    /// Whether an endpoint of another owner may be adopted.
    pub adopt: bool,
}

impl<S: ObjectStore, E: Endpoints, C: Scaling, A: Alarms> Transition<'_, S, E, C, A> {
    /// Polls the endpoint, and requests what is missing.
    pub async fn step(&self) -> Result<EndpointState, DeployEndpointError> {
        let key = self.run.deployment_intent();
        let intent: Option<DeploymentIntent> =
            documents::read_if_there(self.store, &key, "the intent of a deployment").await?;
        let Some(info) = self.endpoints.describe_endpoint(self.endpoint).await? else {
            return self.create().await;
        };
        // With an intent, this run has checked the owner already.
        if intent.is_none() {
            claim_endpoint(self.endpoints, self.endpoint, self.owner, self.adopt).await??;
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
                    self.record_acceptance(intent).await?;
                }
                Ok(in_progress(&info))
            }
            EndpointStatus::InService => match intent {
                Some(intent) if intent.smoke_failed.is_some() => {
                    self.finish_rollback(info, intent).await
                }
                _ if info.config == self.config => {
                    let (before, alarms_left_out) = intent
                        .map(|intent| (intent.from, intent.alarms_left_out))
                        .unzip();
                    Ok(EndpointState::InService {
                        before,
                        alarms_left_out: alarms_left_out.unwrap_or_default(),
                    })
                }
                _ => self.in_service_on_another(info, intent).await,
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

    /// Rolls the endpoint back to `to`, because it fails the smoke test on the desired
    /// configuration.
    pub async fn roll_back(
        &self,
        to: String,
        finding: String,
    ) -> Result<EndpointState, DeployEndpointError> {
        let intent = DeploymentIntent {
            from: to,
            to: self.config.to_owned(),
            requested_at: None,
            alarms: Vec::new(),
            alarms_left_out: Vec::new(),
            smoke_failed: Some(finding),
        };
        documents::write(self.store, &self.run.deployment_intent(), &intent).await?;
        self.request_rollback(intent).await
    }

    async fn finish_rollback(
        &self,
        info: EndpointInfo,
        intent: DeploymentIntent,
    ) -> Result<EndpointState, DeployEndpointError> {
        if info.config == self.config {
            return self.request_rollback(intent).await;
        }
        self.restore_scaling(&info.config).await?;
        // Reported once: a call after this error is a redrive, which tries again.
        self.store.delete(&self.run.deployment_intent()).await?;
        Ok(EndpointState::RolledBack {
            finding: intent.smoke_failed.unwrap_or_default(),
            current: info.config,
        })
    }

    /// Requests the rollback, all at once: the configuration it leaves is known to be bad.
    async fn request_rollback(
        &self,
        intent: DeploymentIntent,
    ) -> Result<EndpointState, DeployEndpointError> {
        let to = intent.from.as_str();
        match self
            .endpoints
            .update_endpoint(self.endpoint, to, Update::default())
            .await
        {
            Ok(()) => tracing::warn!(endpoint = self.endpoint, to, "requested the rollback"),
            // The rollback is already running.
            Err(error) if error.name() == ErrorName::Conflict => {
                tracing::info!(endpoint = self.endpoint, %error, "polls again later");
            }
            Err(error) if error.name() == ErrorName::NotFound => {
                tracing::error!(endpoint = self.endpoint, %error, "the rollback is not possible");
                self.store.delete(&self.run.deployment_intent()).await?;
                let finding = intent.smoke_failed.unwrap_or_default();
                let after = AfterSmokeTest::RollbackMissing(intent.from);
                let config = self.config.to_owned();
                let endpoint = self.endpoint;
                return Err(DeployEndpointError::smoke(
                    endpoint, config, finding, &after,
                ));
            }
            Err(error) => return Err(error.into()),
        }
        Ok(just_changed(EndpointStatus::RollingBack))
    }

    async fn create(&self) -> Result<EndpointState, DeployEndpointError> {
        self.guardrails.put().await?;
        match self
            .endpoints
            .create_endpoint(self.endpoint, self.config, &self.owner.tags())
            .await
        {
            Ok(()) => tracing::info!(endpoint = self.endpoint, "created the endpoint"),
            // Another call created it since the lookup: the next poll shows whose it is. Or the
            // configuration, which existed a moment ago, is not visible everywhere yet.
            Err(error) if matches!(error.name(), ErrorName::Conflict | ErrorName::NotFound) => {
                tracing::info!(endpoint = self.endpoint, %error, "polls again later");
            }
            Err(error) => return Err(error.into()),
        }
        Ok(just_changed(EndpointStatus::Creating))
    }

    async fn in_service_on_another(
        &self,
        info: EndpointInfo,
        intent: Option<DeploymentIntent>,
    ) -> Result<EndpointState, DeployEndpointError> {
        let accepted = intent.and_then(|intent| Some((intent.requested_at?, intent)));
        let Some((requested_at, intent)) = accepted else {
            return self.update(info.config).await;
        };
        if intent.from != info.config {
            return Err(DeployEndpointError::UpdatedByOthers {
                endpoint: self.endpoint.to_owned(),
                desired: self.config.to_owned(),
                current: info.config,
            });
        }
        if now().saturating_sub(requested_at) < self.settle.as_secs() {
            return Ok(just_changed(EndpointStatus::Updating));
        }
        self.restore_scaling(&info.config).await?;
        // Reported once: a call after this error is a redrive, which tries again.
        let key = self.run.deployment_intent();
        self.store.delete(&key).await?;
        Err(DeployEndpointError::RolledBack {
            endpoint: self.endpoint.into(),
            desired: self.config.into(),
            current: info.config.into(),
            reason: reason(info.failure_reason).into(),
            log: self.log().into(),
            alarms: intent.alarms.join(", ").into(),
            left_out: intent.alarms_left_out.join(", ").into(),
        })
    }

    async fn update(&self, from: String) -> Result<EndpointState, DeployEndpointError> {
        self.guardrails.put().await?;
        let Some(armed) = self.guardrails.arm().await? else {
            return Ok(EndpointState::InProgress {
                phase: PREPARING,
                age_seconds: 0,
            });
        };
        // Asked before the scaling is detached below, because scaling made the count what it is.
        let resets_count = self.resets_count().await?;
        if let Some(current) = self.endpoints.describe_config(&from).await? {
            let kind = ComputeKind::from(&current.compute);
            self.compute.check_update_from(kind, self.endpoint)?;
            sagemaker_ports::detach_scaling(
                self.scaling,
                self.endpoint,
                &current.compute,
                self.compute,
            )
            .await?;
        }
        let update = Update {
            guard: armed.guard.as_ref(),
            resets_count,
        };
        let intent = DeploymentIntent {
            from,
            to: self.config.to_owned(),
            requested_at: None,
            alarms: armed
                .guard
                .as_ref()
                .map(|guard| guard.alarms.clone())
                .unwrap_or_default(),
            alarms_left_out: armed.left_out,
            smoke_failed: None,
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
                    "requested the update"
                );
                self.record_acceptance(intent).await?;
            }
            // Another update started since the poll, or the configuration is not visible everywhere
            // yet: the request was not accepted, and the next poll decides anew.
            Err(error) if matches!(error.name(), ErrorName::Conflict | ErrorName::NotFound) => {
                tracing::info!(endpoint = self.endpoint, %error, "polls again later");
            }
            Err(error) => return Err(error.into()),
        }
        Ok(just_changed(EndpointStatus::Updating))
    }

    /// Whether the update resets the number of instances to the definition's. While something
    /// scales the endpoint, the scaled number stays; Millrace's own policy does not count if it is
    /// removed.
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

    /// Restores the scaling of the champion, back on `config`, by its own definition: an update to
    /// another instance type had to remove it.
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
            let autoscaling = plan.definition.endpoint().autoscaling.as_ref();
            sagemaker_ports::scale(self.scaling, self.endpoint, autoscaling).await?;
        }
        Ok(())
    }

    fn log(&self) -> String {
        let group = format!("/aws/sagemaker/Endpoints/{}", self.endpoint);
        sagemaker_ports::log_link(self.region, &group, "")
    }

    async fn record_acceptance(&self, intent: DeploymentIntent) -> Result<(), DeployEndpointError> {
        let accepted = DeploymentIntent {
            requested_at: Some(now()),
            ..intent
        };
        documents::write(self.store, &self.run.deployment_intent(), &accepted).await?;
        Ok(())
    }
}

fn in_progress(info: &EndpointInfo) -> EndpointState {
    EndpointState::InProgress {
        phase: info.status.as_str(),
        age_seconds: info.age_seconds,
    }
}

fn just_changed(status: EndpointStatus) -> EndpointState {
    EndpointState::InProgress {
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
