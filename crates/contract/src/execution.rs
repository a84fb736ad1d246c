//! The status of an execution of the state machine.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An execution's status, as the service spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ExecutionStatus {
    /// Running.
    Running,
    /// Ended successfully.
    Succeeded,
    /// Ended by an error that no state caught.
    Failed,
    /// Ended by its time limit.
    TimedOut,
    /// Stopped.
    Aborted,
    /// About to run again.
    PendingRedrive,
}

impl ExecutionStatus {
    /// The status as the service spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::TimedOut => "TIMED_OUT",
            Self::Aborted => "ABORTED",
            Self::PendingRedrive => "PENDING_REDRIVE",
        }
    }

    /// Whether the execution ended without success.
    pub const fn has_failed(self) -> bool {
        matches!(self, Self::Failed | Self::TimedOut | Self::Aborted)
    }

    /// Whether the execution is running, or about to run.
    pub const fn is_running(self) -> bool {
        matches!(self, Self::Running | Self::PendingRedrive)
    }
}

#[cfg(test)]
mod tests {
    use super::ExecutionStatus;

    #[test]
    fn a_status_is_serialised_as_the_service_spells_it() {
        for status in [ExecutionStatus::TimedOut, ExecutionStatus::Aborted] {
            let json = serde_json::to_value(status).unwrap();
            assert_eq!(json, status.as_str());
        }
    }
}
