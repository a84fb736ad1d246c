//! Where values stand in the text of their lines, grouped by attribute path.

use crate::{Kind, List, Map, NumberSet, Text, TextSet, Value};
use std::borrow::Cow;

/// The number of a path in its [`AttributePaths`](crate::AttributePaths).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PathId(u32);

impl PathId {
    /// The item itself, which has no path.
    pub const ITEM: Self = Self(u32::MAX);

    /// A path that is not tracked because there are too many.
    pub const UNTRACKED: Self = Self(u32::MAX - 1);

    /// No path at all: equal to that of no map.
    pub(crate) const NONE: Self = Self(u32::MAX - 2);

    pub(crate) fn of(index: usize) -> Self {
        Self(u32::try_from(index).expect("a few thousand paths are tracked at most"))
    }

    /// The path's index in its [`AttributePaths`](crate::AttributePaths), from 0; out of bounds for
    /// the two constants above.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Type and place of a value in the text of its [`Lines`](crate::Lines).
///
/// The span of a text, number or binary value excludes its quotes; any other span is the whole
/// value, with its brackets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ValueSpan {
    start: u32,
    length: u32,
    kind: Kind,
    escaped: bool,
}

impl ValueSpan {
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the text of `Lines` is shorter than 4 GiB"
    )]
    pub(crate) const fn new(kind: Kind, escaped: bool, start: usize, length: usize) -> Self {
        Self {
            start: start as u32,
            length: length as u32,
            kind,
            escaped,
        }
    }

    /// The value's type.
    #[inline]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The value as it is written in the text of its lines.
    #[inline]
    pub fn raw<'a>(&self, text: &'a str) -> &'a str {
        let start = self.start as usize;
        &text[start..start + self.length as usize]
    }

    /// The characters of a text or binary value; borrowed if it has no escapes.
    #[inline]
    pub fn decoded<'a>(&self, text: &'a str) -> Cow<'a, str> {
        Text::new(self.raw(text), self.escaped).decode()
    }

    /// The value.
    #[inline]
    pub(crate) fn value(self, text: &str) -> Value<'_> {
        let raw = self.raw(text);
        let string = || Text::new(raw, self.escaped);
        match self.kind {
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

    /// Whether the value starts at that offset of the text or after it.
    #[inline]
    pub(crate) const fn starts_from(self, offset: usize) -> bool {
        self.start as usize >= offset
    }
}

/// The spans of many items, by path, and for each path in the order of the text.
#[derive(Debug, Default)]
pub(crate) struct Spans {
    tracked: Vec<Vec<ValueSpan>>,
    untracked: Vec<ValueSpan>,
}

impl Spans {
    #[inline]
    pub(crate) fn push(&mut self, path: PathId, span: ValueSpan) {
        match self.tracked.get_mut(path.index()) {
            Some(spans) => spans.push(span),
            None => self.push_first(path, span),
        }
    }

    #[cold]
    fn push_first(&mut self, path: PathId, span: ValueSpan) {
        if path == PathId::UNTRACKED {
            self.untracked.push(span);
        } else {
            self.tracked.resize_with(path.index() + 1, Vec::new);
            self.tracked[path.index()].push(span);
        }
    }

    /// Removes the spans from `offset` of the text on, which are the last ones of each path.
    pub(crate) fn truncate(&mut self, offset: usize) {
        for spans in self.all_mut() {
            while spans.pop_if(|span| span.starts_from(offset)).is_some() {}
        }
    }

    pub(crate) fn clear(&mut self) {
        self.all_mut().for_each(Vec::clear);
    }

    /// The spans of one path.
    pub(crate) fn of(&self, path: PathId) -> &[ValueSpan] {
        self.tracked.get(path.index()).map_or(&[], Vec::as_slice)
    }

    /// The paths that have spans, with their spans.
    pub(crate) fn by_path(&self) -> impl Iterator<Item = (PathId, &[ValueSpan])> {
        let tracked = self.tracked.iter().enumerate();
        let tracked = tracked.map(|(index, spans)| (PathId::of(index), spans));
        let all = tracked.chain([(PathId::UNTRACKED, &self.untracked)]);
        let all = all.map(|(path, spans)| (path, spans.as_slice()));
        all.filter(|(_, spans)| !spans.is_empty())
    }

    fn all_mut(&mut self) -> impl Iterator<Item = &mut Vec<ValueSpan>> {
        self.tracked.iter_mut().chain([&mut self.untracked])
    }
}
