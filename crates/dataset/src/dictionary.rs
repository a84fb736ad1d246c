//! The values of attributes, each kept once however many profiles have it: a task profiles many
//! segments side by side, and they hold the same users. It must not know which profile has which.

use crate::cardinality::{Cardinality, ValueSketch};
use crate::distinct::{MAX_DISTINCT, MAX_VALUE_BYTES};
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::collections::BTreeMap;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Memory that all paths' distinct values may take, in bytes, roughly.
pub const MAX_VALUES_BYTES: usize = 64 << 20;

/// Bytes that a kept value costs beside its text, roughly.
const OVERHEAD: usize = 32;

/// The distinct values that profiles of one table share.
#[derive(Debug, Clone, Default)]
pub struct Vocabularies {
    // A std mutex: it is held for a page's items at most, and never across an await.
    known: Arc<Mutex<Known>>,
}

impl Vocabularies {
    /// No values.
    pub fn new() -> Self {
        Self::default()
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.known, &other.known)
    }
}

/// The dictionaries by path.
#[derive(Debug, Default)]
pub(crate) struct Known {
    places: BTreeMap<String, usize>,
    dictionaries: Vec<Dictionary>,
    bytes: usize,
}

impl Known {
    /// The place of a path's dictionary.
    pub(crate) fn place(&mut self, path: &str) -> usize {
        if let Some(place) = self.places.get(path) {
            return *place;
        }
        self.places.insert(path.to_owned(), self.dictionaries.len());
        self.dictionaries.push(Dictionary::default());
        self.dictionaries.len() - 1
    }

    pub(crate) fn at(&self, place: usize) -> &Dictionary {
        &self.dictionaries[place]
    }

    /// Where the values of a dictionary are counted that overflowed; `None` if it did not.
    pub(crate) fn counted(&mut self, place: usize) -> Option<&mut Cardinality> {
        self.dictionaries[place].overflowed.as_deref_mut()
    }

    /// Lets `change` add to a dictionary, and gives up the largest ones until the rest is within its
    /// bound: what has most values is the least likely to be a category.
    #[inline]
    pub(crate) fn change(&mut self, place: usize, change: impl FnOnce(&mut Dictionary)) {
        let dictionary = &mut self.dictionaries[place];
        let before = dictionary.bytes();
        change(dictionary);
        self.bytes = self.bytes - before + dictionary.bytes();
        while self.bytes > MAX_VALUES_BYTES
            && let Some(largest) = self.dictionaries.iter_mut().max_by_key(|d| d.bytes())
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
    places: Vec<Place>,
    text: String,
    // Seeded at random: whoever writes to the table does not choose which values collide.
    hasher: RandomState,
}

/// The number of a value, and its hash: that tells most values apart, and lets the table grow, without
/// a look elsewhere.
#[derive(Debug, Clone, Copy)]
struct Number {
    hash: u32,
    id: u32,
}

/// Where a value stands in the text, and how it begins: that tells short ones whole without a look at
/// the text.
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

/// The table takes places from the low bits of a hash, and tells them apart by its high ones.
#[inline]
const fn spread(hash: u32) -> u64 {
    (hash as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
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

impl Dictionary {
    /// The values with their numbers, as they came.
    pub(crate) fn values(&self) -> impl Iterator<Item = (u32, &str)> {
        let places = (0..).zip(&self.places);
        places.map(|(id, place)| (id, place.of(&self.text)))
    }

    pub(crate) const fn is_overflowed(&self) -> bool {
        self.overflowed.is_some()
    }

    /// The sketch of all values, also of those that other profiles brought, once they overflowed and
    /// if all are known.
    pub(crate) fn sketch(&self) -> Option<ValueSketch> {
        self.overflowed.as_ref()?.sketch()
    }

    /// Adds values that overflowed elsewhere; `None`: nobody knows which.
    pub(crate) fn merge(&mut self, values: Option<ValueSketch>) {
        self.overflow().merge(values);
    }

    /// Memory that the values take, roughly.
    #[inline]
    pub(crate) fn bytes(&self) -> usize {
        self.text.len() + self.places.len() * OVERHEAD
    }

    /// The value's number, a new one if need be; `None` once the values overflowed.
    #[inline]
    pub(crate) fn id(&mut self, value: &str) -> Option<u32> {
        if let Some(cardinality) = &mut self.overflowed {
            cardinality.insert(value);
            return None;
        }
        #[expect(clippy::cast_possible_truncation, reason = "32 bits tell enough apart")]
        let hash = self.hasher.hash_one(value) as u32;
        let head = head(value.as_bytes());
        let same = |number: &Number| {
            number.hash == hash && self.places[number.id as usize].is(value, head, &self.text)
        };
        match self.numbers.find(spread(hash), same) {
            Some(number) => Some(number.id),
            None => self.add(hash, head, value),
        }
    }

    fn add(&mut self, hash: u32, head: u64, value: &str) -> Option<u32> {
        let id = self.places.len();
        if value.len() > MAX_VALUE_BYTES || id >= MAX_DISTINCT {
            self.overflow().insert(value);
            return None;
        }
        let place = Place {
            head,
            start: self.text.len().try_into().ok()?,
            length: value.len().try_into().ok()?,
        };
        let id = id.try_into().ok()?;
        self.text.push_str(value);
        self.places.push(place);
        self.numbers
            .insert_unique(spread(hash), Number { hash, id }, |number| {
                spread(number.hash)
            });
        Some(id)
    }

    /// Gives the values up for good; from now on they are only counted.
    pub(crate) fn overflow(&mut self) -> &mut Cardinality {
        self.numbers = HashTable::new();
        let places = std::mem::take(&mut self.places);
        let text = std::mem::take(&mut self.text);
        self.overflowed.get_or_insert_with(|| {
            let mut cardinality = Box::<Cardinality>::default();
            for place in places {
                cardinality.insert(place.of(&text));
            }
            cardinality
        })
    }
}
