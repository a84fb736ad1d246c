//! A feature column as a definition declares it. What fits together is checked where it is
//! understood, in the crate `dataset`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One feature column.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Column {
    /// The attribute's path: names joined by `.` descend into maps, `[n]` takes a list's element, and
    /// `\` stands before a `.`, `[`, `]` or `\` that belongs to a name.
    pub path: String,
    /// How its value becomes numbers; inferred from the data if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// What a missing value becomes.
    #[serde(default)]
    pub missing: Missing,
    /// The categories of an ordinal, one-hot or multi-hot column; by default all that the table has: up to
    /// 2 million, which are read from the items if there are more than 100,000, or members or elements of lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vocabulary: Option<Vec<String>>,
    /// Into how many buckets a hash column's values are hashed, or a multi-hot column's members
    /// instead of having a vocabulary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub buckets: Option<u32>,
    /// What is done to a number column's numbers before they are float32.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<Scale>,
    /// What becomes of numbers that float32 would damage.
    #[serde(default)]
    pub precision: Precision,
    /// Whether texts count as the numbers, timestamps or booleans that they read as, such as `"4.50"`:
    /// what DynamoDB imports from CSV is all text. Empty texts are missing values. Goes with `number`,
    /// `timestamp` and `boolean`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub from_text: bool,
    /// What a timestamp column takes from its timestamps, a slot each; by default `days`, `weekday`
    /// and `hour`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<Vec<TimePart>>,
    /// What a timestamp column's numbers count since 1970; by default seconds, or milliseconds where
    /// most of the table's numbers reach 100,000,000,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<TimeUnit>,
}

/// How an attribute's value becomes numeric slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Encoding {
    /// The number itself, as float32.
    Number,
    /// `true` is 1, `false` is 0.
    Boolean,
    /// The position of the value in a saved, sorted vocabulary of the whole table, from 1;
    /// 0 is kept for values that training never saw.
    Ordinal,
    /// A slot for each value of the vocabulary, 1 in the value's and 0 in the others, behind a first
    /// slot for values that training never saw.
    OneHot,
    /// The number of the bucket, from 1, that the value's hash falls into. No vocabulary is kept, so
    /// it takes any number of values.
    Hash,
    /// A slot for each bucket, 1 in the one that the value's hash falls into.
    HashOneHot,
    /// As one-hot, for the members of a set or list: 1 for each that is there.
    MultiHot,
    /// The members of a set, list or map; the characters of a text; the bytes of a binary value.
    Length,
    /// Parts of a moment: ISO 8601 text (without an offset it is UTC) or numbers since 1970.
    Timestamp,
}

/// What a missing value becomes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Missing {
    /// An empty cell, which SageMaker's algorithms read as missing; 0 for a column of categories.
    #[default]
    Empty,
    /// That number, in a column with one slot.
    Constant(f64),
    /// The row is left out, and counted as filtered.
    Drop,
    /// The row is rejected.
    Reject,
    /// The run fails.
    Fail,
}

/// What becomes of numbers that float32 would damage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Precision {
    /// Whole numbers beyond 2^24 in a column without fractions, such as identifiers, are refused, and
    /// so are rows with a number beyond float32.
    #[default]
    Refuse,
    /// They are rounded; rows with a number beyond float32 are rejected.
    Round,
    /// They are rounded, and what is beyond float32 becomes its greatest or least number.
    Clamp,
}

impl Precision {
    /// Whether it is the default.
    // serde asks with a reference.
    pub const fn is_default(&self) -> bool {
        matches!(self, Self::Refuse)
    }
}

/// What is done to a column's numbers before they are float32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Scale {
    /// The table's least number becomes 0, its greatest 1. A number that is a thousand times as far
    /// off as nearly all others decides nothing, and its row is rejected.
    Range,
    /// The mean becomes 0 and the standard deviation 1, both of a uniform sample of the table's items;
    /// numbers that are as far off are left out of it likewise.
    Standard,
}

/// What a timestamp column takes from a moment, in UTC.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum TimePart {
    /// Days since 2020-01-01, with their fraction.
    Days,
    /// The year.
    Year,
    /// The month, from 1.
    Month,
    /// The day of the month, from 1.
    Day,
    /// The day of the year, from 1.
    DayOfYear,
    /// The day of the week: 1 is Monday, 7 is Sunday.
    Weekday,
    /// The hour, 0 to 23.
    Hour,
    /// The minute, 0 to 59.
    Minute,
}

impl TimePart {
    /// The name, as definitions have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Days => "days",
            Self::Year => "year",
            Self::Month => "month",
            Self::Day => "day",
            Self::DayOfYear => "dayOfYear",
            Self::Weekday => "weekday",
            Self::Hour => "hour",
            Self::Minute => "minute",
        }
    }
}

/// What numbers of a timestamp count, since 1970-01-01 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum TimeUnit {
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Milliseconds,
}
