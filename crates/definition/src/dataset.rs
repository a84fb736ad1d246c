//! How items become rows. The crate `dataset` checks its paths and shares.

use super::{Column, Condition, Format, Gate, Precision, Sample, Split};
use crate::faults::Faults;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How items become rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Dataset {
    /// The attribute to predict, a path such as `rating` or `context.score`. It becomes the first
    /// column.
    pub label: String,
    /// How the label becomes a number.
    #[serde(default, skip_serializing_if = "LabelEncoding::is_default")]
    pub label_encoding: LabelEncoding,
    /// How a label that float32 would change is handled.
    #[serde(default, skip_serializing_if = "Precision::is_default")]
    pub label_precision: Precision,
    /// The path of the rows' weights, which are not negative. It becomes the second column, which
    /// SageMaker's XGBoost reads as weights: the hyperparameter `csv_weights` is then set to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<String>,
    /// The feature columns, in order. If absent they are inferred: every attribute that is not the
    /// label, not excluded, and is a number, a boolean or text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<Column>>,
    /// Attribute paths that inference leaves out.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// Conditions that an item must satisfy, all of them, to become a row.
    #[serde(default, rename = "where", skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Makes one row of items that agree in some attributes. One function then reads all items: up
    /// to 10 million. For more, `shardBytes` must be the table's size or more, and the function
    /// needs 100 bytes of memory for each item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deduplicate: Option<Deduplicate>,
    /// Paths of `exclude`, `where`, `gate.columns` and the source's projection that may occur in no
    /// item, such as a rarely set flag. Any other path that no item has fails the run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub may_be_absent: Vec<String>,
    /// Paths of `label`, `weight` and `columns` that few items have. A sample of 1,000 items is read
    /// before the export, and a path that none of them has fails the run there, unless it is listed
    /// here. After the export all items are checked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rare: Vec<String>,
    /// Which rows are kept, where there are more than needed. Without it, all are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<Sample>,
    /// The split of the rows.
    #[serde(default)]
    pub split: Split,
    /// The checks of the data before training is paid for.
    #[serde(default)]
    pub gate: Gate,
    /// The format of the channels' files.
    #[serde(default, skip_serializing_if = "Format::is_csv")]
    pub format: Format,
    /// Raw (uncompressed) bytes of one shard, which one function converts; by default 256 MiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 34_359_738_368_u64))]
    pub shard_bytes: Option<u64>,
}

/// How the label becomes a number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum LabelEncoding {
    /// The number itself; `true` is 1, `false` is 0.
    #[default]
    Number,
    /// The position of the value among all in the table, from 0: texts, numbers or booleans.
    Classes,
}

impl LabelEncoding {
    /// Whether it is the default.
    // serde asks with a reference.
    pub const fn is_default(&self) -> bool {
        matches!(self, Self::Number)
    }
}

/// Which of several items with the same key becomes the row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Deduplicate {
    /// Attribute paths: items that agree in all of them become one row.
    pub by: Vec<String>,
    /// The path of the attribute whose greatest value wins: numbers, or ISO 8601 text, compared to
    /// the last digit. An item without it loses; an item with an unreadable value is rejected. What
    /// `where` leaves out, or is rejected for a value, does not compete.
    /// Without this field, and among equals, the table's key decides, in the same way in every run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest: Option<String>,
}

impl Dataset {
    /// Raw bytes of a shard by default: 256 MiB, which one function converts in well under a minute.
    pub const DEFAULT_SHARD: u64 = 256 << 20;

    /// Raw bytes of the largest shard: 32 GiB. `merge-to-csv` takes 2.5 CPU seconds a gigabyte (its README), and
    /// where duplicates are found reads it twice: three minutes on the machine that was measured, with room for a
    /// vCPU of half its speed and for the requests to S3, of the fifteen that a function has.
    pub const LARGEST_SHARD: u64 = 32 << 30;

    /// Items that one function de-duplicates, unless `shardBytes` confirms more: their keys take about a
    /// gigabyte of memory in the one function that sees them all.
    pub const MOST_DEDUPLICATED: u64 = 10_000_000;

    pub(crate) fn validate(&self, faults: &mut Faults) {
        if self
            .shard_bytes
            .is_some_and(|bytes| bytes > Self::LARGEST_SHARD)
        {
            faults.add(
                "dataset.shardBytes",
                format!(
                    "must be at most {}: one function must turn a shard into rows in its time",
                    Self::LARGEST_SHARD
                ),
            );
        }
        if self.shard_bytes == Some(0) {
            faults.add("dataset.shardBytes", "must be at least 1");
        }
        self.format.validate(faults);
        if self.columns.as_ref().is_some_and(Vec::is_empty) {
            faults.add(
                "dataset.columns",
                "names no column: name some, or leave it out, and they are inferred",
            );
        }
        if self.weight.is_some() && !self.format.takes_weights() {
            faults.add(
                "dataset.weight",
                "RecordIO, JSON Lines and files of images have no place for weights: ask for another `dataset.format`, or for none",
            );
        }
        if let Some(sample) = &self.sample {
            sample.validate(self, faults);
        }
        self.gate.validate(faults);
    }
}
