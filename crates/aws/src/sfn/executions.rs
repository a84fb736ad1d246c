//! Starts, lists, stops and redrives the executions of a state machine.

use super::{ExecutionStatus, StateMachines, refused, status, time, unreadable};
use aws_sdk_sfn::types;
use contract::ServiceError;
use lake::executions::{ListRunning, RunningExecution};
use std::time::SystemTime;

/// An execution that was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// Its ARN.
    pub arn: String,
    /// When it started.
    pub at: SystemTime,
}

/// An execution, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// Its status.
    pub status: ExecutionStatus,
    /// When it started.
    pub started: SystemTime,
    /// When it ended.
    pub stopped: Option<SystemTime>,
}

impl StateMachines {
    /// Starts an execution with `input`, JSON text. Without a name the service generates one.
    ///
    /// # Errors
    /// If the service refuses or fails.
    pub async fn start(
        &self,
        state_machine_arn: &str,
        name: Option<&str>,
        input: &str,
    ) -> Result<Started, ServiceError> {
        const OPERATION: &str = "StartExecution";
        let request = self
            .client
            .start_execution()
            .state_machine_arn(state_machine_arn)
            .set_name(name.map(str::to_owned))
            .input(input);
        let answer = request.send().await;
        let answer = answer.map_err(|error| refused(OPERATION, state_machine_arn, error))?;
        let at = time(&answer.start_date)
            .map_err(|what| unreadable(OPERATION, state_machine_arn, what))?;
        Ok(Started {
            arn: answer.execution_arn,
            at,
        })
    }

    /// Stops an execution, as `ABORTED`.
    ///
    /// # Errors
    /// If the service refuses or fails.
    pub async fn stop(&self, execution_arn: &str, cause: &str) -> Result<(), ServiceError> {
        let request = self.client.stop_execution().execution_arn(execution_arn);
        let answer = request.cause(cause).send().await;
        answer
            .map(drop)
            .map_err(|error| refused("StopExecution", execution_arn, error))
    }

    /// Continues a failed, stopped or timed-out execution with the state that did not succeed.
    ///
    /// # Errors
    /// If the execution is running, succeeded, or ended more than 14 days ago; or the service
    /// fails.
    pub async fn redrive(&self, execution_arn: &str) -> Result<(), ServiceError> {
        let request = self.client.redrive_execution().execution_arn(execution_arn);
        let answer = request.send().await;
        answer
            .map(drop)
            .map_err(|error| refused("RedriveExecution", execution_arn, error))
    }

    /// The executions of a state machine, newest first, from a token on: at most 100, and the token
    /// of the next ones, if there are more.
    ///
    /// # Errors
    /// If the service refuses or fails.
    pub async fn list(
        &self,
        state_machine_arn: &str,
        token: Option<String>,
    ) -> Result<(Vec<Listed>, Option<String>), ServiceError> {
        const OPERATION: &str = "ListExecutions";
        const PAGE: i32 = 100;
        let request = self
            .client
            .list_executions()
            .state_machine_arn(state_machine_arn)
            .max_results(PAGE)
            .set_next_token(token);
        let answer = request.send().await;
        let answer = answer.map_err(|error| refused(OPERATION, state_machine_arn, error))?;
        let mut executions = Vec::with_capacity(answer.executions.len());
        for item in answer.executions {
            let read = || {
                Ok(Listed {
                    status: status(&item.status)?,
                    started: time(&item.start_date)?,
                    stopped: item.stop_date.as_ref().map(time).transpose()?,
                    arn: item.execution_arn.clone(),
                    name: item.name.clone(),
                })
            };
            let execution =
                read().map_err(|what| unreadable(OPERATION, state_machine_arn, what))?;
            executions.push(execution);
        }
        Ok((executions, answer.next_token))
    }
}

impl ListRunning for StateMachines {
    async fn running(
        &self,
        state_machine_arn: &str,
    ) -> Result<Vec<RunningExecution>, ServiceError> {
        const OPERATION: &str = "ListExecutions";
        let mut token = None;
        let mut running = Vec::new();
        loop {
            let request = self
                .client
                .list_executions()
                .state_machine_arn(state_machine_arn)
                .status_filter(types::ExecutionStatus::Running)
                .set_next_token(token);
            let answer = request.send().await;
            let answer = answer.map_err(|error| refused(OPERATION, state_machine_arn, error))?;
            for item in answer.executions {
                // A redrive keeps the first start.
                let started = item.redrive_date.as_ref().unwrap_or(&item.start_date);
                let started =
                    time(started).map_err(|what| unreadable(OPERATION, state_machine_arn, what))?;
                running.push(RunningExecution {
                    arn: item.execution_arn,
                    started,
                });
            }
            token = answer.next_token;
            if token.is_none() {
                return Ok(running);
            }
        }
    }
}
