//! The types of SQL Server.

use crate::Error;
use std::fmt;
use std::str::FromStr;

/// Length of a text or of bytes, where it varies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// At most so many bytes, or UTF-16 code units.
    Limited(u16),
    /// Up to 2 GB.
    Max,
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Limited(length) => length.fmt(f),
            Self::Max => f.write_str("max"),
        }
    }
}

/// A type. Its text is T-SQL: `decimal(38,4)`, `nvarchar(max)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is named as in T-SQL")]
pub enum Type {
    Bit,
    TinyInt,
    SmallInt,
    Int,
    BigInt,
    Decimal { precision: u8, scale: u8 },
    Money,
    SmallMoney,
    Real,
    Float,
    Char(u16),
    VarChar(Length),
    NChar(u16),
    NVarChar(Length),
    Text,
    NText,
    Image,
    Xml,
    Date,
    Time(u8),
    DateTime,
    SmallDateTime,
    DateTime2(u8),
    DateTimeOffset(u8),
    UniqueIdentifier,
    Binary(u16),
    VarBinary(Length),
    RowVersion,
    HierarchyId,
    Geometry,
    Geography,
    SqlVariant,
}

impl Type {
    /// Its name without length, precision and scale.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bit => "bit",
            Self::TinyInt => "tinyint",
            Self::SmallInt => "smallint",
            Self::Int => "int",
            Self::BigInt => "bigint",
            Self::Decimal { .. } => "decimal",
            Self::Money => "money",
            Self::SmallMoney => "smallmoney",
            Self::Real => "real",
            Self::Float => "float",
            Self::Char(_) => "char",
            Self::VarChar(_) => "varchar",
            Self::NChar(_) => "nchar",
            Self::NVarChar(_) => "nvarchar",
            Self::Text => "text",
            Self::NText => "ntext",
            Self::Image => "image",
            Self::Xml => "xml",
            Self::Date => "date",
            Self::Time(_) => "time",
            Self::DateTime => "datetime",
            Self::SmallDateTime => "smalldatetime",
            Self::DateTime2(_) => "datetime2",
            Self::DateTimeOffset(_) => "datetimeoffset",
            Self::UniqueIdentifier => "uniqueidentifier",
            Self::Binary(_) => "binary",
            Self::VarBinary(_) => "varbinary",
            Self::RowVersion => "timestamp",
            Self::HierarchyId => "hierarchyid",
            Self::Geometry => "geometry",
            Self::Geography => "geography",
            Self::SqlVariant => "sql_variant",
        }
    }

    /// `sys.types.system_type_id`.
    pub const fn system_type_id(self) -> u8 {
        match self {
            Self::Image => 34,
            Self::Text => 35,
            Self::UniqueIdentifier => 36,
            Self::Date => 40,
            Self::Time(_) => 41,
            Self::DateTime2(_) => 42,
            Self::DateTimeOffset(_) => 43,
            Self::TinyInt => 48,
            Self::SmallInt => 52,
            Self::Int => 56,
            Self::SmallDateTime => 58,
            Self::Real => 59,
            Self::Money => 60,
            Self::DateTime => 61,
            Self::Float => 62,
            Self::SqlVariant => 98,
            Self::NText => 99,
            Self::Bit => 104,
            Self::Decimal { .. } => 106,
            Self::SmallMoney => 122,
            Self::BigInt => 127,
            Self::VarBinary(_) => 165,
            Self::VarChar(_) => 167,
            Self::Binary(_) => 173,
            Self::Char(_) => 175,
            Self::RowVersion => 189,
            Self::NVarChar(_) => 231,
            Self::NChar(_) => 239,
            Self::HierarchyId | Self::Geometry | Self::Geography => 240,
            Self::Xml => 241,
        }
    }

    /// `sys.types.user_type_id`: that of the system type, but for the types of .NET.
    pub const fn user_type_id(self) -> i64 {
        match self {
            Self::HierarchyId => 128,
            Self::Geometry => 129,
            Self::Geography => 130,
            other => other.system_type_id() as i64,
        }
    }

    /// `sys.columns.max_length`, in bytes; -1 for max types.
    pub const fn max_length(self) -> i64 {
        match self {
            Self::Bit | Self::TinyInt => 1,
            Self::SmallInt => 2,
            Self::Int | Self::SmallMoney | Self::Real | Self::SmallDateTime => 4,
            Self::BigInt | Self::Money | Self::Float | Self::DateTime | Self::RowVersion => 8,
            Self::Decimal { precision, .. } => decimal_bytes(precision) as i64,
            Self::Char(n)
            | Self::Binary(n)
            | Self::VarChar(Length::Limited(n))
            | Self::VarBinary(Length::Limited(n)) => n as i64,
            Self::NChar(n) | Self::NVarChar(Length::Limited(n)) => 2 * n as i64,
            Self::Text | Self::NText | Self::Image | Self::UniqueIdentifier => 16,
            Self::VarChar(Length::Max)
            | Self::NVarChar(Length::Max)
            | Self::VarBinary(Length::Max)
            | Self::Xml
            | Self::Geometry
            | Self::Geography => -1,
            Self::HierarchyId => 892,
            Self::Date => 3,
            Self::Time(scale) => time_bytes(scale) as i64,
            Self::DateTime2(scale) => time_bytes(scale) as i64 + 3,
            Self::DateTimeOffset(scale) => time_bytes(scale) as i64 + 5,
            Self::SqlVariant => 8016,
        }
    }

    /// `sys.columns.precision` and `scale`.
    pub const fn precision_and_scale(self) -> (u8, u8) {
        match self {
            Self::Bit => (1, 0),
            Self::TinyInt => (3, 0),
            Self::SmallInt => (5, 0),
            Self::Int | Self::Date => (10, 0),
            Self::BigInt => (19, 0),
            Self::Decimal { precision, scale } => (precision, scale),
            Self::Money => (19, 4),
            Self::SmallMoney => (10, 4),
            Self::Real => (24, 0),
            Self::Float => (53, 0),
            Self::DateTime => (23, 3),
            Self::SmallDateTime => (16, 0),
            Self::Time(scale) => (if scale == 0 { 8 } else { 9 + scale }, scale),
            Self::DateTime2(scale) => (if scale == 0 { 19 } else { 20 + scale }, scale),
            Self::DateTimeOffset(scale) => (if scale == 0 { 26 } else { 27 + scale }, scale),
            _ => (0, 0),
        }
    }

    /// Whether it holds text, which has a collation.
    pub const fn is_text(self) -> bool {
        matches!(
            self,
            Self::Char(_)
                | Self::VarChar(_)
                | Self::NChar(_)
                | Self::NVarChar(_)
                | Self::Text
                | Self::NText
        )
    }

    /// Whether it holds UTF-16.
    pub const fn is_unicode(self) -> bool {
        matches!(
            self,
            Self::NChar(_) | Self::NVarChar(_) | Self::NText | Self::Xml
        )
    }

    /// Whether its values can be compared and sorted.
    pub const fn is_comparable(self) -> bool {
        !matches!(
            self,
            Self::Text
                | Self::NText
                | Self::Image
                | Self::Xml
                | Self::Geometry
                | Self::Geography
                | Self::SqlVariant
        )
    }

    /// Every name of a type, each with an example of the type.
    pub const ALL: [Self; 32] = [
        Self::Image,
        Self::Text,
        Self::UniqueIdentifier,
        Self::Date,
        Self::Time(7),
        Self::DateTime2(7),
        Self::DateTimeOffset(7),
        Self::TinyInt,
        Self::SmallInt,
        Self::Int,
        Self::SmallDateTime,
        Self::Real,
        Self::Money,
        Self::DateTime,
        Self::Float,
        Self::SqlVariant,
        Self::NText,
        Self::Bit,
        Self::Decimal {
            precision: 38,
            scale: 38,
        },
        Self::SmallMoney,
        Self::BigInt,
        Self::HierarchyId,
        Self::Geometry,
        Self::Geography,
        Self::VarBinary(Length::Limited(8000)),
        Self::VarChar(Length::Limited(8000)),
        Self::Binary(8000),
        Self::Char(8000),
        Self::RowVersion,
        Self::NVarChar(Length::Limited(4000)),
        Self::NChar(4000),
        Self::Xml,
    ];
}

/// Bytes of a decimal's magnitude and sign.
pub const fn decimal_bytes(precision: u8) -> u8 {
    match precision {
        0..=9 => 5,
        10..=19 => 9,
        20..=28 => 13,
        _ => 17,
    }
}

/// Bytes of a time of the scale.
pub const fn time_bytes(scale: u8) -> u8 {
    match scale {
        0..=2 => 3,
        3..=4 => 4,
        _ => 5,
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name();
        match self {
            Self::Decimal { precision, scale } => write!(f, "{name}({precision},{scale})"),
            Self::Char(n) | Self::NChar(n) | Self::Binary(n) => write!(f, "{name}({n})"),
            Self::VarChar(n) | Self::NVarChar(n) | Self::VarBinary(n) => write!(f, "{name}({n})"),
            Self::Time(n) | Self::DateTime2(n) | Self::DateTimeOffset(n) => {
                write!(f, "{name}({n})")
            }
            _ => f.write_str(name),
        }
    }
}

impl FromStr for Type {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let unknown = || Error::UnknownType(text.to_owned());
        let lower = text.trim().to_ascii_lowercase();
        let (name, arguments) = match lower.split_once('(') {
            Some((name, rest)) => {
                let arguments = rest.strip_suffix(')').ok_or_else(unknown)?;
                let arguments: Vec<_> = arguments.split(',').map(str::trim).collect();
                (name.trim(), arguments)
            }
            None => (lower.as_str(), Vec::new()),
        };
        Self::of(name, &arguments).ok_or_else(unknown)
    }
}

impl Type {
    /// The type of a name and its arguments, in lower case.
    pub fn of(name: &str, arguments: &[&str]) -> Option<Self> {
        let number = |i: usize, default: u16| match arguments.get(i) {
            Some(text) => text.parse().ok(),
            None => Some(default),
        };
        let length = || match arguments.first() {
            Some(&"max") => Some(Length::Max),
            _ => number(0, 1).map(Length::Limited),
        };
        let scale = || {
            number(0, 7)
                .and_then(|n| u8::try_from(n).ok())
                .filter(|n| *n <= 7)
        };
        Some(match name {
            "bit" => Self::Bit,
            "tinyint" => Self::TinyInt,
            "smallint" => Self::SmallInt,
            "int" | "integer" => Self::Int,
            "bigint" => Self::BigInt,
            "decimal" | "numeric" | "dec" => {
                let precision = u8::try_from(number(0, 18)?).ok()?;
                let scale = u8::try_from(number(1, 0)?).ok()?;
                if !(1..=38).contains(&precision) || scale > precision {
                    return None;
                }
                Self::Decimal { precision, scale }
            }
            "money" => Self::Money,
            "smallmoney" => Self::SmallMoney,
            "real" => Self::Real,
            "float" => match number(0, 53)? {
                1..=24 => Self::Real,
                25..=53 => Self::Float,
                _ => return None,
            },
            "char" => Self::Char(number(0, 1)?),
            "varchar" => Self::VarChar(length()?),
            "nchar" => Self::NChar(number(0, 1)?),
            "nvarchar" => Self::NVarChar(length()?),
            "sysname" => Self::NVarChar(Length::Limited(128)),
            "text" => Self::Text,
            "ntext" => Self::NText,
            "image" => Self::Image,
            "xml" => Self::Xml,
            "date" => Self::Date,
            "time" => Self::Time(scale()?),
            "datetime" => Self::DateTime,
            "smalldatetime" => Self::SmallDateTime,
            "datetime2" => Self::DateTime2(scale()?),
            "datetimeoffset" => Self::DateTimeOffset(scale()?),
            "uniqueidentifier" => Self::UniqueIdentifier,
            "binary" => Self::Binary(number(0, 1)?),
            "varbinary" => Self::VarBinary(length()?),
            "rowversion" | "timestamp" => Self::RowVersion,
            "hierarchyid" => Self::HierarchyId,
            "geometry" => Self::Geometry,
            "geography" => Self::Geography,
            "sql_variant" => Self::SqlVariant,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_read_from_its_own_text() {
        for of in Type::ALL {
            assert_eq!(of.to_string().parse::<Type>().unwrap(), of);
        }
        for (text, of) in [
            ("NVARCHAR(MAX)", Type::NVarChar(Length::Max)),
            (
                "numeric(10, 2)",
                Type::Decimal {
                    precision: 10,
                    scale: 2,
                },
            ),
            ("float(24)", Type::Real),
            ("datetime2", Type::DateTime2(7)),
            ("rowversion", Type::RowVersion),
        ] {
            assert_eq!(text.parse::<Type>().unwrap(), of, "{text}");
        }
        for wrong in [
            "decimal(39,0)",
            "decimal(5,6)",
            "time(8)",
            "json",
            "int(",
            "",
        ] {
            assert!(wrong.parse::<Type>().is_err(), "{wrong}");
        }
    }
}
