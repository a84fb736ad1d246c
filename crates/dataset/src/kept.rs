//! An attribute among others of a profile, with its way to the values that all profiles share. It must
//! not know of other attributes.

use crate::dictionary::Known;
use crate::digits::Digits;
use crate::familiar::{Familiar, ShortText};
use crate::number::Decimal;
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
}

impl Kept {
    pub(crate) fn new(attribute: Attribute, dictionary: usize, place: usize) -> Self {
        Self {
            attribute,
            dictionary,
            familiar: (place < MAX_FAMILIAR).then(Box::default),
        }
    }

    /// Takes values of the attribute into account; marks are places in `text`.
    pub(crate) fn observe(&mut self, text: &str, marks: &[Mark], known: &mut Known) {
        for &mark in marks {
            // Not a `match`: what nearly all values are comes first, and is told by a plain branch.
            let kind = mark.kind();
            if kind == Kind::S {
                self.observe_text(text, mark, known);
            } else if kind == Kind::N {
                self.observe_number(text, mark, known);
            } else {
                self.attribute.count_other(kind);
            }
        }
    }

    #[inline]
    fn observe_text(&mut self, text: &str, mark: Mark, known: &mut Known) {
        if mark.escaped() {
            let value = mark.decoded(text);
            self.attribute.count_text(&value);
            self.category(&value, known);
            return;
        }
        let value = mark.raw(text);
        self.attribute.count_text(value);
        if !self.met_text(mark.window(text), value.len()) {
            self.category(value, known);
        }
    }

    #[inline]
    fn observe_number(&mut self, text: &str, mark: Mark, known: &mut Known) {
        let digits = Digits::read(mark.window(text), mark.len());
        let decimal = Decimal::of(digits, mark.raw(text));
        self.attribute.count_number(&decimal);
        if !self.met_number(digits) {
            self.category(&decimal.text(), known);
        }
    }

    #[inline]
    fn met_text(&mut self, window: u128, length: usize) -> bool {
        let familiar = ShortText::of(window, length).zip(self.familiar.as_mut());
        familiar.is_some_and(|(text, familiar)| familiar.met_text(text))
    }

    #[inline]
    fn met_number(&mut self, digits: Option<Digits>) -> bool {
        let familiar = digits.zip(self.familiar.as_mut());
        familiar.is_some_and(|(digits, familiar)| familiar.met_number(digits))
    }

    fn category(&mut self, value: &str, known: &mut Known) {
        let attribute = &mut self.attribute;
        known.change(self.dictionary, |values| attribute.category(value, values));
    }
}
