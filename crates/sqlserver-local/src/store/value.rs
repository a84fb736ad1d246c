//! Values, and the cells from which rows are inserted.

use super::types::Type;
use serde::Deserialize;

/// A value of a column, a parameter or an expression.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "each is named as its type")]
pub enum Value {
    Null,
    Bit(bool),
    Int(i64),
    /// The number without its decimal point, and the digits behind that point.
    Decimal(i128, u8),
    /// In units of 0.0001.
    Money(i64),
    Real(f32),
    Float(f64),
    /// UTF-16, which need not be well formed.
    Text(Vec<u16>),
    Bytes(Vec<u8>),
    /// Days from 0001-01-01.
    Date(i64),
    /// 100 ns since midnight.
    Time(i64),
    /// 1/300 seconds since 1900-01-01.
    DateTime(i64),
    /// Minutes since 1900-01-01.
    SmallDateTime(i64),
    /// 100 ns since 0001-01-01.
    DateTime2(i64),
    /// 100 ns since 0001-01-01 in UTC, and the offset in minutes.
    DateTimeOffset(i64, i16),
    /// The bytes in the order in which they travel.
    Guid([u8; 16]),
    /// A value with the type that it has inside a `sql_variant`.
    Variant(Type, Box<Value>),
}

impl Value {
    /// Text.
    pub fn text(text: &str) -> Self {
        Self::Text(text.encode_utf16().collect())
    }
}

/// A cell of a row that is inserted: a value's text, as T-SQL would convert it to the column's type.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Cell {
    /// NULL.
    Null,
    /// A text: `1.50`, `2024-02-29T12:00:00`, `0xFF`. A `sql_variant` is `int:5`.
    Text(String),
    /// UTF-16 code units, which need not be well formed.
    Utf16(Vec<u16>),
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Cell {
    fn from(number: i64) -> Self {
        Self::Text(number.to_string())
    }
}

impl From<f64> for Cell {
    fn from(number: f64) -> Self {
        Self::Text(number.to_string())
    }
}

impl From<bool> for Cell {
    fn from(bit: bool) -> Self {
        Self::Text(u8::from(bit).to_string())
    }
}

impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(cell: Option<T>) -> Self {
        cell.map_or(Self::Null, Into::into)
    }
}
