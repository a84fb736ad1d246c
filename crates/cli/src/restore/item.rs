//! What DynamoDB makes of an item: how large it is, and when two of them are the same.

use dynamodb_json::{Map, Value};
use profile::canonical;
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
    let mut bytes = Vec::new();
    canonical::write(Some(&Value::M(*item)), &mut bytes);
    XxHash3_64::oneshot(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(item: &str) -> Map<'_> {
        dynamodb_json::parse_item(item.as_bytes()).unwrap()
    }

    #[test]
    fn numbers_are_equal_by_their_value() {
        let of = |number: &str| checksum(&parse(&format!(r#"{{"n":{{"N":"{number}"}}}}"#)));
        for (one, other) in [
            ("1.50", "1.5"),
            ("100", "1e2"),
            ("0.00", "-0"),
            ("-0.001", "-1E-3"),
            ("12345678901234567890.10", "12345678901234567890.1"),
        ] {
            assert_eq!(of(one), of(other), "{one} and {other}");
        }
        assert_ne!(of("1"), of("-1"));
        assert_ne!(of("1"), of("10"));
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
