//! Autoscaling of an endpoint on instances.

use super::Compute;
use crate::faults::Faults;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Autoscaling of an endpoint's instances: target tracking of the invocations per instance and
/// minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Autoscaling {
    /// Minimum number of instances, at least 1.
    #[schemars(range(min = 1))]
    pub min_instances: u32,
    /// Maximum number of instances.
    #[schemars(range(min = 1))]
    pub max_instances: u32,
    /// Target number of invocations per instance and minute.
    #[schemars(range(min = 1))]
    pub invocations_per_instance: u32,
    /// Seconds after a scale-in before the next.
    #[serde(default = "default_scale_in")]
    pub scale_in_cooldown_seconds: u32,
    /// Seconds after a scale-out before the next.
    #[serde(default = "default_scale_out")]
    pub scale_out_cooldown_seconds: u32,
}

// Slow to remove an instance, which takes minutes to start again; quick to add one.
const fn default_scale_in() -> u32 {
    300
}

const fn default_scale_out() -> u32 {
    60
}

impl Autoscaling {
    pub(super) fn validate(&self, compute: &Compute, faults: &mut Faults) {
        if self.min_instances == 0 {
            faults.add("endpoint.autoscaling.minInstances", "must be at least 1");
        }
        if self.invocations_per_instance == 0 {
            faults.add(
                "endpoint.autoscaling.invocationsPerInstance",
                "must be at least 1",
            );
        }
        if self.max_instances < self.min_instances {
            faults.add(
                "endpoint.autoscaling.maxInstances",
                format!("must be at least minInstances, {}", self.min_instances),
            );
        }
        match compute {
            Compute::Instances { count, .. }
                if !(self.min_instances..=self.max_instances).contains(count) =>
            {
                faults.add(
                    "endpoint.compute.instances.count",
                    format!(
                        "must lie between minInstances, {}, and maxInstances, {}, of endpoint.autoscaling",
                        self.min_instances, self.max_instances
                    ),
                );
            }
            _ => {}
        }
    }
}
