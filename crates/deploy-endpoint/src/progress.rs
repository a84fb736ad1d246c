//! The progress of a deployment, as one poll finds it.

use contract::states::{DeployEndpointOutput, Status};
use lake::RunKeys;
use lake::records::DeploymentRecord;

/// The phase of an endpoint that serves.
const IN_SERVICE: &str = "InService";
/// The phase of a completed transform job.
const COMPLETED: &str = "Completed";
/// The model or the configuration was just created and is not visible everywhere yet.
pub const PREPARING: &str = "Preparing";

/// The progress that one poll finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    status: Status,
    name: String,
    phase: &'static str,
    wait_seconds: u32,
}

impl Progress {
    /// Not finished; the last change was this long ago.
    pub fn in_progress(name: String, phase: &'static str, age_seconds: u64) -> Self {
        Self {
            status: Status::InProgress,
            name,
            phase,
            wait_seconds: sagemaker_ports::wait_seconds(age_seconds),
        }
    }

    /// Finished.
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

    /// The output to the state machine.
    pub fn into_output(self, run: &RunKeys) -> DeployEndpointOutput {
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
