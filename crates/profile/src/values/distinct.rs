//! The distinct values of one attribute, exactly, as long as they are few enough to be categories.

use crate::values::cardinality::ValueSketch;
use crate::values::dictionary::Dictionary;

/// Most distinct values that are kept of one attribute.
pub const MAX_DISTINCT: usize = 100_000;

/// Longest value, in bytes, that can be a category.
pub const MAX_VALUE_BYTES: usize = 1024;

/// Which values of a dictionary were seen: one bit for each. It overflows with the dictionary, which
/// several profiles may fill: what is too much for all of them together is too much for their sum.
#[derive(Debug, Clone, Default)]
pub(crate) struct Distinct {
    seen: Vec<u64>,
    count: usize,
}

/// The values of one attribute, or what is left of them.
pub(crate) enum Values<'d> {
    /// All of them, in sort order.
    Exact(Vec<&'d str>),
    /// They were given up; their sketch.
    Overflowed(ValueSketch),
}

impl Distinct {
    /// The values in sort order, unless they overflowed.
    pub(crate) fn values<'d>(&self, dictionary: &'d Dictionary) -> Option<Vec<&'d str>> {
        if dictionary.is_overflowed() {
            return None;
        }
        let values = dictionary.values().filter(|(id, _)| self.has(*id));
        let mut values: Vec<_> = values.map(|(_, value)| value).collect();
        values.sort_unstable();
        Some(values)
    }

    /// The values, or their sketch if they overflowed: what another profile merges.
    pub(crate) fn exact_or_sketch<'d>(&self, dictionary: &'d Dictionary) -> Values<'d> {
        match dictionary.sketch() {
            Some(sketch) => Values::Overflowed(sketch),
            None => Values::Exact(self.values(dictionary).unwrap_or_default()),
        }
    }

    /// How many values there are, unless they overflowed.
    pub(crate) fn len(&self, dictionary: &Dictionary) -> Option<usize> {
        (!dictionary.is_overflowed()).then_some(self.count)
    }

    fn has(&self, id: u32) -> bool {
        let (word, bit) = (id / u64::BITS, id % u64::BITS);
        let word = self.seen.get(word as usize);
        word.is_some_and(|word| word >> bit & 1 == 1)
    }

    /// Adds a value. Says whether it is known to have been added before.
    #[inline]
    pub(crate) fn insert(&mut self, value: &str, dictionary: &mut Dictionary) -> bool {
        self.see(dictionary.id(value))
    }

    #[inline]
    fn see(&mut self, id: Option<u32>) -> bool {
        let Some(id) = id else {
            // The dictionary has given the values up.
            self.seen = Vec::new();
            return false;
        };
        let (word, bit) = ((id / u64::BITS) as usize, id % u64::BITS);
        if word >= self.seen.len() {
            self.seen.resize(word + 1, 0);
        }
        let known = self.seen[word] >> bit & 1 == 1;
        self.seen[word] |= 1 << bit;
        self.count += usize::from(!known);
        known
    }

    /// Takes over what another profile has.
    pub(crate) fn merge(&mut self, values: Values<'_>, dictionary: &mut Dictionary) {
        match values {
            Values::Exact(values) => {
                for value in values {
                    self.insert(value, dictionary);
                }
            }
            Values::Overflowed(sketch) => {
                dictionary.merge(sketch);
                self.seen = Vec::new();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_more_than_the_bound_drops_the_set() {
        let (mut distinct, mut dictionary) = (Distinct::default(), Dictionary::default());
        for value in 0..MAX_DISTINCT {
            assert!(!distinct.insert(&value.to_string(), &mut dictionary));
        }
        assert!(distinct.insert("7", &mut dictionary));
        assert_eq!(distinct.len(&dictionary), Some(MAX_DISTINCT));
        distinct.insert("one more", &mut dictionary);
        assert_eq!(distinct.values(&dictionary), None);
        assert_eq!(dictionary.bytes(), 0);
    }

    #[test]
    fn a_value_too_long_for_a_category_drops_the_set() {
        let (mut distinct, mut dictionary) = (Distinct::default(), Dictionary::default());
        distinct.insert(&"x".repeat(MAX_VALUE_BYTES), &mut dictionary);
        assert_eq!(distinct.len(&dictionary), Some(1));
        distinct.insert(&"x".repeat(MAX_VALUE_BYTES + 1), &mut dictionary);
        assert_eq!(distinct.values(&dictionary), None);
    }

    #[test]
    fn values_come_sorted_and_without_those_of_others() {
        let (mut one, mut other) = (Distinct::default(), Distinct::default());
        let mut dictionary = Dictionary::default();
        for value in [
            "b",
            "",
            "é",
            "a",
            "b",
            "longer than a word",
            "longer than a wore",
        ] {
            one.insert(value, &mut dictionary);
            other.insert(&format!("{value}!"), &mut dictionary);
        }
        let values = one.values(&dictionary);
        let wanted = [
            "",
            "a",
            "b",
            "longer than a word",
            "longer than a wore",
            "é",
        ];
        assert_eq!(values, Some(wanted.to_vec()));
        assert_eq!(other.len(&dictionary), Some(6));
    }
}
