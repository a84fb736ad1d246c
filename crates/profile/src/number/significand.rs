//! A number of any length as its significant digits and a power of ten, exactly.

/// The value is `0.DIGITS` times ten to the power of `point`; `digits` is empty for zero, and has no
/// zero at either end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Significand {
    /// Whether it is below zero, or a zero with a minus sign.
    pub negative: bool,
    /// Its significant digits.
    pub digits: String,
    /// The power of ten.
    pub point: i64,
}

impl Significand {
    /// Reads a number that a raw line held. `None` if its exponent is beyond 32 bits, which no number
    /// of DynamoDB has.
    pub fn parse(raw: &str) -> Option<Self> {
        let (mantissa, exponent) = match raw.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (raw, 0),
        };
        let unsigned = mantissa.trim_start_matches(['+', '-']);
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let all = [whole, fraction].concat();
        let leading = all.len() - all.trim_start_matches('0').len();
        let point = i64::try_from(whole.len()).ok()? - i64::try_from(leading).ok()?;
        Some(Self {
            negative: mantissa.starts_with('-'),
            digits: all.trim_matches('0').to_owned(),
            point: point + i64::from(exponent),
        })
    }
}
