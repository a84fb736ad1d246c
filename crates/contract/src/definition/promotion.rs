//! When a model may replace the one now serving. It must not know how the metric came about.

use super::Training;
use crate::FieldError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// When a model may replace the one now serving.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Promotion {
    /// The metric that decides, one of the training job's.
    pub metric: String,
    /// Whether a smaller or a larger value is better.
    pub goal: Goal,
    /// The worst value at which a model may serve at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// By how much the champion must be beaten; negative tolerates a loss.
    #[serde(default)]
    pub minimum_gain: f64,
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
    pub(crate) fn validate(&self, training: &Training) -> Result<(), FieldError> {
        let fail = |path, message: String| Err(FieldError { path, message });
        if self.metric.is_empty() {
            return fail(
                "promotion.metric",
                "name one of training.metrics".to_owned(),
            );
        }
        let declared = training.metrics.iter().any(|m| m.name == self.metric);
        if !declared && !training.metrics.is_empty() {
            return fail(
                "promotion.metric",
                format!("{:?} is none of training.metrics", self.metric),
            );
        }
        Ok(())
    }
}
