//! The columns of a dataset: the contract between training and serving. It must not know where it
//! is stored.

use contract::definition::{Encoding, Missing};
use serde::{Deserialize, Serialize};

/// Which cells a row has, how each is made, and which side of the split a row is on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Columns {
    /// The label's path; it is the first cell of a training row and absent from a feature row.
    pub label: String,
    /// The feature columns, in the order of their cells; at least one.
    pub columns: Vec<FeatureColumn>,
    /// Which rows validate.
    pub split: SplitRule,
    /// Whether the columns were chosen by inference and not declared.
    pub inferred: bool,
    /// What inference found and left out, and why.
    #[serde(default)]
    pub left_out: Vec<LeftOut>,
}

/// One feature column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FeatureColumn {
    /// The attribute's path.
    pub path: String,
    /// How its value becomes a number.
    pub encoding: Encoding,
    /// What a missing value becomes.
    #[serde(default)]
    pub missing: Missing,
    /// The categories of an ordinal column, sorted bytewise. The code of a category is its position
    /// plus one; 0 is a category that training never saw, or a missing value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vocabulary: Vec<String>,
}

/// Which rows validate: those for which the hash of some attributes' values, as a share of all
/// hashes, is below `validation`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SplitRule {
    /// The attributes' paths.
    pub by: Vec<String>,
    /// The share that validates.
    pub validation: f64,
    /// The hash's seed.
    pub seed: u64,
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

impl Columns {
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

    /// The feature column of that path.
    pub fn column(&self, path: &str) -> Option<&FeatureColumn> {
        self.columns.iter().find(|column| column.path == path)
    }
}
