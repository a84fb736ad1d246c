//! Conversion to bytes and GUIDs, and their text.

use super::plain;
use crate::store::collation::Collation;
use crate::store::types::Type;
use crate::store::value::Value;

pub(super) fn guid(value: &Value) -> Option<Value> {
    let text = match value {
        Value::Guid(_) => return Some(value.clone()),
        Value::Bytes(bytes) => return Some(Value::Guid(bytes.as_slice().try_into().ok()?)),
        Value::Text(text) => plain(text),
        _ => return None,
    };
    let text = text.trim().trim_start_matches('{').trim_end_matches('}');
    let lengths: Vec<_> = text.split('-').map(str::len).collect();
    if lengths != [8, 4, 4, 4, 12] {
        return None;
    }
    let bytes = from_hex(&text.replace('-', ""))?;
    Some(Value::Guid(swapped(bytes.as_slice().try_into().ok()?)))
}

/// The first three groups of a GUID's text travel with their bytes reversed.
const fn swapped(b: [u8; 16]) -> [u8; 16] {
    [
        b[3], b[2], b[1], b[0], b[5], b[4], b[7], b[6], b[8], b[9], b[10], b[11], b[12], b[13],
        b[14], b[15],
    ]
}

pub(super) fn guid_text(bytes: [u8; 16]) -> String {
    let hex = hex(&swapped(bytes));
    let parts = [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ];
    parts.join("-")
}

pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let halves = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    halves
        .map(|half| char::from(DIGITS[usize::from(half)]))
        .collect()
}

/// The bytes of hexadecimal digits.
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    let pairs = (0..text.len()).step_by(2);
    pairs
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok())
        .collect()
}

pub(super) fn bytes(value: &Value, from: Type, style: i64) -> Option<Vec<u8>> {
    Some(match value {
        Value::Bytes(bytes) => bytes.clone(),
        Value::Guid(bytes) => bytes.to_vec(),
        Value::Int(number) => {
            let bytes = number.to_be_bytes();
            let length = usize::try_from(from.max_length()).ok()?.min(8);
            bytes[8 - length..].to_vec()
        }
        Value::Text(text) => match style {
            1 => {
                let text = plain(text);
                from_hex(
                    text.strip_prefix("0x")
                        .or_else(|| text.strip_prefix("0X"))?,
                )?
            }
            2 => from_hex(&plain(text))?,
            _ if from.is_unicode() => text.iter().flat_map(|unit| unit.to_le_bytes()).collect(),
            _ => Collation::default().encode(text),
        },
        _ => return None,
    })
}
