//! An attribute among others of a profile, with its way to the values that all profiles share. It must
//! not know of other attributes.

use crate::dictionary::Known;
use crate::digits::Digits;
use crate::familiar::Familiar;
use crate::number::Decimal;
use crate::short::Short;
use crate::summary::Attribute;
use item::{Kind, Mark};

/// Attributes of which familiar values are remembered. It bounds the memory for that to 2 MiB, where
/// nearly all tables have fewer attributes.
const MAX_FAMILIAR: usize = 64;

/// An attribute, and the place of its dictionary.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) attribute: Attribute,
    pub(crate) dictionary: usize,
    familiar: Option<Box<Familiar>>,
    /// Values whose beginning comes behind this one are no examples.
    last_example: u128,
}

impl Kept {
    pub(crate) fn new(attribute: Attribute, dictionary: usize, place: usize) -> Self {
        Self {
            attribute,
            dictionary,
            familiar: (place < MAX_FAMILIAR).then(Box::default),
            last_example: u128::MAX,
        }
    }

    /// Takes values of the attribute into account; marks are places in `text`.
    pub(crate) fn observe(&mut self, text: &str, marks: &[Mark], known: &mut Known) {
        for &mark in marks {
            // What nearly all values are comes first, and is told by plain branches.
            if mark.is_plain_text() {
                self.observe_text(text, mark, known);
            } else if mark.is_number() {
                self.observe_number(text, mark, known);
            } else if mark.kind() == Kind::S {
                let value = mark.decoded(text);
                self.attribute.count_text(&value);
                self.category(&value, known);
            } else {
                self.attribute.count_other(mark.kind());
            }
        }
    }

    #[inline]
    fn observe_text(&mut self, text: &str, mark: Mark, known: &mut Known) {
        let length = mark.len();
        let Some(short) = Short::of(mark.window(text), length) else {
            let value = mark.raw(text);
            self.attribute.count_text(value);
            self.category(value, known);
            return;
        };
        self.attribute.count_text_of(short.characters(length));
        let familiar = self.familiar.as_mut();
        if !familiar.is_some_and(|familiar| familiar.met_text(short))
            && !self.is_only_counted(short, known)
        {
            self.category(mark.raw(text), known);
        }
    }

    #[inline]
    fn observe_number(&mut self, text: &str, mark: Mark, known: &mut Known) {
        let (window, length) = (mark.window(text), mark.len());
        let short = Short::of(window, length);
        if let Some((short, familiar)) = short.zip(self.familiar.as_mut()) {
            // What was met was counted as a number then, and is between others now.
            if familiar.met_written(short)
                || (familiar.ranges.hold(short, length) && self.is_only_counted(short, known))
            {
                self.attribute.count_other(Kind::N);
                return;
            }
        }
        let digits = Digits::read(window, length);
        let decimal = Decimal::of(digits, mark.raw(text));
        self.attribute.count_number(&decimal);
        if !self.met_number(short, length, digits) {
            self.category(&decimal.text(), known);
        }
    }

    /// Counts a value among the distinct ones if they overflowed, unless it may be an example.
    #[inline]
    fn is_only_counted(&self, value: Short, known: &mut Known) -> bool {
        self.attribute.distinct.is_overflowed()
            && self.last_example < value.ordered()
            && known.count(self.dictionary, value)
    }

    #[inline]
    fn met_number(&mut self, short: Option<Short>, length: usize, digits: Option<Digits>) -> bool {
        let Some((digits, familiar)) = digits.zip(self.familiar.as_mut()) else {
            return false;
        };
        // As long as values are kept, each is looked at anyway.
        if self.attribute.distinct.is_overflowed()
            && let Some((short, numbers)) = short.zip(self.attribute.numbers.as_ref())
        {
            familiar.ranges.learn(short, length, numbers);
        }
        familiar.met_number(digits)
    }

    fn category(&mut self, value: &str, known: &mut Known) {
        let attribute = &mut self.attribute;
        known.change(self.dictionary, |values| attribute.category(value, values));
        self.last_example = self.attribute.last_example();
    }
}
