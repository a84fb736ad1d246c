//! The question to a person: since when it is asked, what it says, what became of it. It must not know
//! how the person is told, nor who that is.
//!
//! The answer is a document, written once by whoever is first: the person's command, or the call that
//! finds the time over. The token only wakes the state machine, which then asks here.

use crate::{JudgeModelError, Settings};
use contract::states::Verdict;
use definition::Approval;
use lake::records::{ApprovalDecision, ApprovalRecord, ApprovalRequest, Plan, VerdictRecord};
use lake::{ObjectStore, RunKeys, documents};
use std::time::{SystemTime, UNIX_EPOCH};

/// The question about one run's model.
pub struct Question<'a, S> {
    pub store: &'a S,
    pub run: &'a RunKeys,
    pub within_hours: u32,
}

/// What is known of the answer.
pub enum Answer {
    /// A person decided, or the time was over.
    Decided(Decided),
    /// Nobody was told yet.
    NotAskedYet,
    /// The person has still time.
    NotYet,
}

/// The document that decides.
pub struct Decided(ApprovalRecord);

const APPROVAL: &str = "a person's decision";

impl<S: ObjectStore> Question<'_, S> {
    /// What is known of the answer. A token is kept, for whoever answers.
    pub async fn look(&self, token: Option<&str>) -> Result<Answer, JudgeModelError> {
        let request_key = self.run.approval_request();
        let request: Option<ApprovalRequest> =
            documents::read_if_there(self.store, &request_key, "a request for approval").await?;
        let now = seconds(SystemTime::now());
        if let Some(token) = token {
            let asking = ApprovalRequest {
                asked_at: request.as_ref().map_or(now, |request| request.asked_at),
                task_token: token.to_owned(),
            };
            documents::write(self.store, &request_key, &asking).await?;
        }
        let key = self.run.approval();
        let answer = documents::read_if_there(self.store, &key, APPROVAL).await?;
        if let Some(answer) = answer {
            return Ok(Answer::Decided(Decided(answer)));
        }
        let Some(request) = request else {
            return Ok(if token.is_some() {
                Answer::NotYet
            } else {
                Answer::NotAskedYet
            });
        };
        if now.saturating_sub(request.asked_at) < u64::from(self.within_hours) * 3600 {
            return Ok(Answer::NotYet);
        }
        let expired = ApprovalRecord {
            decision: ApprovalDecision::Expired,
            at: now,
            by: None,
            reason: None,
        };
        // A person's answer that was faster by a moment counts.
        documents::commit(self.store, &key, &expired).await?;
        let answer = documents::read(self.store, &key, APPROVAL).await?;
        Ok(Answer::Decided(Decided(answer)))
    }

    /// What the person is told.
    pub fn message(&self, settings: &Settings, plan: &Plan, proposal: &VerdictRecord) -> String {
        let pipeline = self.run.pipeline();
        let run = self.run.run();
        let bucket = self.store.bucket();
        let region = &settings.region;
        let command = |verb: &str| {
            format!("millrace {verb} --bucket {bucket} --pipeline {pipeline} --run {run}")
        };
        format!(
            "The model of run {run} of pipeline {pipeline} awaits approval, within {} hours.\n\
             Without one it is not deployed, and what serves serves on.\n\n\
             {}\n\n\
             To approve it: {}\n\
             To reject it: {} --reason '...'\n\n\
             The data it was trained on: s3://{bucket}/{}\n\
             The execution: https://{region}.console.aws.amazon.com/states/home?region={region}#/v2/executions/details/{}\n",
            self.within_hours,
            proposal.reason,
            command("approve"),
            command("reject"),
            self.run.quality_page(),
            plan.execution,
        )
    }
}

impl Decided {
    /// What it means for the model.
    pub const fn verdict(&self) -> Verdict {
        match self.0.decision {
            ApprovalDecision::Approved => Verdict::Promote,
            ApprovalDecision::Rejected | ApprovalDecision::Expired => Verdict::Keep,
        }
    }

    /// What was decided, by whom and why, in one line.
    pub fn words(&self, approval: Approval) -> String {
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
