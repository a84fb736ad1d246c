//! A transform job as it is stored.

use crate::store::table::Record;
use crate::training::job::Status;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The resource type in ARNs.
pub const KIND: &str = "transform-job";

/// A transform job.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TransformJob {
    /// The request, which `DescribeTransformJob` repeats.
    pub request: Value,
    pub created: f64,
    pub started: Option<f64>,
    pub ended: Option<f64>,
    pub status: Status,
    pub failure_reason: Option<String>,
}

impl Record for TransformJob {
    const FOLDER: &'static str = "transform-jobs";
}
