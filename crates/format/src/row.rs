//! A row in its format's own bytes.

use dataset::{CsvRows, RowSink};
use std::fmt;

/// Takes one row at a time, cell by cell, and gives its bytes.
pub trait Row: RowSink {
    /// The bytes of the row that was committed last.
    ///
    /// # Errors
    /// If the format cannot hold the row.
    fn bytes(&self) -> Result<&[u8], Unfit>;

    /// Forgets the row and keeps its memory.
    fn clear(&mut self);
}

/// What a format cannot hold of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// A slot has no value, and the format has no way to say so.
    Missing {
        /// The slot.
        slot: u32,
    },
    /// A slot's number is no token: a whole number from 0 to 2^24.
    NoToken {
        /// The slot.
        slot: u32,
    },
    /// The row has a weight, and the format has no place for it.
    Weight,
}

impl Unfit {
    /// The slot that it is about, if it is about one.
    pub const fn slot(self) -> Option<u32> {
        match self {
            Self::Missing { slot } | Self::NoToken { slot } => Some(slot),
            Self::Weight => None,
        }
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing { .. } => "the value is missing, which the format cannot say",
            Self::NoToken { .. } => "the number is no token (a whole number from 0)",
            Self::Weight => "the format has no place for a row's weight",
        })
    }
}

impl Row for CsvRows {
    fn bytes(&self) -> Result<&[u8], Unfit> {
        Ok(self.as_bytes())
    }

    fn clear(&mut self) {
        Self::clear(self);
    }
}
