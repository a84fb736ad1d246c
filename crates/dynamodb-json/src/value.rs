//! A typed value of DynamoDB.

use crate::{List, Map, NumberSet, Text, TextSet};
use std::fmt;

/// One attribute's value, borrowed from its line.
#[derive(Debug, Clone, Copy)]
pub enum Value<'a> {
    /// Text.
    S(Text<'a>),
    /// A number, as it is written: up to 38 digits, never rounded.
    N(&'a str),
    /// Binary, as its base64 text.
    B(Text<'a>),
    /// A boolean.
    Bool(bool),
    /// An explicit null.
    Null,
    /// A nested map.
    M(Map<'a>),
    /// A list.
    L(List<'a>),
    /// A set of texts.
    Ss(TextSet<'a>),
    /// A set of numbers.
    Ns(NumberSet<'a>),
    /// A set of binary values, as their base64 texts.
    Bs(TextSet<'a>),
}

impl Value<'_> {
    /// The value's type.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::S(_) => Kind::S,
            Self::N(_) => Kind::N,
            Self::B(_) => Kind::B,
            Self::Bool(_) => Kind::Bool,
            Self::Null => Kind::Null,
            Self::M(_) => Kind::M,
            Self::L(_) => Kind::L,
            Self::Ss(_) => Kind::Ss,
            Self::Ns(_) => Kind::Ns,
            Self::Bs(_) => Kind::Bs,
        }
    }
}

/// DynamoDB's types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Text.
    S,
    /// Number.
    N,
    /// Binary.
    B,
    /// Boolean.
    Bool,
    /// Null.
    Null,
    /// Map.
    M,
    /// List.
    L,
    /// Text set.
    Ss,
    /// Number set.
    Ns,
    /// Binary set.
    Bs,
}

impl Kind {
    /// Every type.
    pub const ALL: [Self; 10] = [
        Self::S,
        Self::N,
        Self::B,
        Self::Bool,
        Self::Null,
        Self::M,
        Self::L,
        Self::Ss,
        Self::Ns,
        Self::Bs,
    ];

    /// The type's tag in DynamoDB JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::S => "S",
            Self::N => "N",
            Self::B => "B",
            Self::Bool => "BOOL",
            Self::Null => "NULL",
            Self::M => "M",
            Self::L => "L",
            Self::Ss => "SS",
            Self::Ns => "NS",
            Self::Bs => "BS",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
