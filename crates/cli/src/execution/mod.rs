//! Starts an execution of a state machine and waits for its end.

mod insight;
mod watch;

pub use insight::{HistoryOnly, Insight, Resources, Shown, spark};
pub use lake::executions::{Row, RowKind, View, message_of};

use aws::sfn::StateMachines;
use contract::ServiceError;
use lake::executions::{Failure, failure_of, view_of};
use serde_json::Value;
use std::time::{Duration, SystemTime};

/// An execution that did not succeed, or could not be watched.
#[derive(Debug, thiserror::Error)]
pub enum ExecutionError {
    /// A state failed, and no other state caught the error.
    #[error("the state {state} failed: {error}: {cause}")]
    Failed {
        /// The state.
        state: String,
        /// The error name.
        error: String,
        /// The cause, as one line.
        cause: String,
    },
    /// It was stopped or timed out.
    #[error("the execution ended as {status}{}", because(cause))]
    Ended {
        /// The status, as the service names it.
        status: &'static str,
        /// The cause, or empty.
        cause: String,
    },
    /// It succeeded, but its output is not JSON.
    #[error("the execution's output cannot be read")]
    Output(#[from] serde_json::Error),
    /// A call of the service failed.
    #[error(transparent)]
    Service(#[from] Box<ServiceError>),
}

impl From<ServiceError> for ExecutionError {
    fn from(error: ServiceError) -> Self {
        Self::Service(Box::new(error))
    }
}

fn because(cause: &str) -> String {
    if cause.is_empty() {
        String::new()
    } else {
        format!(": {cause}")
    }
}

/// An execution.
#[derive(Debug, Clone)]
pub struct Execution {
    machines: StateMachines,
    arn: String,
}

/// An execution that succeeded.
#[derive(Debug, Clone, PartialEq)]
pub struct Finished {
    /// Its output.
    pub output: Value,
    /// How long it took.
    pub took: Duration,
    /// The states it ran.
    pub view: View,
}

/// Starts an execution with this input, under a name that the service chooses.
///
/// # Errors
/// If a call of the service fails.
pub async fn start(
    machines: &StateMachines,
    state_machine_arn: &str,
    input: &Value,
) -> Result<Execution, ExecutionError> {
    let started = machines
        .start(state_machine_arn, None, &input.to_string())
        .await?;
    Ok(Execution {
        machines: machines.clone(),
        arn: started.arn,
    })
}

impl Execution {
    /// The existing execution with this ARN.
    pub fn existing(machines: &StateMachines, arn: impl Into<String>) -> Self {
        Self {
            machines: machines.clone(),
            arn: arn.into(),
        }
    }

    /// Its ARN.
    pub fn arn(&self) -> &str {
        &self.arn
    }

    /// Its name: the last part of its ARN.
    pub fn name(&self) -> &str {
        self.arn.rsplit(':').next().unwrap_or(&self.arn)
    }

    /// The states it has run so far.
    ///
    /// # Errors
    /// If a call of the service fails.
    pub async fn view(&self) -> Result<View, ExecutionError> {
        Ok(view_of(&self.machines, &self.arn).await?)
    }

    /// Waits for its end without showing progress.
    ///
    /// # Errors
    /// If the execution does not succeed.
    pub async fn wait(&self) -> Result<Finished, ExecutionError> {
        let progress = crate::progress::Progress::quiet();
        self.watch(&progress, &mut HistoryOnly).await
    }

    /// The failure of the state that failed, or of its child.
    pub(crate) async fn failed(&self, view: &View, failure: Failure) -> ExecutionError {
        let state = view.current().map_or("(none)", |row| row.state.as_str());
        let failure = match failure_of(&self.machines, view, failure).await {
            Ok(failure) => failure,
            Err(error) => return error.into(),
        };
        ExecutionError::Failed {
            state: state.to_owned(),
            error: failure.error,
            cause: message_of(&failure.cause),
        }
    }
}

fn between(begin: SystemTime, end: SystemTime) -> Duration {
    end.duration_since(begin).unwrap_or_default()
}
