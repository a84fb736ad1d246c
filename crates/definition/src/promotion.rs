//! When a model replaces the champion.

use super::{Dataset, Reevaluate, Training};
use crate::faults::Faults;
use contract::Names;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// When a model replaces the champion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Promotion {
    /// The deciding metric, one of the training job's.
    pub metric: String,
    /// Whether a smaller or a larger value is better.
    pub goal: Goal,
    /// The worst value with which a model may be deployed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// By how much the model must be better than the champion; negative tolerates a loss.
    #[serde(default)]
    pub minimum_gain: f64,
    /// Compares the model and the champion on the same rows, because values of the metric on
    /// different data do not compare. It costs two transform jobs in each run that has a champion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reevaluate: Option<Reevaluate>,
    /// Whether a person has to approve a model before it is deployed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// Whether each run's model is registered in SageMaker's model registry.
    #[serde(default = "yes")]
    pub register: bool,
    /// The model package group; by default `<stack>-<pipeline>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_package_group: Option<String>,
}

const fn yes() -> bool {
    true
}

/// A person's approval: who is asked gets a message, and has this long to decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Approval {
    /// Hours after which a model without an approval is rejected, at most 36: the whole run has two
    /// days.
    #[serde(default = "day")]
    #[schemars(range(min = 1, max = 36))]
    pub within_hours: u32,
}

const fn day() -> u32 {
    24
}

/// Which direction of a metric is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Goal {
    /// Smaller is better, as of an error.
    Minimize,
    /// Larger is better, as of an accuracy.
    Maximize,
}

impl Promotion {
    pub(crate) fn validate(&self, training: &Training, dataset: &Dataset, faults: &mut Faults) {
        if self.metric.is_empty() {
            faults.add("promotion.metric", "name one of training.metrics");
        }
        let declared = training.metrics.iter().any(|m| m.name == self.metric);
        if !self.metric.is_empty() && !declared && !training.metrics.is_empty() {
            faults.add(
                "promotion.metric",
                format!("{:?} is none of training.metrics", self.metric),
            );
        }
        if let Some(reevaluate) = &self.reevaluate {
            reevaluate.validate(&self.metric, training, dataset, faults);
        }
        let hours = self.approval.map(|approval| approval.within_hours);
        if hours.is_some_and(|hours| !(1..=36).contains(&hours)) {
            faults.add(
                "promotion.approval.withinHours",
                "must be 1 to 36: all of a run has two days",
            );
        }
        if let Some(group) = &self.model_package_group
            && let Err(message) = Names::check_sagemaker(group)
        {
            faults.add("promotion.modelPackageGroup", message);
        }
    }
}
