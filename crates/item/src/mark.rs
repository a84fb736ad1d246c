//! Where in an item's text a value stands. It must not know what the value is for.

use crate::Kind;

/// The number of a path in its [`Outline`](crate::Outline).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PathId(u32);

impl PathId {
    /// The item itself, which no path leads to.
    pub const ITEM: Self = Self(u32::MAX);

    /// A path that was not learned because there are too many.
    pub const UNLEARNED: Self = Self(u32::MAX - 1);

    pub(crate) fn of(index: usize) -> Self {
        Self(u32::try_from(index).expect("an outline holds a few thousand paths at most"))
    }

    /// Its place among the outline's paths, from 0; beyond all of them for the two ids above.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A value of an item: which path leads to it, its type, and where it stands.
///
/// Values are marked in the item's own map and in maps inside it, not in lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    path: PathId,
    start: u32,
    end: u32,
    kind: Kind,
    escaped: bool,
}

impl Mark {
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "`Lines` refuses an item beyond 4 GiB, and its marks with it"
    )]
    pub(crate) const fn new(
        path: PathId,
        kind: Kind,
        escaped: bool,
        start: usize,
        end: usize,
    ) -> Self {
        Self {
            path,
            start: start as u32,
            end: end as u32,
            kind,
            escaped,
        }
    }

    /// The path that leads to the value.
    pub const fn path(&self) -> PathId {
        self.path
    }

    /// The value's type.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether the value is a text with escapes.
    pub const fn escaped(&self) -> bool {
        self.escaped
    }

    /// The value in the text of its item: texts, numbers and binary without their quotes, anything
    /// else with its brackets.
    #[inline]
    pub fn raw<'a>(&self, item: &'a str) -> &'a str {
        &item[self.start as usize..self.end as usize]
    }
}
