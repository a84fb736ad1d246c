//! A person's decision about a run's model that awaits approval. It must not know what becomes of it.
//!
//! The decision is written first, once; the token that is then sent back only wakes the state machine,
//! which reads it. Should the token be outdated by a moment, the state machine looks by itself within a
//! quarter of an hour.

use aws::sfn::StateMachines;
use contract::{RunId, ServiceError};
use lake::records::{ApprovalDecision, ApprovalRecord, ApprovalRequest};
use lake::store::PutOutcome;
use lake::{DocumentError, ObjectStore, RunKeys, documents};
use std::time::{SystemTime, UNIX_EPOCH};

/// Why a decision could not be given.
#[derive(Debug, thiserror::Error)]
pub enum ApprovalError {
    /// The run does not ask.
    #[error(
        "run {run} of pipeline `{pipeline}` does not await approval: there is no s3://{bucket}/{key}"
    )]
    NotAsked {
        /// The pipeline.
        pipeline: String,
        /// The run.
        run: RunId,
        /// The lake's bucket.
        bucket: String,
        /// The key of the request that is not there.
        key: String,
    },
    /// It was decided otherwise before.
    #[error("run {run} of pipeline `{pipeline}` is {} already{}, which stands", words(standing.decision), by(standing))]
    Decided {
        /// The pipeline.
        pipeline: String,
        /// The run.
        run: RunId,
        /// What stands.
        standing: Box<ApprovalRecord>,
    },
    /// The lake cannot be read or written.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// The decision is in the lake, but the state machine could not be told.
    #[error(
        "the decision is written, but the state machine could not be told at once: it looks by itself \
         within a quarter of an hour"
    )]
    NotTold(#[source] Box<ServiceError>),
}

const fn words(decision: ApprovalDecision) -> &'static str {
    match decision {
        ApprovalDecision::Approved => "approved",
        ApprovalDecision::Rejected => "rejected",
        ApprovalDecision::Expired => "expired",
    }
}

fn by(standing: &ApprovalRecord) -> String {
    let by = standing.by.as_deref();
    by.map_or_else(String::new, |by| format!(" by {by}"))
}

/// What is decided.
#[derive(Debug)]
pub struct Wish<'a> {
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

const REQUEST: &str = "a request for approval";

/// Writes the decision and wakes the state machine; says what happened. The same decision may be given
/// again.
///
/// # Errors
/// If the run does not ask, was decided otherwise, or the lake or the state machine cannot be reached.
pub async fn decide(
    store: &impl ObjectStore,
    machines: &StateMachines,
    wish: Wish<'_>,
) -> Result<String, ApprovalError> {
    let keys = RunKeys::new(wish.pipeline, wish.run);
    let key = keys.approval_request();
    let request: Option<ApprovalRequest> = documents::read_if_there(store, &key, REQUEST).await?;
    let Some(request) = request else {
        return Err(ApprovalError::NotAsked {
            pipeline: wish.pipeline.to_owned(),
            run: wish.run.clone(),
            bucket: store.bucket().to_owned(),
            key,
        });
    };
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let record = ApprovalRecord {
        decision: wish.decision,
        at: since.map_or(0, |since| since.as_secs()),
        by: wish.by,
        reason: wish.reason,
    };
    if documents::commit(store, &keys.approval(), &record).await? == PutOutcome::AlreadyThere {
        let standing: ApprovalRecord =
            documents::read(store, &keys.approval(), "a person's decision").await?;
        if standing.decision != record.decision {
            return Err(ApprovalError::Decided {
                pipeline: wish.pipeline.to_owned(),
                run: wish.run.clone(),
                standing: Box::new(standing),
            });
        }
    }
    let mut told = send_back(machines, &request.task_token).await?;
    if !told {
        // The state machine has looked by itself since, and left another token.
        let request: ApprovalRequest = documents::read(store, &key, REQUEST).await?;
        told = send_back(machines, &request.task_token).await?;
    }
    let (run, decision) = (wish.run, words(wish.decision));
    Ok(if told {
        format!("{decision} run {run}: the state machine goes on\n")
    } else {
        format!(
            "{decision} run {run}: no task waits at the moment; the state machine reads it when it looks \
             again, within a quarter of an hour, or when it is redriven\n"
        )
    })
}

async fn send_back(machines: &StateMachines, token: &str) -> Result<bool, ApprovalError> {
    let told = machines.send_back(token).await;
    told.map_err(|error| ApprovalError::NotTold(Box::new(error)))
}
