//! Why one item is not a row. The reason contains no value, so counting rejections by reason stays
//! small; the value is a separate field.

use definition::Encoding;
use dynamodb_json::{Kind, Value};
use std::fmt;

/// An item that cannot become a row.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, thiserror::Error)]
#[error("`{path}`: {reason}{}", shown(value.as_deref()))]
pub struct Reject {
    /// The attribute's path.
    pub path: String,
    /// What is wrong with it.
    pub reason: RejectReason,
    /// The text, number or boolean, shortened.
    pub value: Option<String>,
}

/// Characters of a value that are shown.
const VALUE_LENGTH: usize = 60;

fn shown(value: Option<&str>) -> String {
    value.map_or_else(String::new, |value| format!(": {value:?}"))
}

impl Reject {
    pub(crate) fn new(path: &str, reason: RejectReason, value: Option<&Value<'_>>) -> Self {
        let text = match value {
            Some(Value::S(text)) => Some(text.decode().chars().take(VALUE_LENGTH).collect()),
            Some(Value::N(raw)) => Some(raw.chars().take(VALUE_LENGTH).collect()),
            Some(Value::Bool(value)) => Some(value.to_string()),
            _ => None,
        };
        Self {
            path: path.to_owned(),
            reason,
            value: text,
        }
    }
}

/// What is wrong with an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RejectReason {
    /// The item has no label, or a null.
    LabelMissing,
    /// The label is neither a number nor a boolean.
    LabelNotNumeric {
        /// Its type.
        found: Kind,
    },
    /// The label is none of the classes that the columns know.
    ClassUnknown,
    /// The row's weight is missing or null.
    WeightMissing,
    /// The row's weight is not a number, or negative.
    WeightInvalid,
    /// The row's timestamp is missing or invalid.
    TimeUnknown,
    /// The deciding value among duplicates is neither a number nor a moment, or not of the type of
    /// nearly all others.
    LatestUnreadable,
    /// The text does not spell a number.
    NotNumericText,
    /// The text does not spell a boolean.
    NotBooleanText,
    /// The number is an outlier: a thousand times as far off as nearly all others, by which the
    /// column is scaled.
    FarOff,
    /// The number is beyond float32.
    NotFinite,
    /// The number is whole and beyond 2^24, where float32 rounds whole numbers.
    Rounded,
    /// The value is text or a number, but not a timestamp.
    NotAMoment,
    /// The column is missing (or null), and the definition rejects such rows.
    Missing,
    /// The value's type does not fit a number column.
    NotNumber {
        /// Its type.
        found: Kind,
    },
    /// The value's type does not fit a boolean column.
    NotBoolean {
        /// Its type.
        found: Kind,
    },
    /// The value's type does not fit a column of categories.
    NotCategory {
        /// Its type.
        found: Kind,
    },
    /// The value's type does not fit a hash column.
    NotHashable {
        /// Its type.
        found: Kind,
    },
    /// The value is no set or list of texts, numbers or binary values.
    NotMembers {
        /// Its type.
        found: Kind,
    },
    /// The value's type has no length.
    NoLength {
        /// Its type.
        found: Kind,
    },
    /// The value's type does not fit a timestamp column.
    NotTimestamp {
        /// Its type.
        found: Kind,
    },
}

/// Why a row ends early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// It is rejected.
    Reject(RejectReason),
    /// It is left out.
    Drop,
    /// It fails the run.
    Fail(RejectReason),
}

impl From<RejectReason> for Stop {
    fn from(reason: RejectReason) -> Self {
        Self::Reject(reason)
    }
}

impl RejectReason {
    pub(crate) const fn unencodable(encoding: Encoding, found: Kind) -> Self {
        match encoding {
            Encoding::Number => Self::NotNumber { found },
            Encoding::Boolean => Self::NotBoolean { found },
            Encoding::Ordinal | Encoding::OneHot => Self::NotCategory { found },
            Encoding::Hash | Encoding::HashOneHot => Self::NotHashable { found },
            Encoding::MultiHot => Self::NotMembers { found },
            Encoding::Length => Self::NoLength { found },
            Encoding::Timestamp => Self::NotTimestamp { found },
        }
    }
}

impl fmt::Display for RejectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LabelMissing => f.write_str("the label is missing"),
            Self::LabelNotNumeric { found } => {
                write!(f, "the label is {found}, neither a number nor a boolean")
            }
            Self::ClassUnknown => f.write_str("the label is a class that the table did not have"),
            Self::WeightMissing => f.write_str("the weight is missing"),
            Self::WeightInvalid => f.write_str("the weight is not a number from 0"),
            Self::TimeUnknown => {
                f.write_str("what the rows are split by is missing, or not a timestamp")
            }
            Self::LatestUnreadable => f.write_str(
                "the deciding value among duplicates is not of the type of nearly all others, number or ISO 8601 text",
            ),
            Self::NotNumericText => f.write_str("the text is not a number"),
            Self::NotBooleanText => f.write_str("the text is neither true nor false"),
            Self::FarOff => f.write_str(
                "the number is a thousand times as far off as nearly all others, by which the column is scaled",
            ),
            Self::NotFinite => f.write_str("the number is beyond float32"),
            Self::Rounded => f.write_str("the whole number is beyond 2^24, and float32 rounds it"),
            Self::NotAMoment => f.write_str("the value is not a timestamp up to the year 9999"),
            Self::Missing => f.write_str("the value is missing"),
            Self::NotNumber { found } => write!(f, "the value is {found}, not a number"),
            Self::NotBoolean { found } => write!(f, "the value is {found}, not a boolean"),
            Self::NotCategory { found } | Self::NotTimestamp { found } => {
                write!(f, "the value is {found}, neither text nor a number")
            }
            Self::NotHashable { found } => {
                write!(f, "the value is {found}, not text, a number or binary")
            }
            Self::NotMembers { found } => {
                write!(
                    f,
                    "the value is {found}, not a set or list of only texts, numbers or binary"
                )
            }
            Self::NoLength { found } => write!(f, "the value is {found}, which has no length"),
        }
    }
}
