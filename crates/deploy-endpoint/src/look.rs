//! What one look at a deployment finds. It must not know how it was brought about.

use contract::states::{DeployEndpointOutput, Status};
use lake::RunKeys;
use lake::records::DeploymentRecord;

/// The phase of an endpoint that serves.
const IN_SERVICE: &str = "InService";
/// The phase of a transform job that has scored all.
const COMPLETED: &str = "Completed";
/// The model or the configuration was just created and does not show everywhere yet.
pub const NOT_YET: &str = "Preparing";

/// What a look finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    status: Status,
    name: String,
    phase: &'static str,
    wait_seconds: u32,
}

impl Look {
    /// It is on its way, for so long already.
    pub fn moving(name: String, phase: &'static str, age_seconds: u64) -> Self {
        Self {
            status: Status::InProgress,
            name,
            phase,
            wait_seconds: sagemaker_ports::wait_seconds(age_seconds),
        }
    }

    /// Nothing is left to do.
    pub fn done(record: &DeploymentRecord) -> Self {
        let (name, phase) = match (&record.endpoint, &record.transform) {
            (None, Some(transform)) => (Some(&transform.job), COMPLETED),
            (endpoint, _) => (endpoint.as_ref(), IN_SERVICE),
        };
        Self {
            status: Status::Done,
            name: name.cloned().unwrap_or_default(),
            phase,
            wait_seconds: 0,
        }
    }

    /// As the state machine is told it.
    pub fn of(self, run: &RunKeys) -> DeployEndpointOutput {
        DeployEndpointOutput {
            status: self.status,
            pipeline: run.pipeline().to_owned(),
            run: run.run().clone(),
            endpoint: self.name,
            phase: self.phase.to_owned(),
            wait_seconds: self.wait_seconds,
        }
    }
}
