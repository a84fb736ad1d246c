//! Scores in one go, where a pipeline has no endpoint. It must not know how a transform job is asked for.

use crate::batch::{self, Job, Scoring};
use crate::look::{Look, NOT_YET};
use crate::promoted::Promoted;
use crate::{DeployEndpointError, Settings, champion, predictions, wanted};
use contract::Names;
use definition::Batch;
use lake::attempt::Attempts;
use lake::records::{DeploymentRecord, VerdictRecord};
use lake::{ObjectStore, RunKeys, documents, keys};
use sagemaker_ports::{Endpoints, Transforms};

/// What scores with a run's model, and where that is recorded.
pub struct Scorer<'a, S, E> {
    /// The lake.
    pub store: &'a S,
    /// Models and transform jobs.
    pub sagemaker: &'a E,
    /// What the function is set up with.
    pub settings: &'a Settings,
    /// The run.
    pub run: &'a RunKeys,
    /// How often the execution was redriven.
    pub redrives: u32,
    /// What is scored.
    pub batch: &'a Batch,
}

impl<S: ObjectStore, E: Endpoints + Transforms> Scorer<'_, S, E> {
    /// One look at the transform job.
    pub async fn step(&self, promoted: &Promoted) -> Result<Look, DeployEndpointError> {
        let Self {
            store,
            sagemaker,
            settings,
            run,
            redrives,
            batch,
        } = *self;
        let name = Names::run_resource(run.pipeline(), run.run());
        let model = wanted::model(&promoted.plan, &promoted.training, settings);
        if !wanted::ensure_model(sagemaker, &model).await? {
            return Ok(Look::moving(name, NOT_YET, 0));
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
            Scoring::Moving { phase, age_seconds } => {
                return Ok(Look::moving(job.spec.name, phase, age_seconds));
            }
            Scoring::Done(transform) => transform,
        };
        transform.rows = predictions::check(store, run, &job).await?;
        let successor = champion::scorer(run, &name, &promoted.verdict);
        documents::write(store, &keys::champion(run.pipeline()), &successor).await?;
        self.remove_the_one_before(&promoted.verdict).await?;
        let record = DeploymentRecord {
            run: run.run().clone(),
            endpoint: None,
            endpoint_config: None,
            model: name,
            previous_endpoint_config: None,
            smoke_rows: 0,
            transform: Some(transform),
        };
        documents::commit(store, &run.deployment(), &record).await?;
        tracing::info!(job = job.spec.name, "the run's model has scored");
        Ok(Look::done(&record))
    }

    /// The model that this one replaces; its artifact stays. Who that is the verdict says, since the
    /// champion's record is this run's already if an earlier call died here.
    async fn remove_the_one_before(
        &self,
        verdict: &VerdictRecord,
    ) -> Result<(), DeployEndpointError> {
        let before = verdict.champion_run.as_ref();
        let Some(before) = before.filter(|before| *before != self.run.run()) else {
            return Ok(());
        };
        let name = Names::run_resource(self.run.pipeline(), before);
        // With a configuration of its name, it may still serve at an endpoint that the pipeline had.
        if self.sagemaker.describe_config(&name).await?.is_none() {
            self.sagemaker.delete_model(&name).await?;
        }
        Ok(())
    }
}
