//! What DynamoDB makes of an item: how large it is, and when two of them are the same.

use dynamodb_json::{Map, Value};
use std::fmt::Write;
use twox_hash::XxHash3_64;

/// Bytes of a write unit. Source: Amazon DynamoDB Developer Guide, "DynamoDB throughput capacity".
const UNIT: u64 = 1024;

/// Write units that putting the item consumes.
pub fn write_units(item: &Map<'_>) -> u64 {
    map_bytes(item).div_ceil(UNIT).max(1)
}

/// Source: Amazon DynamoDB Developer Guide, "DynamoDB item sizes and formats".
fn map_bytes(map: &Map<'_>) -> u64 {
    let attributes = map.attributes();
    attributes
        .map(|(name, value)| name.decode().len() as u64 + bytes(&value))
        .sum()
}

fn bytes(value: &Value<'_>) -> u64 {
    const CONTAINER: u64 = 3;
    match value {
        Value::S(text) => text.decode().len() as u64,
        Value::N(number) => number_bytes(number),
        Value::B(text) => base64_bytes(&text.decode()),
        Value::Bool(_) | Value::Null => 1,
        Value::M(map) => CONTAINER + map_bytes(map) + map.attributes().count() as u64,
        Value::L(list) => CONTAINER + list.elements().map(|one| bytes(&one) + 1).sum::<u64>(),
        Value::Ss(all) => all.iter().map(|text| text.decode().len() as u64).sum(),
        Value::Ns(all) => all.iter().map(number_bytes).sum(),
        Value::Bs(all) => all.iter().map(|text| base64_bytes(&text.decode())).sum(),
    }
}

fn number_bytes(number: &str) -> u64 {
    number.bytes().filter(u8::is_ascii_digit).count() as u64 / 2 + 2
}

fn base64_bytes(text: &str) -> u64 {
    let padding = text.bytes().rev().take_while(|byte| *byte == b'=').count();
    (text.len() as u64 / 4 * 3).saturating_sub(padding as u64)
}

/// A hash that equal items have in common: of whatever order of attributes and members, and of
/// whatever form of a number.
pub fn checksum(item: &Map<'_>) -> u64 {
    let mut text = String::new();
    canonical_map(item, &mut text);
    XxHash3_64::oneshot(text.as_bytes())
}

fn canonical_map(map: &Map<'_>, out: &mut String) {
    let mut attributes: Vec<_> = map
        .attributes()
        .map(|(name, value)| (name.decode(), value))
        .collect();
    attributes.sort_by(|one, other| one.0.cmp(&other.0));
    for (name, value) in attributes {
        piece(out, 'a', &name);
        canonical(&value, out);
    }
    out.push('.');
}

fn canonical(value: &Value<'_>, out: &mut String) {
    match value {
        Value::S(text) => piece(out, 's', &text.decode()),
        Value::N(number) => piece(out, 'n', &canonical_number(number)),
        Value::B(text) => piece(out, 'b', &text.decode()),
        Value::Bool(value) => out.push(if *value { 't' } else { 'f' }),
        Value::Null => out.push('z'),
        Value::M(map) => {
            out.push('m');
            canonical_map(map, out);
        }
        Value::L(list) => {
            out.push('l');
            list.elements().for_each(|one| canonical(&one, out));
            out.push('.');
        }
        Value::Ss(all) => set(out, 'S', all.iter().map(|text| text.decode().into_owned())),
        Value::Ns(all) => set(out, 'N', all.iter().map(canonical_number)),
        Value::Bs(all) => set(out, 'B', all.iter().map(|text| text.decode().into_owned())),
    }
}

fn set(out: &mut String, tag: char, members: impl Iterator<Item = String>) {
    let mut members: Vec<_> = members.collect();
    members.sort_unstable();
    out.push(tag);
    for member in members {
        piece(out, ',', &member);
    }
    out.push('.');
}

/// A tag, a length and a text: no two lists of them are written alike.
fn piece(out: &mut String, tag: char, text: &str) {
    // Writing to memory cannot fail.
    let _ = write!(out, "{tag}{}:{text}", text.len());
}

/// Sign, digits without zeros around them, and the power of ten behind the last.
fn canonical_number(number: &str) -> String {
    let (mantissa, exponent) = match number.find(['e', 'E']) {
        Some(at) => (&number[..at], number[at + 1..].parse::<i64>().unwrap_or(0)),
        None => (number, 0),
    };
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let digits = digits.trim_start_matches('0');
    let significant = digits.trim_end_matches('0');
    if significant.is_empty() {
        return "0".to_owned();
    }
    let places = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let power = exponent - places(fraction.len()) + places(digits.len() - significant.len());
    format!("{sign}{significant}e{power}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(item: &str) -> Map<'_> {
        dynamodb_json::parse_item(item.as_bytes()).unwrap()
    }

    #[test]
    fn numbers_are_equal_by_their_value() {
        for (one, other) in [
            ("1.50", "1.5"),
            ("100", "1e2"),
            ("0.00", "-0"),
            ("-0.001", "-1E-3"),
            ("12345678901234567890.10", "12345678901234567890.1"),
        ] {
            assert_eq!(canonical_number(one), canonical_number(other));
        }
        assert_ne!(canonical_number("1"), canonical_number("-1"));
        assert_ne!(canonical_number("1"), canonical_number("10"));
    }

    #[test]
    fn order_is_nothing_and_values_are_everything() {
        let one = r#"{"a":{"SS":["x","y"]},"b":{"M":{"n":{"N":"1.0"},"l":{"L":[{"S":"1"}]}}}}"#;
        let same = r#"{"b":{"M":{"l":{"L":[{"S":"1"}]},"n":{"N":"1"}}},"a":{"SS":["y","x"]}}"#;
        assert_eq!(checksum(&parse(one)), checksum(&parse(same)));
        for other in [
            r#"{"a":{"SS":["x"]},"b":{"M":{"n":{"N":"1.0"},"l":{"L":[{"S":"1"}]}}}}"#,
            r#"{"a":{"SS":["x","y"]},"b":{"M":{"n":{"S":"1e0"},"l":{"L":[{"S":"1"}]}}}}"#,
            r#"{"a":{"L":[{"S":"x"},{"S":"y"}]},"b":{"M":{"n":{"N":"1.0"},"l":{"L":[{"S":"1"}]}}}}"#,
        ] {
            assert_ne!(checksum(&parse(one)), checksum(&parse(other)), "{other}");
        }
    }

    #[test]
    fn units_are_by_the_kilobyte() {
        let item = |length: usize| format!(r#"{{"id":{{"S":"{}"}}}}"#, "x".repeat(length));
        for (length, units) in [(0, 1), (1022, 1), (1023, 2), (2046, 2), (2047, 3)] {
            assert_eq!(write_units(&parse(&item(length))), units, "{length}");
        }
        let all = r#"{"n":{"N":"1234"},"b":{"B":"AQI="},"z":{"NULL":true},"m":{"M":{"x":{"BOOL":true}}},"l":{"L":[]}}"#;
        // Names; then 4, 2, 1, 3 + 1 + 1 + 1, 3.
        assert_eq!(map_bytes(&parse(all)), 5 + 4 + 2 + 1 + 6 + 3);
    }
}
