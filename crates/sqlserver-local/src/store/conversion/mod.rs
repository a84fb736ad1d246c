//! CAST and CONVERT.

mod bytes;
mod dates;
mod numbers;

pub use bytes::from_hex;
pub use numbers::{add, decimal};

use super::collation::Collation;
use super::types::{Length, Type};
use super::value::{Cell, Value};
use crate::error::SqlError;
use bytes::{bytes, guid, guid_text, hex};
use dates::{moment, moment_text, of_moment};
use numbers::{bit, decimal_text, exact, float, integer, rescaled};

/// Converts a value of a type to another type, with a style as CONVERT has it.
pub fn convert(value: &Value, from: Type, to: Type, style: i64) -> Result<Value, SqlError> {
    let wrong = || SqlError::conversion(from.name(), to.name());
    Ok(match (value, to) {
        (Value::Null, _) => Value::Null,
        (Value::Variant(..), Type::SqlVariant) => value.clone(),
        (Value::Variant(inner, value), _) => convert(value, *inner, to, style)?,
        (_, Type::SqlVariant) => Value::Variant(from, Box::new(value.clone())),
        (_, Type::Bit) => bit(value).ok_or_else(wrong)?,
        (_, Type::TinyInt) => integer(value, from, to, 0, 255)?,
        (_, Type::SmallInt) => integer(value, from, to, i16::MIN.into(), i16::MAX.into())?,
        (_, Type::Int) => integer(value, from, to, i32::MIN.into(), i32::MAX.into())?,
        (_, Type::BigInt) => integer(value, from, to, i64::MIN, i64::MAX)?,
        (_, Type::Decimal { precision, scale }) => {
            let units = exact(value, scale).ok_or_else(wrong)?;
            if units.unsigned_abs() >= 10_u128.pow(u32::from(precision)) {
                return Err(SqlError::overflow(to.name()));
            }
            Value::Decimal(units, scale)
        }
        (_, Type::Money | Type::SmallMoney) => {
            let units = exact(value, 4).ok_or_else(wrong)?;
            let fits = match to {
                Type::Money => i64::try_from(units).ok(),
                _ => i32::try_from(units).ok().map(i64::from),
            };
            Value::Money(fits.ok_or_else(|| SqlError::overflow(to.name()))?)
        }
        #[allow(clippy::cast_possible_truncation, reason = "a real is the nearest one")]
        (_, Type::Real) => match float(value).ok_or_else(wrong)? as f32 {
            number if number.is_finite() => Value::Real(number),
            _ => return Err(SqlError::overflow(to.name())),
        },
        (_, Type::Float) => Value::Float(float(value).ok_or_else(wrong)?),
        (_, Type::UniqueIdentifier) => guid(value).ok_or_else(wrong)?,
        (
            _,
            Type::Binary(_)
            | Type::VarBinary(_)
            | Type::RowVersion
            | Type::Image
            | Type::HierarchyId
            | Type::Geometry
            | Type::Geography,
        ) => {
            let mut bytes = bytes(value, from, style).ok_or_else(wrong)?;
            match to {
                Type::Binary(length) => bytes.resize(length.into(), 0),
                Type::RowVersion => bytes.resize(8, 0),
                Type::VarBinary(Length::Limited(length)) => bytes.truncate(length.into()),
                _ => {}
            }
            Value::Bytes(bytes)
        }
        (
            _,
            Type::Date
            | Type::Time(_)
            | Type::DateTime
            | Type::SmallDateTime
            | Type::DateTime2(_)
            | Type::DateTimeOffset(_),
        ) => {
            let moment = moment(value).ok_or_else(|| {
                SqlError::new(
                    241,
                    "Conversion failed when converting date and/or time from character string.",
                )
            })?;
            of_moment(moment, to).ok_or_else(|| {
                SqlError::new(
                    242,
                    format!(
                        "The conversion of a {} data type to a {} data type resulted in an out-of-range value.",
                        from.name(),
                        to.name()
                    ),
                )
            })?
        }
        (
            _,
            Type::Char(_)
            | Type::VarChar(_)
            | Type::NChar(_)
            | Type::NVarChar(_)
            | Type::Text
            | Type::NText
            | Type::Xml,
        ) => {
            let text = text(value, from, style)?;
            Value::Text(fitted(text, from, to)?)
        }
    })
}

/// Cuts a text to its type's length, or fills it up.
fn fitted(mut text: Vec<u16>, from: Type, to: Type) -> Result<Vec<u16>, SqlError> {
    let (length, is_filled) = match to {
        Type::Char(length) | Type::NChar(length) => (usize::from(length), true),
        Type::VarChar(Length::Limited(length)) | Type::NVarChar(Length::Limited(length)) => {
            (usize::from(length), false)
        }
        _ => return Ok(text),
    };
    if text.len() > length && !from.is_text() {
        return Err(SqlError::overflow(to.name()));
    }
    text.truncate(length);
    if is_filled {
        text.resize(length, u16::from(b' '));
    }
    Ok(text)
}

fn plain(text: &[u16]) -> String {
    String::from_utf16_lossy(text)
}

/// A value's text in a style.
pub fn text(value: &Value, from: Type, style: i64) -> Result<Vec<u16>, SqlError> {
    let unknown = || {
        SqlError::new(
            281,
            format!(
                "{style} is not a valid style number when converting from {} to a character string.",
                from.name()
            ),
        )
    };
    let text = match value {
        Value::Text(text) => return Ok(text.clone()),
        Value::Bit(bit) => u8::from(*bit).to_string(),
        Value::Int(number) => number.to_string(),
        Value::Decimal(units, scale) => decimal_text(*units, *scale),
        // Two digits are lost unless the style asks for them.
        Value::Money(units) => match style {
            2 => decimal_text(i128::from(*units), 4),
            0 => decimal_text(rescaled(i128::from(*units), 4, 2).ok_or_else(unknown)?, 2),
            _ => return Err(unknown()),
        },
        Value::Real(number) if style == 3 => format!("{number:.8e}"),
        Value::Float(number) if style == 3 => format!("{number:.16e}"),
        Value::Guid(bytes) => guid_text(*bytes),
        Value::Bytes(bytes) => match style {
            1 => format!("0x{}", hex(bytes)),
            2 => hex(bytes),
            _ => return Ok(Collation::default().decode(bytes)),
        },
        Value::Date(_)
        | Value::Time(_)
        | Value::DateTime(_)
        | Value::SmallDateTime(_)
        | Value::DateTime2(_)
        | Value::DateTimeOffset(..) => moment_text(value, from, style).ok_or_else(unknown)?,
        Value::Null | Value::Variant(..) | Value::Real(_) | Value::Float(_) => {
            return Err(unknown());
        }
    };
    Ok(text.encode_utf16().collect())
}

/// The value of a cell, as T-SQL would convert it to a column's type.
pub fn of_cell(cell: &Cell, of: Type) -> Result<Value, SqlError> {
    let max = Type::NVarChar(Length::Max);
    let text = match cell {
        Cell::Null => return Ok(Value::Null),
        Cell::Utf16(units) => return convert(&Value::Text(units.clone()), max, of, 0),
        Cell::Text(text) => text,
    };
    if of == Type::SqlVariant {
        let split = text.split_once(':');
        let inner = split.and_then(|(of, text)| Some((of.parse::<Type>().ok()?, text)));
        let (inner, text) = inner.ok_or_else(|| SqlError::syntax(text))?;
        let value = convert(&Value::text(text), max, inner, 1)?;
        return Ok(Value::Variant(inner, Box::new(value)));
    }
    convert(&Value::text(text), max, of, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back(of: &str, text: &str, style: i64) -> String {
        let of: Type = of.parse().unwrap();
        let max = Type::NVarChar(Length::Max);
        let value = convert(&Value::text(text), max, of, style).unwrap();
        let Value::Text(text) = convert(&value, of, max, style).unwrap() else {
            panic!("a text")
        };
        String::from_utf16(&text).unwrap()
    }

    #[test]
    fn texts_survive_their_type() {
        for (of, text, style) in [
            ("bigint", "-9223372036854775808", 0),
            ("decimal(38,0)", "99999999999999999999999999999999999999", 0),
            (
                "decimal(38,38)",
                "-0.99999999999999999999999999999999999999",
                0,
            ),
            ("money", "-922337203685477.5808", 2),
            ("date", "9999-12-31", 126),
            ("time(7)", "23:59:59.9999999", 126),
            ("datetime", "1753-01-01T00:00:00", 126),
            ("datetime", "9999-12-31T23:59:59.997", 126),
            ("datetime", "2024-01-01T00:00:00.003", 126),
            ("smalldatetime", "2079-06-06T23:59:00", 126),
            ("datetime2(7)", "0001-01-01T00:00:00.0000001", 126),
            (
                "datetimeoffset(7)",
                "2024-02-29T12:00:00.1234567-03:30",
                126,
            ),
            (
                "uniqueidentifier",
                "00112233-4455-6677-8899-AABBCCDDEEFF",
                0,
            ),
            ("varbinary(max)", "0x00FF10", 1),
        ] {
            assert_eq!(there_and_back(of, text, style), text, "{of}");
        }
    }

    #[test]
    fn values_are_rounded_as_sql_server_does() {
        for (of, text, expected) in [
            (
                "datetime",
                "2024-01-01T00:00:00.002",
                "2024-01-01T00:00:00.003",
            ),
            ("datetime", "2024-01-01T23:59:59.999", "2024-01-02T00:00:00"),
            (
                "smalldatetime",
                "2024-01-01T00:00:29.998",
                "2024-01-01T00:00:00",
            ),
            (
                "smalldatetime",
                "2024-01-01T00:00:29.999",
                "2024-01-01T00:01:00",
            ),
            (
                "datetime2(3)",
                "2024-01-01T00:00:00.1235",
                "2024-01-01T00:00:00.124",
            ),
            ("decimal(5,2)", "1.005", "1.01"),
            ("decimal(5,2)", "-1.005", "-1.01"),
        ] {
            assert_eq!(there_and_back(of, text, 126), expected, "{of} {text}");
        }
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let max = Type::NVarChar(Length::Max);
        for (of, text, number) in [
            ("tinyint", "256", 8115),
            ("int", "x", 8114),
            ("decimal(3,2)", "10", 8115),
            ("money", "922337203685477.5808", 8115),
            ("datetime", "1752-12-31", 242),
            ("date", "2023-02-29", 241),
            ("uniqueidentifier", "1", 8114),
        ] {
            let error = convert(&Value::text(text), max, of.parse().unwrap(), 0).unwrap_err();
            assert_eq!(error.number, number, "{of} {text}: {error:?}");
        }
    }
}
