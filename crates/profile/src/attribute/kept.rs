//! An attribute among others of a profile, with its way to the values that all profiles share. It must
//! not know of other attributes.

use crate::attribute::Attribute;
use crate::attribute::familiar::Familiar;
use crate::attribute::tally::Tally;
use crate::attribute::waiting::Waiting;
use crate::number::Decimal;
use crate::number::digits::Digits;
use crate::number::short::Short;
use crate::values::dictionary::Known;
use dynamodb_json::{Kind, Mark};

/// Attributes of which familiar values are remembered. It bounds the memory for that to 2.2 MiB, where
/// nearly all tables have fewer attributes.
const MAX_FAMILIAR: usize = 64;

/// The longest number, in bytes, that is worth a look whether it is among the familiar ones by value.
const FEW_DIGITS: usize = 8;

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
        let mut decoded = Vec::new();
        let mut waiting = Waiting::default();
        let mut rest = marks;
        loop {
            if waiting.are_enough() {
                self.categories(&mut waiting, known);
            }
            if self.attribute.distinct.is_overflowed() {
                rest = self.count(text, rest, &mut decoded, known);
            }
            let Some(&mark) = rest.first() else {
                break;
            };
            let kind = mark.kind();
            if matches!(kind, Kind::S | Kind::N) {
                rest = &rest[1..];
                if self.observe_one(text, mark, &mut decoded, &mut waiting, known) {
                    rest = self.recognise(text, rest);
                }
            } else {
                let alike = rest.iter().take_while(|mark| mark.kind() == kind);
                let count = alike.count();
                self.attribute.count_others(kind, count as u64);
                rest = &rest[count..];
            }
        }
        self.categories(&mut waiting, known);
    }

    /// Counts values that were met lately, up to the first that was not. Returns that one and those
    /// behind it.
    fn recognise<'m>(&mut self, text: &str, marks: &'m [Mark]) -> &'m [Mark] {
        let Some(familiar) = &self.familiar else {
            return marks;
        };
        let mut tally = Tally::default();
        for &mark in marks {
            let (window, length) = (mark.window(text), mark.len());
            let short = Short::of(window, length);
            if mark.is_plain_text() {
                let known = if let Some(short) = short {
                    let is_familiar = familiar.knows_text(short);
                    is_familiar.then(|| short.characters(length))
                } else {
                    familiar.knows_long(window, mark.raw(text))
                };
                let Some(length) = known else { break };
                tally.text(length);
            } else if mark.is_number() && short.is_some_and(|short| familiar.knows_written(short)) {
                tally.number();
            } else {
                break;
            }
        }
        tally.add_to(&mut self.attribute);
        &marks[tally.counted()..]
    }

    /// Takes values into account whose distinct ones are only counted any more, up to the first that may
    /// change more than counts. Returns that one and those behind it.
    fn count<'m>(
        &mut self,
        text: &str,
        marks: &'m [Mark],
        decoded: &mut Vec<u8>,
        known: &mut Known,
    ) -> &'m [Mark] {
        let Some(distinct) = known.counted(self.dictionary) else {
            return marks;
        };
        let ranges = self.familiar.as_ref().map(|familiar| &familiar.ranges);
        let last_example = self.last_example;
        let mut tally = Tally::default();
        for &mark in marks {
            let (window, length) = (mark.window(text), mark.len());
            let short = Short::of(window, length);
            if mark.is_number() {
                let held = short
                    .zip(ranges)
                    .and_then(|(short, ranges)| ranges.hold(short, length));
                let Some((number, _)) = held else { break };
                if number.ordered() <= last_example {
                    break;
                }
                distinct.insert_short(number);
                tally.number();
            } else if mark.is_plain_text() {
                if let Some(short) = short {
                    if short.ordered() <= last_example {
                        break;
                    }
                    tally.text(short.characters(length));
                    distinct.insert_short(short);
                } else {
                    if window.swap_bytes() <= last_example {
                        break;
                    }
                    let value = mark.raw(text);
                    tally.text(mark.characters(text));
                    distinct.insert_long(value);
                }
            } else if mark.kind() == Kind::S {
                let (value, length) = mark.unescaped_in(text, decoded);
                if Short::beginning(value) <= last_example {
                    break;
                }
                tally.text(length);
                distinct.insert(value);
            } else {
                break;
            }
        }
        tally.add_to(&mut self.attribute);
        &marks[tally.counted()..]
    }

    /// A text or number. Says whether it, as it is written, was met lately.
    #[inline]
    fn observe_one<'t>(
        &mut self,
        text: &'t str,
        mark: Mark,
        decoded: &mut Vec<u8>,
        waiting: &mut Waiting<'t>,
        known: &mut Known,
    ) -> bool {
        // What nearly all values are comes first, and is told by plain branches.
        if mark.is_plain_text() {
            return self.observe_text(text, mark, waiting);
        }
        if mark.is_number() {
            return self.observe_number(text, mark, waiting, known);
        }
        let (value, length) = mark.unescaped_in(text, decoded);
        let value = str::from_utf8(value).expect("a checked text is one without its escapes too");
        self.attribute.count_text_of(length);
        self.category(value, Short::beginning(value), known);
        false
    }

    #[inline]
    fn observe_text<'t>(&mut self, text: &'t str, mark: Mark, waiting: &mut Waiting<'t>) -> bool {
        let (window, length) = (mark.window(text), mark.len());
        let familiar = self.familiar.as_mut();
        let (is_familiar, beginning) = if let Some(short) = Short::of(window, length) {
            self.attribute.count_text_of(short.characters(length));
            let is_familiar = familiar.is_some_and(|familiar| familiar.met_text(short));
            (is_familiar, short.ordered())
        } else {
            let value = mark.raw(text);
            let length = mark.characters(text);
            self.attribute.count_text_of(length);
            let is_familiar =
                familiar.is_some_and(|familiar| familiar.met_long(window, value, length));
            (is_familiar, window.swap_bytes())
        };
        if !is_familiar {
            waiting.add(mark.raw(text), beginning);
        }
        is_familiar
    }

    #[inline]
    fn observe_number<'t>(
        &mut self,
        text: &'t str,
        mark: Mark,
        waiting: &mut Waiting<'t>,
        known: &mut Known,
    ) -> bool {
        let (window, length) = (mark.window(text), mark.len());
        let short = Short::of(window, length);
        if let Some((short, familiar)) = short.zip(self.familiar.as_mut()) {
            // What was met was counted as a number then, and is between others now.
            if familiar.met_written(short) {
                self.attribute.count_other(Kind::N);
                return true;
            }
            if let Some((number, shortest)) = familiar.ranges.hold(short, length) {
                self.attribute.count_other(Kind::N);
                let is_familiar = length <= FEW_DIGITS
                    && Digits::read(window, length)
                        .is_some_and(|digits| familiar.met_number(digits));
                if !is_familiar {
                    let value = &mark.raw(text)[..shortest];
                    waiting.add(value, number.ordered());
                }
                return false;
            }
        }
        let digits = Digits::read(window, length);
        let decimal = Decimal::of(digits, mark.raw(text));
        self.attribute.count_number(&decimal);
        if !self.met_number(short, length, digits) {
            let value = decimal.text();
            self.category(&value, Short::beginning(value.as_bytes()), known);
        }
        false
    }

    #[inline]
    fn met_number(&mut self, short: Option<Short>, length: usize, digits: Option<Digits>) -> bool {
        let Some((digits, familiar)) = digits.zip(self.familiar.as_mut()) else {
            return false;
        };
        if let Some((short, numbers)) = short.zip(self.attribute.numbers.as_ref()) {
            familiar.ranges.learn(short, length, numbers);
        }
        familiar.met_number(digits)
    }

    /// A text or number among the distinct ones; `beginning` is how it begins.
    fn category(&mut self, value: &str, beginning: u128, known: &mut Known) {
        let distinct = &mut self.attribute.distinct;
        let mut is_known = false;
        known.change(self.dictionary, |values| {
            is_known = distinct.insert(value, values);
        });
        if !is_known {
            self.news(value, beginning);
        }
    }

    /// The same for those that waited for it.
    fn categories(&mut self, waiting: &mut Waiting<'_>, known: &mut Known) {
        let distinct = &mut self.attribute.distinct;
        let mut are_known = 0;
        known.change(self.dictionary, |values| {
            are_known = distinct.insert_together(waiting.values(), values);
        });
        for (value, beginning) in waiting.unknown(are_known) {
            self.news(value, beginning);
        }
        waiting.clear();
    }

    /// A value that may not have been met before.
    #[inline]
    fn news(&mut self, value: &str, beginning: u128) {
        if beginning <= self.last_example {
            self.attribute.example(value);
            self.last_example = self.attribute.last_example();
        }
    }
}
