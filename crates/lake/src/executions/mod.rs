//! The port to an execution of the state machine, as its service describes it, and what follows from
//! its history: the steps that it ran.

mod failure;
mod view;

pub use failure::message_of;
pub use view::{Row, RowKind, View};

use contract::{ExecutionStatus, ServiceError};
use std::future::Future;
use std::time::SystemTime;

/// An execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecutionRecord {
    /// Its status.
    pub status: ExecutionStatus,
    /// When it started, RFC 3339.
    pub start_time: String,
    /// When it ended.
    pub stopped: Option<SystemTime>,
    /// Its input, JSON text.
    pub input: String,
    /// How often it was redriven.
    pub redrives: u32,
    /// Why it failed.
    pub failure: Option<Failure>,
}

/// Why an execution or a state failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The error name, as `ErrorEquals` spells it.
    pub error: String,
    /// The cause, as the service returns it: text, or JSON in text.
    pub cause: String,
}

/// One event of an execution's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEvent {
    /// Its number, from 1.
    pub id: i64,
    /// When it happened.
    pub at: SystemTime,
    /// Its type as the service spells it, such as `TaskStateEntered`.
    pub kind: String,
    /// The state that was entered or exited.
    pub state: Option<String>,
    /// The output of an exited state, JSON.
    pub output: Option<String>,
    /// The error, if the event has one.
    pub failure: Option<Failure>,
}

/// A Distributed Map run, with its counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapRunInfo {
    /// Its ARN.
    pub arn: String,
    /// When it started, or was last redriven.
    pub started: SystemTime,
    /// Whether it is running.
    pub running: bool,
    /// Items read so far.
    pub total: u64,
    /// Items that succeeded.
    pub succeeded: u64,
    /// Items that failed, timed out or were aborted.
    pub failed: u64,
}

/// Describes executions.
pub trait DescribeExecution: Send + Sync {
    /// The execution with this ARN; that there is none is an error named `NotFound`.
    fn execution(
        &self,
        arn: &str,
    ) -> impl Future<Output = Result<ExecutionRecord, ServiceError>> + Send;
}

/// An execution that goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningExecution {
    /// Its ARN.
    pub arn: String,
    /// When it started.
    pub started: SystemTime,
}

/// Lists the executions that go on.
pub trait ListRunning: Send + Sync {
    /// All running executions of this state machine; the children of its Distributed Maps are none.
    fn running(
        &self,
        state_machine_arn: &str,
    ) -> impl Future<Output = Result<Vec<RunningExecution>, ServiceError>> + Send;
}

/// Reads what executions did.
pub trait ReadHistory: Send + Sync {
    /// All events of an execution, oldest first.
    fn events_of(
        &self,
        arn: &str,
    ) -> impl Future<Output = Result<Vec<HistoryEvent>, ServiceError>> + Send;

    /// The Distributed Map runs of an execution, oldest first.
    fn map_runs_of(
        &self,
        arn: &str,
    ) -> impl Future<Output = Result<Vec<MapRunInfo>, ServiceError>> + Send;

    /// Why a child of a Distributed Map run failed, if one did.
    fn failure_of_a_child(
        &self,
        map_run_arn: &str,
    ) -> impl Future<Output = Result<Option<Failure>, ServiceError>> + Send;
}

/// Executions whose history says nothing, for tests.
#[derive(Debug, Clone, Copy)]
pub struct NoHistory;

impl ReadHistory for NoHistory {
    async fn events_of(&self, _: &str) -> Result<Vec<HistoryEvent>, ServiceError> {
        Ok(Vec::new())
    }

    async fn map_runs_of(&self, _: &str) -> Result<Vec<MapRunInfo>, ServiceError> {
        Ok(Vec::new())
    }

    async fn failure_of_a_child(&self, _: &str) -> Result<Option<Failure>, ServiceError> {
        Ok(None)
    }
}

/// The steps that an execution ran, with the counts of its Distributed Maps.
///
/// # Errors
/// If the service refuses or fails.
pub async fn view_of(history: &impl ReadHistory, arn: &str) -> Result<View, ServiceError> {
    let mut view = View::of(&history.events_of(arn).await?);
    if view.rows.iter().any(|row| row.kind == RowKind::Map) {
        view.set_counts(&history.map_runs_of(arn).await?);
    }
    Ok(view)
}

/// The failure of the step that failed, or of its child: a Distributed Map itself reports only that
/// too many children failed.
///
/// # Errors
/// If the service refuses or fails.
pub async fn failure_of(
    history: &impl ReadHistory,
    view: &View,
    failure: Failure,
) -> Result<Failure, ServiceError> {
    let map_run = view.current().and_then(|row| row.map_run.as_deref());
    let Some(map_run) = map_run else {
        return Ok(failure);
    };
    let child = history.failure_of_a_child(map_run).await?;
    Ok(child.unwrap_or(failure))
}

/// The region of an execution's ARN; empty if it is no ARN.
pub fn region_of(arn: &str) -> &str {
    arn.split(':').nth(3).unwrap_or_default()
}

/// The host of the AWS console of an ARN's partition.
pub fn console_of(arn: &str) -> &'static str {
    match arn.split(':').nth(1) {
        Some("aws-cn") => "console.amazonaws.cn",
        Some("aws-us-gov") => "console.amazonaws-us-gov.com",
        _ => "console.aws.amazon.com",
    }
}

/// The page of an execution in the console of its partition.
pub fn console(arn: &str) -> String {
    let (host, region) = (console_of(arn), region_of(arn));
    format!("https://{host}/states/home?region={region}#/v2/executions/details/{arn}")
}
