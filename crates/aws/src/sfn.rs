//! Step Functions: whether an execution is running, for [`lake::lease`]; and for the CLI, starting
//! one and watching its states.

mod alias;
mod executions;

use crate::classify::service_error;
use aws_config::SdkConfig;
use aws_sdk_sfn::Client;
use aws_sdk_sfn::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sfn::operation::describe_execution::DescribeExecutionOutput;
use aws_sdk_sfn::operation::describe_map_run::DescribeMapRunOutput;
use aws_sdk_sfn::types;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format as DateTimeFormat;
pub use contract::ExecutionStatus;
use contract::{ErrorName, ServiceError};
use lake::executions::{DescribeExecution, ExecutionRecord, ReadHistory};
pub use lake::executions::{Failure, HistoryEvent, MapRunInfo};
use lake::lease::Executions;
use std::time::SystemTime;

const SERVICE: &str = "Step Functions";

/// The state machines of an account. Cheap to clone: clones share the client's connections.
#[derive(Debug, Clone)]
pub struct StateMachines {
    client: Client,
}

/// The description of an execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecutionInfo {
    /// Its status.
    pub status: ExecutionStatus,
    /// When it started.
    pub started: SystemTime,
    /// When it ended.
    pub stopped: Option<SystemTime>,
    /// Its input as JSON text, if the service still has it.
    pub input: Option<String>,
    /// Its output as JSON text, once it succeeded.
    pub output: Option<String>,
    /// Why it failed.
    pub failure: Option<Failure>,
}

pub use executions::{Listed, Started};

impl StateMachines {
    /// Sends a task's token back, which ends the task successfully; returns whether a task still
    /// waited for it.
    ///
    /// # Errors
    /// If the service refuses or fails.
    pub async fn send_back(&self, token: &str) -> Result<bool, ServiceError> {
        let request = self.client.send_task_success();
        let answer = request.task_token(token).output("{}").send().await;
        let Err(error) = answer else {
            return Ok(true);
        };
        let code = error.code();
        if matches!(
            code,
            Some("TaskTimedOut" | "TaskDoesNotExist" | "InvalidToken")
        ) {
            return Ok(false);
        }
        Err(service_error(SERVICE, "SendTaskSuccess", "a task", error))
    }

    /// The state machines at the Step Functions endpoint of `config`.
    pub fn new(config: &SdkConfig) -> Self {
        Self {
            client: Client::new(config),
        }
    }

    /// The execution.
    ///
    /// # Errors
    /// Named `NotFound` if there is none with this ARN.
    pub async fn describe(&self, execution_arn: &str) -> Result<ExecutionInfo, ServiceError> {
        const OPERATION: &str = "DescribeExecution";
        let request = self
            .client
            .describe_execution()
            .execution_arn(execution_arn);
        let answer = request.send().await;
        let answer = answer.map_err(|e| refused(OPERATION, execution_arn, e))?;
        execution_info(answer).map_err(|what| unreadable(OPERATION, execution_arn, what))
    }

    /// All events of an execution, oldest first.
    ///
    /// # Errors
    /// If the service refuses or fails.
    pub async fn history(&self, execution_arn: &str) -> Result<Vec<HistoryEvent>, ServiceError> {
        const OPERATION: &str = "GetExecutionHistory";
        let request = self
            .client
            .get_execution_history()
            .execution_arn(execution_arn)
            .max_results(1000);
        let mut events = Vec::new();
        let mut pages = request.into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|e| refused(OPERATION, execution_arn, e))?;
            for event in page.events {
                let event = history_event(event)
                    .map_err(|what| unreadable(OPERATION, execution_arn, what))?;
                events.push(event);
            }
        }
        Ok(events)
    }

    /// The Distributed Map runs of an execution, oldest first.
    ///
    /// # Errors
    /// If the service refuses or fails.
    pub async fn map_runs(&self, execution_arn: &str) -> Result<Vec<MapRunInfo>, ServiceError> {
        const LIST: &str = "ListMapRuns";
        const DESCRIBE: &str = "DescribeMapRun";
        let request = self.client.list_map_runs().execution_arn(execution_arn);
        let mut runs = Vec::new();
        let mut pages = request.into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|e| refused(LIST, execution_arn, e))?;
            for listed in page.map_runs {
                let arn = listed.map_run_arn;
                let answer = self.client.describe_map_run().map_run_arn(&arn);
                let answer = answer.send().await;
                let answer = answer.map_err(|e| refused(DESCRIBE, &arn, e))?;
                let run = map_run(answer).map_err(|what| unreadable(DESCRIBE, &arn, what))?;
                runs.push(run);
            }
        }
        runs.sort_by_key(|run| run.started);
        Ok(runs)
    }

    /// Why children of a Distributed Map failed: at most `limit` of them. The parent's own failure
    /// only says that there were too many.
    ///
    /// # Errors
    /// If the service refuses or fails.
    pub async fn failures_of_children(
        &self,
        map_run_arn: &str,
        limit: i32,
    ) -> Result<Vec<Failure>, ServiceError> {
        let request = self
            .client
            .list_executions()
            .map_run_arn(map_run_arn)
            .status_filter(types::ExecutionStatus::Failed)
            .max_results(limit);
        let answer = request.send().await;
        let answer = answer.map_err(|e| refused("ListExecutions", map_run_arn, e))?;
        let mut failures = Vec::new();
        for child in answer.executions {
            failures.extend(self.describe(&child.execution_arn).await?.failure);
        }
        Ok(failures)
    }
}

impl Executions for StateMachines {
    async fn is_running(&self, arn: &str) -> Result<bool, ServiceError> {
        match self.describe(arn).await {
            Ok(execution) => Ok(execution.status.is_running()),
            // The service deletes executions 90 days after their end.
            Err(error) if error.name == ErrorName::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl DescribeExecution for StateMachines {
    async fn execution(&self, arn: &str) -> Result<ExecutionRecord, ServiceError> {
        const OPERATION: &str = "DescribeExecution";
        let request = self.client.describe_execution().execution_arn(arn);
        let answer = request.send().await;
        let answer = answer.map_err(|e| refused(OPERATION, arn, e))?;
        execution_record(answer).map_err(|what| unreadable(OPERATION, arn, what))
    }
}

impl ReadHistory for StateMachines {
    async fn events_of(&self, arn: &str) -> Result<Vec<HistoryEvent>, ServiceError> {
        self.history(arn).await
    }

    async fn map_runs_of(&self, arn: &str) -> Result<Vec<MapRunInfo>, ServiceError> {
        self.map_runs(arn).await
    }

    async fn failure_of_a_child(&self, map_run_arn: &str) -> Result<Option<Failure>, ServiceError> {
        let failures = self.failures_of_children(map_run_arn, 1).await?;
        Ok(failures.into_iter().next())
    }
}

fn execution_record(answer: DescribeExecutionOutput) -> Result<ExecutionRecord, String> {
    let start_time = answer
        .start_date
        .fmt(DateTimeFormat::DateTime)
        .map_err(|error| error.to_string())?;
    let redrives = answer.redrive_count.unwrap_or_default();
    Ok(ExecutionRecord {
        status: status(&answer.status)?,
        start_time,
        stopped: answer.stop_date.as_ref().map(time).transpose()?,
        failure: failure(answer.error, answer.cause),
        input: answer.input.ok_or("it holds no input")?,
        redrives: u32::try_from(redrives).unwrap_or_default(),
    })
}

fn execution_info(answer: DescribeExecutionOutput) -> Result<ExecutionInfo, String> {
    Ok(ExecutionInfo {
        status: status(&answer.status)?,
        started: time(&answer.start_date)?,
        stopped: answer.stop_date.as_ref().map(time).transpose()?,
        input: answer.input,
        output: answer.output,
        failure: failure(answer.error, answer.cause),
    })
}

fn status(status: &types::ExecutionStatus) -> Result<ExecutionStatus, String> {
    Ok(match status {
        types::ExecutionStatus::Running => ExecutionStatus::Running,
        types::ExecutionStatus::Succeeded => ExecutionStatus::Succeeded,
        types::ExecutionStatus::Failed => ExecutionStatus::Failed,
        types::ExecutionStatus::TimedOut => ExecutionStatus::TimedOut,
        types::ExecutionStatus::Aborted => ExecutionStatus::Aborted,
        types::ExecutionStatus::PendingRedrive => ExecutionStatus::PendingRedrive,
        other => return Err(format!("the status {:?} is unknown", other.as_str())),
    })
}

fn map_run(answer: DescribeMapRunOutput) -> Result<MapRunInfo, String> {
    let counts = answer.item_counts.ok_or("it holds no item counts")?;
    let count = |n: i64| u64::try_from(n).unwrap_or_default();
    Ok(MapRunInfo {
        started: time(&answer.start_date)?,
        running: answer.status == types::MapRunStatus::Running,
        total: count(counts.total),
        succeeded: count(counts.succeeded),
        failed: count(counts.failed) + count(counts.timed_out) + count(counts.aborted),
        arn: answer.map_run_arn,
    })
}

fn history_event(event: types::HistoryEvent) -> Result<HistoryEvent, String> {
    let at = time(&event.timestamp)?;
    let told = [
        event
            .task_failed_event_details
            .and_then(|d| failure(d.error, d.cause)),
        event
            .task_submit_failed_event_details
            .and_then(|d| failure(d.error, d.cause)),
        event
            .task_start_failed_event_details
            .and_then(|d| failure(d.error, d.cause)),
        event
            .task_timed_out_event_details
            .and_then(|d| failure(d.error, d.cause)),
        event
            .lambda_function_failed_event_details
            .and_then(|d| failure(d.error, d.cause)),
        event
            .lambda_function_timed_out_event_details
            .and_then(|d| failure(d.error, d.cause)),
        event
            .map_run_failed_event_details
            .and_then(|d| failure(d.error, d.cause)),
        event
            .evaluation_failed_event_details
            .and_then(|d| failure(d.error, d.cause)),
        event
            .execution_failed_event_details
            .and_then(|d| failure(d.error, d.cause)),
        event
            .execution_timed_out_event_details
            .and_then(|d| failure(d.error, d.cause)),
        event
            .execution_aborted_event_details
            .and_then(|d| failure(d.error, d.cause)),
    ];
    let entered = event.state_entered_event_details.map(|d| d.name);
    let (exited, output) = match event.state_exited_event_details {
        Some(exited) => (Some(exited.name), exited.output),
        None => (None, None),
    };
    Ok(HistoryEvent {
        id: event.id,
        at,
        kind: event.r#type.as_str().to_owned(),
        state: entered.or(exited),
        output,
        failure: told.into_iter().flatten().next(),
    })
}

fn failure(error: Option<String>, cause: Option<String>) -> Option<Failure> {
    if error.is_none() && cause.is_none() {
        return None;
    }
    Some(Failure {
        error: error.unwrap_or_default(),
        cause: cause.unwrap_or_default(),
    })
}

fn time(time: &DateTime) -> Result<SystemTime, String> {
    SystemTime::try_from(*time).map_err(|error| format!("the time {time}: {error}"))
}

fn refused<E>(operation: &'static str, subject: &str, error: SdkError<E>) -> ServiceError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    service_error(SERVICE, operation, subject, error)
}

/// A successful answer that lacks a field of the API.
fn unreadable(operation: &'static str, subject: &str, what: String) -> ServiceError {
    ServiceError {
        name: ErrorName::ServiceUnavailable,
        service: SERVICE,
        operation,
        subject: subject.to_owned(),
        code: "ResponseUnreadable".to_owned(),
        message: what,
        source: None,
    }
}
