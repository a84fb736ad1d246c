//! Numbers as text in, compared by value without rounding: DynamoDB's have up to 38 digits.

pub(crate) mod digits;
pub mod exact;
pub(crate) mod significand;

use crate::number::digits::Digits;
use crate::number::significand::Significand;
use std::borrow::Cow;

/// The largest whole number below which float32 keeps every whole number apart.
pub const EXACT_INTEGERS: f64 = 16_777_216.0;

/// A number by its value, however it was written.
#[derive(Debug)]
pub struct Decimal<'a> {
    text: Cow<'a, str>,
    /// Whether it is a whole number.
    pub integer: bool,
    /// Significant digits, zeros at either end not counted.
    pub digits: u32,
    /// The nearest float64.
    pub value: f64,
}

impl<'a> Decimal<'a> {
    /// Reads a number that a raw line held.
    pub fn read(raw: &'a str) -> Self {
        match Digits::parse(raw) {
            Some(digits) => Self::of(digits, raw),
            None => Self::any(raw),
        }
    }

    #[inline]
    fn of(digits: Digits, raw: &'a str) -> Self {
        Self {
            text: Cow::Borrowed(&raw[..raw.len() - digits.surplus]),
            integer: digits.scale == 0,
            digits: digits.significant,
            value: digits.value(),
        }
    }

    /// The same text for every way to write the value: `1`, `1.0`, `+01` and `1E0` are `1`.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The same as [`Decimal::text`], which outlives the number.
    pub fn into_text(self) -> Cow<'a, str> {
        self.text
    }

    fn any(raw: &'a str) -> Self {
        // The raw line's syntax is within what Rust reads.
        let value = raw.parse().unwrap_or(0.0);
        Self::normalised(raw, value).unwrap_or(Self {
            // An exponent beyond all numbers: DynamoDB has none such, so the text stands for itself.
            text: Cow::Borrowed(raw),
            integer: false,
            digits: 0,
            value,
        })
    }

    fn normalised(raw: &str, value: f64) -> Option<Self> {
        let Significand {
            negative,
            digits,
            point,
        } = Significand::parse(raw)?;
        if digits.is_empty() {
            return Some(Self {
                text: Cow::Borrowed("0"),
                integer: true,
                digits: 0,
                value: 0.0,
            });
        }
        let sign = if negative { "-" } else { "" };
        Some(Self {
            text: Cow::Owned(sign.to_owned() + &Self::written(&digits, point)),
            integer: point >= i64::try_from(digits.len()).ok()?,
            digits: count(digits.len()),
            value,
        })
    }

    fn written(digits: &str, point: i64) -> String {
        match usize::try_from(point) {
            Ok(point) if point <= 40 && point >= digits.len() => {
                digits.to_owned() + &"0".repeat(point - digits.len())
            }
            Ok(point @ 1..=40) => format!("{}.{}", &digits[..point], &digits[point..]),
            _ if (-20..=0).contains(&point) => {
                let zeros = usize::try_from(-point).unwrap_or(0);
                format!("0.{}{digits}", "0".repeat(zeros))
            }
            _ => format!("0.{digits}E{point}"),
        }
    }
}

fn count(digits: usize) -> u32 {
    u32::try_from(digits).unwrap_or(u32::MAX)
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "exact equality is what is claimed")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn canonical(raw: &str) -> String {
        Decimal::read(raw).text().to_owned()
    }

    #[test]
    fn one_value_has_one_text() {
        for (raw, text) in [
            ("1", "1"),
            ("1.0", "1"),
            ("+01", "1"),
            ("1E0", "1"),
            ("10e-1", "1"),
            ("-0", "0"),
            ("0.00", "0"),
            ("-.5", "-0.5"),
            ("5.", "5"),
            ("1E3", "1000"),
            ("1.25E1", "12.5"),
            ("1E100", "0.1E101"),
            ("10E99", "0.1E101"),
            ("-1E-100", "-0.1E-99"),
            (
                "12345678901234567890123456789012345678",
                "12345678901234567890123456789012345678",
            ),
            ("0.000000000000000000010", "0.00000000000000000001"),
        ] {
            assert_eq!(canonical(raw), text, "{raw}");
        }
    }

    #[test]
    fn whole_numbers_and_digits_are_told_by_value() {
        for (raw, integer, digits) in [
            ("10", true, 1),
            ("10.0", true, 1),
            ("10.5", false, 3),
            ("0.05", false, 1),
            ("1E30", true, 1),
            ("1E-30", false, 1),
            ("0", true, 0),
        ] {
            let decimal = Decimal::read(raw);
            assert_eq!(
                (decimal.integer, decimal.digits),
                (integer, digits),
                "{raw}"
            );
        }
    }

    proptest! {
        #[test]
        fn canonical_text_keeps_the_value_and_is_stable(
            sign in "[+-]?", whole in "[0-9]{1,30}", fraction in "(\\.[0-9]{0,30})?", exponent in "([eE][+-]?[0-9]{1,2})?",
        ) {
            let raw = format!("{sign}{whole}{fraction}{exponent}");
            let text = canonical(&raw);
            prop_assert_eq!(text.parse::<f64>().unwrap(), raw.parse::<f64>().unwrap());
            prop_assert_eq!(canonical(&text), text);
        }

        #[test]
        fn a_short_number_reads_as_a_long_one(raw in "-?(0|[1-9][0-9]{0,12}|[0-9]{1,3})(\\.[0-9]{1,8})?|-?[0.]{0,3}[0-9]") {
            let (short, long) = (Decimal::read(&raw), Decimal::any(&raw));
            prop_assert_eq!(short.text(), long.text());
            prop_assert_eq!((short.integer, short.digits, short.value), (long.integer, long.digits, long.value));
        }
    }
}
