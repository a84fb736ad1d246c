//! In which type two values are compared.

use crate::store::types::{Length, Type};

/// Whether values of both types are stored in the same form, so that they can be compared.
pub fn is_stored_alike(a: Type, b: Type) -> bool {
    let is_integer = |of| {
        matches!(
            of,
            Type::TinyInt | Type::SmallInt | Type::Int | Type::BigInt
        )
    };
    let is_binary = |of| matches!(of, Type::Binary(_) | Type::VarBinary(_) | Type::RowVersion);
    match (a, b) {
        (Type::Decimal { scale: a, .. }, Type::Decimal { scale: b, .. }) => a == b,
        (Type::Money | Type::SmallMoney, Type::Money | Type::SmallMoney)
        | (Type::Real | Type::Float, Type::Real | Type::Float) => true,
        _ => {
            a.name() == b.name()
                || is_integer(a) && is_integer(b)
                || is_binary(a) && is_binary(b)
                || a.is_text() && b.is_text()
        }
    }
}

/// The type in which two values are compared: the one of higher precedence.
pub fn common(a: Type, b: Type) -> Type {
    if let (Type::Decimal { scale: a, .. }, Type::Decimal { scale: b, .. }) = (a, b) {
        return Type::Decimal {
            precision: 38,
            scale: a.max(b),
        };
    }
    let higher = if precedence(a) >= precedence(b) { a } else { b };
    match higher {
        Type::Decimal { scale, .. } => Type::Decimal {
            precision: 38,
            scale,
        },
        // Nothing is cut off before it is compared.
        of if of.is_text() => Type::NVarChar(Length::Max),
        other => other,
    }
}

const fn precedence(of: Type) -> u8 {
    match of {
        Type::SqlVariant => 30,
        Type::Xml => 29,
        Type::DateTimeOffset(_) => 28,
        Type::DateTime2(_) => 27,
        Type::DateTime => 26,
        Type::SmallDateTime => 25,
        Type::Date => 24,
        Type::Time(_) => 23,
        Type::Float => 22,
        Type::Real => 21,
        Type::Decimal { .. } => 20,
        Type::Money => 19,
        Type::SmallMoney => 18,
        Type::BigInt => 17,
        Type::Int => 16,
        Type::SmallInt => 15,
        Type::TinyInt => 14,
        Type::Bit => 13,
        Type::NText => 12,
        Type::Text => 11,
        Type::Image => 10,
        Type::RowVersion => 9,
        Type::UniqueIdentifier => 8,
        Type::NVarChar(_) => 7,
        Type::NChar(_) => 6,
        Type::VarChar(_) => 5,
        Type::Char(_) => 4,
        Type::VarBinary(_) => 3,
        Type::Binary(_) => 2,
        Type::HierarchyId | Type::Geometry | Type::Geography => 1,
    }
}
