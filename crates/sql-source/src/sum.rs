//! Exact sums of decimal numbers, to compare with the database's own.

use std::fmt;

/// The weight of the upper half.
const SPLIT: i128 = 10_i128.pow(18);

/// A sum of decimal numbers of one scale, in two halves that cannot overflow: a value of 38 digits
/// is at most 10^20 in the upper half, so it takes more than 10^18 rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecimalSum {
    scale: u32,
    upper: i128,
    lower: i128,
}

impl DecimalSum {
    /// Zero, for numbers with this many digits behind the point.
    pub const fn new(scale: u32) -> Self {
        Self {
            scale,
            upper: 0,
            lower: 0,
        }
    }

    /// Digits behind the point.
    pub const fn scale(&self) -> u32 {
        self.scale
    }

    /// Adds a number such as `-12.50`. `false` if it is none, such as `NaN`: nothing is added.
    pub fn add(&mut self, text: &str) -> bool {
        let (is_negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let scale = self.scale as usize;
        if whole.is_empty() || fraction.len() > scale {
            return false;
        }
        let (mut upper, mut lower) = (0_i128, 0_i128);
        let digits = whole
            .bytes()
            .chain(fraction.bytes())
            .chain(std::iter::repeat_n(b'0', scale - fraction.len()));
        for digit in digits {
            if !digit.is_ascii_digit() {
                return false;
            }
            lower = lower * 10 + i128::from(digit - b'0');
            upper = upper * 10 + lower / SPLIT;
            lower %= SPLIT;
        }
        let sign = if is_negative { -1 } else { 1 };
        self.upper += sign * upper;
        self.lower += sign * lower;
        true
    }

    /// The same value with the lower half in `0..SPLIT`.
    const fn normal(self) -> Self {
        Self {
            scale: self.scale,
            upper: self.upper + self.lower.div_euclid(SPLIT),
            lower: self.lower.rem_euclid(SPLIT),
        }
    }

    /// Whether a sum that the database wrote is this one.
    pub fn is(&self, text: &str) -> bool {
        let mut other = Self::new(self.scale);
        other.add(text) && other.normal() == self.normal()
    }
}

/// In units of the last digit, for messages.
impl fmt::Display for DecimalSum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { upper, lower, .. } = self.normal();
        let (sign, upper, lower) = if upper < 0 && lower > 0 {
            ("-", -(upper + 1), SPLIT - lower)
        } else if upper < 0 {
            ("-", -upper, lower)
        } else {
            ("", upper, lower)
        };
        let digits = if upper == 0 {
            lower.to_string()
        } else {
            format!("{upper}{lower:018}")
        };
        let scale = self.scale as usize;
        if scale == 0 {
            return write!(f, "{sign}{digits}");
        }
        let digits = format!("{digits:0>width$}", width = scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        write!(f, "{sign}{whole}.{fraction}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_sum_is_exact_and_reads_back() {
        let mut sum = DecimalSum::new(2);
        for text in [
            "99999999999999999999999999999999999.99",
            "-12.5",
            "0",
            "0.01",
        ] {
            assert!(sum.add(text), "{text}");
        }
        assert_eq!(sum.to_string(), "99999999999999999999999999999999987.50");
        assert!(sum.is("99999999999999999999999999999999987.50"));
        assert!(!sum.is("99999999999999999999999999999999987.51"));
        for none in ["NaN", "", "1e5", "1.234", "-"] {
            assert!(!sum.add(none), "{none}");
        }
        assert_eq!(DecimalSum::new(0).to_string(), "0");
    }

    proptest! {
        #[test]
        fn a_sum_is_that_of_integers(values in prop::collection::vec(any::<i64>(), 0..50)) {
            let mut sum = DecimalSum::new(3);
            let mut expected = 0_i128;
            for value in values {
                let text = format!(
                    "{}{}.{:03}",
                    if value < 0 { "-" } else { "" },
                    value.unsigned_abs() / 1000,
                    value.unsigned_abs() % 1000
                );
                prop_assert!(sum.add(&text));
                expected += i128::from(value);
            }
            let text = format!(
                "{}{}.{:03}",
                if expected < 0 { "-" } else { "" },
                expected.unsigned_abs() / 1000,
                expected.unsigned_abs() % 1000
            );
            prop_assert!(sum.is(&text), "{} is not {}", sum, text);
            prop_assert_eq!(sum.to_string(), text);
        }
    }
}
