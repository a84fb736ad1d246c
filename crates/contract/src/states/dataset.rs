//! The states that make a dataset of the items.

use super::{AfterExport, Status, Then};
use crate::RunId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a dataset's rows are made of, by which a shard's function is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RowsOf {
    /// Of the items' attributes.
    Attributes,
    /// Of the images that the items describe.
    Images,
}

/// Output of `PlanDataset`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlanDatasetOutput {
    /// The pipeline.
    pub pipeline: String,
    /// The run's id.
    pub run: RunId,
    /// Items that were exported.
    pub items: u64,
    /// Whether a dataset is made of them.
    pub then: AfterExport,
    /// Feature columns, the label not counted; 0 without a dataset.
    pub columns: u32,
    /// Shards; one child of the Distributed Map each; 0 without a dataset.
    pub shards: u32,
    /// What the rows are made of.
    pub rows_of: RowsOf,
    /// Key of the JSON array of shard numbers.
    pub shards_key: String,
    /// Concurrent children of the Distributed Map.
    pub concurrency: u32,
}

/// Input of `MergeToCsv`, and of `PackImages`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MergeToCsvInput {
    /// The pipeline.
    pub pipeline: String,
    /// The run's id.
    pub run: RunId,
    /// The shard's number, from 0.
    pub shard: u32,
}

/// Output of `MergeToCsv`, and of `PackImages`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MergeToCsvOutput {
    /// Whether the shard is committed.
    pub status: Status,
    /// The pipeline.
    pub pipeline: String,
    /// The run's id.
    pub run: RunId,
    /// The shard.
    pub shard: u32,
    /// Where its items went.
    pub rows: RowCounts,
}

/// Where items went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RowCounts {
    /// Rows to train on.
    pub train: u64,
    /// Rows to validate on.
    pub validation: u64,
    /// Rows held back from training, to test the model on.
    #[serde(default)]
    pub test: u64,
    /// Items that could not become a row.
    pub rejected: u64,
    /// Items that the definition's conditions leave out.
    #[serde(default)]
    pub filtered: u64,
    /// Items that repeat another.
    #[serde(default)]
    pub duplicates: u64,
    /// Items that the sample leaves out.
    #[serde(default)]
    pub unsampled: u64,
}

impl RowCounts {
    /// The number of all items.
    pub const fn total(self) -> u64 {
        let rows = self.train + self.validation + self.test;
        rows + self.rejected + self.filtered + self.duplicates + self.unsampled
    }
}

impl std::ops::AddAssign for RowCounts {
    fn add_assign(&mut self, other: Self) {
        self.train += other.train;
        self.validation += other.validation;
        self.test += other.test;
        self.rejected += other.rejected;
        self.filtered += other.filtered;
        self.duplicates += other.duplicates;
        self.unsampled += other.unsampled;
    }
}

/// Output of `SealDataset`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SealDatasetOutput {
    /// The pipeline.
    pub pipeline: String,
    /// The run's id.
    pub run: RunId,
    /// The outcomes of the items; their total is the number of exported items.
    pub rows: RowCounts,
    /// Whether a model is trained on them.
    pub then: Then,
}
