//! Records of a dataset: its plan, its shards, and the contract with serving.

use super::{Checksum, Part, ScanTotals};
use contract::RunId;
use contract::states::RowCounts;
use definition::Format;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How a dataset is made: its columns, and which parts each shard turns into rows.
///
/// `C` is the columns with their encoders.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DatasetPlan<C> {
    /// The columns.
    pub columns: C,
    /// The vocabularies that are objects of their own, by the paths of their columns.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub vocabularies: BTreeMap<String, Part>,
    /// The format of the channels' files.
    #[serde(default)]
    pub format: Format,
    /// Files that each shard's rows of a channel are cut into.
    #[serde(default = "one_file")]
    pub files_per_shard: u32,
    /// The least number of files that the training channel must have: one for each instance that
    /// reads a share of them.
    #[serde(default = "one_file")]
    pub minimum_files: u32,
    /// The names of the table's key attributes.
    pub key_attributes: Vec<String>,
    /// The parts of each shard, by the shard's number.
    pub shards: Vec<Vec<Part>>,
    /// What was exported, all segments together.
    pub exported: ScanTotals,
}

const fn one_file() -> u32 {
    1
}

/// The commit of a shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ShardRecord {
    /// The shard's number.
    pub shard: u32,
    /// Where its items went.
    pub rows: RowCounts,
    /// Its files, with their checksums.
    pub files: Vec<ChannelFile>,
    /// A request of a few of its rows; absent if it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<Sample>,
}

/// A request of a few rows, without their labels, as an endpoint is asked with them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sample {
    /// Its rows.
    pub rows: u32,
    /// The media type of its body.
    pub content_type: String,
    /// Its body.
    pub body: String,
}

/// A file of training data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChannelFile {
    /// The channel it belongs to.
    pub channel: String,
    /// Its key.
    pub key: String,
    /// Its rows.
    pub rows: u64,
    /// Its bytes.
    pub bytes: u64,
    /// The XXH3-64 hash of its bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Checksum>,
    /// The sum of its lines' hashes, as of [`Part::checksum`], in records of before there was a
    /// digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<Checksum>,
}

/// The contract between training and serving, written when the dataset is whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DatasetRecord {
    /// The run.
    pub run: RunId,
    /// Where the items went.
    pub rows: RowCounts,
    /// The channels that hold rows, such as `train` and `validation`.
    pub channels: Vec<String>,
    /// The media type of the channels' files, as given to SageMaker.
    pub content_type: String,
    /// The columns in order, with their encoders.
    pub columns: serde_json::Value,
    /// The number of features of a row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features: Option<u64>,
    /// The vocabularies that are objects of their own, by the paths of their columns.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub vocabularies: BTreeMap<String, Part>,
    /// The channels' files, in the order of shards.
    pub files: Vec<ChannelFile>,
    /// A request of a few rows, in the form an endpoint is asked in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<Sample>,
}
