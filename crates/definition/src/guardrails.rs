//! How an endpoint on instances is updated from one model to the next.

use crate::faults::Faults;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How an endpoint on instances is updated from one model to the next, and which alarms roll the
/// update back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Guardrails {
    /// How traffic is shifted.
    #[serde(default)]
    pub shift: Shift,
    /// Seconds for which the alarms are watched after each step, at most an hour.
    #[serde(default = "default_bake")]
    #[schemars(range(max = 3600))]
    pub bake_seconds: u32,
    /// Names of CloudWatch alarms that roll the update back, at most 10; by default the two alarms
    /// that every endpoint has. They must exist before the run. An alarm that is in `ALARM` before
    /// the update is left out of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarms: Option<Vec<String>>,
}

/// How traffic is shifted to the new instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Shift {
    /// All at once.
    AllAtOnce,
    /// A part of the instances first, then the rest.
    Canary {
        /// Percent of the new instances, 1 to 50.
        percent: u32,
    },
    /// In equal steps.
    Linear {
        /// Percent of the new instances in each step, 10 to 50.
        percent: u32,
    },
}

impl Default for Shift {
    fn default() -> Self {
        Self::Canary { percent: 10 }
    }
}

const fn default_bake() -> u32 {
    300
}

impl Default for Guardrails {
    fn default() -> Self {
        Self {
            shift: Shift::default(),
            bake_seconds: default_bake(),
            alarms: None,
        }
    }
}

impl Shift {
    /// Steps in which all of the traffic is shifted.
    pub fn steps(self) -> u32 {
        match self {
            Self::AllAtOnce => 1,
            Self::Canary { .. } => 2,
            Self::Linear { percent } => 100_u32.div_ceil(percent.max(1)),
        }
    }
}

/// Seconds within which SageMaker must have carried out an update that shifts traffic like this: each step
/// is watched for so long, before which the new instances start.
pub fn update_seconds(shift: Shift, bake_seconds: u32) -> u32 {
    bake_seconds
        .saturating_mul(shift.steps())
        .saturating_add(START_SECONDS)
}

/// Seconds in which instances start: half an hour for the machines, and `endpoint.startupSeconds` at most
/// for the container.
const START_SECONDS: u32 = 1800 + 3600;

/// SageMaker's longest update, in seconds.
const LONGEST_UPDATE: u32 = 28_800;

impl Guardrails {
    /// Seconds that an update may take.
    pub fn update_seconds(&self) -> u32 {
        update_seconds(self.shift, self.bake_seconds)
    }

    pub(super) fn validate(&self, faults: &mut Faults) {
        match self.shift {
            Shift::Canary { percent } if !(1..=50).contains(&percent) => {
                faults.add(
                    "endpoint.guardrails.shift.canary.percent",
                    "must be 1 to 50",
                );
            }
            Shift::Linear { percent } if !(10..=50).contains(&percent) => {
                faults.add(
                    "endpoint.guardrails.shift.linear.percent",
                    "must be 10 to 50",
                );
            }
            _ => {}
        }
        if self.bake_seconds > 3600 {
            faults.add("endpoint.guardrails.bakeSeconds", "must be at most 3600");
        }
        if self.update_seconds() > LONGEST_UPDATE {
            faults.add(
                "endpoint.guardrails.bakeSeconds",
                format!(
                    "an update in {} steps could take {} s, and SageMaker gives it {LONGEST_UPDATE} s: lower it, or \
                     shift in fewer steps",
                    self.shift.steps(),
                    self.update_seconds()
                ),
            );
        }
        if self.alarms.as_ref().is_some_and(|alarms| alarms.len() > 10) {
            faults.add("endpoint.guardrails.alarms", "SageMaker takes at most 10");
        }
    }
}
