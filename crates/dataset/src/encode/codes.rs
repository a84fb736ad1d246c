//! The codes of a vocabulary's values, found by their text.

use foldhash::fast::RandomState;
use std::collections::HashMap;

/// Codes of values, from 1, in the given order.
///
/// Randomly seeded, so that nobody who writes to the table can choose colliding values.
#[derive(Debug, Clone, Default)]
pub(crate) struct Codes(HashMap<Box<str>, u32, RandomState>);

impl Codes {
    /// The codes of different values; `None` if there are more values than codes.
    pub(crate) fn new<'v>(values: impl IntoIterator<Item = &'v str>) -> Option<Self> {
        let coded = (1_usize..).zip(values);
        let coded = coded.map(|(code, value)| Some((value.into(), u32::try_from(code).ok()?)));
        coded.collect::<Option<_>>().map(Self)
    }

    /// The code of a value; 0 if it has none.
    #[inline]
    pub(crate) fn of(&self, value: &str) -> u32 {
        self.0.get(value).copied().unwrap_or(0)
    }
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
