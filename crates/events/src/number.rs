//! Numbers: JSON's grammar and DynamoDB's range, over the text, which stays as it came.

use crate::Reason;

/// The most significant digits of DynamoDB's numbers.
const MAX_DIGITS: usize = 38;
/// The largest and the smallest power of ten of a number's first significant digit.
const LARGEST: i64 = 125;
const SMALLEST: i64 = -130;

/// Where a JSON number ends that begins at `start`, or where it stops being one.
#[inline]
pub(crate) fn end(bytes: &[u8], start: usize) -> Result<usize, usize> {
    let at = start + usize::from(bytes.get(start) == Some(&b'-'));
    let mut at = match bytes.get(at) {
        Some(b'0') => at + 1,
        Some(b'1'..=b'9') => digits(bytes, at),
        _ => return Err(at),
    };
    if bytes.get(at) == Some(&b'.') {
        at = some_digits(bytes, at + 1)?;
    }
    if let Some(b'e' | b'E') = bytes.get(at) {
        at += 1;
        at += usize::from(matches!(bytes.get(at), Some(b'+' | b'-')));
        at = some_digits(bytes, at)?;
    }
    Ok(at)
}

fn some_digits(bytes: &[u8], start: usize) -> Result<usize, usize> {
    let end = digits(bytes, start);
    if end == start { Err(end) } else { Ok(end) }
}

#[inline]
fn digits(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    at
}

/// Whether DynamoDB takes the number.
#[inline]
pub(crate) fn check(number: &[u8]) -> Result<(), Reason> {
    // So few digits without an exponent are within every bound.
    if number.len() <= MAX_DIGITS && !number.iter().any(|byte| matches!(byte, b'e' | b'E')) {
        return Ok(());
    }
    exact(number)
}

fn exact(number: &[u8]) -> Result<(), Reason> {
    let exponent_at = number.iter().position(|byte| matches!(byte, b'e' | b'E'));
    let (mantissa, exponent) = match exponent_at {
        Some(at) => (&number[..at], exponent(&number[at + 1..])),
        None => (number, 0),
    };
    let mantissa = mantissa.strip_prefix(b"-").unwrap_or(mantissa);
    let whole = mantissa.iter().position(|&byte| byte == b'.');
    let whole = signed(whole.unwrap_or(mantissa.len()));
    // The significant digits, first to last, as positions among all digits.
    let mut first = None;
    let mut last = 0;
    let all = mantissa.iter().filter(|&&byte| byte != b'.');
    for (position, _) in all.enumerate().filter(|(_, digit)| **digit != b'0') {
        first.get_or_insert(position);
        last = position;
    }
    let Some(first) = first else {
        return Ok(()); // Zero, however it is written.
    };
    let digits = last - first + 1;
    if digits > MAX_DIGITS {
        return Err(Reason::Digits { digits });
    }
    let power = (whole - 1 - signed(first)).saturating_add(exponent);
    if (SMALLEST..=LARGEST).contains(&power) {
        Ok(())
    } else {
        Err(Reason::Magnitude)
    }
}

/// An exponent of any length; beyond all bounds it stays there.
fn exponent(text: &[u8]) -> i64 {
    let digits = text.strip_prefix(b"+").unwrap_or(text);
    let (negative, digits) = match digits.strip_prefix(b"-") {
        Some(digits) => (true, digits),
        None => (false, digits),
    };
    let value = digits.iter().fold(0_i64, |value, digit| {
        value
            .saturating_mul(10)
            .saturating_add(i64::from(digit - b'0'))
    });
    if negative { -value } else { value }
}

fn signed(position: usize) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar_is_that_of_json() {
        for good in [
            "0", "-0", "7", "-12.50", "1e5", "1E-5", "1.0e+05", "0.0", "10",
        ] {
            assert_eq!(end(good.as_bytes(), 0), Ok(good.len()), "{good}");
            let followed = format!("{good},");
            assert_eq!(end(followed.as_bytes(), 0), Ok(good.len()), "{good}");
        }
        for (bad, at) in [
            ("", 0),
            ("-", 1),
            ("+1", 0),
            (".5", 0),
            ("1.", 2),
            ("1.e5", 2),
            ("1e", 2),
            ("1e+", 3),
            ("NaN", 0),
            ("-Infinity", 1),
        ] {
            assert_eq!(end(bad.as_bytes(), 0), Err(at), "{bad}");
        }
        // What follows is not the number's: `01` is 0, and then something unexpected.
        assert_eq!(end(b"01", 0), Ok(1));
    }

    #[test]
    fn dynamodb_has_38_digits_and_a_range() {
        let nines = "9".repeat(38);
        for good in [
            "0",
            "0e999999999999999999999",
            "-0.0",
            "1e125",
            "9.9e125",
            "1e-130",
            "-1E-130",
            "0.00000000000000000000000000000000000000000000001",
            "1000000000000000000000000000000000000000000000000",
            &nines,
            &format!("{nines}e88"),
            &format!("0.{}{nines}000", "0".repeat(60)),
        ] {
            assert_eq!(check(good.as_bytes()), Ok(()), "{good}");
        }
        for (bad, reason) in [
            ("1e126", Reason::Magnitude),
            ("10e125", Reason::Magnitude),
            ("1e-131", Reason::Magnitude),
            ("0.1e-130", Reason::Magnitude),
            ("1e99999999999999999999999", Reason::Magnitude),
            ("-1e-99999999999999999999999", Reason::Magnitude),
            (&format!("{nines}e89"), Reason::Magnitude),
            (&format!("{nines}1"), Reason::Digits { digits: 39 }),
            (
                &format!("1.{}1", "0".repeat(38)),
                Reason::Digits { digits: 40 },
            ),
        ] {
            assert_eq!(check(bad.as_bytes()), Err(reason), "{bad}");
        }
    }
}
