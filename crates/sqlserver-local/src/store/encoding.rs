//! Values as `SQLite` stores them: so that `SQLite`'s order is the one of SQL Server, NULL first.

use super::types::Type;
use super::value::Value;
use rusqlite::types::{ToSqlOutput, ValueRef};

/// The order in which SQL Server compares the bytes of a `uniqueidentifier`: the last six first.
const GUID_ORDER: [usize; 16] = [10, 11, 12, 13, 14, 15, 8, 9, 6, 7, 4, 5, 0, 1, 2, 3];

/// A value for `SQLite`. Text is stored even where it is no valid UTF-8.
#[derive(Debug, Clone, PartialEq)]
pub enum Stored {
    /// NULL.
    Null,
    /// An integer.
    Integer(i64),
    /// A float.
    Real(f64),
    /// UTF-8, in which a surrogate without its other half has three bytes of its own.
    Text(Vec<u8>),
    /// Bytes, in whose order the values are.
    Blob(Vec<u8>),
}

impl rusqlite::ToSql for Stored {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Real(number) => ValueRef::Real(*number),
            Self::Text(bytes) => ValueRef::Text(bytes),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// A value, as it is stored.
pub fn encode(value: &Value) -> Stored {
    match value {
        Value::Null => Stored::Null,
        Value::Bit(bit) => Stored::Integer(i64::from(*bit)),
        Value::Int(number)
        | Value::Money(number)
        | Value::Date(number)
        | Value::Time(number)
        | Value::DateTime(number)
        | Value::SmallDateTime(number)
        | Value::DateTime2(number) => Stored::Integer(*number),
        Value::Decimal(units, _) => {
            let shifted = units.cast_unsigned() ^ (1 << 127);
            Stored::Blob(shifted.to_be_bytes().to_vec())
        }
        Value::Real(number) => Stored::Real(f64::from(*number)),
        Value::Float(number) => Stored::Real(*number),
        Value::Text(text) => Stored::Text(to_bytes(text)),
        Value::Bytes(bytes) => Stored::Blob(bytes.clone()),
        // Compared by the moment alone, which is never negative.
        Value::DateTimeOffset(utc, offset) => {
            let mut bytes = utc.to_be_bytes().to_vec();
            bytes.extend(offset.to_be_bytes());
            Stored::Blob(bytes)
        }
        Value::Guid(bytes) => Stored::Blob(GUID_ORDER.iter().map(|at| bytes[*at]).collect()),
        Value::Variant(of, value) => {
            let inner = match encode(value) {
                Stored::Null => return Stored::Null,
                Stored::Integer(number) => number.to_be_bytes().to_vec(),
                Stored::Real(number) => number.to_be_bytes().to_vec(),
                Stored::Text(bytes) | Stored::Blob(bytes) => bytes,
            };
            let mut bytes = of.to_string().into_bytes();
            bytes.push(0);
            bytes.extend(inner);
            Stored::Blob(bytes)
        }
    }
}

/// A stored value of a type; the store holds only what [`encode`] wrote.
pub fn decode(stored: ValueRef<'_>, of: Type) -> Value {
    match stored {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => of_integer(number, of),
        #[allow(
            clippy::cast_possible_truncation,
            reason = "a real was widened when it was stored"
        )]
        ValueRef::Real(number) => match of {
            Type::Real => Value::Real(number as f32),
            _ => Value::Float(number),
        },
        ValueRef::Text(bytes) => Value::Text(of_bytes(bytes)),
        ValueRef::Blob(bytes) => of_blob(bytes, of),
    }
}

fn of_integer(number: i64, of: Type) -> Value {
    match of {
        Type::Bit => Value::Bit(number != 0),
        Type::Money | Type::SmallMoney => Value::Money(number),
        Type::Date => Value::Date(number),
        Type::Time(_) => Value::Time(number),
        Type::DateTime => Value::DateTime(number),
        Type::SmallDateTime => Value::SmallDateTime(number),
        Type::DateTime2(_) => Value::DateTime2(number),
        _ => Value::Int(number),
    }
}

fn of_blob(bytes: &[u8], of: Type) -> Value {
    match of {
        Type::Decimal { scale, .. } => {
            let units = bytes
                .iter()
                .fold(0_u128, |n, byte| n << 8 | u128::from(*byte));
            Value::Decimal((units ^ (1 << 127)).cast_signed(), scale)
        }
        Type::DateTimeOffset(_) => {
            let (utc, offset) = bytes.split_at(8);
            let utc = utc.iter().fold(0, |n, byte| n << 8 | i64::from(*byte));
            let offset = offset.try_into().map(i16::from_be_bytes);
            Value::DateTimeOffset(utc, offset.unwrap_or_default())
        }
        Type::UniqueIdentifier => {
            let mut guid = [0; 16];
            for (at, byte) in GUID_ORDER.iter().zip(bytes) {
                guid[*at] = *byte;
            }
            Value::Guid(guid)
        }
        Type::SqlVariant => of_variant(bytes),
        _ => Value::Bytes(bytes.to_vec()),
    }
}

fn of_variant(bytes: &[u8]) -> Value {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or_default();
    let of = String::from_utf8_lossy(&bytes[..end]);
    let of: Type = of.parse().expect("a variant was stored with its type");
    let rest = &bytes[end + 1..];
    let number = || rest.iter().fold(0_u64, |n, byte| n << 8 | u64::from(*byte));
    let value = match of {
        Type::Real | Type::Float => decode(ValueRef::Real(f64::from_bits(number())), of),
        _ if of.is_text() => decode(ValueRef::Text(rest), of),
        Type::Decimal { .. }
        | Type::DateTimeOffset(_)
        | Type::UniqueIdentifier
        | Type::Binary(_)
        | Type::VarBinary(_) => decode(ValueRef::Blob(rest), of),
        _ => of_integer(number().cast_signed(), of),
    };
    Value::Variant(of, Box::new(value))
}

fn to_bytes(text: &[u16]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    for character in char::decode_utf16(text.iter().copied()) {
        match character {
            Ok(character) => {
                let mut buffer = [0; 4];
                bytes.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes());
            }
            Err(lone) => {
                let [high, low] = lone.unpaired_surrogate().to_be_bytes();
                bytes.extend([
                    0xE0 | high >> 4,
                    0x80 | (high & 0x0F) << 2 | low >> 6,
                    0x80 | low & 0x3F,
                ]);
            }
        }
    }
    bytes
}

fn of_bytes(mut bytes: &[u8]) -> Vec<u16> {
    let mut text = Vec::with_capacity(bytes.len());
    loop {
        let error = match std::str::from_utf8(bytes) {
            Ok(valid) => {
                text.extend(valid.encode_utf16());
                return text;
            }
            Err(error) => error,
        };
        let (valid, rest) = bytes.split_at(error.valid_up_to());
        text.extend(String::from_utf8_lossy(valid).encode_utf16());
        let Some(([first, second, third], rest)) = rest.split_first_chunk::<3>() else {
            return text;
        };
        let unit =
            u16::from(first & 0x0F) << 12 | u16::from(second & 0x3F) << 6 | u16::from(third & 0x3F);
        text.push(unit);
        bytes = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn again(value: &Value, of: Type) -> Value {
        let stored = encode(value);
        let reference = match &stored {
            Stored::Null => ValueRef::Null,
            Stored::Integer(number) => ValueRef::Integer(*number),
            Stored::Real(number) => ValueRef::Real(*number),
            Stored::Text(bytes) => ValueRef::Text(bytes),
            Stored::Blob(bytes) => ValueRef::Blob(bytes),
        };
        decode(reference, of)
    }

    #[test]
    fn values_survive_the_store() {
        let decimal = Type::Decimal {
            precision: 38,
            scale: 3,
        };
        for (value, of) in [
            (Value::Decimal(-(10_i128.pow(38) - 1), 3), decimal),
            (Value::DateTimeOffset(5, -90), Type::DateTimeOffset(7)),
            (Value::Guid(*b"0123456789abcdef"), Type::UniqueIdentifier),
            (
                Value::Text(vec![0x61, 0xD800, 0xDC00, 0xDFFF, 0]),
                Type::NText,
            ),
            (Value::Real(0.1), Type::Real),
            (
                Value::Variant(Type::Int, Box::new(Value::Int(-5))),
                Type::SqlVariant,
            ),
            (
                Value::Variant(decimal, Box::new(Value::Decimal(-5, 3))),
                Type::SqlVariant,
            ),
        ] {
            assert_eq!(again(&value, of), value);
        }
    }

    #[test]
    fn bytes_are_in_the_order_of_their_values() {
        let blob = |value: &Value| match encode(value) {
            Stored::Blob(bytes) => bytes,
            other => panic!("{other:?}"),
        };
        let of = |units| blob(&Value::Decimal(units, 0));
        assert!(of(-10) < of(-9) && of(-1) < of(0) && of(0) < of(1) && of(255) < of(256));
        let guid = |text: [u8; 16]| blob(&Value::Guid(text));
        let (mut low, mut high) = ([0xFF; 16], [0; 16]);
        low[10] = 0;
        high[10] = 1;
        assert!(guid(low) < guid(high), "byte 10 counts most");
    }
}
