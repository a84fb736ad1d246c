//! Writes a person's decision about a model that awaits approval.
//!
//! The decision is written first, once. The token that is then sent back only wakes the state
//! machine, which reads the decision. If the token has just expired, the state machine reads the
//! decision within a quarter of an hour.

use aws::sfn::StateMachines;
use contract::{RunId, ServiceError};
use lake::records::{ApprovalDecision, ApprovalRecord, ApprovalRequest};
use lake::store::PutOutcome;
use lake::{DocumentError, ObjectStore, RunKeys, documents};
use schemars::JsonSchema;
use serde::Serialize;
use std::time::{SystemTime, UNIX_EPOCH};

/// Why a decision could not be given.
#[derive(Debug, thiserror::Error)]
pub enum ApprovalError {
    /// The run does not await approval.
    #[error(
        "run {run} of pipeline `{pipeline}` does not await approval: there is no s3://{bucket}/{key}"
    )]
    NotRequested {
        /// The pipeline.
        pipeline: String,
        /// The run.
        run: RunId,
        /// The lake's bucket.
        bucket: String,
        /// The key of the missing request.
        key: String,
    },
    /// An earlier decision differs.
    #[error("run {run} of pipeline `{pipeline}` is already {}{}: a decision is final", words(existing.decision), by(existing))]
    Decided {
        /// The pipeline.
        pipeline: String,
        /// The run.
        run: RunId,
        /// The earlier decision.
        existing: Box<ApprovalRecord>,
    },
    /// The lake cannot be read or written.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// The decision is in the lake, but the state machine could not be woken.
    #[error(
        "the decision is written, but the state machine could not be woken: it reads the decision within a \
         quarter of an hour"
    )]
    NotNotified(#[source] Box<ServiceError>),
}

const fn words(decision: ApprovalDecision) -> &'static str {
    match decision {
        ApprovalDecision::Approved => "approved",
        ApprovalDecision::Rejected => "rejected",
        ApprovalDecision::Expired => "expired",
    }
}

fn by(record: &ApprovalRecord) -> String {
    let by = record.by.as_deref();
    by.map_or_else(String::new, |by| format!(" by {by}"))
}

/// A person's answer to a request for approval.
#[derive(Debug)]
pub struct Answer<'a> {
    /// The pipeline.
    pub pipeline: &'a str,
    /// The run.
    pub run: &'a RunId,
    /// Approved or rejected.
    pub decision: ApprovalDecision,
    /// Who decides.
    pub by: Option<String>,
    /// Why.
    pub reason: Option<String>,
}

/// A decision that is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Given {
    /// The pipeline.
    pub pipeline: String,
    /// The run.
    pub run: RunId,
    /// `approved` or `rejected`.
    pub decision: &'static str,
    /// Whether the state machine continues at once; otherwise it reads the decision within a quarter
    /// of an hour, or when the run is redriven.
    pub continues: bool,
}

impl Given {
    /// In a line.
    pub fn text(&self) -> String {
        let Self { run, decision, .. } = self;
        if self.continues {
            format!("{decision} run {run}: the state machine continues\n")
        } else {
            format!(
                "{decision} run {run}: no task waits for it now; the state machine reads it within a quarter of an \
                 hour, or when it is redriven\n"
            )
        }
    }
}

const REQUEST: &str = "a request for approval";

/// Writes the decision and wakes the state machine. The same decision may be given again.
///
/// # Errors
/// If the run does not await approval, an earlier decision differs, or the lake or the state
/// machine cannot be reached.
pub async fn decide(
    store: &impl ObjectStore,
    machines: &StateMachines,
    answer: Answer<'_>,
) -> Result<Given, ApprovalError> {
    let keys = RunKeys::new(answer.pipeline, answer.run);
    let key = keys.approval_request();
    let request: Option<ApprovalRequest> = documents::read_if_there(store, &key, REQUEST).await?;
    let Some(request) = request else {
        return Err(ApprovalError::NotRequested {
            pipeline: answer.pipeline.to_owned(),
            run: answer.run.clone(),
            bucket: store.bucket().to_owned(),
            key,
        });
    };
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let record = ApprovalRecord {
        decision: answer.decision,
        at: since.map_or(0, |since| since.as_secs()),
        by: answer.by,
        reason: answer.reason,
    };
    if documents::commit(store, &keys.approval(), &record).await? == PutOutcome::AlreadyThere {
        let existing: ApprovalRecord =
            documents::read(store, &keys.approval(), "a person's decision").await?;
        if existing.decision != record.decision {
            return Err(ApprovalError::Decided {
                pipeline: answer.pipeline.to_owned(),
                run: answer.run.clone(),
                existing: Box::new(existing),
            });
        }
    }
    let mut is_awake = send_back(machines, &request.task_token).await?;
    if !is_awake {
        // The state machine has read the lake since, and left another token.
        let request: ApprovalRequest = documents::read(store, &key, REQUEST).await?;
        is_awake = send_back(machines, &request.task_token).await?;
    }
    Ok(Given {
        pipeline: answer.pipeline.to_owned(),
        run: answer.run.clone(),
        decision: words(answer.decision),
        continues: is_awake,
    })
}

async fn send_back(machines: &StateMachines, token: &str) -> Result<bool, ApprovalError> {
    let sent = machines.send_back(token).await;
    sent.map_err(|error| ApprovalError::NotNotified(Box::new(error)))
}
