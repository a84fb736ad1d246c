//! The columns of a dataset: the contract between training and serving.

use definition::{Condition, Encoding, Labels, Missing, Precision, TimePart, TimeUnit};
use dynamodb_json::Kind;
use profile::Profile;
use profile::exact;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The cells of a row and how each is made, which items are rows, and which side of the split a row
/// is on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Columns {
    /// The label's path; it is the first cell of a training row and absent from a feature row.
    pub label: String,
    /// The label's classes in the order of their numbers, from 0; empty where the label is a
    /// number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub label_classes: Vec<String>,
    /// Handling of a label that float32 would round or overflow.
    #[serde(default, skip_serializing_if = "Precision::is_default")]
    pub label_precision: Precision,
    /// The path of the rows' weights: the second cell of a training row, absent from a feature row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<String>,
    /// What an item must satisfy to become a row; not applied when serving.
    #[serde(default, rename = "where", skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Which of several items with the same key becomes the row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deduplicate: Option<DeduplicateRule>,
    /// Which rows are kept, where not all are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<SampleRule>,
    /// The feature columns, in the order of their cells; at least one.
    pub columns: Vec<FeatureColumn>,
    /// The split of the rows.
    pub split: SplitRule,
    /// Whether the columns were inferred and not declared.
    pub inferred: bool,
    /// Attributes that inference left out, and why.
    #[serde(default)]
    pub left_out: Vec<LeftOut>,
    /// Decisions that a user may want to change, a line each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// One feature column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FeatureColumn {
    /// The attribute's path.
    pub path: String,
    /// How its value becomes numbers.
    pub encoding: Encoding,
    /// How a missing value is handled.
    #[serde(default)]
    pub missing: Missing,
    /// The categories of an ordinal, one-hot or multi-hot column, sorted bytewise. The code of a
    /// category is its position plus one; 0 is a category that training never saw, or a missing
    /// value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vocabulary: Vec<String>,
    /// How many values the vocabulary has, if it is an object of its own, which the dataset's
    /// record names.
    /// record names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vocabulary_size: Option<usize>,
    /// Number of buckets that values are hashed into: XXH3-64 of the category's text, modulo this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buckets: Option<u32>,
    /// Scaling of a number before it is converted to float32.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<Scaling>,
    /// Handling of a number that float32 would round or overflow.
    #[serde(default, skip_serializing_if = "Precision::is_default")]
    pub precision: Precision,
    /// Whether texts count as the numbers or booleans that they spell.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub from_text: bool,
    /// The parts of a timestamp, in the order of the column's slots.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<TimePart>,
    /// The unit of a timestamp's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<TimeUnit>,
}

/// A number becomes `(number - offset) / divisor`, computed in float64.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scaling {
    /// Subtracted first.
    #[serde(with = "exact")]
    pub offset: f64,
    /// Divides the difference; never 0.
    #[serde(with = "exact")]
    pub divisor: f64,
    /// Numbers beyond these limits are outliers: nearly all others are a thousand times nearer to
    /// each other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bounds: Option<(f64, f64)>,
}

/// Which rows validate: those for which the hash of some attributes' values, as a share of all
/// hashes, is below `validation`. Of the rest, those below the sum of both shares are test rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SplitRule {
    /// The attributes' paths; empty if time alone decides.
    pub by: Vec<String>,
    /// The share of validation rows.
    pub validation: f64,
    /// The share of test rows.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub test: f64,
    /// The hash's seed.
    pub seed: u64,
    /// The split by time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<TimeRule>,
}

/// Rows validate from a certain moment on. If groups decide as well, rows on which the two differ
/// are left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TimeRule {
    /// The path of the row's timestamp.
    pub path: String,
    /// The unit of its numbers.
    pub unit: TimeUnit,
    /// The first moment of validation rows, in milliseconds since 1970.
    pub validation_from: i64,
    /// The first moment of test rows, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_from: Option<i64>,
}

/// Which of several items with equal values becomes the row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeduplicateRule {
    /// The paths whose values are equal.
    pub by: Vec<String>,
    /// The path whose greatest value wins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest: Option<String>,
    /// The type of these values.
    #[serde(default)]
    pub latest_are: Latest,
    /// The paths of the table's key, which breaks ties.
    pub key: Vec<String>,
}

/// The type of the values of which the greatest wins: the type of nearly all of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Latest {
    /// Numbers, also those written as text.
    #[default]
    Numbers,
    /// ISO 8601 text.
    Moments,
}

/// Which rows are kept: those whose hash of some values is at most a bound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SampleRule {
    /// The paths whose values are hashed: those by which duplicates are found, or the table's key.
    pub by: Vec<String>,
    /// The hash's seed.
    pub seed: u64,
    /// The greatest hash of a row.
    pub most: HashBound,
    /// The greatest hash of a row of each class, by the class's number; empty if no class has a
    /// bound of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<HashBound>,
}

/// The greatest hash of what is kept, as 16 hexadecimal digits: JSON readers round large numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct HashBound(pub u64);

impl From<HashBound> for String {
    fn from(bound: HashBound) -> Self {
        format!("{:016x}", bound.0)
    }
}

impl TryFrom<String> for HashBound {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        u64::from_str_radix(&text, 16).map(Self)
    }
}

/// An attribute that inference left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LeftOut {
    /// The attribute's path.
    pub path: String,
    /// Why it is not a column, in one line.
    pub reason: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(share: &f64) -> bool {
    *share == 0.0
}

impl FeatureColumn {
    /// Whether the column has categories that are not listed yet.
    pub(crate) fn is_unlisted(&self) -> bool {
        let has_vocabulary = match self.encoding {
            Encoding::Ordinal | Encoding::OneHot => true,
            Encoding::MultiHot => self.buckets.is_none(),
            _ => false,
        };
        has_vocabulary && self.vocabulary.is_empty() && self.vocabulary_size.is_none()
    }

    /// The number of categories.
    fn categories(&self) -> usize {
        self.vocabulary_size.unwrap_or(self.vocabulary.len())
    }

    /// The number of slots that the column fills.
    pub fn width(&self) -> usize {
        let buckets = self.buckets.map_or(0, |buckets| buckets as usize);
        match self.encoding {
            Encoding::Number
            | Encoding::Boolean
            | Encoding::Ordinal
            | Encoding::Hash
            | Encoding::Length => 1,
            Encoding::HashOneHot => buckets,
            Encoding::MultiHot if buckets > 0 => buckets,
            Encoding::OneHot | Encoding::MultiHot => 1 + self.categories(),
            Encoding::Timestamp => self.parts.len(),
        }
    }

    /// The name of each slot: the path, with a suffix if the column has several slots.
    pub(crate) fn slot_names(&self) -> Vec<String> {
        let path = &self.path;
        let several = |name: &dyn Fn(usize) -> String| (0..self.width()).map(name).collect();
        match self.encoding {
            Encoding::Number
            | Encoding::Boolean
            | Encoding::Ordinal
            | Encoding::Hash
            | Encoding::Length => vec![path.clone()],
            Encoding::Timestamp => {
                let parts = self.parts.iter();
                parts
                    .map(|part| format!("{path}:{}", part.as_str()))
                    .collect()
            }
            Encoding::OneHot | Encoding::MultiHot if self.buckets.is_none() => {
                several(&|slot| match slot.checked_sub(1) {
                    None => format!("{path}="),
                    Some(at) => format!("{path}={}", self.vocabulary[at]),
                })
            }
            Encoding::OneHot | Encoding::MultiHot | Encoding::HashOneHot => {
                several(&|slot| format!("{path}#{}", slot + 1))
            }
        }
    }
}

impl Columns {
    /// Puts inferred columns into the order of another run's columns, with new ones last: clients
    /// of the endpoint send values in that order. Declared columns keep their own order.
    pub fn keep_order(&mut self, before: &[String]) {
        if self.inferred {
            let place = |column: &FeatureColumn| {
                let known = before.iter().position(|path| *path == column.path);
                known.unwrap_or(before.len())
            };
            // Sorting is stable, so new columns stay in the order of their paths.
            self.columns.sort_by_cached_key(place);
        }
    }

    /// The category of a code of an ordinal column.
    pub fn decode_ordinal(&self, path: &str, code: u32) -> Option<&str> {
        let position = usize::try_from(code).ok()?.checked_sub(1)?;
        self.column(path)?
            .vocabulary
            .get(position)
            .map(String::as_str)
    }

    /// The code of a category of an ordinal column; `None` if it did not occur in training.
    pub fn code(&self, path: &str, value: &str) -> Option<u32> {
        let vocabulary = &self.column(path)?.vocabulary;
        let position = vocabulary
            .binary_search_by(|known| known.as_str().cmp(value))
            .ok()?;
        u32::try_from(position + 1).ok()
    }

    /// The range of all rows' labels, if the profile has it: without conditions, and with nearly
    /// all values numbers.
    pub fn labels(&self, profile: &Profile) -> Option<Labels> {
        let classes = self.label_classes.len();
        if !self.conditions.is_empty() {
            return None;
        }
        if classes > 0 {
            return Some(Labels {
                least: 0.0,
                greatest: (classes - 1) as f64,
                whole: true,
            });
        }
        let attribute = profile.attribute(&self.label)?;
        let has_booleans = attribute.types.of(Kind::Bool) > 0;
        let numbers = attribute.numbers.as_ref()?;
        Some(Labels {
            least: if has_booleans {
                numbers.minimum.min(0.0)
            } else {
                numbers.minimum
            },
            greatest: if has_booleans {
                numbers.maximum.max(1.0)
            } else {
                numbers.maximum
            },
            whole: numbers.integers,
        })
    }

    /// Sets the vocabularies, in sort order, of the columns with these paths.
    pub fn set_vocabularies(&mut self, mut vocabularies: BTreeMap<String, Vec<String>>) {
        for column in &mut self.columns {
            if let Some(values) = vocabularies.remove(&column.path) {
                column.vocabulary = values;
            }
        }
    }

    /// Removes and returns the vocabularies of more than this many values, each with its column's
    /// path: they become objects of their own.
    pub fn take_vocabularies(&mut self, most: usize) -> BTreeMap<String, Vec<String>> {
        let mut taken = BTreeMap::new();
        for column in &mut self.columns {
            if column.vocabulary.len() > most {
                column.vocabulary_size = Some(column.vocabulary.len());
                let values = std::mem::take(&mut column.vocabulary);
                taken.insert(column.path.clone(), values);
            }
        }
        taken
    }

    /// The feature column with that path.
    pub fn column(&self, path: &str) -> Option<&FeatureColumn> {
        self.columns.iter().find(|column| column.path == path)
    }
}
