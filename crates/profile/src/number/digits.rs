//! Reads a short number, all of its digits at once. It must not know longer ones, nor exponents:
//! whatever is not of the usual form is another's to read.

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
    /// Whether it is written without zeros behind its fraction.
    pub is_shortest: bool,
}

/// Bytes that are read at once.
const WINDOW: usize = size_of::<u128>();

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

/// What the digits of a number say, before zeros behind its fraction are dropped.
#[derive(Clone, Copy)]
struct Raw {
    negative: bool,
    mantissa: u64,
    digits: usize,
    fraction: usize,
    zeros_before: usize,
    zeros_behind: usize,
    is_whole: bool,
}

/// The same for numbers of up to 16 bytes, and for those of up to 8, which are most and which a
/// machine's word holds.
macro_rules! reader {
    ($name:ident, $word:ty, $mantissa:expr) => {
        #[inline]
        fn $name(window: $word, length: usize) -> Option<Raw> {
            const BYTES: usize = size_of::<$word>();
            const fn all(byte: u8) -> $word {
                <$word>::from_le_bytes([byte; BYTES])
            }
            // The lowest `bytes`, of which there is at least one.
            const fn low(bytes: usize) -> $word {
                <$word>::MAX >> (8 * (BYTES - bytes))
            }
            let negative = window & 0xff == <$word>::from(b'-');
            let length = length.checked_sub(usize::from(negative))?;
            if length == 0 || length > BYTES {
                return None;
            }
            let text = (if negative { window >> 8 } else { window }) & low(length);
            let others = text ^ all(b'.');
            let points = others.wrapping_sub(all(1)) & !others & all(0x80);
            let is_whole = points == 0;
            let (digits, count, point) = if is_whole {
                (text, length, length)
            } else {
                let point = points.trailing_zeros() as usize / 8;
                if point == 0 || point + 1 == length {
                    return None;
                }
                (
                    text & low(point) | (text >> 8 & !low(point)),
                    length - 1,
                    point,
                )
            };
            let leading_zero = text & 0xff == <$word>::from(b'0');
            if count > MAX_DIGITS || (leading_zero && point > 1) {
                return None;
            }
            // The last digit comes highest, and where there are none there are zeros.
            let unused = 8 * (BYTES - count);
            let aligned = (digits ^ (all(b'0') & low(count))) << unused;
            if (aligned | ((aligned & all(0x7f)) + all(0x76))) & all(0x80) != 0 {
                return None;
            }
            Some(Raw {
                negative,
                mantissa: $mantissa(aligned),
                digits: count,
                fraction: count - point,
                zeros_before: (aligned >> unused).trailing_zeros() as usize / 8,
                zeros_behind: aligned.leading_zeros() as usize / 8,
                is_whole,
            })
        }
    };
}

reader!(read_narrow, u64, eight);
reader!(read_wide, u128, |digits: u128| {
    #[expect(clippy::cast_possible_truncation, reason = "both halves are taken")]
    let (high, low) = (digits as u64, (digits >> 64) as u64);
    eight(high) * POWERS[8] + eight(low)
});

impl Digits {
    /// Reads the number in the first `length` bytes of a text, of which `window` holds so many as
    /// there are, the first one lowest.
    ///
    /// `None`: it has no digit, more than 15, a sign or a zero too many, a point at either end, an
    /// exponent, or does not fit into the window.
    #[inline]
    fn read(window: u128, length: usize) -> Option<Self> {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "what counts is in the lower half"
        )]
        let raw = if length <= size_of::<u64>() {
            read_narrow(window as u64, length)?
        } else {
            read_wide(window, length)?
        };
        if raw.mantissa == 0 {
            return (!raw.negative).then_some(Self {
                negative: false,
                mantissa: 0,
                scale: 0,
                significant: 0,
                is_shortest: raw.is_whole,
            });
        }
        let dropped = raw.zeros_behind.min(raw.fraction);
        Some(Self {
            negative: raw.negative,
            mantissa: if dropped == 0 {
                raw.mantissa
            } else {
                raw.mantissa / POWERS[dropped]
            },
            scale: small(raw.fraction - dropped),
            significant: small(raw.digits - raw.zeros_before - raw.zeros_behind),
            is_shortest: dropped == 0,
        })
    }

    /// Reads a whole text; `None` when it is no plain decimal of at most 15 digits.
    #[inline]
    pub fn parse(text: &str) -> Option<Self> {
        let mut window = [0; WINDOW];
        let part = window.get_mut(..text.len())?;
        part.copy_from_slice(text.as_bytes());
        Self::read(u128::from_le_bytes(window), text.len())
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

    /// The shortest text.
    pub(crate) fn text(self) -> String {
        let sign = if self.negative { "-" } else { "" };
        let power = POWERS[self.scale as usize];
        let (whole, fraction) = (self.mantissa / power, self.mantissa % power);
        match self.scale as usize {
            0 => format!("{sign}{whole}"),
            scale => format!("{sign}{whole}.{fraction:0scale$}"),
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "16 at most")]
const fn small(count: usize) -> u32 {
    count as u32
}

/// The number of eight digits, the first one lowest: neighbours are joined to pairs, those to fours,
/// those to eights.
#[inline]
const fn eight(digits: u64) -> u64 {
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    let first = (pairs & 0x0000_00ff_0000_00ff).wrapping_mul(0x000f_4240_0000_0064);
    let second = (pairs >> 16 & 0x0000_00ff_0000_00ff).wrapping_mul(0x0000_2710_0000_0001);
    first.wrapping_add(second) >> 32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Option<Digits> {
        let mut window = [b'"'; WINDOW];
        let length = text.len().min(WINDOW);
        window[..length].copy_from_slice(&text.as_bytes()[..length]);
        Digits::read(u128::from_le_bytes(window), text.len())
    }

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
            assert_eq!(read(text), None, "{text}");
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
            match read(&text) {
                None => {
                    let digits = unsigned.bytes().filter(u8::is_ascii_digit).count();
                    let is_long = digits > MAX_DIGITS || text.len() > WINDOW;
                    prop_assert!(is_long || (negative && value == 0.0), "{} is usual", text);
                }
                Some(digits) => {
                    #[expect(clippy::float_cmp, reason = "exact equality is what is claimed")]
                    { prop_assert_eq!(digits.value(), value); }
                    let shortest = if fraction.is_empty() { text.clone() } else {
                        text.trim_end_matches('0').trim_end_matches('.').to_owned()
                    };
                    prop_assert_eq!(digits.text(), shortest.clone());
                    prop_assert_eq!(digits.is_shortest, shortest == text);
                    let plain = shortest.replace(['-', '.'], "");
                    prop_assert_eq!(digits.significant as usize, plain.trim_matches('0').len());
                }
            }
        }

        #[test]
        fn nothing_else_is_read(text in "[-+.0-9eE:/a ]{0,16}") {
            if read(&text).is_some() {
                let unsigned = text.strip_prefix('-').unwrap_or(&text);
                let parts: Vec<_> = unsigned.split('.').collect();
                let all_digits = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
                prop_assert!(parts.len() <= 2 && parts.iter().all(all_digits), "{}", text);
            }
        }
    }
}
