//! An endpoint as it is stored: its status, the current deployment and the pending one.

use crate::endpoints::capture::CaptureConfig;
use crate::endpoints::configs::Variant;
use crate::store::table::{Record, now};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The status of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    Creating,
    Updating,
    SystemUpdating,
    RollingBack,
    InService,
    Deleting,
    Failed,
}

/// A configuration with everything that serving needs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Deployment {
    pub config: String,
    pub variants: Vec<Variant>,
    #[serde(default)]
    pub capture: Option<CaptureConfig>,
    pub since: f64,
}

impl Deployment {
    /// The number of instances of all variants.
    pub fn instances(&self) -> i64 {
        self.variants.iter().filter_map(|one| one.instances).sum()
    }
}

/// An endpoint.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Endpoint {
    pub created: f64,
    pub modified: f64,
    pub status: Status,
    pub failure_reason: Option<String>,
    /// The deployment that serves.
    pub deployed: Option<Deployment>,
    /// The deployment that a creation or an update starts.
    pub pending: Option<Deployment>,
    /// The `DeploymentConfig` of the last update.
    pub deployment_config: Value,
    /// The number of fleets so far, so that each has a folder of its own.
    pub generation: u64,
}

impl Endpoint {
    pub fn enter(&mut self, status: Status) {
        self.status = status;
        self.modified = now();
    }
}

impl Record for Endpoint {
    const FOLDER: &'static str = "endpoints";
}
