//! What the lake says of a run whose model is to serve. It must not know where it will.

use crate::{DeployEndpointError, champion};
use contract::states::Verdict;
use lake::records::{Champion, Plan, TrainingRecord, VerdictRecord};
use lake::{ObjectStore, RunKeys, documents, keys};

/// What the lake says of a run whose model is to serve.
pub struct Promoted {
    /// What the run does.
    pub plan: Plan,
    /// What trained the model.
    pub training: TrainingRecord,
    /// Why it was promoted.
    pub verdict: VerdictRecord,
    /// Whom it follows.
    pub champion: Option<Champion>,
}

impl Promoted {
    /// Refuses a run that was not promoted, or over another champion than the one now.
    pub async fn read(
        store: &impl ObjectStore,
        run: &RunKeys,
    ) -> Result<Self, DeployEndpointError> {
        let plan = documents::read(store, &run.plan(), "the run's plan").await?;
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
        champion::still_the_rival(run, &verdict, champion.as_ref())?;
        lake::artifact::check(store, &training).await??;
        Ok(Self {
            plan,
            training,
            verdict,
            champion,
        })
    }
}
