//! The codes of a vocabulary's values, found by their text: most are short and found as words. It must
//! not know what a code is for.

use crate::short::Short;
use foldhash::fast::FixedState;
use std::collections::HashMap;

/// Codes of values, from 1, in the order that they were given.
#[derive(Debug, Clone, Default)]
pub(crate) struct Codes {
    /// Short values at their [`Short::place`] or behind it; [`Short::NONE`] where there is none. Its length is
    /// a power of two, and a third of it at least is free.
    short: Vec<Short>,
    /// The codes of the short values, place by place.
    by_place: Vec<u32>,
    long: HashMap<Box<str>, u32, FixedState>,
}

impl Codes {
    /// The codes of different values; `None` if there are more than codes.
    pub(crate) fn new<'v>(values: impl IntoIterator<Item = &'v str>) -> Option<Self> {
        let mut all = Self::default();
        let mut short = Vec::new();
        for (code, value) in (1_usize..).zip(values) {
            let code = u32::try_from(code).ok()?;
            match word(value) {
                Some(value) => short.push((value, code)),
                None => drop(all.long.insert(value.into(), code)),
            }
        }
        let places = (short.len() + short.len() / 2 + 1)
            .next_power_of_two()
            .max(2);
        all.short = vec![Short::NONE; places];
        all.by_place = vec![0; places];
        for (value, code) in short {
            let mut place = value.place(places);
            while all.short[place] != Short::NONE {
                place = (place + 1) % places;
            }
            all.short[place] = value;
            all.by_place[place] = code;
        }
        Some(all)
    }

    /// The code of a value; 0 if it has none.
    #[inline]
    pub(crate) fn of(&self, value: &str) -> u32 {
        match word(value) {
            Some(value) => self.of_short(value),
            None => self.long.get(value).copied().unwrap_or(0),
        }
    }

    #[inline]
    fn of_short(&self, value: Short) -> u32 {
        let places = self.short.len();
        let mut place = value.place(places);
        loop {
            let there = self.short[place];
            if there == value {
                return self.by_place[place];
            }
            if there == Short::NONE {
                return 0;
            }
            place = (place + 1) & (places - 1);
        }
    }
}

/// The value as a word, if no other value has the same one.
#[inline]
fn word(value: &str) -> Option<Short> {
    // Behind a short text there are zeros.
    let is_told = |short: &Short| *short != Short::NONE && short.last(value.len()) != 0;
    Short::whole(value).filter(|short| value.is_empty() || is_told(short))
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
