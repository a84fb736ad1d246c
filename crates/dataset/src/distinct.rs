//! The distinct values of one attribute, exactly, as long as they are few enough to be categories.
//! It must not know what the values mean.

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use serde::{Deserialize, Serialize, Serializer};
use std::hash::BuildHasher;

/// Most distinct values that are kept of one attribute.
pub const MAX_DISTINCT: usize = 100_000;

/// Longest value, in bytes, that can be a category.
pub const MAX_VALUE_BYTES: usize = 1024;

/// Bytes that a kept value costs beside its text, roughly.
const OVERHEAD: usize = 32;

/// Distinct values, until they are too many, too long, or need memory that others need more.
///
/// Every value of a table comes through here: the set is a hash table of places in one text, and is
/// sorted only when someone looks.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(from = "Stored<String>")]
pub(crate) struct Distinct {
    overflowed: bool,
    places: HashTable<Place>,
    text: String,
    // Seeded at random: whoever writes to the table does not choose which values collide.
    hasher: RandomState,
}

/// Where a value stands in the text, and how it begins: that tells most values apart, and short
/// ones whole, without a look at the text.
#[derive(Debug, Clone, Copy)]
struct Place {
    head: u64,
    start: u32,
    length: u16,
}

// What is counted in 16 bits and in 32 is bounded by these.
const _: () = assert!(MAX_VALUE_BYTES <= u16::MAX as usize);
const _: () = assert!(MAX_DISTINCT * MAX_VALUE_BYTES <= u32::MAX as usize);

const HEAD: usize = size_of::<u64>();

/// The first bytes of a value; zeros in place of missing ones.
#[inline]
fn head(value: &[u8]) -> u64 {
    match value.first_chunk() {
        Some(head) => u64::from_le_bytes(*head),
        None => value
            .iter()
            .rev()
            .fold(0, |head, &byte| head << 8 | u64::from(byte)),
    }
}

impl Place {
    #[inline]
    fn is(self, value: &str, head: u64, text: &str) -> bool {
        self.head == head
            && usize::from(self.length) == value.len()
            && (value.len() <= HEAD || self.of(text) == value)
    }

    #[inline]
    fn of(self, text: &str) -> &str {
        let start = self.start as usize;
        &text[start..start + usize::from(self.length)]
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Stored<T> {
    overflowed: bool,
    values: Vec<T>,
}

impl From<Stored<String>> for Distinct {
    fn from(stored: Stored<String>) -> Self {
        let mut distinct = Self {
            overflowed: stored.overflowed,
            ..Self::default()
        };
        for value in &stored.values {
            distinct.insert(value);
        }
        distinct
    }
}

impl Serialize for Distinct {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let stored = Stored {
            overflowed: self.overflowed,
            values: self.values().unwrap_or_default(),
        };
        stored.serialize(serializer)
    }
}

impl PartialEq for Distinct {
    fn eq(&self, other: &Self) -> bool {
        self.overflowed == other.overflowed && self.values() == other.values()
    }
}

impl Distinct {
    /// The values in sort order, unless they overflowed.
    pub(crate) fn values(&self) -> Option<Vec<&str>> {
        if self.overflowed {
            return None;
        }
        let mut values: Vec<_> = self
            .places
            .iter()
            .map(|place| place.of(&self.text))
            .collect();
        values.sort_unstable();
        Some(values)
    }

    /// How many values there are, unless they overflowed.
    pub(crate) fn len(&self) -> Option<usize> {
        (!self.overflowed).then(|| self.places.len())
    }

    /// Memory that the values take, roughly.
    pub(crate) fn bytes(&self) -> usize {
        self.text.len() + self.places.len() * OVERHEAD
    }

    /// Adds a value. Says whether it is known to have been added before.
    #[inline]
    pub(crate) fn insert(&mut self, value: &str) -> bool {
        if self.overflowed {
            return false;
        }
        let hash = self.hasher.hash_one(value);
        let head = head(value.as_bytes());
        let same = |place: &Place| place.is(value, head, &self.text);
        if self.places.find(hash, same).is_some() {
            return true;
        }
        self.insert_new(hash, head, value);
        false
    }

    fn insert_new(&mut self, hash: u64, head: u64, value: &str) {
        let (Ok(start), Ok(length)) = (self.text.len().try_into(), value.len().try_into()) else {
            return self.overflow();
        };
        if value.len() > MAX_VALUE_BYTES || self.places.len() >= MAX_DISTINCT {
            return self.overflow();
        }
        self.text.push_str(value);
        let (text, hasher) = (&self.text, &self.hasher);
        let place = Place {
            head,
            start,
            length,
        };
        self.places
            .insert_unique(hash, place, |place| hasher.hash_one(place.of(text)));
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        if other.overflowed {
            self.overflow();
        }
        for place in &other.places {
            self.insert(place.of(&other.text));
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
            assert!(!distinct.insert(&value.to_string()));
        }
        assert!(distinct.insert("7"));
        assert_eq!(distinct.len(), Some(MAX_DISTINCT));
        distinct.insert("one more");
        assert_eq!(distinct.values(), None);
        assert_eq!(distinct.bytes(), 0);
    }

    #[test]
    fn a_value_too_long_for_a_category_drops_the_set() {
        let mut distinct = Distinct::default();
        distinct.insert(&"x".repeat(MAX_VALUE_BYTES));
        assert_eq!(distinct.len(), Some(1));
        distinct.insert(&"x".repeat(MAX_VALUE_BYTES + 1));
        assert_eq!(distinct.values(), None);
    }

    #[test]
    fn values_come_sorted_whatever_their_order() {
        let mut distinct = Distinct::default();
        for value in ["b", "", "é", "a", "b"] {
            distinct.insert(value);
        }
        assert_eq!(distinct.values(), Some(vec!["", "a", "b", "é"]));
    }
}
