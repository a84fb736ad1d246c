//! The values of attributes, each kept once however many profiles have it: a task profiles many
//! segments side by side, and they hold the same users.

use crate::values::cardinality::{Cardinality, ValueSketch};
use crate::values::distinct::{MAX_DISTINCT, MAX_VALUE_BYTES};
use foldhash::fast::RandomState;
use hashbrown::hash_table::{Entry, HashTable};
use std::collections::BTreeMap;
use std::hash::BuildHasher;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Memory that all paths' distinct values may take, in bytes, roughly.
pub const MAX_VALUES_BYTES: usize = 64 << 20;

/// Bytes that a kept value costs beside its text, roughly.
const OVERHEAD: usize = 20;

/// The distinct values that profiles of one table share.
#[derive(Debug, Clone, Default)]
pub struct Vocabularies {
    // A std mutex: it is held for a page's items at most, and never across an await.
    dictionaries: Arc<Mutex<Dictionaries>>,
}

impl Vocabularies {
    /// No values.
    pub fn new() -> Self {
        Self::default()
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Dictionaries> {
        self.dictionaries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.dictionaries, &other.dictionaries)
    }
}

/// The dictionaries by path.
#[derive(Debug, Default)]
pub(crate) struct Dictionaries {
    places: BTreeMap<String, usize>,
    all: Vec<Dictionary>,
    bytes: usize,
}

impl Dictionaries {
    /// The place of a path's dictionary.
    pub(crate) fn place(&mut self, path: &str) -> usize {
        if let Some(place) = self.places.get(path) {
            return *place;
        }
        self.places.insert(path.to_owned(), self.all.len());
        self.all.push(Dictionary::default());
        self.all.len() - 1
    }

    pub(crate) fn at(&self, place: usize) -> &Dictionary {
        &self.all[place]
    }

    /// Lets `change` add to a dictionary, and gives up the largest ones until the rest is within its
    /// bound: what has most values is the least likely to be a category.
    #[inline]
    pub(crate) fn change(&mut self, place: usize, change: impl FnOnce(&mut Dictionary)) {
        let dictionary = &mut self.all[place];
        let before = dictionary.bytes();
        change(dictionary);
        self.bytes = self.bytes - before + dictionary.bytes();
        while self.bytes > MAX_VALUES_BYTES
            && let Some(largest) = self.all.iter_mut().max_by_key(|d| d.bytes())
        {
            self.bytes -= largest.bytes();
            largest.overflow();
        }
    }
}

/// The values of one attribute, numbered as they came, until they are too many, too long, or need
/// memory that others need more.
///
/// Every value of a table comes through here: it is a small hash table of numbers, of places in one
/// text. That a value is new, as most are, is seen in the table alone.
#[derive(Debug, Default)]
pub(crate) struct Dictionary {
    /// Once the values overflowed: about how many there are.
    overflowed: Option<Box<Cardinality>>,
    numbers: HashTable<Number>,
    text: String,
    /// Where each value ends in the text.
    ends: Vec<u32>,
    // Seeded at random: a writer to the table cannot choose which values collide.
    hasher: RandomState,
}

/// The number of a value, and its hash: that tells most values apart, and lets the table grow, without
/// a look elsewhere.
#[derive(Debug, Clone, Copy)]
struct Number {
    hash: u32,
    id: u32,
}

// What is counted in 32 bits is bounded by these.
const _: () = assert!(MAX_DISTINCT * MAX_VALUE_BYTES <= u32::MAX as usize);

/// The table takes places from the low bits of a hash, and tells them apart by its high ones.
#[inline]
const fn spread(hash: u32) -> u64 {
    (hash as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Where a value stands in the text, by where each of them ends.
#[inline]
fn span(ends: &[u32], id: usize) -> Range<usize> {
    let start = id.checked_sub(1).map_or(0, |before| ends[before]);
    start as usize..ends[id] as usize
}

fn spans(ends: &[u32]) -> impl Iterator<Item = Range<usize>> {
    (0..ends.len()).map(|id| span(ends, id))
}

impl Dictionary {
    /// The values with their numbers, as they came.
    pub(crate) fn values(&self) -> impl Iterator<Item = (u32, &str)> {
        (0..)
            .zip(spans(&self.ends))
            .map(|(id, span)| (id, &self.text[span]))
    }

    pub(crate) const fn is_overflowed(&self) -> bool {
        self.overflowed.is_some()
    }

    /// The sketch of all values, also of those that other profiles brought, once they overflowed.
    pub(crate) fn sketch(&self) -> Option<ValueSketch> {
        Some(self.overflowed.as_ref()?.sketch())
    }

    /// Adds values that overflowed elsewhere.
    pub(crate) fn merge(&mut self, values: ValueSketch) {
        self.overflow().merge(values);
    }

    /// Memory that the values take, roughly.
    #[inline]
    pub(crate) fn bytes(&self) -> usize {
        self.text.len() + self.ends.len() * OVERHEAD
    }

    /// The value's number, a new one if need be; `None` once the values overflowed.
    #[inline]
    pub(crate) fn id(&mut self, value: &str) -> Option<u32> {
        if let Some(cardinality) = &mut self.overflowed {
            cardinality.insert(value);
            return None;
        }
        self.id_of(value, self.hash(value))
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "32 bits tell enough apart")]
    fn hash(&self, value: &str) -> u32 {
        self.hasher.hash_one(value) as u32
    }

    /// The same for a value of that hash, which another value may have too, before they overflowed.
    #[inline]
    fn id_of(&mut self, value: &str, hash: u32) -> Option<u32> {
        let is = |id: u32| self.text[span(&self.ends, id as usize)] == *value;
        let same = |number: &Number| number.hash == hash && is(number.id);
        let rehash = |number: &Number| spread(number.hash);
        match self.numbers.entry(spread(hash), same, rehash) {
            Entry::Occupied(known) => Some(known.get().id),
            Entry::Vacant(new)
                if value.len() <= MAX_VALUE_BYTES && self.ends.len() < MAX_DISTINCT =>
            {
                let id = self.ends.len().try_into().ok()?;
                let end = (self.text.len() + value.len()).try_into().ok()?;
                self.text.push_str(value);
                self.ends.push(end);
                new.insert(Number { hash, id });
                Some(id)
            }
            Entry::Vacant(_) => {
                self.overflow().insert(value);
                None
            }
        }
    }

    /// Gives the values up for good; from now on they are only counted.
    pub(crate) fn overflow(&mut self) -> &mut Cardinality {
        self.numbers = HashTable::new();
        let ends = std::mem::take(&mut self.ends);
        let text = std::mem::take(&mut self.text);
        self.overflowed.get_or_insert_with(|| {
            let mut cardinality = Box::<Cardinality>::default();
            for span in spans(&ends) {
                cardinality.insert(&text[span]);
            }
            cardinality
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::iter;

    #[test]
    fn what_overflows_is_counted_with_what_came_before() {
        let long = "x".repeat(MAX_VALUE_BYTES + 1);
        let values = ["a", "b", "a", &long, "c", "b", "d"];
        let mut dictionary = Dictionary::default();
        let ids = values.map(|value| dictionary.id(value));
        assert_eq!(ids, [Some(0), Some(1), Some(0), None, None, None, None]);
        let sketch = dictionary.sketch().unwrap();
        assert_eq!((sketch.count(), sketch.is_exact()), (5, true));
    }

    #[test]
    fn another_value_of_the_same_hash_has_another_number() {
        let mut dictionary = Dictionary::default();
        let ids: Vec<_> = iter::repeat_n(["a", "b", "c"], 2)
            .flatten()
            .map(|value| dictionary.id_of(value, 7))
            .collect();
        assert_eq!(ids, [0, 1, 2, 0, 1, 2].map(Some));
    }
}
