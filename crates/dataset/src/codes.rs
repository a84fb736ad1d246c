//! The codes of a vocabulary's values, found by their text: most are short and found as words. It must
//! not know what a code is for.

use crate::short::Short;
use foldhash::fast::RandomState;
use std::collections::HashMap;

/// Codes of values, from 1, in the order that they were given.
///
/// Seeded at random: whoever writes to the table does not choose which values collide.
#[derive(Debug, Clone, Default)]
pub(crate) struct Codes {
    /// By [`Short::bits`].
    short: HashMap<u128, u32, RandomState>,
    long: HashMap<Box<str>, u32, RandomState>,
}

impl Codes {
    /// The codes of different values; `None` if there are more than codes.
    pub(crate) fn new<'v>(values: impl IntoIterator<Item = &'v str>) -> Option<Self> {
        let mut all = Self::default();
        for (code, value) in (1_usize..).zip(values) {
            let code = u32::try_from(code).ok()?;
            match word(value) {
                Some(value) => all.short.insert(value, code),
                None => all.long.insert(value.into(), code),
            };
        }
        Some(all)
    }

    /// The code of a value; 0 if it has none.
    #[inline]
    pub(crate) fn of(&self, value: &str) -> u32 {
        let code = match word(value) {
            Some(value) => self.short.get(&value),
            None => self.long.get(value),
        };
        code.copied().unwrap_or(0)
    }
}

/// The value as a word, if no other value has the same one.
#[inline]
fn word(value: &str) -> Option<u128> {
    let short = Short::whole(value)?;
    // Behind a short text there are zeros.
    (value.is_empty() || short.last(value.len()) != 0).then_some(short.bits())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn a_code_is_a_values_place(
            values in prop::collection::btree_set("[\u{0}-\u{2}a-cé]{0,3}|[a-z]{12,20}", 0..300),
            others in prop::collection::vec("[\u{0}-\u{2}a-cé]{0,3}|[a-z]{12,20}", 0..50),
        ) {
            let codes = Codes::new(values.iter().map(String::as_str)).unwrap();
            for (at, value) in values.iter().enumerate() {
                prop_assert_eq!(codes.of(value) as usize, at + 1);
            }
            for other in others.iter().filter(|other| !values.contains(*other)) {
                prop_assert_eq!(codes.of(other), 0);
            }
        }
    }

    #[test]
    fn there_may_be_none_and_many() {
        assert_eq!(Codes::new([]).unwrap().of(""), 0);
        let many: BTreeSet<String> = (0..50_000).map(|value| format!("item-{value}")).collect();
        let codes = Codes::new(many.iter().map(String::as_str)).unwrap();
        for (at, value) in many.iter().enumerate() {
            assert_eq!(codes.of(value) as usize, at + 1);
        }
        assert_eq!(codes.of("item-50000"), 0);
    }
}
