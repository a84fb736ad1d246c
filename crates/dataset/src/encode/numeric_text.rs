//! Numbers and booleans that are written as text: everything is text in a table imported from CSV.

/// The number that a text spells, without surrounding white space, in the syntax of DynamoDB's
/// numbers.
pub(crate) fn number(text: &str) -> Option<&str> {
    let text = text.trim();
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let unsigned = |text: &str| text.strip_prefix(['+', '-']).unwrap_or(text).to_owned();
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) = (unsigned(mantissa), unsigned(exponent));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((&mantissa, ""));
    let has_digits = !whole.is_empty() || !fraction.is_empty();
    let is_number = has_digits
        && are_digits(whole)
        && are_digits(fraction)
        && !exponent.is_empty()
        && exponent.len() <= 3
        && are_digits(&exponent);
    is_number.then_some(text)
}

/// Whether a text looks like a measure and not like a code: `02134` has a leading zero, which a
/// number would lose.
pub(crate) fn is_measure(text: &str) -> bool {
    let Some(number) = number(text) else {
        return false;
    };
    let unsigned = number.trim_start_matches(['+', '-']);
    let mut characters = unsigned.chars();
    characters.next() != Some('0') || characters.next().is_none_or(|next| !next.is_ascii_digit())
}

/// The boolean that a text spells.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_read_as_numbers_or_do_not() {
        for text in ["1", "-2.50", " 3 ", "+4", ".5", "5.", "1E5", "1e-30", "007"] {
            assert!(number(text).is_some(), "{text}");
            assert!(text.trim().parse::<f64>().is_ok(), "{text}");
        }
        for text in [
            "",
            " ",
            ".",
            "-",
            "1,5",
            "1e",
            "e5",
            "inf",
            "NaN",
            "0x1",
            "1 2",
            "1E1000",
            "2026-01-01",
        ] {
            assert_eq!(number(text), None, "{text}");
        }
        assert!(is_measure("0") && is_measure("0.5") && is_measure("10") && is_measure("-0.5"));
        assert!(!is_measure("02134") && !is_measure("00"));
        assert_eq!(
            (boolean("TRUE"), boolean(" false"), boolean("yes")),
            (Some(true), Some(false), None)
        );
    }
}
