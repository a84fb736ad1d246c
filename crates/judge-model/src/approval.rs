//! A person's approval: when it was requested, the message that requests it, and its outcome.
//!
//! The outcome is a document that is written once: by the person's command, or by the call that
//! finds the deadline passed. The task token only wakes the state machine, which then calls this
//! function.

use crate::JudgeModelError;
use contract::states::Verdict;
use definition::Approval;
use lake::executions::console;
use lake::records::{ApprovalDecision, ApprovalRecord, ApprovalRequest, Plan, VerdictRecord};
use lake::{ObjectStore, RunKeys, documents};
use std::time::{SystemTime, UNIX_EPOCH};

/// The approval of one run's model.
pub struct ApprovalRun<'a, S> {
    pub store: &'a S,
    pub run: &'a RunKeys,
    pub within_hours: u32,
}

/// State of the approval.
pub enum ApprovalState {
    /// A person decided, or the deadline passed.
    Decided(ApprovalOutcome),
    /// No message was sent yet.
    NotRequested,
    /// The person may still decide.
    Pending,
}

/// The document that decides, and what follows from it.
pub struct ApprovalOutcome(ApprovalRecord);

const APPROVAL: &str = "a person's decision";

impl<S: ObjectStore> ApprovalRun<'_, S> {
    /// State of the approval now. A task token is recorded, for the command that answers.
    pub async fn state(&self, token: Option<&str>) -> Result<ApprovalState, JudgeModelError> {
        let request_key = self.run.approval_request();
        let request: Option<ApprovalRequest> =
            documents::read_if_there(self.store, &request_key, "a request for approval").await?;
        let now = seconds(SystemTime::now());
        if let Some(token) = token {
            let updated = ApprovalRequest {
                asked_at: request.as_ref().map_or(now, |request| request.asked_at),
                task_token: token.to_owned(),
            };
            documents::write(self.store, &request_key, &updated).await?;
        }
        let key = self.run.approval();
        let answer = documents::read_if_there(self.store, &key, APPROVAL).await?;
        if let Some(answer) = answer {
            return Ok(ApprovalState::Decided(ApprovalOutcome(answer)));
        }
        let Some(request) = request else {
            return Ok(if token.is_some() {
                ApprovalState::Pending
            } else {
                ApprovalState::NotRequested
            });
        };
        if now.saturating_sub(request.asked_at) < u64::from(self.within_hours) * 3600 {
            return Ok(ApprovalState::Pending);
        }
        let expired = ApprovalRecord {
            decision: ApprovalDecision::Expired,
            at: now,
            by: None,
            reason: None,
        };
        // A person's answer written at the same moment takes precedence over the expiry.
        documents::commit(self.store, &key, &expired).await?;
        let answer = documents::read(self.store, &key, APPROVAL).await?;
        Ok(ApprovalState::Decided(ApprovalOutcome(answer)))
    }

    /// The message to the person.
    pub fn message(&self, plan: &Plan, proposal: &VerdictRecord) -> String {
        let pipeline = self.run.pipeline();
        let run = self.run.run();
        let bucket = self.store.bucket();
        let command =
            |verb: &str| format!("millrace {verb} {run} --bucket {bucket} --pipeline {pipeline}");
        format!(
            "The model of run {run} of pipeline {pipeline} awaits approval, within {} hours.\n\
             If nobody approves, it is not deployed, and the model in service stays.\n\n\
             {}\n\n\
             To approve it: {}\n\
             To reject it: {} --reason '...'\n\n\
             The data it was trained on: {}\n\
             The execution: {}\n",
            self.within_hours,
            proposal.reason,
            command("approve"),
            command("reject"),
            command("report"),
            console(&plan.execution),
        )
    }
}

impl ApprovalOutcome {
    /// The verdict that follows.
    pub const fn verdict(&self) -> Verdict {
        match self.0.decision {
            ApprovalDecision::Approved => Verdict::Promote,
            ApprovalDecision::Rejected | ApprovalDecision::Expired => Verdict::Keep,
        }
    }

    /// What was decided, by whom and why, in one line.
    pub fn summary(&self, approval: Approval) -> String {
        let done = match self.0.decision {
            ApprovalDecision::Approved => "approved",
            ApprovalDecision::Rejected => "rejected",
            ApprovalDecision::Expired => {
                let hours = approval.within_hours;
                return format!("nobody approved it within {hours} hours");
            }
        };
        let by = self.0.by.as_deref().unwrap_or("a person");
        let line = match &self.0.reason {
            Some(reason) => format!("{done} by {by}: {reason}"),
            None => format!("{done} by {by}"),
        };
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

fn seconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
