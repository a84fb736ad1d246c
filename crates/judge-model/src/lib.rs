//! Decides whether a run's model may serve, once, and says why in one line.
//!
//! It must not know how the model was trained nor how it is brought to serve.

mod error;
mod rule;

pub use error::JudgeModelError;
pub use rule::{Judgement, judge};

use contract::Invocation;
use contract::states::{JudgeModelOutput, RunInput, Verdict};
use lake::records::{Champion, Plan, TrainingRecord, VerdictRecord};
use lake::store::PutOutcome;
use lake::{ObjectStore, RunKeys, documents, keys};

const VERDICT: &str = "a verdict";

/// The verdict on the run's model: the one that stands, or the one that is reached now.
///
/// # Errors
/// If the model's metric is missing, or the lake cannot be read or written.
pub async fn handle(
    store: &impl ObjectStore,
    input: RunInput,
    _invocation: Invocation,
) -> Result<JudgeModelOutput, JudgeModelError> {
    let run = RunKeys::new(&input.pipeline, &input.run);
    let standing = documents::read_if_there(store, &run.verdict(), VERDICT).await?;
    let verdict = match standing {
        Some(verdict) => verdict,
        None => reach(store, &run).await?,
    };
    Ok(JudgeModelOutput {
        pipeline: input.pipeline,
        run: input.run,
        verdict: verdict.verdict,
        metric: verdict.metric,
        value: verdict.value,
        champion: verdict.champion,
        reason: verdict.reason,
    })
}

async fn reach(store: &impl ObjectStore, run: &RunKeys) -> Result<VerdictRecord, JudgeModelError> {
    let plan: Plan = documents::read(store, &run.plan(), "the run's plan").await?;
    let training: TrainingRecord =
        documents::read(store, &run.training(), "the record of a training job").await?;
    let champion_key = keys::champion(run.pipeline());
    let champion: Option<Champion> =
        documents::read_if_there(store, &champion_key, "the record of a champion").await?;

    let promotion = &plan.definition.promotion;
    let value = training
        .metrics
        .get(&promotion.metric)
        .copied()
        .filter(|value| value.is_finite())
        .ok_or_else(|| JudgeModelError::metric_missing(&promotion.metric, &training))?;
    let judgement = judge(promotion, run.run(), value, champion.as_ref());
    let verdict = VerdictRecord {
        verdict: judgement.verdict,
        metric: promotion.metric.clone(),
        value,
        champion: judgement.champion,
        champion_run: champion.map(|champion| champion.run),
        reason: judgement.reason,
    };
    match documents::commit(store, &run.verdict(), &verdict).await? {
        PutOutcome::Created => {
            let promoted = verdict.verdict == Verdict::Promote;
            tracing::info!(promoted, reason = verdict.reason, "judged the model");
            Ok(verdict)
        }
        // Another call was faster, and may have met another champion: its verdict stands.
        PutOutcome::AlreadyThere => Ok(documents::read(store, &run.verdict(), VERDICT).await?),
    }
}
