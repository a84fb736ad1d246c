//! The records of a table's native export, whose files become raw parts in place.

use crate::documents::{self, DocumentError};
use crate::records::{ChangesRecord, Plan, WholeExport};
use crate::store::ObjectStore;
use contract::states::{ExportTask, Route};
use serde::{Deserialize, Serialize};
use std::ops::Range;

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
    /// The number of the segment that the first file is: 0, unless the run has merged changes before,
    /// which did not fit.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub first_segment: u32,
    /// The files, each of them a segment.
    pub files: Vec<ExportFile>,
    /// The tasks that share the segments.
    pub tasks: Vec<ExportTask>,
}

// serde asks with a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl NativeExport {
    /// The numbers of the segments that the files are.
    pub fn segments(&self) -> Range<u32> {
        let files = u32::try_from(self.files.len()).unwrap_or(u32::MAX);
        self.first_segment..self.first_segment.saturating_add(files)
    }

    /// The file that is the segment with this number.
    pub fn file(&self, segment: u32) -> Option<&ExportFile> {
        let number = segment.checked_sub(self.first_segment)?;
        self.files.get(number as usize)
    }
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
    /// `NEW_IMAGE` or `NEW_AND_OLD_IMAGES`, of an incremental export.
    #[serde(default)]
    pub output_view: Option<String>,
    /// The beginning of an incremental export's window, RFC 3339.
    #[serde(default)]
    pub export_from_time: Option<String>,
    /// Its end.
    #[serde(default)]
    pub export_to_time: Option<String>,
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

/// The route of a run's items: the plan's, unless its changes did not fit and the whole table is
/// exported or scanned after all.
///
/// # Errors
/// If the lake fails.
pub async fn route(store: &impl ObjectStore, plan: &Plan) -> Result<Route, DocumentError> {
    Ok(match whole_export(store, plan).await? {
        Some(_) => plan.whole_route(),
        None => plan.route,
    })
}

/// Why the whole table is read, where changes were to be merged.
///
/// # Errors
/// If the lake fails.
pub async fn whole_export(
    store: &impl ObjectStore,
    plan: &Plan,
) -> Result<Option<WholeExport>, DocumentError> {
    if !plan.route.merges() {
        return Ok(None);
    }
    documents::read_if_there(store, &plan.keys().whole_export(), WHY_WHOLE).await
}

/// What the record of [`RunKeys::whole_export`](crate::RunKeys::whole_export) is called in messages.
pub const WHY_WHOLE: &str = "why the whole table is exported";

/// The numbers of the segments that a run's items are in.
///
/// # Errors
/// If a native export has not completed, or the lake fails.
pub async fn segments(store: &impl ObjectStore, plan: &Plan) -> Result<Range<u32>, DocumentError> {
    Ok(match route(store, plan).await? {
        Route::Scan | Route::Sql | Route::Images | Route::Files => plan.own_segments(),
        Route::Export => read(store, plan).await?.segments(),
        Route::Changes | Route::Stream => 0..changes(store, plan).await?.total_segments(),
    })
}

/// What an incremental run merges.
///
/// # Errors
/// If the exports of the changes have not completed, or the lake fails.
pub async fn changes(
    store: &impl ObjectStore,
    plan: &Plan,
) -> Result<ChangesRecord, DocumentError> {
    documents::read(store, &plan.keys().changes(), "the changes of a run").await
}

/// The completed export of a run.
///
/// # Errors
/// If it has not completed, or the lake fails.
pub async fn read(store: &impl ObjectStore, plan: &Plan) -> Result<NativeExport, DocumentError> {
    documents::read(store, &plan.keys().native_export(), "a table's export").await
}
