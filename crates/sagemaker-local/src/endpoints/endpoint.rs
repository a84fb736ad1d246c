//! An endpoint as it is stored: its status, what serves, what is to serve next.

use crate::endpoints::capture::CaptureConfig;
use crate::endpoints::configs::Variant;
use crate::store::table::{Record, now};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What an endpoint is doing.
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

/// A configuration with all that it takes to serve it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Deployment {
    pub config: String,
    pub variants: Vec<Variant>,
    #[serde(default)]
    pub capture: Option<CaptureConfig>,
    pub since: f64,
}

impl Deployment {
    /// How many instances it has, over all variants.
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
    /// What serves.
    pub deployed: Option<Deployment>,
    /// What is to serve next.
    pub pending: Option<Deployment>,
    /// Of the last update.
    pub deployment_config: Value,
    /// Counts the fleets, so that each has its own folder.
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
