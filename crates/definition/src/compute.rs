//! The compute of an endpoint, and the updates that AWS allows.

use crate::FieldError;
use crate::faults::Faults;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The compute of an endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Compute {
    /// Paid per request, cold after a pause.
    #[serde(rename_all = "camelCase")]
    Serverless {
        /// 1024 to 6144 in steps of 1024.
        memory_mb: u32,
        /// Maximum number of concurrent requests, 1 to 200.
        max_concurrency: u32,
    },
    /// Instances, which run all the time.
    #[serde(rename_all = "camelCase")]
    Instances {
        /// The instance type.
        instance_type: String,
        /// The initial number of instances. An update keeps the number that `endpoint.autoscaling`,
        /// or a policy of your own, has set.
        count: u32,
    },
}

impl Default for Compute {
    fn default() -> Self {
        Self::Serverless {
            memory_mb: 2048,
            max_concurrency: 5,
        }
    }
}

impl Compute {
    /// Whether requests are paid one by one.
    pub const fn is_serverless(&self) -> bool {
        matches!(self, Self::Serverless { .. })
    }

    /// Checks that AWS can update an endpoint from `there` to this.
    ///
    /// # Errors
    /// With the reason.
    pub fn check_update_from(&self, there: ComputeKind, endpoint: &str) -> Result<(), FieldError> {
        if there == ComputeKind::Instances && self.is_serverless() {
            return Err(FieldError::new(
                "endpoint.compute.serverless",
                format!(
                    "the endpoint {endpoint} runs on instances, and AWS does not update such an \
                     endpoint to serverless: keep endpoint.compute.instances, or give the serverless \
                     one another endpoint.name"
                ),
            ));
        }
        Ok(())
    }

    pub(super) fn validate(&self, faults: &mut Faults) {
        match self {
            Self::Serverless {
                memory_mb,
                max_concurrency,
            } => {
                if !(1024..=6144).contains(memory_mb) || memory_mb % 1024 != 0 {
                    faults.add(
                        "endpoint.compute.serverless.memoryMb",
                        "must be 1024 to 6144 in steps of 1024",
                    );
                }
                if !(1..=200).contains(max_concurrency) {
                    faults.add(
                        "endpoint.compute.serverless.maxConcurrency",
                        "must be 1 to 200",
                    );
                }
            }
            Self::Instances { count, .. } => {
                if *count == 0 {
                    faults.add("endpoint.compute.instances.count", "must be at least 1");
                }
            }
        }
    }
}

/// The kind of an endpoint's compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ComputeKind {
    /// Paid per request.
    Serverless,
    /// Instances.
    Instances,
}

impl From<&Compute> for ComputeKind {
    fn from(compute: &Compute) -> Self {
        match compute {
            Compute::Serverless { .. } => Self::Serverless,
            Compute::Instances { .. } => Self::Instances,
        }
    }
}
