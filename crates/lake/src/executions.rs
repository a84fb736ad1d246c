//! The port to an execution of the state machine, as its service describes it.

use contract::{ExecutionStatus, ServiceError};
use std::future::Future;

/// An execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecutionRecord {
    /// Its status.
    pub status: ExecutionStatus,
    /// When it started, RFC 3339.
    pub start_time: String,
    /// Its input, JSON text.
    pub input: String,
    /// How often it was redriven.
    pub redrives: u32,
}

/// Describes executions.
pub trait DescribeExecution: Send + Sync {
    /// The execution with this ARN; that there is none is an error named `NotFound`.
    fn execution(
        &self,
        arn: &str,
    ) -> impl Future<Output = Result<ExecutionRecord, ServiceError>> + Send;
}
