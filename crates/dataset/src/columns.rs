//! The columns of a dataset: the contract between training and serving. It must not know where it
//! is stored.

use definition::{Condition, Encoding, Labels, Missing, Precision, TimePart, TimeUnit};
use dynamodb_json::Kind;
use profile::Profile;
use profile::exact;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Which cells a row has, how each is made, which items are rows, and which side of the split a row
/// is on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Columns {
    /// The label's path; it is the first cell of a training row and absent from a feature row.
    pub label: String,
    /// The label's classes in the order of their numbers, from 0; empty where the label is a number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub label_classes: Vec<String>,
    /// What becomes of a label that float32 would damage.
    #[serde(default, skip_serializing_if = "Precision::is_default")]
    pub label_precision: Precision,
    /// The path of the rows' weights: the second cell of a training row, absent from a feature row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<String>,
    /// What an item must satisfy to become a row; serving does not ask.
    #[serde(default, rename = "where", skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Which of several items with the same key becomes the row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deduplicate: Option<DeduplicateRule>,
    /// The feature columns, in the order of their cells; at least one.
    pub columns: Vec<FeatureColumn>,
    /// Which rows validate.
    pub split: SplitRule,
    /// Whether the columns were chosen by inference and not declared.
    pub inferred: bool,
    /// What inference found and left out, and why.
    #[serde(default)]
    pub left_out: Vec<LeftOut>,
    /// What was decided that people may want to decide otherwise, a line each.
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
    /// What a missing value becomes.
    #[serde(default)]
    pub missing: Missing,
    /// The categories of an ordinal, one-hot or multi-hot column, sorted bytewise. The code of a
    /// category is its position plus one; 0 is a category that training never saw, or a missing value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vocabulary: Vec<String>,
    /// How many values the vocabulary has, where it is not here but an object of its own: the dataset's
    /// record names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vocabulary_size: Option<usize>,
    /// Into how many buckets values are hashed: XXH3-64 of the category's text, modulo that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buckets: Option<u32>,
    /// What is done to a number before it is float32.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<Scaling>,
    /// What becomes of a number that float32 would damage.
    #[serde(default, skip_serializing_if = "Precision::is_default")]
    pub precision: Precision,
    /// Whether texts count as what they read as.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub from_text: bool,
    /// What a timestamp column takes from a moment, in the order of its slots.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<TimePart>,
    /// What a timestamp's number counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<TimeUnit>,
}

/// A number becomes `(number - offset) / divisor`, reckoned in float64.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scaling {
    /// What is taken away.
    #[serde(with = "exact")]
    pub offset: f64,
    /// What is divided by, after that; never 0.
    #[serde(with = "exact")]
    pub divisor: f64,
    /// Numbers beyond these are no values of the column: nearly all others are a thousand times nearer
    /// to each other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bounds: Option<(f64, f64)>,
}

/// Which rows validate: those for which the hash of some attributes' values, as a share of all
/// hashes, is below `validation`; and of the rest, those for which it is below the sum of both shares
/// test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SplitRule {
    /// The attributes' paths; none where time alone decides.
    pub by: Vec<String>,
    /// The share that validates.
    pub validation: f64,
    /// The share that is kept to test with.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub test: f64,
    /// The hash's seed.
    pub seed: u64,
    /// When rows are late enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<TimeRule>,
}

/// When rows are late enough to validate. Where groups decide too, rows on which the two differ are
/// left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TimeRule {
    /// The path of the attribute that says when.
    pub path: String,
    /// What its numbers count.
    pub unit: TimeUnit,
    /// The first moment that validates, in milliseconds since 1970.
    pub validation_from: i64,
    /// The first moment that is kept to test with, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_from: Option<i64>,
}

/// Which of several items with the same values becomes the row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeduplicateRule {
    /// The paths of the values that are the same.
    pub by: Vec<String>,
    /// The path of the value of which the greatest wins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest: Option<String>,
    /// What these values are.
    #[serde(default)]
    pub latest_are: Latest,
    /// The paths of the table's key, which decides among equals.
    pub key: Vec<String>,
}

/// What the values are of which the greatest wins: what nearly all of them are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Latest {
    /// Numbers, also those written as text.
    #[default]
    Numbers,
    /// ISO 8601 text.
    Moments,
}

/// An attribute that inference found and left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LeftOut {
    /// The attribute's path.
    pub path: String,
    /// Why it is no column, in one line.
    pub reason: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(share: &f64) -> bool {
    *share == 0.0
}

impl FeatureColumn {
    /// Whether the column has categories that nobody has listed yet.
    pub(crate) fn is_unlisted(&self) -> bool {
        let has_vocabulary = match self.encoding {
            Encoding::Ordinal | Encoding::OneHot => true,
            Encoding::MultiHot => self.buckets.is_none(),
            _ => false,
        };
        has_vocabulary && self.vocabulary.is_empty() && self.vocabulary_size.is_none()
    }

    /// How many categories there are.
    fn categories(&self) -> usize {
        self.vocabulary_size.unwrap_or(self.vocabulary.len())
    }

    /// How many slots the column fills.
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

    /// What each slot holds: the path, with what tells several slots apart.
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
    /// Puts inferred columns into the order that the columns of another run have, and new ones behind
    /// them: who asks the endpoint sends values in an order. Declared columns keep their own.
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

    /// The category that a code of an ordinal column stands for.
    pub fn decode_ordinal(&self, path: &str, code: u32) -> Option<&str> {
        let position = usize::try_from(code).ok()?.checked_sub(1)?;
        self.column(path)?
            .vocabulary
            .get(position)
            .map(String::as_str)
    }

    /// The code of a category of an ordinal column; `None` if training never saw it.
    pub fn code(&self, path: &str, value: &str) -> Option<u32> {
        let vocabulary = &self.column(path)?.vocabulary;
        let position = vocabulary
            .binary_search_by(|known| known.as_str().cmp(value))
            .ok()?;
        u32::try_from(position + 1).ok()
    }

    /// The labels of all rows, if the profile says: where no condition leaves items out, and only a few
    /// values are other ones than numbers.
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

    /// Gives the columns of these paths, each of which is one column's, their vocabularies in sort order.
    pub fn set_vocabularies(&mut self, mut vocabularies: BTreeMap<String, Vec<String>>) {
        for column in &mut self.columns {
            if let Some(values) = vocabularies.remove(&column.path) {
                column.vocabulary = values;
            }
        }
    }

    /// Takes the vocabularies of more than so many values out, each under its column's path: they are
    /// to be objects of their own.
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

    /// The feature column of that path.
    pub fn column(&self, path: &str) -> Option<&FeatureColumn> {
        self.columns.iter().find(|column| column.path == path)
    }
}
