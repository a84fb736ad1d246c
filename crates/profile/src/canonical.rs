//! Canonical bytes, equal exactly if the values are equal, however they are written: the input of
//! hashes, such as the split's and those of changed keys.
//!
//! A value is its type tag's letter, its length if it has one, and its content. Texts are decoded;
//! numbers are by value, so `1` and `1.0` are one group; maps and sets are sorted, because their
//! order has no meaning.

use crate::Decimal;
use dynamodb_json::Value;

/// Appends the canonical bytes of a value, or of its absence.
pub fn write(value: Option<&Value<'_>>, out: &mut Vec<u8>) {
    match value {
        None => out.push(b'-'),
        Some(Value::Null) => out.push(b'0'),
        Some(Value::Bool(value)) => out.extend_from_slice(if *value { b"?1" } else { b"?0" }),
        Some(Value::S(text)) => field(b'S', text.decode().as_bytes(), out),
        Some(Value::B(text)) => field(b'B', text.decode().as_bytes(), out),
        Some(Value::N(raw)) => field(b'N', Decimal::read(raw).text().as_bytes(), out),
        Some(Value::Ss(set)) => {
            sorted(
                b's',
                set.iter()
                    .map(|text| text.decode().into_owned().into_bytes()),
                out,
            );
        }
        Some(Value::Bs(set)) => {
            sorted(
                b'b',
                set.iter()
                    .map(|text| text.decode().into_owned().into_bytes()),
                out,
            );
        }
        Some(Value::Ns(set)) => sorted(
            b'n',
            set.iter()
                .map(|raw| Decimal::read(raw).into_text().into_owned().into_bytes()),
            out,
        ),
        Some(Value::L(list)) => {
            let elements = list.elements().map(|element| bytes_of(&element));
            all(b'L', elements.collect(), out);
        }
        Some(Value::M(map)) => {
            let attributes = map.attributes().map(|(name, value)| {
                let mut bytes = Vec::new();
                field(b'=', name.decode().as_bytes(), &mut bytes);
                write(Some(&value), &mut bytes);
                bytes
            });
            sorted(b'M', attributes, out);
        }
    }
}

fn bytes_of(value: &Value<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(Some(value), &mut bytes);
    bytes
}

fn field(tag: u8, content: &[u8], out: &mut Vec<u8>) {
    out.push(tag);
    out.extend_from_slice(&(content.len() as u64).to_le_bytes());
    out.extend_from_slice(content);
}

fn sorted(tag: u8, members: impl Iterator<Item = Vec<u8>>, out: &mut Vec<u8>) {
    let mut members: Vec<_> = members.collect();
    members.sort_unstable();
    all(tag, members, out);
}

fn all(tag: u8, members: Vec<Vec<u8>>, out: &mut Vec<u8>) {
    out.push(tag);
    out.extend_from_slice(&(members.len() as u64).to_le_bytes());
    for member in members {
        field(b'.', &member, out);
    }
}
