//! Where a run's items went: the numbers add up from the items to the files.

use crate::facts::Facts;
use contract::states::RowCounts;
use lake::records::{DatasetRecord, ExportRecord, Rejection};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a run's items went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RowsDocument {
    /// What was read.
    pub table: String,
    /// Items exported.
    pub items: u64,
    /// Items that the plan expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_items: Option<u64>,
    /// Bytes of raw lines before compression.
    pub raw_bytes: u64,
    /// Segments, or files, that they were read in.
    pub segments: u32,
    /// Images, and other objects, of ranges that were taken over without being listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unlisted: Option<u64>,
    /// Attempts that the source throttled.
    pub throttles: u64,
    /// What became of the items; absent if no dataset was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts: Option<RowCounts>,
    /// Whether these counts add up to the items.
    pub adds_up: bool,
    /// The channels' files.
    pub channels: Vec<ChannelDocument>,
    /// Why items were rejected, the most frequent reasons first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rejected: Vec<RejectionDocument>,
}

/// A channel's files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChannelDocument {
    /// The channel.
    pub channel: String,
    /// Its rows.
    pub rows: u64,
    /// Its files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Items that were rejected for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RejectionDocument {
    /// The attribute and the reason, with the value of one of the items.
    pub example: String,
    /// How many items.
    pub items: u64,
}

/// Where the items of an export went.
pub fn of(export: &ExportRecord, facts: &Facts) -> RowsDocument {
    let plan = facts.plan.as_ref();
    let dataset = facts.dataset.as_ref();
    let counts = dataset.map(|dataset| dataset.rows);
    let items = export.totals.items;
    let rejected = dataset.map_or(&[][..], |dataset| &dataset.rejected);
    RowsDocument {
        table: plan.map_or_else(String::new, |plan| plan.definition.source.name().to_owned()),
        items,
        estimated_items: plan.map(|plan| plan.estimate.items),
        raw_bytes: export.totals.raw_bytes,
        segments: export.segments,
        unlisted: plan
            .and_then(|plan| plan.images())
            .map(|(_, images)| images.unlisted_objects())
            .filter(|objects| *objects > 0),
        throttles: export.totals.throttles,
        adds_up: counts.is_none_or(|counts| counts.total() == items),
        counts,
        channels: dataset.map_or_else(Vec::new, channels),
        rejected: rejected.iter().map(rejection).collect(),
    }
}

fn rejection(rejection: &Rejection) -> RejectionDocument {
    RejectionDocument {
        example: crate::figures::cut(&rejection.example, 300),
        items: rejection.items,
    }
}

fn channels(dataset: &DatasetRecord) -> Vec<ChannelDocument> {
    let each = dataset.channels.iter().map(|channel| {
        let files = dataset.files.iter().filter(|file| file.channel == *channel);
        let mut sum = ChannelDocument {
            channel: channel.clone(),
            rows: 0,
            files: 0,
            bytes: 0,
        };
        for file in files {
            sum.rows += file.rows;
            sum.files += file.object_count();
            sum.bytes += file.object_bytes();
        }
        sum
    });
    each.collect()
}
