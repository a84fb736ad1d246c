//! Scores a batch, for a pipeline without an endpoint.

use crate::batch::{self, Job, JobState};
use crate::progress::{PREPARING, Progress};
use crate::promoted::Promoted;
use crate::{DeployEndpointError, Settings, champion, desired, predictions};
use contract::Names;
use definition::Batch;
use lake::attempt::Attempts;
use lake::records::{DeploymentRecord, VerdictRecord};
use lake::{ObjectStore, RunKeys, documents, keys};
use sagemaker_ports::{Endpoints, Transforms};

/// What a batch deployment needs.
pub struct Scorer<'a, S, E> {
    /// The lake.
    pub store: &'a S,
    /// Models and transform jobs.
    pub sagemaker: &'a E,
    /// Configuration of the function.
    pub settings: &'a Settings,
    /// The run.
    pub run: &'a RunKeys,
    /// How often the execution was redriven.
    pub redrives: u32,
    /// The rows to score.
    pub batch: &'a Batch,
}

impl<S: ObjectStore, E: Endpoints + Transforms> Scorer<'_, S, E> {
    /// Polls the transform job.
    pub async fn step(&self, promoted: &Promoted) -> Result<Progress, DeployEndpointError> {
        let Self {
            store,
            sagemaker,
            settings,
            run,
            redrives,
            batch,
        } = *self;
        let name = Names::run_resource(run.pipeline(), run.run());
        let model = desired::model(&promoted.plan, &promoted.training, settings)?;
        if !desired::ensure_model(sagemaker, &model).await? {
            return Ok(Progress::in_progress(name, PREPARING, 0));
        }
        let attempts = Attempts {
            store,
            key: run.transform_attempt(),
            redrives,
        };
        let Settings {
            lake_key, stack, ..
        } = settings;
        let job = Job::read(&attempts, run, &promoted.plan, batch, lake_key, stack).await?;
        let region = &settings.region;
        let mut transform = match batch::step(&attempts, sagemaker, run, &job, region).await? {
            JobState::InProgress { phase, age_seconds } => {
                return Ok(Progress::in_progress(job.spec.name, phase, age_seconds));
            }
            JobState::Completed(transform) => transform,
        };
        transform.rows = predictions::check(store, run, &job).await?;
        let successor = champion::scorer(run, stack, &name, &promoted.verdict);
        documents::write(store, &keys::champion(run.pipeline()), &successor).await?;
        self.remove_previous_model(&promoted.verdict).await?;
        let record = DeploymentRecord {
            run: run.run().clone(),
            endpoint: None,
            endpoint_config: None,
            model: name,
            previous_endpoint_config: None,
            alarms_left_out: Vec::new(),
            smoke_rows: 0,
            transform: Some(transform),
        };
        documents::commit(store, &run.deployment(), &record).await?;
        tracing::info!(job = job.spec.name, "the run's model has scored");
        Ok(Progress::done(&record))
    }

    /// Removes the model that this one replaces; its artifact stays. The verdict names that model,
    /// because the champion's record is already this run's if an earlier call died here.
    async fn remove_previous_model(
        &self,
        verdict: &VerdictRecord,
    ) -> Result<(), DeployEndpointError> {
        let before = verdict.champion_run.as_ref();
        let Some(before) = before.filter(|before| *before != self.run.run()) else {
            return Ok(());
        };
        let name = Names::run_resource(self.run.pipeline(), before);
        // If it has a configuration of its name, it may still serve at an earlier endpoint of the
        // pipeline.
        if self.sagemaker.describe_config(&name).await?.is_none() {
            self.sagemaker.delete_model(&name).await?;
        }
        Ok(())
    }
}
