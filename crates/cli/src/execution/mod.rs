//! Starts an execution of the state machine and watches it to its end. It must not know which states
//! there are, nor whether the state machine is local.

mod failure;
mod view;
mod watch;

pub use failure::message_of;
pub use view::{Row, RowKind, View};

use aws::sfn::StateMachines;
use contract::ServiceError;
use serde_json::Value;
use std::time::{Duration, SystemTime};

/// An execution that did not succeed, or could not be watched.
#[derive(Debug, thiserror::Error)]
pub enum ExecutionError {
    /// A state failed, and no other took the failure.
    #[error("the state {state} failed: {error}: {cause}")]
    Failed {
        /// The state.
        state: String,
        /// The error name.
        error: String,
        /// The cause, in one line.
        cause: String,
    },
    /// It was stopped or took too long.
    #[error("the execution ended as {status}{}", because(cause))]
    Ended {
        /// The status in the service's words.
        status: &'static str,
        /// The cause, if there is one.
        cause: String,
    },
    /// It succeeded, and its output is no JSON.
    #[error("the execution's output cannot be read")]
    Output(#[from] serde_json::Error),
    /// The service refused or failed.
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
    /// The states it went through.
    pub view: View,
}

/// Starts an execution with this input; the service makes up its name.
///
/// # Errors
/// If the service refuses or fails.
pub async fn start(
    machines: &StateMachines,
    state_machine_arn: &str,
    input: &Value,
) -> Result<Execution, ExecutionError> {
    let arn = machines
        .start(state_machine_arn, None, &input.to_string())
        .await?;
    Ok(Execution {
        machines: machines.clone(),
        arn,
    })
}

impl Execution {
    /// The execution that has this ARN already.
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

    /// The states it went through so far.
    ///
    /// # Errors
    /// If the service refuses or fails.
    pub async fn view(&self) -> Result<View, ExecutionError> {
        let history = self.machines.history(&self.arn).await?;
        let mut view = View::of(&history);
        if view.rows.iter().any(|row| row.kind == RowKind::Map) {
            view.count(&self.machines.map_runs(&self.arn).await?);
        }
        Ok(view)
    }

    /// Waits for its end without showing anything.
    ///
    /// # Errors
    /// If it does not succeed.
    pub async fn wait(&self) -> Result<Finished, ExecutionError> {
        self.watch(&crate::progress::Progress::quiet()).await
    }

    async fn failed(&self, view: &View, failure: aws::sfn::Failure) -> ExecutionError {
        let state = view.current().map_or("(none)", |row| row.state.as_str());
        let mut told = failure;
        // The parent of a Distributed Map says only that too many children failed.
        if let Some(map_run) = view.current().and_then(|row| row.map_run.as_deref()) {
            match self.machines.failures_of_children(map_run, 1).await {
                Ok(children) => told = children.into_iter().next().unwrap_or(told),
                Err(error) => return error.into(),
            }
        }
        ExecutionError::Failed {
            state: state.to_owned(),
            error: told.error,
            cause: message_of(&told.cause),
        }
    }
}

fn between(begin: SystemTime, end: SystemTime) -> Duration {
    end.duration_since(begin).unwrap_or_default()
}
