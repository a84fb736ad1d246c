//! Model package groups and their versions as they are stored.

use crate::store::table::Record;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A model package group.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ModelPackageGroup {
    pub description: Option<String>,
    pub created: f64,
    /// The number of the last version, even if it has been deleted.
    pub versions: u64,
}

impl Record for ModelPackageGroup {
    const FOLDER: &'static str = "model-package-groups";
}

/// A model package: a version of a group.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ModelPackage {
    /// The request, which `DescribeModelPackage` repeats.
    pub request: Value,
    pub group: String,
    pub version: u64,
    pub created: f64,
    pub modified: f64,
    pub approval: String,
    pub approval_description: Option<String>,
}

impl Record for ModelPackage {
    const FOLDER: &'static str = "model-packages";
}

/// The name of a version's record.
pub fn record(group: &str, version: &str) -> String {
    format!("{group}.v{version}")
}
