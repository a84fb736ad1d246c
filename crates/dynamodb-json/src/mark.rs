//! Where in the text of lines a value stands. It must not know what the value is for.

use crate::scan::Scan;
use crate::simd::{SPAN, characters_of};
use crate::text::unescape_into;
use crate::{Kind, List, Map, NumberSet, Text, TextSet, Value};
use std::borrow::Cow;

/// The number of a path in its [`Outline`](crate::Outline).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PathId(u32);

impl PathId {
    /// The item itself, which no path leads to.
    pub const ITEM: Self = Self(u32::MAX);

    /// A path that was not learned because there are too many.
    pub const UNLEARNED: Self = Self(u32::MAX - 1);

    /// A value inside a list or set, which is not marked.
    pub(crate) const UNMARKED: Self = Self(u32::MAX - 2);

    pub(crate) fn of(index: usize) -> Self {
        Self(u32::try_from(index).expect("an outline holds a few thousand paths at most"))
    }

    /// Its place among the outline's paths, from 0; beyond all of them for the ids above.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A value in the text of its [`Lines`](crate::Lines): its type, and where it stands.
///
/// Values are marked in an item's own map and in maps inside it, not in lists. A mark is one word:
/// there are as many as values, and writing them takes a good part of the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    start: u32,
    /// From the lowest bit: 24 bits of length, 7 of the type, one for escapes.
    rest: u32,
}

const LENGTH_BITS: u32 = 24;
const ESCAPED: u32 = 1 << 31;

/// The longest item whose values can be marked, in bytes.
pub(crate) const MAX_ITEM: u32 = (1 << LENGTH_BITS) - 1;

impl Mark {
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "`Lines` takes no item that is longer or reaches beyond 4 GiB"
    )]
    pub(crate) const fn new(kind: Kind, escaped: bool, start: usize, length: usize) -> Self {
        let length = length as u32 & MAX_ITEM;
        let escaped = if escaped { ESCAPED } else { 0 };
        Self {
            start: start as u32,
            rest: length | (kind as u32) << LENGTH_BITS | escaped,
        }
    }

    /// The value's type.
    #[inline]
    pub const fn kind(&self) -> Kind {
        Kind::ALL[((self.rest & !ESCAPED) >> LENGTH_BITS) as usize]
    }

    /// Whether the value is a text without escapes.
    #[inline]
    pub const fn is_plain_text(&self) -> bool {
        self.rest >> LENGTH_BITS == Kind::S as u32
    }

    /// Whether the value is a number.
    #[inline]
    pub const fn is_number(&self) -> bool {
        self.rest >> LENGTH_BITS == Kind::N as u32
    }

    /// Whether the value is a text with escapes.
    #[inline]
    pub const fn escaped(&self) -> bool {
        self.rest & ESCAPED != 0
    }

    /// The value in the text of its lines: texts, numbers and binary without their quotes, anything
    /// else with its brackets. Where a map, list or set ends is sought each time.
    #[inline]
    pub fn raw<'a>(&self, text: &'a str) -> &'a str {
        let start = self.start as usize;
        match self.kind() {
            Kind::S | Kind::N | Kind::B | Kind::Bool | Kind::Null => {
                &text[start..start + self.len()]
            }
            Kind::M | Kind::L | Kind::Ss | Kind::Ns | Kind::Bs => {
                Scan::container_at(text, start).unwrap_or_default()
            }
        }
    }

    /// The value.
    #[inline]
    pub(crate) fn value(self, text: &str) -> Value<'_> {
        let raw = self.raw(text);
        let string = || Text::new(raw, self.escaped());
        match self.kind() {
            Kind::S => Value::S(string()),
            Kind::N => Value::N(raw),
            Kind::B => Value::B(string()),
            Kind::Bool => Value::Bool(raw == "true"),
            Kind::Null => Value::Null,
            Kind::M => Value::M(Map::new(raw)),
            Kind::L => Value::L(List::new(raw)),
            Kind::Ss => Value::Ss(TextSet::new(raw)),
            Kind::Ns => Value::Ns(NumberSet::new(raw)),
            Kind::Bs => Value::Bs(TextSet::new(raw)),
        }
    }

    /// What a marked text says; borrowed where it has no escapes.
    pub fn decoded<'a>(&self, text: &'a str) -> Cow<'a, str> {
        Text::new(self.raw(text), self.escaped()).decode()
    }

    /// How many characters a marked text without escapes has.
    #[inline]
    pub fn characters(&self, text: &str) -> usize {
        let near = text.as_bytes()[self.start as usize..].first_chunk();
        match near.filter(|_| self.len() <= SPAN) {
            Some(near) => characters_of(near, self.len()),
            None => self.raw(text).chars().count(),
        }
    }

    /// What a marked text with escapes says, in `buffer`, whose memory serves again; and how many characters
    /// it has.
    #[inline]
    pub fn unescaped_in<'b>(&self, text: &str, buffer: &'b mut Vec<u8>) -> (&'b [u8], usize) {
        let from_here = &text.as_bytes()[self.start as usize..];
        let (length, characters) = unescape_into(from_here, self.len(), buffer);
        (&buffer[..length], characters)
    }

    /// The value's length in bytes, as [`Mark::raw`] gives it; 0 for maps, lists and sets.
    #[inline]
    #[expect(clippy::len_without_is_empty, reason = "nobody asks")]
    pub const fn len(&self) -> usize {
        (self.rest & MAX_ITEM) as usize
    }

    /// The sixteen bytes of the text from where the value begins, the first one lowest: all of a
    /// shorter value, and behind it what is not to be looked at.
    #[inline]
    pub fn window(&self, text: &str) -> u128 {
        let rest = &text.as_bytes()[self.start as usize..];
        if let Some(window) = rest.first_chunk() {
            return u128::from_le_bytes(*window);
        }
        // Only at the end of the last line.
        let mut window = [0; size_of::<u128>()];
        window[..rest.len()].copy_from_slice(rest);
        u128::from_le_bytes(window)
    }

    /// The same mark, further on.
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "`Lines` takes no item that reaches beyond 4 GiB"
    )]
    pub(crate) const fn moved(self, by: usize) -> Self {
        Self {
            start: self.start + by as u32,
            rest: self.rest,
        }
    }

    #[inline]
    pub(crate) const fn starts_from(self, place: usize) -> bool {
        self.start as usize >= place
    }
}

/// The marks of many items, path by path.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    by_path: Vec<Vec<Mark>>,
    unlearned: Vec<Mark>,
}

impl Marks {
    #[inline]
    pub(crate) fn push(&mut self, path: PathId, mark: Mark) {
        match self.by_path.get_mut(path.index()) {
            Some(marks) => marks.push(mark),
            None if path == PathId::UNMARKED => {}
            None => self.push_first(path, mark),
        }
    }

    #[cold]
    fn push_first(&mut self, path: PathId, mark: Mark) {
        if path == PathId::UNLEARNED {
            self.unlearned.push(mark);
        } else {
            self.by_path.resize_with(path.index() + 1, Vec::new);
            self.by_path[path.index()].push(mark);
        }
    }

    /// Forgets the marks from `place` in the text on, which are the last ones.
    pub(crate) fn forget_from(&mut self, place: usize) {
        for marks in self.all_mut() {
            while marks.pop_if(|mark| mark.starts_from(place)).is_some() {}
        }
    }

    pub(crate) fn clear(&mut self) {
        self.all_mut().for_each(Vec::clear);
    }

    /// The marks of one path.
    pub(crate) fn of(&self, path: PathId) -> &[Mark] {
        self.by_path.get(path.index()).map_or(&[], Vec::as_slice)
    }

    /// The marks by path, for paths that have some.
    pub(crate) fn by_path(&self) -> impl Iterator<Item = (PathId, &[Mark])> {
        let learned = self.by_path.iter().enumerate();
        let learned = learned.map(|(index, marks)| (PathId::of(index), marks));
        let all = learned.chain([(PathId::UNLEARNED, &self.unlearned)]);
        let all = all.map(|(path, marks)| (path, marks.as_slice()));
        all.filter(|(_, marks)| !marks.is_empty())
    }

    fn all_mut(&mut self) -> impl Iterator<Item = &mut Vec<Mark>> {
        self.by_path.iter_mut().chain([&mut self.unlearned])
    }
}
