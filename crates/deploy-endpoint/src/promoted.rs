//! The records of a run whose model is to be deployed.

use crate::{DeployEndpointError, champion};
use contract::states::Verdict;
use lake::records::{Champion, Plan, TrainingRecord, VerdictRecord};
use lake::{ObjectStore, RunKeys, documents, keys};

/// The records of a run whose model is to be deployed.
pub struct Promoted {
    /// The run's plan.
    pub plan: Plan,
    /// The training job that made the model.
    pub training: TrainingRecord,
    /// The verdict that promoted it.
    pub verdict: VerdictRecord,
    /// The champion now, which it replaces.
    pub champion: Option<Champion>,
}

impl Promoted {
    /// Refuses a run that was not promoted, or was promoted over another champion than the current
    /// one.
    pub async fn read(
        store: &impl ObjectStore,
        run: &RunKeys,
    ) -> Result<Self, DeployEndpointError> {
        let plan: Plan = documents::read(store, &run.plan(), "the run's plan").await?;
        plan.definition.promotion()?;
        let training: TrainingRecord =
            documents::read(store, &run.training(), "the record of a training job").await?;
        let verdict: VerdictRecord = documents::read(store, &run.verdict(), "a verdict").await?;
        let key = keys::champion(run.pipeline());
        let champion = documents::read_if_there(store, &key, "the record of a champion").await?;
        if verdict.verdict != Verdict::Promote {
            return Err(DeployEndpointError::NotPromoted {
                reason: verdict.reason,
            });
        }
        champion::is_champion_of_verdict(run, &verdict, champion.as_ref())?;
        lake::artifact::check(store, &training).await??;
        Ok(Self {
            plan,
            training,
            verdict,
            champion,
        })
    }
}
