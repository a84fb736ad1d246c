//! Where the model serves. It must not ask the service.

use crate::{FieldError, Names};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where the model serves.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Endpoint {
    /// The endpoint's name, stable for its clients; by default the pipeline's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The compute behind it.
    #[serde(default)]
    pub compute: Compute,
    /// Endpoint configurations and models to keep, the serving one included; at least 2, since the
    /// previous one is what a rollback returns to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 2))]
    pub keep: Option<u32>,
}

/// The compute behind an endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Compute {
    /// Paid per request, cold after a pause.
    #[serde(rename_all = "camelCase")]
    Serverless {
        /// 1024 to 6144 in steps of 1024.
        memory_mb: u32,
        /// Requests answered at once, 1 to 200.
        max_concurrency: u32,
    },
    /// Instances that are always on.
    #[serde(rename_all = "camelCase")]
    Instances {
        /// The instance type.
        instance_type: String,
        /// How many.
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

impl Endpoint {
    pub(crate) fn validate(&self) -> Result<(), FieldError> {
        let fail = |path, message: String| Err(FieldError { path, message });
        if let Some(name) = &self.name
            && let Err(message) = Names::check_sagemaker(name)
        {
            return fail("endpoint.name", message);
        }
        if self.keep.is_some_and(|keep| keep < 2) {
            return fail(
                "endpoint.keep",
                "must be at least 2: the previous model is what a rollback returns to".to_owned(),
            );
        }
        match &self.compute {
            Compute::Serverless {
                memory_mb,
                max_concurrency,
            } => {
                if !(1024..=6144).contains(memory_mb) || memory_mb % 1024 != 0 {
                    return fail(
                        "endpoint.compute.serverless.memoryMb",
                        "must be 1024 to 6144 in steps of 1024".to_owned(),
                    );
                }
                if !(1..=200).contains(max_concurrency) {
                    return fail(
                        "endpoint.compute.serverless.maxConcurrency",
                        "must be 1 to 200".to_owned(),
                    );
                }
            }
            Compute::Instances { count, .. } => {
                if *count == 0 {
                    return fail(
                        "endpoint.compute.instances.count",
                        "must be at least 1".to_owned(),
                    );
                }
            }
        }
        Ok(())
    }
}
