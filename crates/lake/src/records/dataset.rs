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
    /// The lines that are each shard's own, by the shard's number: a part may then be in several
    /// shards. Empty if shards have whole parts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<LineSpan>,
    /// What was exported, all segments together.
    pub exported: ScanTotals,
}

const fn one_file() -> u32 {
    1
}

/// Lines of a shard's parts, counted through all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LineSpan {
    /// Lines before them.
    pub skip: u64,
    /// How many they are.
    pub take: u64,
}

impl LineSpan {
    /// Whether the line at this place, from 0, is one of them.
    pub const fn holds(&self, at: u64) -> bool {
        at >= self.skip && at - self.skip < self.take
    }
}

/// The commit of a shard.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
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
    /// What its rows hold, as far as training depends on it.
    #[serde(default)]
    pub content: RowContent,
}

/// What rows hold, as far as training depends on it. It stays small, however many rows there are.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RowContent {
    /// The labels of each channel that has rows.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, LabelRange>,
    /// Feature columns, by their positions, that are the same in all training rows: a hash of what they
    /// are, or nothing where they are missing in all.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub constant: BTreeMap<usize, Option<u32>>,
    /// How many items each condition of the definition left out: of several that do not hold, the
    /// first counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<u64>,
    /// Why items were rejected, the most frequent reasons first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rejected: Vec<Rejection>,
}

/// The labels of some rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LabelRange {
    /// The least.
    pub least: f32,
    /// The greatest.
    pub greatest: f32,
    /// Whether all are whole numbers.
    pub whole: bool,
}

/// Items that were rejected for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rejection {
    /// The attribute and the reason, with the value of one of the items.
    pub example: String,
    /// How many items.
    pub items: u64,
}

impl LabelRange {
    /// Takes a label into account.
    #[must_use]
    pub fn with(self, label: f32) -> Self {
        Self {
            least: self.least.min(label),
            greatest: self.greatest.max(label),
            whole: self.whole && label.fract() == 0.0,
        }
    }

    /// Of one label.
    pub fn of(label: f32) -> Self {
        Self {
            least: label,
            greatest: label,
            whole: label.fract() == 0.0,
        }
    }
}

impl RowContent {
    /// Reasons that are kept.
    pub const MOST_REASONS: usize = 20;

    /// Adds what other rows hold. `has_rows` says whether any of these trained so far, `others` whether
    /// any of those does: where there is no row, nothing is constant.
    pub fn add(&mut self, other: Self, has_rows: bool, others: bool) {
        for (channel, range) in other.labels {
            let known = self.labels.entry(channel).or_insert(range);
            *known = known.with(range.least).with(range.greatest);
            known.whole &= range.whole;
        }
        match (has_rows, others) {
            (true, true) => self
                .constant
                .retain(|column, value| other.constant.get(column) == Some(&*value)),
            (false, true) => self.constant = other.constant,
            (_, false) => {}
        }
        self.left_out
            .resize(self.left_out.len().max(other.left_out.len()), 0);
        for (sum, more) in self.left_out.iter_mut().zip(other.left_out) {
            *sum += more;
        }
        for more in other.rejected {
            self.reject(more);
        }
        self.settle();
    }

    fn reject(&mut self, more: Rejection) {
        let reason = |example: &str| {
            let end = example.rfind(": \"").unwrap_or(example.len());
            example[..end].to_owned()
        };
        let wanted = reason(&more.example);
        let mut known = self.rejected.iter_mut();
        match known.find(|known| reason(&known.example) == wanted) {
            Some(known) => known.items += more.items,
            None => self.rejected.push(more),
        }
    }

    /// Puts the most frequent reasons first, and gives up those beyond the bound.
    pub fn settle(&mut self) {
        self.rejected.sort_by(|left, right| {
            right
                .items
                .cmp(&left.items)
                .then(left.example.cmp(&right.example))
        });
        self.rejected.truncate(Self::MOST_REASONS);
    }
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
    /// The pieces that it was joined of, in their order, if there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pieces: Vec<FilePiece>,
    /// The sum of its lines' hashes, as of [`Part::checksum`], in records of before there was a
    /// digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<Checksum>,
    /// Where the channel has an object for each row, which this file lists: one a line, as
    /// [`ListedObject::line`] writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objects: Option<Objects>,
}

impl ChannelFile {
    /// How many objects the channel has here.
    pub fn object_count(&self) -> u64 {
        if self.objects.is_some() { self.rows } else { 1 }
    }

    /// Their bytes.
    pub fn object_bytes(&self) -> u64 {
        self.objects.as_ref().map_or(self.bytes, |it| it.bytes)
    }
}

/// The objects of a channel that has one for each row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Objects {
    /// The prefix of their keys, below which nothing else lies.
    pub prefix: String,
    /// Their bytes.
    pub bytes: u64,
}

/// An object of a channel, as its list has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedObject {
    /// The XXH3-64 hash of its bytes.
    pub digest: Checksum,
    /// Its bytes.
    pub bytes: u64,
    /// Its key below the prefix, without line breaks.
    pub path: String,
}

impl ListedObject {
    /// The object as a line.
    pub fn line(&self) -> String {
        format!("{:016x} {} {}\n", self.digest.0, self.bytes, self.path)
    }

    /// The object of a line, whose end is left out. `None` if it is none.
    pub fn of_line(line: &str) -> Option<Self> {
        let (digest, rest) = line.split_once(' ')?;
        let (bytes, path) = rest.split_once(' ')?;
        Some(Self {
            digest: Checksum(u64::from_str_radix(digest, 16).ok()?),
            bytes: bytes.parse().ok()?,
            path: path.to_owned(),
        })
    }
}

/// A piece of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FilePiece {
    /// Its bytes.
    pub bytes: u64,
    /// The XXH3-64 hash of its bytes.
    pub digest: Checksum,
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
    /// The number of classes, if the rows are images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classes: Option<u32>,
    /// The vocabularies that are objects of their own, by the paths of their columns.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub vocabularies: BTreeMap<String, Part>,
    /// The channels' files, in the order of shards.
    pub files: Vec<ChannelFile>,
    /// A request of a few rows, in the form an endpoint is asked in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<Sample>,
    /// Why items were rejected, the most frequent reasons first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rejected: Vec<Rejection>,
}
