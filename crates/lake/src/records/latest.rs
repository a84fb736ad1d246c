//! The record of a pipeline's newest good data, at a key that never changes.

use contract::RunId;
use contract::states::{Outcome, RowCounts};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where the newest good data of a pipeline is, for a notebook or another job. All addresses are
/// `s3://…`; those of folders end with a slash.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Latest {
    /// The pipeline.
    pub pipeline: String,
    /// The run that made the data.
    pub run: RunId,
    /// How that run ended.
    pub outcome: Outcome,
    /// When it started, RFC 3339.
    pub started: String,
    /// When it was reported, RFC 3339.
    pub finished: String,
    /// Its report for programs.
    pub report: String,
    /// The exported items.
    pub export: LatestExport,
    /// The training files, if the run made some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset: Option<LatestDataset>,
    /// The model, if the run trained one that is not kept from serving: of a run that ended as
    /// `KeptChampion` the model is not here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<LatestModel>,
}

/// Exported items.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LatestExport {
    /// The table.
    pub table: String,
    /// Items.
    pub items: u64,
    /// Bytes of their lines before compression.
    pub raw_bytes: u64,
    /// The folder of the raw parts. It may hold parts that do not count.
    pub prefix: String,
    /// The list of the parts that count, with their checksums.
    pub manifest: String,
}

/// Training files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LatestDataset {
    /// Where the items went.
    pub rows: RowCounts,
    /// The media type of the files.
    pub content_type: String,
    /// The folder of each channel that holds rows, such as `train`.
    pub channels: BTreeMap<String, String>,
    /// The columns, their encoders, and the list of files with their checksums.
    pub manifest: String,
}

/// A trained model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LatestModel {
    /// The training job.
    pub job: String,
    /// The image that trained, and serves.
    pub image: String,
    /// `model.tar.gz`.
    pub artifact: String,
    /// The final metrics by name.
    pub metrics: BTreeMap<String, f64>,
}
