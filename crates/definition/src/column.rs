//! A feature column as a definition declares it. The crate `dataset` checks which settings fit
//! together.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One feature column.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Column {
    /// The attribute's path: names joined by `.` descend into maps, `[n]` takes a list's element,
    /// and `\` precedes a `.`, `[`, `]` or `\` that belongs to a name.
    pub path: String,
    /// The encoding; inferred from the data by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// How a missing value is handled.
    #[serde(default)]
    pub missing: Missing,
    /// The categories of an ordinal, one-hot or multi-hot column; by default all that the table
    /// has, up to 2 million. More than 100,000, and those of members or elements of lists, are read
    /// from the items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vocabulary: Option<Vec<String>>,
    /// The number of buckets into which a hash column's values are hashed, or a multi-hot column's
    /// members if it has no vocabulary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub buckets: Option<u32>,
    /// Scaling of a number column before the conversion to float32.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<Scale>,
    /// How numbers that float32 would change are handled.
    #[serde(default)]
    pub precision: Precision,
    /// Whether texts count as the numbers, timestamps or booleans that they spell, such as
    /// `"4.50"`: a table that was imported from CSV is all text. Empty texts are missing values.
    /// Only with `number`, `timestamp` and `boolean`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub from_text: bool,
    /// The parts of a timestamp column, a slot each; by default `days`, `weekday` and `hour`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<Vec<TimePart>>,
    /// The unit of a timestamp column's numbers since 1970; by default seconds, or milliseconds if
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
    /// The position of the value in a saved, sorted vocabulary of the whole table, from 1; 0 is for
    /// values that did not occur in training.
    Ordinal,
    /// A slot for each value of the vocabulary, 1 for the value and 0 for the others, after a first
    /// slot for values that did not occur in training.
    OneHot,
    /// The number of the bucket, from 1, of the value's hash. Without a vocabulary, it takes any
    /// number of values.
    Hash,
    /// A slot for each bucket, 1 for the bucket of the value's hash.
    HashOneHot,
    /// As one-hot, for the members of a set or list: 1 for each member.
    MultiHot,
    /// The number of members of a set, list or map, characters of a text, or bytes of a binary
    /// value.
    Length,
    /// Parts of a moment: ISO 8601 text (without an offset it is UTC) or numbers since 1970.
    Timestamp,
}

/// How a missing value is handled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Missing {
    /// An empty cell, which SageMaker's algorithms read as missing; 0 for a column of categories.
    #[default]
    Empty,
    /// This number, in a column with one slot.
    Constant(f64),
    /// The row is left out, and counted as filtered.
    Drop,
    /// The row is rejected.
    Reject,
    /// The run fails.
    Fail,
}

/// How numbers that float32 would change are handled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Precision {
    /// Whole numbers beyond 2^24 in a column without fractions, such as identifiers, are refused,
    /// and rows with a number beyond float32 are rejected.
    #[default]
    Refuse,
    /// They are rounded; rows with a number beyond float32 are rejected.
    Round,
    /// They are rounded, and numbers beyond float32 become its greatest or least number.
    Clamp,
}

impl Precision {
    /// Whether it is the default.
    // serde asks with a reference.
    pub const fn is_default(&self) -> bool {
        matches!(self, Self::Refuse)
    }
}

/// Scaling of a column's numbers before the conversion to float32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Scale {
    /// The table's least number becomes 0, its greatest 1. A number a thousand times as far off as
    /// nearly all others is ignored, and its row is rejected.
    Range,
    /// The mean becomes 0 and the standard deviation 1, both of a uniform sample of the table's
    /// items, without numbers that are as far off.
    Standard,
}

/// A part of a timestamp, in UTC.
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
    /// The name as definitions spell it.
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

/// The unit of a timestamp's numbers since 1970-01-01 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum TimeUnit {
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Milliseconds,
}
