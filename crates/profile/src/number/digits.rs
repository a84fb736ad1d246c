//! A number of the usual form, few digits and no exponent, without allocating. Any other number is
//! read by [`Decimal`](crate::Decimal).

/// A number of at most 15 digits: `mantissa / 10^scale`, with as small a scale as will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digits {
    /// Whether it is below zero.
    pub negative: bool,
    /// Its digits as a whole number.
    pub mantissa: u64,
    /// Digits behind the point.
    pub scale: u32,
    /// Digits of the mantissa, zeros at either end not counted.
    pub significant: u32,
    /// Bytes at the end of its text that its value does not need: the last zeros of a fraction, and
    /// the point if they are all of it.
    pub surplus: usize,
}

/// More digits may be more than float64 keeps.
const MAX_DIGITS: usize = 15;

const POWERS: [u64; MAX_DIGITS + 1] = {
    let mut powers = [1; MAX_DIGITS + 1];
    let mut at = 1;
    while at <= MAX_DIGITS {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

impl Digits {
    /// Reads a number.
    ///
    /// `None`: it has no digit, more than 15, a sign or a zero too many, a point at either end, or an
    /// exponent.
    #[inline]
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, unsigned) = match text.as_bytes() {
            [b'-', rest @ ..] => (true, rest),
            all => (false, all),
        };
        let mut point = None;
        let mut mantissa = 0_u64;
        if unsigned.len() > MAX_DIGITS + 1 {
            return None;
        }
        for (at, &byte) in unsigned.iter().enumerate() {
            match byte {
                b'0'..=b'9' => mantissa = mantissa * 10 + u64::from(byte - b'0'),
                b'.' if point.is_none() => point = Some(at),
                _ => return None,
            }
        }
        let whole = point.unwrap_or(unsigned.len());
        let fraction = (unsigned.len() - whole).saturating_sub(1);
        let is_malformed = whole == 0
            || point.is_some() && fraction == 0
            || unsigned[0] == b'0' && whole > 1
            || whole + fraction > MAX_DIGITS;
        if is_malformed || (negative && mantissa == 0) {
            return None;
        }
        let mut scale = fraction;
        while scale > 0 && mantissa.is_multiple_of(10) {
            mantissa /= 10;
            scale -= 1;
        }
        let mut shortest = mantissa;
        while shortest > 0 && shortest.is_multiple_of(10) {
            shortest /= 10;
        }
        Some(Self {
            negative,
            mantissa,
            scale: small(scale),
            significant: shortest.checked_ilog10().map_or(0, |log| log + 1),
            surplus: fraction - scale + usize::from(scale == 0 && fraction > 0),
        })
    }

    /// The nearest float64: both parts of the quotient are exact.
    #[inline]
    pub(crate) fn value(self) -> f64 {
        let value = self.mantissa as f64 / POWERS[self.scale as usize] as f64;
        if self.negative { -value } else { value }
    }

    /// The nearest float32 of a number of at most 24 bits and 10 places: both parts of the quotient
    /// are exact.
    #[inline]
    pub fn value_f32(self) -> f32 {
        let value = self.mantissa as f32 / POWERS[self.scale as usize] as f32;
        if self.negative { -value } else { value }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "15 at most")]
const fn small(count: usize) -> u32 {
    count as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_unusual_is_left_to_others() {
        for text in [
            "",
            "-",
            ".",
            "-0",
            "-0.0",
            "01",
            "00",
            "00.5",
            "1.",
            ".5",
            "-.5",
            "1.2.3",
            "1-",
            "+1",
            "--1",
            "1e5",
            "1E5",
            "1/2",
            "1:",
            "é",
            "1234567890123456",
            "-1234567890123456",
            "12345678901234567890",
            "0.123456789012345",
        ] {
            assert_eq!(Digits::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_usual_number_is_read_as_its_text_says(
            negative in any::<bool>(),
            whole in prop_oneof![Just(0), 1..10_u64, 0..1_000_000_u64],
            fraction in prop_oneof![Just(String::new()), "[0-9]{1,8}", "0{1,4}[0-9]{1,3}0{0,2}"],
        ) {
            let unsigned = if fraction.is_empty() { whole.to_string() } else { format!("{whole}.{fraction}") };
            let text = if negative { format!("-{unsigned}") } else { unsigned.clone() };
            let value: f64 = text.parse().unwrap();
            match Digits::parse(&text) {
                None => {
                    let digits = unsigned.bytes().filter(u8::is_ascii_digit).count();
                    let is_long = digits > MAX_DIGITS;
                    prop_assert!(is_long || (negative && value == 0.0), "{} is usual", text);
                }
                Some(digits) => {
                    #[expect(clippy::float_cmp, reason = "exact equality is what is claimed")]
                    { prop_assert_eq!(digits.value(), value); }
                    let shortest = if fraction.is_empty() { text.clone() } else {
                        text.trim_end_matches('0').trim_end_matches('.').to_owned()
                    };
                    prop_assert_eq!(&text[..text.len() - digits.surplus], &shortest);
                    let plain = shortest.replace(['-', '.'], "");
                    prop_assert_eq!(digits.significant as usize, plain.trim_matches('0').len());
                }
            }
        }

        #[test]
        fn nothing_else_is_read(text in "[-+.0-9eE:/a ]{0,16}") {
            if Digits::parse(&text).is_some() {
                let unsigned = text.strip_prefix('-').unwrap_or(&text);
                let parts: Vec<_> = unsigned.split('.').collect();
                let all_digits = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
                prop_assert!(parts.len() <= 2 && parts.iter().all(all_digits), "{}", text);
            }
        }
    }
}
