//! Numbers as text in, cells as text out. DynamoDB's numbers have up to 38 digits and are compared
//! here by value without rounding; only a cell is rounded, to the float32 that algorithms keep.

use std::borrow::Cow;
use std::io::Write as _;

/// The largest whole number below which float32 keeps every whole number apart.
pub(crate) const EXACT_INTEGERS: f64 = 16_777_216.0;

/// A number by its value, however it was written.
#[derive(Debug, PartialEq)]
pub(crate) struct Decimal<'a> {
    /// The same text for every way to write the value: `1`, `1.0`, `+01` and `1E0` are `1`.
    pub(crate) text: Cow<'a, str>,
    /// Whether it is a whole number.
    pub(crate) integer: bool,
    /// Significant digits, zeros at either end not counted.
    pub(crate) digits: u32,
    /// The nearest float64.
    pub(crate) value: f64,
}

impl<'a> Decimal<'a> {
    /// Reads a number that a raw line held.
    #[inline]
    pub(crate) fn read(raw: &'a str) -> Self {
        Self::short(raw).unwrap_or_else(|| Self::any(raw))
    }

    /// Reads a number of at most 15 digits that is written as `Decimal::written` would: nearly every
    /// one. Its digits and the power of ten are exact in float64, and so is their quotient rounded
    /// once.
    #[inline]
    fn short(raw: &'a str) -> Option<Self> {
        const POWERS: [f64; 16] = [
            1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
        ];
        let unsigned = raw.strip_prefix('-').unwrap_or(raw).as_bytes();
        let (&first, &last) = (unsigned.first()?, unsigned.last()?);
        if unsigned.len() > POWERS.len() {
            return None;
        }
        let mut mantissa = 0_u64;
        let mut point = unsigned.len();
        let mut trailing_zeros = 0;
        for (at, &byte) in unsigned.iter().enumerate() {
            let digit = byte.wrapping_sub(b'0');
            if digit <= 9 {
                mantissa = mantissa * 10 + u64::from(digit);
                trailing_zeros = if digit == 0 { trailing_zeros + 1 } else { 0 };
            } else if byte == b'.' && point == unsigned.len() {
                point = at;
            } else {
                return None;
            }
        }
        let integer = point == unsigned.len();
        let fraction = unsigned.len() - point - usize::from(!integer);
        let digits = point + fraction;
        let is_plain = (first != b'0' || point == 1)
            && point > 0
            && (integer || (fraction > 0 && last != b'0'))
            && (raw.len() == unsigned.len() || mantissa != 0);
        if !is_plain || digits >= POWERS.len() {
            return None;
        }
        let leading_zeros = || {
            let zero = |byte: &&u8| matches!(byte, b'0' | b'.');
            unsigned.iter().take_while(zero).count() - usize::from(!integer)
        };
        let insignificant = if mantissa == 0 {
            digits
        } else if first == b'0' {
            leading_zeros()
        } else {
            trailing_zeros
        };
        let value = mantissa as f64 / POWERS[fraction];
        Some(Self {
            text: Cow::Borrowed(raw),
            integer,
            digits: count(digits - insignificant),
            value: if raw.len() == unsigned.len() {
                value
            } else {
                -value
            },
        })
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
        let (mantissa, exponent) = match raw.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, i64::from(exponent.parse::<i32>().ok()?)),
            None => (raw, 0),
        };
        let unsigned = mantissa.trim_start_matches(['+', '-']);
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let all = [whole, fraction].concat();
        let leading = all.len() - all.trim_start_matches('0').len();
        let digits = all.trim_matches('0');
        if digits.is_empty() {
            return Some(Self {
                text: Cow::Borrowed("0"),
                integer: true,
                digits: 0,
                value: 0.0,
            });
        }
        // The value is 0.DIGITS times ten to the power of `point`.
        let point = i64::try_from(whole.len()).ok()? - i64::try_from(leading).ok()? + exponent;
        let length = i64::try_from(digits.len()).ok()?;
        let sign = if mantissa.starts_with('-') { "-" } else { "" };
        Some(Self {
            text: Cow::Owned(sign.to_owned() + &Self::written(digits, point)),
            integer: point >= length,
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

/// Writes a finite number as the shortest text that reads back as the same float32.
pub(crate) fn write_cell(value: f32, out: &mut Vec<u8>) {
    let size = value.abs();
    // Exponents only where the digits would be many: XGBoost's reader overflows on long ones.
    let result = if value == 0.0 {
        write!(out, "0")
    } else if (1e-5..1e15).contains(&size) {
        write!(out, "{value}")
    } else {
        write!(out, "{value:e}")
    };
    result.expect("writing to memory does not fail");
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "exact equality is what is claimed")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn canonical(raw: &str) -> String {
        Decimal::read(raw).text.into_owned()
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

    #[test]
    fn usual_numbers_are_short_ones() {
        for raw in [
            "0",
            "7",
            "-1.5",
            "1700000000000",
            "0.05",
            "100",
            "123456789012.345",
        ] {
            assert_eq!(Decimal::short(raw), Some(Decimal::any(raw)), "{raw}");
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
        fn a_short_number_reads_as_a_long_one(raw in "-?(0|[1-9][0-9]{0,12}|[0-9]{1,3})(\\.[0-9]{1,8})?|-?[0.]{0,3}|[.]?[0-9]?") {
            if let Some(short) = Decimal::short(&raw) {
                prop_assert_eq!(Decimal::any(&raw), short);
            }
        }

        #[test]
        fn a_cell_reads_back_as_the_same_float32(value in any::<f32>().prop_filter("finite", |v| v.is_finite())) {
            let mut cell = Vec::new();
            write_cell(value, &mut cell);
            let cell = String::from_utf8(cell).unwrap();
            prop_assert_eq!(cell.parse::<f32>().unwrap(), value);
            prop_assert!(cell.len() <= 24, "{} is long", cell);
        }
    }
}
