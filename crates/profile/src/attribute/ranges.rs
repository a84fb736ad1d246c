//! Numbers as they are written, between two that were met: what is known of those holds for them. It
//! must not read their digits.

use crate::attribute::Numbers;
use crate::number::digits::WINDOW;
use crate::number::short::Short;

/// For each length, the range of numbers of one form that were met: with the point at the same place,
/// and with the same sign.
#[derive(Debug, Clone)]
pub(crate) struct Ranges([Range; WINDOW + 1]);

#[derive(Debug, Clone, Copy)]
struct Range {
    form: Form,
    least: u128,
    greatest: u128,
    /// How often a number had another form than the ones before.
    changes: u32,
}

/// Changes of form after which only one in so many is followed: to learn a form costs more than to read
/// a number.
const MOST_CHANGES: u32 = 64;

impl Default for Ranges {
    fn default() -> Self {
        let none = Range {
            form: Form::NONE,
            least: 0,
            greatest: 0,
            changes: 0,
        };
        Self([none; WINDOW + 1])
    }
}

impl Ranges {
    /// Whether a number of `length` bytes lies between two numbers of its form that were met: then nothing
    /// of what is known of numbers changes by it. Returns its shortest text, which it begins with, and the
    /// length of that.
    #[inline]
    pub(crate) fn hold(&self, number: Short, length: usize) -> Option<(Short, usize)> {
        let range = self.0.get(length)?;
        let ordered = number.ordered();
        let is_held = number.bits() & range.form.mask == range.form.bits
            && range.least <= ordered
            && ordered <= range.greatest;
        if !is_held {
            return None;
        }
        if range.form.is_pointed && number.last(length) == b'0' {
            let shortest = number.without_zeros(length);
            // Minus nothing is written without its sign.
            return (shortest.0 != Short::MINUS_ZERO).then_some(shortest);
        }
        Some((number, length))
    }

    /// Takes a number into account that was read, after which so much was known.
    pub(crate) fn learn(&mut self, number: Short, length: usize, known: &Numbers) {
        let Some(range) = self.0.get_mut(length) else {
            return;
        };
        let ordered = number.ordered();
        if number.bits() & range.form.mask == range.form.bits {
            // What is greater than a number of the form has no more zeros at its beginning.
            if ordered > range.greatest {
                range.greatest = ordered;
                return;
            }
        } else {
            range.changes = range.changes.wrapping_add(1);
            if range.changes > MOST_CHANGES && !range.changes.is_multiple_of(MOST_CHANGES) {
                return;
            }
        }
        let Some((form, digits)) = Form::of(number, length) else {
            return;
        };
        // What lies between two may have a fraction, or as many digits as there are.
        if digits > known.digits || (form.is_pointed && known.integers) {
            return;
        }
        if range.form == form {
            range.least = range.least.min(ordered);
            range.greatest = range.greatest.max(ordered);
        } else {
            *range = Range {
                form,
                least: ordered,
                greatest: ordered,
                changes: range.changes,
            };
        }
    }
}

/// Where digits stand, and what stands elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Form {
    /// Of digits the upper half, which all have in common; all bits of anything else.
    mask: u128,
    bits: u128,
    is_pointed: bool,
}

impl Form {
    /// No number has it.
    const NONE: Self = Self {
        mask: u128::MAX,
        bits: 1,
        is_pointed: false,
    };

    /// The form, and the count of digits; `None` if it is not digits with perhaps a minus before and a
    /// point among them, or has a sign or a zero too many.
    fn of(number: Short, length: usize) -> Option<(Self, u32)> {
        let bytes = number.bits().to_le_bytes();
        let mut mask = [u8::MAX; WINDOW];
        let (mut digits, mut points) = (0, 0);
        let mut leading_zero = false;
        for (at, (byte, mask)) in bytes.iter().zip(&mut mask).take(length).enumerate() {
            match byte {
                b'0'..=b'9' => {
                    if leading_zero && digits == 1 && points == 0 {
                        return None;
                    }
                    leading_zero |= digits == 0 && *byte == b'0';
                    *mask = 0xf0;
                    digits += 1;
                }
                b'.' if digits > 0 && points == 0 && at + 1 < length => points += 1,
                b'-' if at == 0 => {}
                _ => return None,
            }
        }
        // Minus nothing is written without its sign.
        if bytes[0] == b'-' && leading_zero && points == 0 {
            return None;
        }
        let mask = u128::from_le_bytes(mask);
        let form = Self {
            mask,
            bits: number.bits() & mask,
            is_pointed: points > 0,
        };
        Some((form, digits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::Attribute;
    use crate::number::Decimal;
    use proptest::prelude::*;

    fn short(text: &str) -> Option<Short> {
        let bytes: Vec<u8> = text.bytes().chain([b'"'; WINDOW]).take(WINDOW).collect();
        Short::of(u128::from_le_bytes(bytes.try_into().unwrap()), text.len())
    }

    proptest! {
        #[test]
        fn what_a_range_holds_is_no_news(
            numbers in prop::collection::vec("-?[0-9]{1,4}(\\.[0-9]{1,3})?|-?[0-9]{1,2}(E[0-9])?", 1..40),
        ) {
            let (mut ranges, mut attribute) = (Ranges::default(), Attribute::default());
            for number in &numbers {
                let before = attribute.numbers.clone();
                let decimal = Decimal::read(number);
                attribute.count_number(&decimal);
                let Some(short) = short(number) else { continue };
                if let Some((shortest, length)) = ranges.hold(short, number.len()) {
                    prop_assert_eq!(&attribute.numbers, &before, "{}", number);
                    prop_assert_eq!(decimal.text(), &number[..length]);
                    prop_assert_eq!(Short::whole(&number[..length]), Some(shortest));
                } else {
                    ranges.learn(short, number.len(), attribute.numbers.as_ref().unwrap());
                }
            }
        }
    }

    #[test]
    fn what_is_between_is_held_and_nothing_else() {
        let (mut ranges, mut attribute) = (Ranges::default(), Attribute::default());
        for number in ["12.25", "98.75", "1200", "4800", "-0.900", "-0.000"] {
            attribute.count_number(&Decimal::read(number));
            let known = attribute.numbers.as_ref().unwrap();
            ranges.learn(short(number).unwrap(), number.len(), known);
        }
        for (number, held) in [
            ("50.05", Some("50.05")),
            ("12.24", None),
            ("50.50", Some("50.5")),
            ("50.00", Some("50")),
            ("5.005", None),
            ("50505", None),
            ("1201", Some("1201")),
            ("1500", Some("1500")),
            ("4801", None),
            ("-120", None),
            ("12E1", None),
            ("-0.500", Some("-0.5")),
            ("-0.000", None),
        ] {
            let shortest = ranges.hold(short(number).unwrap(), number.len());
            let held = held.map(|held| (short(held).unwrap(), held.len()));
            assert_eq!(shortest, held, "{number}");
        }
    }
}
