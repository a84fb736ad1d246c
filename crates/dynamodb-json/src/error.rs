//! What is wrong with a raw line.

use contract::{ErrorName, Named};
use std::fmt;

/// A raw line that is not DynamoDB JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ItemError {
    /// The line is not UTF-8.
    #[error("byte {offset}: not UTF-8; DynamoDB JSON is UTF-8 throughout")]
    Utf8 {
        /// Offset of the first bad byte.
        offset: usize,
    },
    /// The line has something else where DynamoDB JSON needs something particular.
    #[error("byte {offset}: expected {expected}, found {found}")]
    Syntax {
        /// Offset at which it was found.
        offset: usize,
        /// What DynamoDB JSON needs there.
        expected: &'static str,
        /// What is there.
        found: Found,
    },
    /// Maps and lists are nested deeper than this crate reads; DynamoDB itself allows 32 levels.
    #[error("byte {offset}: nested deeper than {limit} levels; DynamoDB allows 32")]
    TooDeep {
        /// Offset of the value that is too deep.
        offset: usize,
        /// The most levels that are read.
        limit: usize,
    },
    /// The lines together are longer than a span can address.
    #[error("more than {limit} bytes of lines in one buffer")]
    TooLong {
        /// The most bytes that are read.
        limit: u32,
    },
}

impl ItemError {
    /// Whether the bytes ended before the item did, so that more of them could make it one.
    pub const fn is_cut_short(&self) -> bool {
        matches!(
            self,
            Self::Syntax {
                found: Found::End,
                ..
            }
        )
    }

    /// The same with its offset moved by what `to` makes of it.
    pub(crate) fn moved(mut self, to: impl FnOnce(usize) -> usize) -> Self {
        if let Self::Utf8 { offset } | Self::Syntax { offset, .. } | Self::TooDeep { offset, .. } =
            &mut self
        {
            *offset = to(*offset);
        }
        self
    }

    /// Offset into the line, in bytes.
    pub const fn offset(&self) -> usize {
        match self {
            Self::Utf8 { offset } | Self::Syntax { offset, .. } | Self::TooDeep { offset, .. } => {
                *offset
            }
            Self::TooLong { limit } => *limit as usize,
        }
    }
}

impl Named for ItemError {
    fn name(&self) -> ErrorName {
        ErrorName::DatasetInvalid
    }
}

/// What stands at an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// This character.
    Character(char),
    /// Nothing: the line ends there.
    End,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Character(character) => write!(f, "{character:?}"),
            Self::End => f.write_str("the end of the line"),
        }
    }
}
