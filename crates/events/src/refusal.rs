//! Why an event does not become a line.

use crate::{MAX_DEPTH, MAX_EVENT_BYTES};
use contract::{ErrorName, Named};
use dynamodb_json::Found;

/// An event that does not become a line: the byte, counted from where the record begins, and what
/// is wrong there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("byte {offset}: {reason}")]
pub struct Refusal {
    /// Offset in bytes.
    pub offset: usize,
    /// What is wrong.
    pub reason: Reason,
}

/// What is wrong with an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// There is no event at all.
    #[error("a record without an event; put at least one JSON object into a record")]
    Empty,
    /// The bytes are not UTF-8.
    #[error("not UTF-8; JSON is UTF-8 throughout")]
    Utf8,
    /// Something that JSON, or an event, does not have there.
    #[error("expected {expected}, found {found}")]
    Syntax {
        /// What would have been right.
        expected: &'static str,
        /// What is there.
        found: Found,
    },
    /// A name occurs twice in one object.
    #[error("the name `{name}` occurs twice in one object; send it once")]
    Repeated {
        /// The name, decoded.
        name: String,
    },
    /// A name is empty.
    #[error("an empty name; DynamoDB's attributes have names of one character or more")]
    EmptyName,
    /// Objects and arrays are nested too deeply.
    #[error("nested deeper than {MAX_DEPTH} levels, which is the most of DynamoDB's items")]
    TooDeep,
    /// The event is too long.
    #[error("an event of more than {MAX_EVENT_BYTES} bytes, which is the most of DynamoDB's items")]
    TooLong,
    /// A number has more than 38 significant digits.
    #[error("a number of {digits} significant digits; DynamoDB's have at most 38, send it as text")]
    Digits {
        /// Its significant digits.
        digits: usize,
    },
    /// A number is too large or too near to zero.
    #[error("a number beyond 1E-130 to 9.9…E+125, DynamoDB's range; send it as text")]
    Magnitude,
    /// A required attribute is missing or null.
    #[error("the required attribute `{path}` is missing or null")]
    Missing {
        /// Its path.
        path: String,
    },
}

impl Named for Refusal {
    fn name(&self) -> ErrorName {
        ErrorName::DatasetInvalid
    }
}
