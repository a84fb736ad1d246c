//! The endpoint of a champion that stays: whether it serves, and how it is recreated if it was
//! deleted. A recreated endpoint is asked a few rows before it counts as serving.

use crate::{JudgeModelError, Settings};
use contract::{Conflict, ErrorName, Named as _};
use lake::records::{Champion, DatasetRecord, EndpointRecreated, Plan, TrainingRecord};
use lake::{ObjectStore, RunKeys, documents, keys};
use sagemaker_ports::{
    ConfigSpec, EndpointStatus, Endpoints, Ensured, Finding, Invoke, ModelSpec, Owner, ask,
    differences, wait_seconds,
};

/// The champion of a pipeline, which stays in service.
pub struct ChampionEndpoint<'a, S, E> {
    pub store: &'a S,
    pub endpoints: &'a E,
    pub settings: &'a Settings,
    /// The run that found the champion to be better.
    pub run: &'a RunKeys,
}

/// State of the endpoint.
#[derive(Debug, PartialEq, Eq)]
pub enum Serving {
    /// It serves, or the champion has none.
    Yes,
    /// It was recreated by this run, serves, and answered so many rows; none if the dataset of the
    /// champion's run was removed.
    Recreated(Option<u32>),
    /// It is being created: poll again after so many seconds.
    Pending(u32),
}

impl<S: ObjectStore, E: Endpoints + Invoke> ChampionEndpoint<'_, S, E> {
    /// Looks at the endpoint, and recreates it if it is gone.
    ///
    /// # Errors
    /// If its artifact was replaced, the endpoint cannot serve, the records to recreate it are missing, or a recreated one
    /// does not answer.
    pub async fn ensure_serving(&self) -> Result<Serving, JudgeModelError> {
        let key = keys::champion(self.run.pipeline());
        let champion: Option<Champion> =
            documents::read_if_there(self.store, &key, "the record of a champion").await?;
        let Some(champion) = champion else {
            return Ok(Serving::Yes);
        };
        let (Some(endpoint), Some(config)) = (&champion.endpoint, &champion.endpoint_config) else {
            return Ok(Serving::Yes);
        };
        // An endpoint in service loads the artifact again whenever it scales out.
        let champions = RunKeys::new(self.run.pipeline(), &champion.run);
        lake::artifact::check_run(self.store, &champions).await??;
        let Some(info) = self.endpoints.describe_endpoint(endpoint).await? else {
            self.recreate(&champion, endpoint, config).await?;
            return Ok(Serving::Pending(wait_seconds(0)));
        };
        match info.status {
            EndpointStatus::InService => self.verify_if_recreated(&champion, endpoint).await,
            EndpointStatus::Creating
            | EndpointStatus::Updating
            | EndpointStatus::SystemUpdating
            | EndpointStatus::RollingBack
            | EndpointStatus::Deleting => Ok(Serving::Pending(wait_seconds(info.age_seconds))),
            EndpointStatus::OutOfService
            | EndpointStatus::Failed
            | EndpointStatus::UpdateRollbackFailed => {
                let reason = info.failure_reason.as_deref();
                let reason = reason.unwrap_or("SageMaker gives no reason");
                let why = format!(
                    "is {}: {reason}; delete the endpoint and redrive, which recreates it",
                    info.status.as_str()
                );
                Err(down(&champion, endpoint, why))
            }
        }
    }

    /// Sends an endpoint that this run recreated the rows with which its model was verified when it
    /// was deployed.
    async fn verify_if_recreated(
        &self,
        champion: &Champion,
        endpoint: &str,
    ) -> Result<Serving, JudgeModelError> {
        let key = self.run.endpoint_recreated();
        let recreated: Option<EndpointRecreated> =
            documents::read_if_there(self.store, &key, "that an endpoint was recreated").await?;
        if recreated.is_none() {
            return Ok(Serving::Yes);
        }
        let dataset: Option<DatasetRecord> =
            documents::read_if_there(self.store, &champion.dataset, "a dataset").await?;
        let Some(sample) = dataset.and_then(|dataset| dataset.sample) else {
            return Ok(Serving::Recreated(None));
        };
        let body = sample.body.into_bytes();
        let answer = ask(
            self.endpoints,
            endpoint,
            &sample.content_type,
            body,
            sample.rows,
        );
        match answer.await? {
            Finding::Sound(rows) => Ok(Serving::Recreated(Some(rows))),
            Finding::Wrong(finding) => Err(JudgeModelError::ChampionDoesNotAnswer {
                run: champion.run.to_string(),
                endpoint: endpoint.to_owned(),
                finding,
            }),
        }
    }

    /// Creates the missing model, endpoint configuration or endpoint, as the champion's run did.
    async fn recreate(
        &self,
        champion: &Champion,
        endpoint: &str,
        config: &str,
    ) -> Result<(), JudgeModelError> {
        let run = RunKeys::new(self.run.pipeline(), &champion.run);
        let plan: Option<Plan> =
            documents::read_if_there(self.store, &run.plan(), "the champion's plan").await?;
        let training: Option<TrainingRecord> =
            documents::read_if_there(self.store, &run.training(), "the champion's training")
                .await?;
        let (Some(plan), Some(training)) = (plan, training) else {
            let why = "does not exist, and the records of its run, by which it would be brought \
                       back, are gone: remove the record of the champion, so that the next model \
                       is deployed as the first"
                .to_owned();
            return Err(down(champion, endpoint, why));
        };
        // Written first: a call that dies after the creation must not hide it.
        let recreated = EndpointRecreated {
            endpoint: endpoint.to_owned(),
            config: config.to_owned(),
        };
        documents::write(self.store, &self.run.endpoint_recreated(), &recreated).await?;
        let owner = Owner::new(&self.settings.stack, self.run.pipeline());
        let tags = owner.run_tags(&champion.run);
        let model = ModelSpec {
            name: champion.model.clone(),
            ..ModelSpec::of_run(
                &plan.definition,
                &champion.run,
                &training.image,
                &training.artifact,
                &self.settings.role_arn,
                tags.clone(),
            )?
        };
        let mut spec = ConfigSpec::of_run(
            &plan.definition,
            &champion.model,
            self.store.bucket(),
            &self.settings.lake_key,
            tags,
        )?;
        config.clone_into(&mut spec.name);
        match sagemaker_ports::ensure_model(self.endpoints, &model).await? {
            Ensured::Exists => {}
            Ensured::Pending => return Ok(()),
            Ensured::Conflicts(differences) => {
                Conflict::check("model", &model.name, &differences)?;
            }
        }
        match self.endpoints.describe_config(config).await? {
            Some(found) => {
                let differences = differences(&spec, &found);
                Conflict::check("endpoint configuration", config, &differences)?;
            }
            None => self.ignore_retryable(self.endpoints.create_config(&spec).await)?,
        }
        let tags = owner.tags();
        let created = self.endpoints.create_endpoint(endpoint, config, &tags);
        self.ignore_retryable(created.await)?;
        tracing::warn!(endpoint, config, "recreates the champion's endpoint");
        Ok(())
    }

    /// A resource that was just created may not be visible everywhere yet, or another call may have
    /// created it first: the next poll decides.
    fn ignore_retryable(
        &self,
        answer: Result<(), contract::ServiceError>,
    ) -> Result<(), JudgeModelError> {
        match answer {
            Err(error) if matches!(error.name(), ErrorName::Conflict | ErrorName::NotFound) => {
                tracing::info!(pipeline = self.run.pipeline(), %error, "polls again later");
                Ok(())
            }
            answer => Ok(answer?),
        }
    }
}

fn down(champion: &Champion, endpoint: &str, why: String) -> JudgeModelError {
    JudgeModelError::ChampionDown {
        run: champion.run.to_string(),
        endpoint: endpoint.to_owned(),
        why,
    }
}
