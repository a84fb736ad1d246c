//! Decides whether a run's model may serve, once, and says why in one line; asks a person first where
//! the definition wants that; and enters the model into SageMaker's model registry.
//!
//! It must not know how the model was trained nor how it is brought to serve.

mod approval;
mod error;
mod registry;
mod rule;

pub use error::JudgeModelError;
pub use rule::{Judgement, judge};

use approval::Answer;
use contract::Invocation;
use contract::states::{Decision, JudgeModelInput, JudgeModelOutput, Verdict};
use lake::records::{Champion, Plan, TrainingRecord, VerdictRecord};
use lake::store::PutOutcome;
use lake::{ObjectStore, RunKeys, documents, keys};
use model::{ModelPackages, PackageApproval};

const VERDICT: &str = "a verdict";

/// What the function is set up with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The region, for links to the console.
    pub region: String,
}

/// Where the decision on the run's model stands: the verdict that stands, the one that is reached now, or
/// that a person has yet to decide.
///
/// # Errors
/// If the model's metric is missing, the lake cannot be read or written, or the model cannot be
/// registered.
pub async fn handle(
    store: &impl ObjectStore,
    packages: &impl ModelPackages,
    settings: &Settings,
    input: JudgeModelInput,
    _invocation: Invocation,
) -> Result<JudgeModelOutput, JudgeModelError> {
    let run = RunKeys::new(&input.pipeline, &input.run);
    let plan: Plan = documents::read(store, &run.plan(), "the run's plan").await?;
    let training: TrainingRecord =
        documents::read(store, &run.training(), "the record of a training job").await?;
    let standing = documents::read_if_there(store, &run.verdict(), VERDICT).await?;
    let (verdict, decision) = match standing {
        Some(verdict) => decided(verdict),
        None => reach(store, settings, &run, &plan, &training, &input).await?,
    };
    let entry = registry::Entry {
        store,
        packages,
        run: &run,
        plan: &plan,
        training: &training,
    };
    let approval = match decision {
        Decision::Promote => PackageApproval::Approved,
        Decision::Keep => PackageApproval::Rejected,
        Decision::AskApproval | Decision::AwaitApproval => PackageApproval::PendingManualApproval,
    };
    entry.bring_to(approval, &verdict).await?;
    Ok(JudgeModelOutput {
        pipeline: input.pipeline,
        run: input.run,
        verdict: decision,
        metric: verdict.metric,
        value: verdict.value,
        champion: verdict.champion,
        reason: verdict.reason,
    })
}

fn decided(verdict: VerdictRecord) -> (VerdictRecord, Decision) {
    let decision = verdict.verdict.into();
    (verdict, decision)
}

async fn reach(
    store: &impl ObjectStore,
    settings: &Settings,
    run: &RunKeys,
    plan: &Plan,
    training: &TrainingRecord,
    input: &JudgeModelInput,
) -> Result<(VerdictRecord, Decision), JudgeModelError> {
    let proposal = match documents::read_if_there(store, &run.proposal(), "a proposal").await? {
        Some(proposal) => proposal,
        None => proposed(store, run, plan, training).await?,
    };
    let approval = plan.definition.promotion.approval;
    let Some(approval) = approval.filter(|_| proposal.verdict == Verdict::Promote) else {
        return Ok(decided(committed(store, &run.verdict(), proposal).await?));
    };
    // Whatever the champion becomes while a person thinks, that person judges what was proposed.
    let mut proposal = committed(store, &run.proposal(), proposal).await?;
    let question = approval::Question {
        store,
        run,
        within_hours: approval.within_hours,
    };
    let token = input.task_token.as_deref();
    match question.look(token).await? {
        Answer::Decided(answer) => {
            proposal.verdict = answer.verdict();
            proposal.reason = format!("{}; {}", proposal.reason, answer.words(approval));
            Ok(decided(committed(store, &run.verdict(), proposal).await?))
        }
        Answer::NotAskedYet => {
            proposal.reason = question.message(settings, plan, &proposal);
            Ok((proposal, Decision::AskApproval))
        }
        Answer::NotYet => Ok((proposal, Decision::AwaitApproval)),
    }
}

/// What the rule says of the model.
async fn proposed(
    store: &impl ObjectStore,
    run: &RunKeys,
    plan: &Plan,
    training: &TrainingRecord,
) -> Result<VerdictRecord, JudgeModelError> {
    let champion_key = keys::champion(run.pipeline());
    let champion: Option<Champion> =
        documents::read_if_there(store, &champion_key, "the record of a champion").await?;
    let promotion = &plan.definition.promotion;
    let value = training
        .metrics
        .get(&promotion.metric)
        .copied()
        .filter(|value| value.is_finite())
        .ok_or_else(|| JudgeModelError::metric_missing(&promotion.metric, training))?;
    let judgement = judge(promotion, run.run(), value, champion.as_ref());
    Ok(VerdictRecord {
        verdict: judgement.verdict,
        metric: promotion.metric.clone(),
        value,
        champion: judgement.champion,
        champion_run: champion.map(|champion| champion.run),
        reason: judgement.reason,
    })
}

/// What stands under the key: this, or what another call was faster to write, which may have met another
/// champion.
async fn committed(
    store: &impl ObjectStore,
    key: &str,
    verdict: VerdictRecord,
) -> Result<VerdictRecord, JudgeModelError> {
    match documents::commit(store, key, &verdict).await? {
        PutOutcome::Created => {
            let promoted = verdict.verdict == Verdict::Promote;
            tracing::info!(promoted, reason = verdict.reason, key, "judged the model");
            Ok(verdict)
        }
        PutOutcome::AlreadyThere => Ok(documents::read(store, key, VERDICT).await?),
    }
}
