//! The distinct values of one attribute, exactly, as long as they are few enough to be categories.
//! It must not know what the values mean.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Most distinct values that are kept of one attribute.
pub const MAX_DISTINCT: usize = 100_000;

/// Longest value, in bytes, that can be a category.
pub const MAX_VALUE_BYTES: usize = 1024;

/// Bytes that a kept value costs beside its text, roughly.
const OVERHEAD: usize = 32;

/// Distinct values, until they are too many, too long, or need memory that others need more.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", from = "Stored")]
pub(crate) struct Distinct {
    overflowed: bool,
    values: BTreeSet<Box<str>>,
    #[serde(skip)]
    bytes: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Stored {
    overflowed: bool,
    values: BTreeSet<Box<str>>,
}

impl From<Stored> for Distinct {
    fn from(stored: Stored) -> Self {
        Self {
            overflowed: stored.overflowed,
            bytes: stored.values.iter().map(|value| cost(value)).sum(),
            values: stored.values,
        }
    }
}

fn cost(value: &str) -> usize {
    value.len() + OVERHEAD
}

impl Distinct {
    /// The values, unless they overflowed.
    pub(crate) const fn values(&self) -> Option<&BTreeSet<Box<str>>> {
        if self.overflowed {
            None
        } else {
            Some(&self.values)
        }
    }

    /// Memory that the values take, roughly.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn insert(&mut self, value: &str) {
        if self.overflowed || self.values.contains(value) {
            return;
        }
        if value.len() > MAX_VALUE_BYTES || self.values.len() >= MAX_DISTINCT {
            self.overflow();
        } else {
            self.bytes += cost(value);
            self.values.insert(value.into());
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        if other.overflowed {
            self.overflow();
        }
        for value in other.values {
            self.insert(&value);
        }
    }

    /// Gives the values up for good.
    pub(crate) fn overflow(&mut self) {
        *self = Self {
            overflowed: true,
            ..Self::default()
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_more_than_the_bound_drops_the_set() {
        let mut distinct = Distinct::default();
        for value in 0..MAX_DISTINCT {
            distinct.insert(&value.to_string());
        }
        distinct.insert("7");
        assert_eq!(distinct.values().map(BTreeSet::len), Some(MAX_DISTINCT));
        distinct.insert("one more");
        assert_eq!(distinct.values(), None);
        assert_eq!(distinct.bytes(), 0);
    }

    #[test]
    fn a_value_too_long_for_a_category_drops_the_set() {
        let mut distinct = Distinct::default();
        distinct.insert(&"x".repeat(MAX_VALUE_BYTES));
        assert_eq!(distinct.values().map(BTreeSet::len), Some(1));
        distinct.insert(&"x".repeat(MAX_VALUE_BYTES + 1));
        assert_eq!(distinct.values(), None);
    }
}
