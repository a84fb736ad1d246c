//! The records of a table's native export, whose files become raw parts in place.

use crate::documents::{self, DocumentError};
use crate::records::Plan;
use crate::store::ObjectStore;
use contract::states::{ExportTask, Route};
use serde::{Deserialize, Serialize};

/// How far the request for an export has come. An export that failed is followed by another one
/// under the next attempt's number: a token stands for one request, whose outcome does not change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NativeRequest {
    /// The attempt's number, from 1.
    pub attempt: u32,
    /// The ARN of its export, once it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
}

impl Default for NativeRequest {
    fn default() -> Self {
        Self {
            attempt: 1,
            arn: None,
        }
    }
}

/// A completed export, as its manifests say: each of its files is a segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NativeExport {
    /// The export's ARN.
    pub arn: String,
    /// Items in all files.
    pub items: u64,
    /// The files, by the number of the segment that each of them is.
    pub files: Vec<ExportFile>,
    /// The tasks that share the segments.
    pub tasks: Vec<ExportTask>,
}

/// A file of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExportFile {
    /// Its key.
    pub key: String,
    /// Its items.
    pub items: u64,
    /// Its bytes as stored.
    pub bytes: u64,
    /// The MD5 of those bytes, in base64.
    pub md5: String,
}

/// `manifest-summary.json` of an export, as far as needed.
///
/// Source: Amazon DynamoDB Developer Guide, "DynamoDB table export output format".
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ManifestSummary {
    /// The export's ARN.
    pub export_arn: String,
    /// Key of the list of files, with or without the prefix that was asked for.
    #[serde(rename = "manifestFilesS3Key")]
    pub files_key: String,
    /// Items in all files.
    pub item_count: u64,
    /// `DYNAMODB_JSON` or `ION`.
    pub output_format: String,
    /// `FULL_EXPORT` or `INCREMENTAL_EXPORT`; absent in exports before 2023.
    #[serde(default)]
    pub export_type: Option<String>,
}

/// A line of `manifest-files.json`, as far as needed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ManifestEntry {
    /// Items of the file.
    pub item_count: u64,
    /// The MD5 of its bytes, in base64.
    pub md5_checksum: String,
    /// Its key, with or without the prefix that was asked for.
    #[serde(rename = "dataFileS3Key")]
    pub key: String,
}

/// The output format of exports that are read.
pub const DYNAMODB_JSON: &str = "DYNAMODB_JSON";

/// How many segments a run's export has.
///
/// # Errors
/// If a native export has not completed, or the lake fails.
pub async fn segments(store: &impl ObjectStore, plan: &Plan) -> Result<u32, DocumentError> {
    match plan.route {
        Route::Scan | Route::Sql | Route::Images | Route::Files => Ok(plan.segments),
        Route::Export => {
            let export = read(store, plan).await?;
            Ok(u32::try_from(export.files.len()).unwrap_or(u32::MAX))
        }
    }
}

/// The completed export of a run.
///
/// # Errors
/// If it has not completed, or the lake fails.
pub async fn read(store: &impl ObjectStore, plan: &Plan) -> Result<NativeExport, DocumentError> {
    documents::read(store, &plan.keys().native_export(), "a table's export").await
}
