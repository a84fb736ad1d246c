//! Types and values on the wire (MS-TDS 2.2.5.4, 2.2.5.5).

use super::reader::{Reader, units_of};
use crate::store::collation::Collation;
use crate::store::moments::{DAY, DAY_OF_DATETIME};
use crate::store::types::{Length, Type, decimal_bytes, time_bytes};
use crate::store::value::Value;
use std::io;

const GUID: u8 = 0x24;
const INT_N: u8 = 0x26;
const DATE_N: u8 = 0x28;
const TIME_N: u8 = 0x29;
const DATETIME2_N: u8 = 0x2A;
const DATETIMEOFFSET_N: u8 = 0x2B;
const BIT_N: u8 = 0x68;
const DECIMAL_N: u8 = 0x6A;
const NUMERIC_N: u8 = 0x6C;
const FLOAT_N: u8 = 0x6D;
const MONEY_N: u8 = 0x6E;
const DATETIME_N: u8 = 0x6F;
const VARBINARY: u8 = 0xA5;
const VARCHAR: u8 = 0xA7;
const BINARY: u8 = 0xAD;
const CHAR: u8 = 0xAF;
const NVARCHAR: u8 = 0xE7;
const NCHAR: u8 = 0xEF;
const UDT: u8 = 0xF0;
const XML: u8 = 0xF1;
const TEXT: u8 = 0x23;
const IMAGE: u8 = 0x22;
const NTEXT: u8 = 0x63;

/// The length that stands for `max`, and for NULL of a limited length.
const MAX: u16 = 0xFFFF;
/// A value of `max` length is cut into pieces, each behind its length.
const PIECE: usize = 4096;

/// How a column's values travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Its type.
    pub of: Type,
    /// Whether they may be NULL: if not, some types have no length of their own.
    pub is_nullable: bool,
    /// The collation of text.
    pub collation: Collation,
}

/// The byte of a type whose values have no length of their own.
const fn fixed(of: Type) -> Option<u8> {
    Some(match of {
        Type::TinyInt => 0x30,
        Type::Bit => 0x32,
        Type::SmallInt => 0x34,
        Type::Int => 0x38,
        Type::SmallDateTime => 0x3A,
        Type::Real => 0x3B,
        Type::Money => 0x3C,
        Type::DateTime => 0x3D,
        Type::Float => 0x3E,
        Type::SmallMoney => 0x7A,
        Type::BigInt => 0x7F,
        _ => return None,
    })
}

/// Writes the description of a column's type.
pub fn write_type(out: &mut Vec<u8>, shape: Shape) {
    let of = shape.of;
    if let Some(byte) = fixed(of).filter(|_| !shape.is_nullable) {
        return out.push(byte);
    }
    let length = u8::try_from(of.max_length()).unwrap_or(0);
    match of {
        Type::TinyInt | Type::SmallInt | Type::Int | Type::BigInt => out.extend([INT_N, length]),
        Type::Bit => out.extend([BIT_N, 1]),
        Type::Real | Type::Float => out.extend([FLOAT_N, length]),
        Type::Money | Type::SmallMoney => out.extend([MONEY_N, length]),
        Type::DateTime | Type::SmallDateTime => out.extend([DATETIME_N, length]),
        Type::Decimal { precision, scale } => {
            out.extend([DECIMAL_N, decimal_bytes(precision), precision, scale]);
        }
        Type::UniqueIdentifier => out.extend([GUID, 16]),
        Type::Date => out.push(DATE_N),
        Type::Time(scale) => out.extend([TIME_N, scale]),
        Type::DateTime2(scale) => out.extend([DATETIME2_N, scale]),
        Type::DateTimeOffset(scale) => out.extend([DATETIMEOFFSET_N, scale]),
        Type::Binary(length) => long(out, BINARY, length, None),
        Type::RowVersion => long(out, BINARY, 8, None),
        Type::VarBinary(Length::Limited(length)) => long(out, VARBINARY, length, None),
        Type::VarBinary(Length::Max) => long(out, VARBINARY, MAX, None),
        Type::Char(length) => long(out, CHAR, length, Some(shape.collation)),
        Type::VarChar(Length::Limited(length)) => long(out, VARCHAR, length, Some(shape.collation)),
        Type::VarChar(Length::Max) => long(out, VARCHAR, MAX, Some(shape.collation)),
        Type::NChar(length) => long(out, NCHAR, length * 2, Some(shape.collation)),
        Type::NVarChar(Length::Limited(length)) => {
            long(out, NVARCHAR, length * 2, Some(shape.collation));
        }
        Type::NVarChar(Length::Max) => long(out, NVARCHAR, MAX, Some(shape.collation)),
        Type::Xml => out.extend([XML, 0]),
        Type::Text | Type::NText | Type::Image => {
            let (byte, collation) = match of {
                Type::Text => (TEXT, Some(shape.collation)),
                Type::NText => (NTEXT, Some(shape.collation)),
                _ => (IMAGE, None),
            };
            out.push(byte);
            out.extend(0x7FFF_FFFF_u32.to_le_bytes());
            out.extend(collation.iter().flat_map(|it| it.bytes()));
            // The table that it is of has no name.
            out.push(0);
        }
        Type::HierarchyId | Type::Geometry | Type::Geography => {
            out.push(UDT);
            out.extend(MAX.to_le_bytes());
            short_text(out, "");
            short_text(out, "sys");
            short_text(out, of.name());
            let assembly = "Microsoft.SqlServer.Types.SqlHierarchyId, Microsoft.SqlServer.Types";
            out.extend(
                u16::try_from(assembly.len())
                    .unwrap_or_default()
                    .to_le_bytes(),
            );
            out.extend(assembly.encode_utf16().flat_map(u16::to_le_bytes));
        }
        // Selected only through CAST: the evaluator sees to it.
        Type::SqlVariant => unreachable!("sql_variant is never sent"),
    }
}

fn long(out: &mut Vec<u8>, byte: u8, length: u16, collation: Option<Collation>) {
    out.push(byte);
    out.extend(length.to_le_bytes());
    out.extend(collation.iter().flat_map(|it| it.bytes()));
}

/// Text behind the number of its code units in one byte.
pub fn short_text(out: &mut Vec<u8>, text: &str) {
    let units: Vec<u16> = text.encode_utf16().take(255).collect();
    out.push(u8::try_from(units.len()).expect("at most 255 are taken"));
    out.extend(units.into_iter().flat_map(u16::to_le_bytes));
}

/// Text behind the number of its code units in two bytes.
pub fn text(out: &mut Vec<u8>, text: &str) {
    let units: Vec<u16> = text.encode_utf16().take(65_535).collect();
    let length = u16::try_from(units.len()).expect("at most 65,535 are taken");
    out.extend(length.to_le_bytes());
    out.extend(units.into_iter().flat_map(u16::to_le_bytes));
}

/// Whether a value of the type is cut into pieces.
const fn in_pieces(of: Type) -> bool {
    matches!(
        of,
        Type::VarChar(Length::Max)
            | Type::NVarChar(Length::Max)
            | Type::VarBinary(Length::Max)
            | Type::Xml
            | Type::HierarchyId
            | Type::Geometry
            | Type::Geography
    )
}

/// Writes a value of the column's type.
pub fn write_value(out: &mut Vec<u8>, shape: Shape, value: &Value) {
    let of = shape.of;
    let Some(bytes) = bytes_of(shape, value) else {
        return match of {
            _ if in_pieces(of) => out.extend([0xFF; 8]),
            _ if has_long_length(of) => out.extend(MAX.to_le_bytes()),
            _ => out.push(0),
        };
    };
    if fixed(of).is_some() && !shape.is_nullable {
        out.extend(bytes);
    } else if in_pieces(of) {
        out.extend((bytes.len() as u64).to_le_bytes());
        for piece in bytes.chunks(PIECE) {
            let length = u32::try_from(piece.len()).expect("a short piece");
            out.extend(length.to_le_bytes());
            out.extend(piece);
        }
        out.extend([0; 4]);
    } else if has_long_length(of) {
        let length = u16::try_from(bytes.len()).expect("a limited type holds short values");
        out.extend(length.to_le_bytes());
        out.extend(bytes);
    } else if matches!(of, Type::Text | Type::NText | Type::Image) {
        out.push(16);
        out.extend(*b"a text's pointer");
        out.extend([0; 8]);
        let length = u32::try_from(bytes.len()).expect("a text has at most 2 GB");
        out.extend(length.to_le_bytes());
        out.extend(bytes);
    } else {
        out.push(u8::try_from(bytes.len()).expect("a short type"));
        out.extend(bytes);
    }
}

const fn has_long_length(of: Type) -> bool {
    matches!(
        of,
        Type::Char(_)
            | Type::VarChar(_)
            | Type::NChar(_)
            | Type::NVarChar(_)
            | Type::Binary(_)
            | Type::VarBinary(_)
            | Type::RowVersion
    )
}

fn bytes_of(shape: Shape, value: &Value) -> Option<Vec<u8>> {
    let of = shape.of;
    let low = |number: i64, count: usize| number.to_le_bytes()[..count].to_vec();
    Some(match value {
        Value::Null => return None,
        Value::Bit(bit) => vec![u8::from(*bit)],
        Value::Int(number) => low(*number, usize::try_from(of.max_length()).unwrap_or(8)),
        Value::Decimal(units, _) => {
            let length = match of {
                Type::Decimal { precision, .. } => decimal_bytes(precision),
                _ => 17,
            };
            let mut bytes = vec![u8::from(*units >= 0)];
            bytes.extend(&units.unsigned_abs().to_le_bytes()[..usize::from(length) - 1]);
            bytes
        }
        Value::Money(units) if of == Type::SmallMoney => low(*units, 4),
        // The higher half comes first.
        Value::Money(units) => {
            let bytes = units.to_le_bytes();
            [&bytes[4..], &bytes[..4]].concat()
        }
        Value::Real(number) => number.to_le_bytes().to_vec(),
        Value::Float(number) => number.to_le_bytes().to_vec(),
        Value::Text(text) if of.is_unicode() => {
            text.iter().flat_map(|unit| unit.to_le_bytes()).collect()
        }
        Value::Text(text) => shape.collation.encode(text),
        Value::Bytes(bytes) => bytes.clone(),
        Value::Date(day) => low(*day, 3),
        Value::Time(time) => scaled(*time, of.precision_and_scale().1),
        Value::DateTime(ticks) => {
            let day = ticks.div_euclid(DAY_OF_DATETIME);
            [low(day, 4), low(ticks.rem_euclid(DAY_OF_DATETIME), 4)].concat()
        }
        Value::SmallDateTime(minutes) => [low(minutes / 1440, 2), low(minutes % 1440, 2)].concat(),
        Value::DateTime2(all) => {
            let time = scaled(all.rem_euclid(DAY), of.precision_and_scale().1);
            [time, low(all.div_euclid(DAY), 3)].concat()
        }
        Value::DateTimeOffset(utc, offset) => {
            let time = scaled(utc.rem_euclid(DAY), of.precision_and_scale().1);
            let day = low(utc.div_euclid(DAY), 3);
            [time, day, offset.to_le_bytes().to_vec()].concat()
        }
        Value::Guid(bytes) => bytes.to_vec(),
        Value::Variant(..) => unreachable!("sql_variant is never sent"),
    })
}

/// A time in units of its scale's last digit.
fn scaled(time: i64, scale: u8) -> Vec<u8> {
    let units = time / 10_i64.pow(7 - u32::from(scale));
    units.to_le_bytes()[..usize::from(time_bytes(scale))].to_vec()
}

fn malformed(problem: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem)
}

/// Reads a parameter's type and value.
pub fn read(from: &mut Reader<'_>) -> io::Result<(Type, Value)> {
    let byte = from.u8()?;
    let of = match byte {
        INT_N | BIT_N | FLOAT_N | MONEY_N | DATETIME_N => {
            let length = from.u8()?;
            match (byte, length) {
                (BIT_N, _) => Type::Bit,
                (INT_N, 1) => Type::TinyInt,
                (INT_N, 2) => Type::SmallInt,
                (INT_N, 4) => Type::Int,
                (INT_N, 8) => Type::BigInt,
                (FLOAT_N, 4) => Type::Real,
                (FLOAT_N, 8) => Type::Float,
                (MONEY_N, 4) => Type::SmallMoney,
                (MONEY_N, 8) => Type::Money,
                (DATETIME_N, 4) => Type::SmallDateTime,
                (DATETIME_N, 8) => Type::DateTime,
                _ => return Err(malformed(format!("type {byte:#x} of {length} bytes"))),
            }
        }
        DECIMAL_N | NUMERIC_N => {
            from.u8()?;
            Type::Decimal {
                precision: from.u8()?,
                scale: from.u8()?,
            }
        }
        GUID => {
            from.u8()?;
            Type::UniqueIdentifier
        }
        DATE_N => Type::Date,
        TIME_N => Type::Time(from.u8()?),
        DATETIME2_N => Type::DateTime2(from.u8()?),
        DATETIMEOFFSET_N => Type::DateTimeOffset(from.u8()?),
        VARBINARY | BINARY => match from.u16()? {
            MAX => Type::VarBinary(Length::Max),
            length => Type::VarBinary(Length::Limited(length)),
        },
        VARCHAR | CHAR | NVARCHAR | NCHAR => {
            let length = from.u16()?;
            from.take(5)?;
            match (byte, length) {
                (NVARCHAR | NCHAR, MAX) => Type::NVarChar(Length::Max),
                (NVARCHAR | NCHAR, length) => Type::NVarChar(Length::Limited(length / 2)),
                (_, MAX) => Type::VarChar(Length::Max),
                (_, length) => Type::VarChar(Length::Limited(length)),
            }
        }
        other => return Err(malformed(format!("a parameter of type {other:#x}"))),
    };
    let bytes = if in_pieces(of) {
        read_pieces(from)?
    } else if has_long_length(of) {
        match from.u16()? {
            MAX => None,
            length => Some(from.take(length.into())?.to_vec()),
        }
    } else {
        match from.u8()? {
            0 => None,
            length => Some(from.take(length.into())?.to_vec()),
        }
    };
    let value = match bytes {
        None => Value::Null,
        Some(bytes) => value_of(of, &bytes)?,
    };
    Ok((of, value))
}

fn read_pieces(from: &mut Reader<'_>) -> io::Result<Option<Vec<u8>>> {
    if from.u64()? == u64::MAX {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    loop {
        match from.u32()? {
            0 => return Ok(Some(bytes)),
            length => bytes.extend(from.take(length as usize)?),
        }
    }
}

fn value_of(of: Type, bytes: &[u8]) -> io::Result<Value> {
    let wrong = || malformed(format!("a parameter of {of} with {} bytes", bytes.len()));
    let number = |bytes: &[u8]| {
        let bytes = bytes.iter().rev();
        bytes.fold(0_i64, |number, byte| number << 8 | i64::from(*byte))
    };
    let signed = |bytes: &[u8]| {
        let unused = 64 - 8 * bytes.len().min(8);
        number(bytes) << unused >> unused
    };
    let time = |bytes: &[u8], scale: u8| number(bytes) * 10_i64.pow(7 - u32::from(scale.min(7)));
    Ok(match of {
        Type::Bit => Value::Bit(bytes != [0]),
        Type::TinyInt => Value::Int(number(bytes)),
        Type::SmallInt | Type::Int | Type::BigInt => Value::Int(signed(bytes)),
        Type::Real => Value::Real(f32::from_le_bytes(bytes.try_into().map_err(|_| wrong())?)),
        Type::Float => Value::Float(f64::from_le_bytes(bytes.try_into().map_err(|_| wrong())?)),
        Type::SmallMoney => Value::Money(signed(bytes)),
        Type::Money => {
            let (high, low) = bytes.split_at_checked(4).ok_or_else(wrong)?;
            Value::Money(number(high) << 32 | number(low))
        }
        Type::Decimal { scale, .. } => {
            let (sign, magnitude) = bytes.split_first().ok_or_else(wrong)?;
            let magnitude = magnitude.iter().rev();
            let units = magnitude.fold(0_i128, |n, byte| n << 8 | i128::from(*byte));
            Value::Decimal(if *sign == 0 { -units } else { units }, scale)
        }
        Type::UniqueIdentifier => Value::Guid(bytes.try_into().map_err(|_| wrong())?),
        Type::Date => Value::Date(number(bytes)),
        Type::Time(scale) => Value::Time(time(bytes, scale)),
        Type::DateTime => {
            let (day, ticks) = bytes.split_at_checked(4).ok_or_else(wrong)?;
            Value::DateTime(signed(day) * DAY_OF_DATETIME + number(ticks))
        }
        Type::SmallDateTime => {
            let (day, minutes) = bytes.split_at_checked(2).ok_or_else(wrong)?;
            Value::SmallDateTime(number(day) * 1440 + number(minutes))
        }
        Type::DateTime2(scale) => {
            let at = bytes.len().checked_sub(3).ok_or_else(wrong)?;
            let (clock, day) = bytes.split_at(at);
            Value::DateTime2(number(day) * DAY + time(clock, scale))
        }
        Type::DateTimeOffset(scale) => {
            let at = bytes.len().checked_sub(5).ok_or_else(wrong)?;
            let (clock, rest) = bytes.split_at(at);
            let utc = number(&rest[..3]) * DAY + time(clock, scale);
            let offset = i16::from_le_bytes([rest[3], rest[4]]);
            Value::DateTimeOffset(utc, offset)
        }
        _ if of.is_unicode() => Value::Text(units_of(bytes)),
        _ if of.is_text() => Value::Text(Collation::default().decode(bytes)),
        _ => Value::Bytes(bytes.to_vec()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::conversion::convert;

    #[test]
    fn values_are_read_as_they_are_written() {
        for (of, text) in [
            ("bit", "1"),
            ("tinyint", "255"),
            ("smallint", "-32768"),
            ("int", "-1"),
            ("bigint", "-9223372036854775808"),
            ("decimal(38,10)", "-9999999999999999999999999999.9999999999"),
            ("money", "-922337203685477.5808"),
            ("smallmoney", "214748.3647"),
            ("real", "-3.4e38"),
            ("float", "2.2250738585072014e-308"),
            ("date", "9999-12-31"),
            ("time(3)", "23:59:59.999"),
            ("datetime", "1753-01-01T00:00:00.003"),
            ("smalldatetime", "2079-06-06T23:59:00"),
            ("datetime2(7)", "9999-12-31T23:59:59.9999999"),
            ("datetimeoffset(7)", "2024-01-01T00:00:00.1234567-14:00"),
            ("uniqueidentifier", "00112233-4455-6677-8899-AABBCCDDEEFF"),
            ("nvarchar(10)", "한글"),
            ("nvarchar(max)", ""),
            ("varbinary(8)", "ab"),
            ("varbinary(max)", "abc"),
        ] {
            let of: Type = of.parse().unwrap();
            let from = Type::NVarChar(Length::Max);
            let value = convert(&Value::text(text), from, of, 0).unwrap();
            for value in [value, Value::Null] {
                let shape = Shape {
                    of,
                    is_nullable: true,
                    collation: Collation::default(),
                };
                let mut written = Vec::new();
                write_type(&mut written, shape);
                write_value(&mut written, shape, &value);
                let mut reader = Reader::new(&written);
                let read = read(&mut reader).unwrap();
                assert_eq!(read, (of, value), "{of} {text}");
                assert!(reader.is_empty());
            }
        }
    }
}
