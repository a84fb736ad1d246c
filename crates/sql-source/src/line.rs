//! Raw lines, in DynamoDB JSON, from the values of rows.
//!
//! A value keeps the digits and characters that the database wrote. NULL is `{"NULL": true}`, so
//! that it differs from a column that is absent.

use crate::Row;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lake::records::{SqlColumn, SqlKind};

/// Writes rows of the same columns as raw lines.
#[derive(Debug)]
pub struct LineWriter {
    /// What stands before each value: `"name":{`, with a comma before all but the first.
    columns: Vec<(String, SqlKind)>,
}

impl LineWriter {
    /// A writer of rows of these columns.
    pub fn new(columns: &[SqlColumn]) -> Self {
        let prefix = |(i, column): (usize, &SqlColumn)| {
            let comma = if i == 0 { "" } else { "," };
            let name = serde_json::Value::from(column.name.as_str());
            (format!("{comma}{name}:{{"), column.kind)
        };
        Self {
            columns: columns.iter().enumerate().map(prefix).collect(),
        }
    }

    /// Appends a row's line, its line break included.
    pub fn write(&self, row: &Row<'_>, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"Item\":{");
        for ((prefix, kind), value) in self.columns.iter().zip(row) {
            out.extend_from_slice(prefix.as_bytes());
            match value {
                None => out.extend_from_slice(b"\"NULL\":true"),
                Some(text) => write_value(*kind, text, out),
            }
            out.push(b'}');
        }
        out.extend_from_slice(b"}}\n");
    }
}

fn write_value(kind: SqlKind, text: &str, out: &mut Vec<u8>) {
    match kind {
        SqlKind::Number if is_number(text) => {
            out.extend_from_slice(b"\"N\":\"");
            out.extend_from_slice(text.as_bytes());
            out.push(b'"');
        }
        SqlKind::Number | SqlKind::Text => write_text(text, out),
        SqlKind::Timestamp => write_text(&iso_8601(text), out),
        SqlKind::Boolean => {
            let value: &[u8] = match text {
                "t" | "true" | "1" => b"\"BOOL\":true",
                _ => b"\"BOOL\":false",
            };
            out.extend_from_slice(value);
        }
        SqlKind::Bytes => {
            out.extend_from_slice(b"\"B\":\"");
            let bytes = from_hex(text);
            let start = out.len();
            out.resize(start + bytes.len().div_ceil(3) * 4, 0);
            let written = STANDARD.encode_slice(&bytes, &mut out[start..]);
            out.truncate(start + written.expect("there is room for every byte"));
            out.push(b'"');
        }
    }
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\"S\":\"");
    let bytes = text.as_bytes();
    let mut done = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let escape: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            0x08 => b"\\b",
            0x0c => b"\\f",
            0..0x20 => b"",
            _ => continue,
        };
        out.extend_from_slice(&bytes[done..at]);
        done = at + 1;
        if escape.is_empty() {
            out.extend_from_slice(format!("\\u{byte:04x}").as_bytes());
        } else {
            out.extend_from_slice(escape);
        }
    }
    out.extend_from_slice(&bytes[done..]);
    out.push(b'"');
}

/// Whether DynamoDB's numbers hold this one exactly: at most 38 significant digits, between 1E-130
/// and 9.99E+125.
///
/// Source: Amazon DynamoDB developer guide, "Data types".
fn is_number(text: &str) -> bool {
    const MOST_DIGITS: usize = 38;
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (digits, exponent) = match unsigned.find(['e', 'E']) {
        None => (unsigned, 0),
        Some(at) => match unsigned[at + 1..].parse::<i32>() {
            Ok(exponent) => (&unsigned[..at], exponent),
            Err(_) => return false,
        },
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
        return false;
    }
    if exponent == 0 && whole.len() + fraction.len() <= MOST_DIGITS {
        return true;
    }
    let all: String = [whole, fraction].concat();
    let significant = all.trim_start_matches('0');
    if significant.is_empty() {
        return true;
    }
    let leading_zeros = all.len() - significant.len();
    // The power of ten of the first significant digit.
    let point = i64::try_from(whole.len()).unwrap_or(i64::MAX);
    let leading_zeros = i64::try_from(leading_zeros).unwrap_or(i64::MAX);
    let magnitude = point - leading_zeros - 1 + i64::from(exponent);
    significant.trim_end_matches('0').len() <= MOST_DIGITS && (-130..=125).contains(&magnitude)
}

/// `2024-01-02 03:04:05+00` as `2024-01-02T03:04:05Z`. What has no such form, such as `infinity` or
/// a year before Christ, stays as it is.
fn iso_8601(text: &str) -> String {
    let is_plain = text.as_bytes().get(10) == Some(&b' ') && !text.ends_with("BC");
    if !is_plain {
        return text.to_owned();
    }
    let mut iso = text.replacen(' ', "T", 1);
    if iso.ends_with("+00") {
        iso.truncate(iso.len() - 3);
        iso.push('Z');
    }
    iso
}

/// The bytes of hexadecimal digits, with or without `\x` or `0x` before them.
fn from_hex(text: &str) -> Vec<u8> {
    let digits = text
        .strip_prefix("\\x")
        .or_else(|| text.strip_prefix("0x"))
        .unwrap_or(text);
    let value = |digit: u8| match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        b'A'..=b'F' => digit - b'A' + 10,
        _ => 0,
    };
    digits
        .as_bytes()
        .chunks_exact(2)
        .map(|pair| value(pair[0]) << 4 | value(pair[1]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(kind: SqlKind, value: Option<&str>) -> String {
        let column = SqlColumn {
            name: "a\"b".to_owned(),
            sql_type: String::new(),
            kind,
            scale: None,
            nullable: true,
        };
        let mut out = Vec::new();
        LineWriter::new(&[column.clone(), column]).write(&[value, None], &mut out);
        let text = String::from_utf8(out).unwrap();
        let parsed: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert!(text.ends_with("\"a\\\"b\":{\"NULL\":true}}}\n"), "{text}");
        assert!(parsed["Item"].is_object());
        let value = text.strip_prefix("{\"Item\":{\"a\\\"b\":{").unwrap();
        value.split("},\"").next().unwrap().to_owned()
    }

    #[test]
    fn numbers_keep_their_digits_or_are_text() {
        for number in [
            "0",
            "-12.50",
            "99999999999999999999999999999999999999",
            "0.00000000000000000000000000000000000001",
            "1e-07",
            "9.9e+125",
            "1E-130",
            "100000000000000000000000000000000000000000000",
        ] {
            assert_eq!(
                line(SqlKind::Number, Some(number)),
                format!("\"N\":\"{number}\"")
            );
        }
        for text in [
            "NaN",
            "Infinity",
            "-Infinity",
            "1.7976931348623157e+308",
            "5e-324",
            "1e126",
            "123456789012345678901234567890123456789",
        ] {
            assert_eq!(
                line(SqlKind::Number, Some(text)),
                format!("\"S\":\"{text}\"")
            );
        }
    }

    #[test]
    fn text_is_escaped_as_json_and_nothing_else() {
        for text in [
            "",
            "Öl 한글 😀",
            "a\"b\\c\nd\te\r\u{8}\u{c}\u{1}\u{1f}\u{7f}",
        ] {
            let written = format!("{{{}}}", line(SqlKind::Text, Some(text)));
            let parsed: serde_json::Value = serde_json::from_str(&written).unwrap();
            assert_eq!(parsed["S"], text, "{written}");
        }
    }

    #[test]
    fn moments_are_written_as_iso_8601() {
        for (text, iso) in [
            ("2024-01-02 03:04:05.123456", "2024-01-02T03:04:05.123456"),
            ("2024-01-02 03:04:05+00", "2024-01-02T03:04:05Z"),
            ("0001-01-01 00:00:00", "0001-01-01T00:00:00"),
            ("2024-01-02", "2024-01-02"),
            ("infinity", "infinity"),
            ("0044-03-15 12:00:00 BC", "0044-03-15 12:00:00 BC"),
        ] {
            assert_eq!(
                line(SqlKind::Timestamp, Some(text)),
                format!("\"S\":\"{iso}\"")
            );
        }
    }

    #[test]
    fn bytes_and_booleans_have_their_types() {
        assert_eq!(line(SqlKind::Bytes, Some("\\x00ff10")), "\"B\":\"AP8Q\"");
        assert_eq!(line(SqlKind::Bytes, Some("\\x")), "\"B\":\"\"");
        assert_eq!(line(SqlKind::Bytes, Some("0xABCD")), "\"B\":\"q80=\"");
        assert_eq!(line(SqlKind::Boolean, Some("t")), "\"BOOL\":true");
        assert_eq!(line(SqlKind::Boolean, Some("f")), "\"BOOL\":false");
    }
}
