//! Decides once whether a run's model may serve, and gives the reason in one line. If the
//! definition asks for it, the model and the champion first predict the same rows, or a person
//! approves. The model is also registered in SageMaker's model registry.

mod approval;
mod champion;
mod comparison;
mod error;
mod registry;
mod rule;

pub use error::JudgeModelError;
pub use rule::{Judgement, judge};

use approval::ApprovalState;
use champion::Serving;
use comparison::{Comparison, ComparisonState};
use contract::Invocation;
use contract::states::{Decision, JudgeModelInput, JudgeModelOutput, Verdict};
use definition::{NoticeKind, Notify};
use lake::records::{Champion, Plan, Reevaluation, TrainingRecord, VerdictRecord};
use lake::store::PutOutcome;
use lake::{ObjectStore, RunKeys, documents, keys};
use sagemaker_ports::{Endpoints, Invoke, ModelPackages, Owner, PackageApproval, Transforms};

const VERDICT: &str = "a verdict";

/// Configuration of the function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The role that SageMaker assumes where the definition names none.
    pub role_arn: String,
    /// ARN of the lake's KMS key. Without a key, SageMaker would write with the account's default
    /// key, whatever the bucket's is.
    pub lake_key: String,
    /// The stack's name, with which every resource is tagged.
    pub stack: String,
    /// The region, for links to the console.
    pub region: String,
}

/// The decision on the run's model: the committed verdict, the verdict reached by this call, or
/// that a comparison or a person has yet to decide.
///
/// # Errors
/// If the model's metric is missing, the model and the champion cannot predict the same rows, the
/// lake cannot be read or written, or the model cannot be registered.
pub async fn handle<G: ModelPackages + Endpoints + Invoke + Transforms>(
    store: &impl ObjectStore,
    sagemaker: &G,
    settings: &Settings,
    input: JudgeModelInput,
    _invocation: Invocation,
) -> Result<JudgeModelOutput, JudgeModelError> {
    let run = RunKeys::new(&input.pipeline, &input.run);
    let plan: Plan = documents::read(store, &run.plan(), "the run's plan").await?;
    let training: TrainingRecord =
        documents::read(store, &run.training(), "the record of a training job").await?;
    let case = Case {
        store,
        sagemaker,
        settings,
        run: &run,
        redrives: input.execution.redrive_count,
        plan: &plan,
        training: &training,
    };
    let mut found = match documents::read_if_there(store, &run.verdict(), VERDICT).await? {
        Some(verdict) => State::decided(verdict),
        None => Box::pin(case.reach(input.task_token.as_deref())).await?,
    };
    if found.decision == Decision::Keep {
        let endpoint = champion::ChampionEndpoint {
            store,
            endpoints: sagemaker,
            settings,
            run: &run,
        };
        let reason = &mut found.verdict.reason;
        match Box::pin(endpoint.ensure_serving()).await? {
            Serving::Yes => {}
            Serving::Recreated(rows) => reason.push_str(&summary(rows)),
            Serving::Pending(wait) => {
                found.decision = Decision::Compare;
                found.wait_seconds = wait;
                reason.push_str("; the champion's endpoint is being recreated");
            }
        }
    }
    let approval = match found.decision {
        Decision::Promote => Some(PackageApproval::Approved),
        Decision::Keep => Some(PackageApproval::Rejected),
        Decision::AskApproval | Decision::AwaitApproval => {
            Some(PackageApproval::PendingManualApproval)
        }
        Decision::Compare => None,
    };
    let verdict = found.verdict;
    if let Some(approval) = approval {
        let entry = registry::Entry {
            store,
            packages: sagemaker,
            run: &run,
            plan: &plan,
            training: &training,
            owner: Owner::new(&settings.stack, run.pipeline()),
        };
        Box::pin(entry.set_approval(approval, &verdict)).await?;
    }
    if found.decision == Decision::Keep && plan.definition.promotion()?.reevaluate.is_some() {
        Box::pin(comparison::remove_model(store, sagemaker, &run)).await?;
    }
    let own = plan.definition.notify.as_ref();
    let own = own.and_then(|notify| notify.subject(NoticeKind::Approval));
    let usual = || {
        format!(
            "{}: a model of {} awaits approval",
            settings.stack, input.pipeline
        )
    };
    let subject = own.map_or_else(usual, str::to_owned);
    Ok(JudgeModelOutput {
        pipeline: input.pipeline,
        run: input.run,
        verdict: found.decision,
        metric: verdict.metric,
        value: verdict.value,
        champion: verdict.champion,
        reason: verdict.reason,
        subject,
        wait_seconds: found.wait_seconds,
    })
}

/// What is said of a recreated endpoint that serves, and answered so many rows.
fn summary(rows: Option<u32>) -> String {
    let recreated = "; the champion's endpoint was gone, was recreated and serves";
    match rows {
        Some(rows) => format!("{recreated}: it answered {rows} rows"),
        None => format!("{recreated}; the dataset of its run was removed, so no row was sent"),
    }
}

/// State of the decision, with the verdict as far as it is known.
struct State {
    verdict: VerdictRecord,
    decision: Decision,
    wait_seconds: u32,
}

impl State {
    fn decided(verdict: VerdictRecord) -> Self {
        let decision = verdict.verdict.into();
        Self::pending(verdict, decision)
    }

    const fn pending(verdict: VerdictRecord, decision: Decision) -> Self {
        Self {
            verdict,
            decision,
            wait_seconds: 0,
        }
    }
}

/// The run whose model is judged.
struct Case<'a, S, G> {
    store: &'a S,
    sagemaker: &'a G,
    settings: &'a Settings,
    run: &'a RunKeys,
    redrives: u32,
    plan: &'a Plan,
    training: &'a TrainingRecord,
}

impl<S: ObjectStore, G: Endpoints + Transforms> Case<'_, S, G> {
    fn notify(&self) -> Notify {
        self.plan.definition.notify.clone().unwrap_or_default()
    }

    async fn reach(&self, token: Option<&str>) -> Result<State, JudgeModelError> {
        let (store, run) = (self.store, self.run);
        lake::artifact::check(store, self.training).await??;
        let proposal = match documents::read_if_there(store, &run.proposal(), "a proposal").await? {
            Some(proposal) => proposal,
            None => match self.proposed().await? {
                Proposal::Reached(proposal) => proposal,
                Proposal::InProgress(found) => return Ok(found),
            },
        };
        let approval = self.plan.definition.promotion()?.approval;
        let Some(approval) = approval.filter(|_| proposal.verdict == Verdict::Promote) else {
            let verdict = committed(store, &run.verdict(), proposal).await?;
            return Ok(State::decided(verdict));
        };
        // The person decides on what was proposed, even if the champion changes meanwhile.
        let mut proposal = committed(store, &run.proposal(), proposal).await?;
        let approval_run = approval::ApprovalRun {
            store,
            run,
            within_hours: approval.within_hours,
        };
        match approval_run.state(token).await? {
            ApprovalState::Decided(answer) => {
                proposal.verdict = answer.verdict();
                proposal.reason = format!("{}; {}", proposal.reason, answer.summary(approval));
                let verdict = committed(store, &run.verdict(), proposal).await?;
                Ok(State::decided(verdict))
            }
            ApprovalState::NotRequested if self.notify().asks_for(NoticeKind::Approval) => {
                proposal.reason = approval_run.message(self.plan, &proposal);
                Ok(State::pending(proposal, Decision::AskApproval))
            }
            ApprovalState::NotRequested | ApprovalState::Pending => {
                Ok(State::pending(proposal, Decision::AwaitApproval))
            }
        }
    }

    /// The rule's proposal, as soon as the values to compare are known.
    async fn proposed(&self) -> Result<Proposal, JudgeModelError> {
        let champion_key = keys::champion(self.run.pipeline());
        let champion: Option<Champion> =
            documents::read_if_there(self.store, &champion_key, "the record of a champion").await?;
        let promotion = self.plan.definition.promotion()?;
        let metric = &promotion.metric;
        let value = self.training.metrics.get(metric).copied();
        let value = value
            .filter(|value| value.is_finite())
            .ok_or_else(|| JudgeModelError::metric_missing(metric, self.training))?;
        let verdict =
            |judgement: Judgement, champion: Option<&Champion>, reevaluation| VerdictRecord {
                verdict: judgement.verdict,
                metric: metric.clone(),
                value,
                champion: judgement.champion,
                champion_run: champion.map(|champion| champion.run.clone()),
                reevaluation,
                reason: judgement.reason,
            };
        // No job is started for a model that may not serve whatever the champion's value is.
        let rival = champion.clone().filter(|champion| {
            champion.run != *self.run.run() && rule::beyond_threshold(promotion, value).is_none()
        });
        let (Some(reevaluate), Some(rival)) = (&promotion.reevaluate, rival) else {
            let judgement = judge(promotion, self.run.run(), value, champion.as_ref());
            return Ok(Proposal::Reached(verdict(
                judgement,
                champion.as_ref(),
                None,
            )));
        };
        let comparison = Comparison {
            store: self.store,
            sagemaker: self.sagemaker,
            settings: self.settings,
            run: self.run,
            redrives: self.redrives,
            plan: self.plan,
            training: self.training,
            reevaluate,
            champion: comparison::pin_champion(self.store, self.run, rival).await?,
        };
        let comparison_state = Box::pin(comparison.step()).await?;
        let rival = &comparison.champion;
        let reached = |judgement, figures: Option<Reevaluation>| {
            Ok(Proposal::Reached(verdict(judgement, Some(rival), figures)))
        };
        match comparison_state {
            ComparisonState::Compared(figures) => {
                let judgement = rule::judge_on_same_rows(promotion, value, rival, &figures);
                reached(judgement, Some(figures))
            }
            ComparisonState::Incomparable(why) => {
                reached(rule::keep_incomparable(promotion, rival, &why), None)
            }
            ComparisonState::InProgress { how, wait } => {
                let pending = rule::keep_for_now(promotion, rival, how);
                Ok(Proposal::InProgress(State {
                    verdict: verdict(pending, Some(rival), None),
                    decision: Decision::Compare,
                    wait_seconds: wait,
                }))
            }
        }
    }
}

/// The rule's proposal, or that the comparison is still running.
enum Proposal {
    Reached(VerdictRecord),
    InProgress(State),
}

/// Commits the verdict and returns it, or returns the one that another call committed first.
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
