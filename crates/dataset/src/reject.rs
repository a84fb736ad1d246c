//! Why one item is no row. It carries no values, so that counting rejections by what they say stays
//! small.

use contract::definition::Encoding;
use item::Kind;
use std::fmt;

/// An item that cannot become a row.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, thiserror::Error)]
#[error("`{path}`: {reason}")]
pub struct Reject {
    /// The attribute's path.
    pub path: String,
    /// What is wrong with it.
    pub reason: RejectReason,
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
    /// The number is beyond float32.
    NotFinite,
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
    /// The value's type does not fit an ordinal column.
    NotCategory {
        /// Its type.
        found: Kind,
    },
}

impl RejectReason {
    pub(crate) const fn unencodable(encoding: Encoding, found: Kind) -> Self {
        match encoding {
            Encoding::Number => Self::NotNumber { found },
            Encoding::Boolean => Self::NotBoolean { found },
            Encoding::Ordinal => Self::NotCategory { found },
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
            Self::NotFinite => f.write_str("the number is beyond float32"),
            Self::Missing => f.write_str("the value is missing"),
            Self::NotNumber { found } => write!(f, "the value is {found}, not a number"),
            Self::NotBoolean { found } => write!(f, "the value is {found}, not a boolean"),
            Self::NotCategory { found } => {
                write!(f, "the value is {found}, neither text nor a number")
            }
        }
    }
}
