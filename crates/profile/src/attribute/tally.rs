//! Counts of many values that are added to their attribute at once. It must not know what else is kept of them.

use crate::attribute::{Attribute, Texts};
use dynamodb_json::Kind;

/// Values that change nothing but counts.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    count: u64,
    texts: Texts,
    numbers: u64,
}

impl Tally {
    /// A text of so many characters.
    #[inline]
    pub(crate) fn text(&mut self, characters: usize) {
        self.count += 1;
        self.texts.observe(characters as u64);
    }

    #[inline]
    pub(crate) const fn number(&mut self) {
        self.numbers += 1;
    }

    #[expect(clippy::cast_possible_truncation, reason = "they are marks of a slice")]
    pub(crate) const fn counted(&self) -> usize {
        (self.count + self.numbers) as usize
    }

    pub(crate) fn add_to(&self, attribute: &mut Attribute) {
        attribute.count_texts(self.count, &self.texts);
        attribute.count_others(Kind::N, self.numbers);
    }
}
