//! What the lake holds of a run, as far as the run came, and of the runs before it.

use crate::PublishReportError;
use crate::runs::Past;
use crate::taken;
use dataset::Quality;
use lake::records::{
    Champion, DatasetRecord, DeploymentRecord, ExportRecord, Plan, TrainingRecord, VerdictRecord,
};
use lake::{DocumentError, ObjectStore, RunKeys, documents, keys};
use profile::Statistics;
use serde::de::DeserializeOwned;

/// What the steps of a run committed. A record that is not there was not reached.
#[derive(Default)]
pub struct Facts {
    pub plan: Option<Plan>,
    pub export: Option<ExportRecord>,
    pub quality: Option<Quality>,
    pub statistics: Option<Statistics>,
    /// The statistics of the data that the run's was compared with.
    pub before: Option<Statistics>,
    pub dataset: Option<DatasetRecord>,
    pub training: Option<TrainingRecord>,
    pub verdict: Option<VerdictRecord>,
    /// The training of the champion that the model was compared with.
    pub champion_training: Option<TrainingRecord>,
    pub deployment: Option<DeploymentRecord>,
    pub champion: Option<Champion>,
    /// The plan of the newest earlier run.
    pub previous: Option<Plan>,
    /// Earlier runs that have a page, oldest first.
    pub past: Vec<Past>,
}

impl Facts {
    /// Reads what is there; `past` are the earlier runs that have a page, oldest first.
    pub async fn read(
        store: &impl ObjectStore,
        run: &RunKeys,
        past: Vec<Past>,
    ) -> Result<Self, PublishReportError> {
        let lake = Reader(store);
        let previous = match past.last() {
            Some(last) => {
                let theirs = RunKeys::new(run.pipeline(), &last.run);
                lake.get(&theirs.plan(), "a run's plan").await?
            }
            None => None,
        };
        let quality: Option<Quality> = lake.get(&run.quality(), "the report on the data").await?;
        let drift = quality.as_ref().and_then(|quality| quality.drift.as_ref());
        let before = match drift {
            Some(drift) => {
                let theirs = RunKeys::new(run.pipeline(), &drift.run);
                lake.get(&theirs.profile(), "the profile of a run").await?
            }
            None => None,
        };
        let verdict: Option<VerdictRecord> = lake.get(&run.verdict(), "a verdict").await?;
        let champion_run = verdict.as_ref().and_then(|it| it.champion_run.as_ref());
        let what = "the record of a training job";
        let champion_training = match champion_run {
            Some(champion) => {
                let theirs = RunKeys::new(run.pipeline(), champion);
                lake.get(&theirs.training(), what).await?
            }
            None => None,
        };
        let of_champion = keys::champion(run.pipeline());
        let plan = match lake.get(&run.plan(), "the run's plan").await? {
            Some(plan) => Some(taken::route(store, run, plan).await?),
            None => None,
        };
        Ok(Self {
            plan,
            export: lake.get(&run.export(), "the record of an export").await?,
            statistics: lake.get(&run.profile(), "the profile of the run").await?,
            dataset: lake.get(&run.dataset(), "a dataset").await?,
            training: lake.get(&run.training(), what).await?,
            deployment: lake
                .get(&run.deployment(), "the record of a deployment")
                .await?,
            champion: lake.get(&of_champion, "the record of a champion").await?,
            quality,
            before,
            verdict,
            champion_training,
            previous,
            past,
        })
    }
}

struct Reader<'a, S>(&'a S);

impl<S: ObjectStore> Reader<'_, S> {
    async fn get<T: DeserializeOwned>(
        &self,
        key: &str,
        what: &'static str,
    ) -> Result<Option<T>, DocumentError> {
        documents::read_if_there(self.0, key, what).await
    }
}
