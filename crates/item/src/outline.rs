//! What is learned of a table's items: which attribute paths there are, how each is opened in the
//! text, and which attribute follows which. Items of one table repeat each other, so a guess is
//! mostly right, and comparing a few bytes with a guess costs a fraction of reading them. A wrong
//! guess costs that comparison and nothing else: the text decides, never what was learned.
//!
//! It must not know what a path's values are for.

use crate::check::{Check, MAP, MAP_GOES_ON, NAME, VALUE_END, utf8};
use crate::mark::{Mark, Marks, PathId};
use crate::opening::{Guesses, Opening};
use crate::text::unescape;
use crate::{ItemError, Kind, Path};
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};

/// Most openings, and paths, that are learned: twice the paths that a profile keeps. It bounds the
/// memory that a table with arbitrary names in its maps can take.
const MAX_OPENINGS: usize = 4_096;

/// The attribute paths that were met, and what was learned on the way.
#[derive(Debug)]
pub struct Outline {
    id: u64,
    paths: Vec<OutlinePath>,
    openings: Vec<Opening>,
    /// Openings by the map they stand in and their bytes.
    by_bytes: HashTable<u16>,
    /// What the items begin with.
    first: Guesses,
    hasher: FixedState,
}

/// An attribute path that was met.
#[derive(Debug)]
pub struct OutlinePath {
    parent: PathId,
    name: Box<str>,
    text: Box<str>,
    depth: usize,
    /// What values at this path begin with, if they are maps.
    first: Guesses,
}

impl OutlinePath {
    /// The path as [`Path::parse`] reads it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The last name of the path.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The map that holds the attribute; [`PathId::ITEM`] if that is the item.
    pub const fn parent(&self) -> PathId {
        self.parent
    }

    /// Names in the path: 1 for an attribute of the item itself.
    pub const fn depth(&self) -> usize {
        self.depth
    }
}

impl Default for Outline {
    fn default() -> Self {
        static IDS: AtomicU64 = AtomicU64::new(0);
        Self {
            id: IDS.fetch_add(1, Ordering::Relaxed),
            paths: Vec::new(),
            openings: Vec::new(),
            by_bytes: HashTable::new(),
            first: Guesses::default(),
            hasher: FixedState::default(),
        }
    }
}

/// An attribute whose opening was read.
#[derive(Clone, Copy)]
struct Opened {
    /// Its number, unless it was not learned.
    opening: Option<u16>,
    path: PathId,
    kind: Kind,
}

impl Outline {
    /// Tells this outline from every other one of the process: [`PathId`]s mean something only
    /// together with it.
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// The path behind an id of this outline; `None` for [`PathId::ITEM`] and
    /// [`PathId::UNLEARNED`].
    pub fn path(&self, id: PathId) -> Option<&OutlinePath> {
        self.paths.get(id.index())
    }

    /// How many paths there are; their ids count from 0.
    pub const fn len(&self) -> usize {
        self.paths.len()
    }

    /// Whether no path was met yet.
    pub const fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    /// Checks the attribute map at this place, the item's own for [`PathId::ITEM`], and marks its
    /// values. `shift`, added to a place in what is checked, makes it a place in the lines' text.
    pub(crate) fn map(
        &mut self,
        check: &mut Check<'_>,
        map: PathId,
        depth: usize,
        shift: usize,
        marks: &mut Marks,
    ) -> Result<(), ItemError> {
        if check.opens_empty(b'{', b'}', MAP)? {
            return Ok(());
        }
        let mut before = None;
        loop {
            let opened = self.open(check, map, before)?;
            before = opened.opening;
            let begins = check.at;
            // Texts and numbers are marked without their quotes. Not a `match`: what nearly all values
            // are comes first, and is told by plain branches.
            let kind = opened.kind;
            let (escaped, end) = if kind == Kind::S {
                (check.string_rest()?, check.at - 1)
            } else if kind == Kind::N {
                check.number_rest()?;
                (false, check.at - 1)
            } else if kind == Kind::M {
                let depth = check.deeper(depth)?;
                check.peek();
                self.map(check, opened.path, depth, shift, marks)?;
                (false, check.at)
            } else if kind == Kind::B {
                (check.string_rest()?, check.at - 1)
            } else {
                check.untyped(kind, depth)?;
                (false, check.at)
            };
            // A place behind the text's end, less one before the buffer's: only their sum is one.
            let (start, end) = (begins.wrapping_add(shift), end.wrapping_add(shift));
            marks.push(opened.path, Mark::new(kind, escaped, start, end));
            match check.bytes.get(check.at..check.at + 2) {
                Some(b"},") => check.at += 2,
                Some(b"}}") => {
                    check.at += 2;
                    return Ok(());
                }
                _ => {
                    check.token(b'}', VALUE_END)?;
                    if !check.further(b'}', MAP_GOES_ON)? {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Reads an attribute's opening; texts' and numbers' includes the quote.
    #[inline]
    fn open(
        &mut self,
        check: &mut Check<'_>,
        map: PathId,
        before: Option<u16>,
    ) -> Result<Opened, ItemError> {
        let guesses = match before {
            Some(before) => self.openings[usize::from(before)].followers(),
            None => match self.paths.get(map.index()) {
                Some(path) => path.first,
                None => self.first,
            },
        };
        if let Some(window) = Opening::window(check.bytes, check.at) {
            for guess in guesses.iter() {
                let opening = &self.openings[usize::from(guess)];
                if opening.is_at(&window, check.bytes, check.at) {
                    check.at += opening.len();
                    return Ok(Opened {
                        opening: Some(guess),
                        path: opening.path(),
                        kind: opening.kind(),
                    });
                }
            }
        }
        self.read(check, map, before)
    }

    /// Reads an opening that was not guessed, and learns it.
    fn read(
        &mut self,
        check: &mut Check<'_>,
        map: PathId,
        before: Option<u16>,
    ) -> Result<Opened, ItemError> {
        check.peek();
        let start = check.at;
        let name = check.string(NAME)?;
        check.token(b':', "`:`")?;
        check.peek();
        let kind = check.tag()?;
        match kind {
            Kind::S | Kind::B => check.token(b'"', "a string")?,
            Kind::N => check.token(b'"', "a number in quotes")?,
            _ => {}
        }
        let bytes = &check.bytes[start..check.at];
        let known = self.find(map, bytes);
        let opening = if let Some(known) = known {
            known
        } else {
            let name = utf8(name).map_err(|error| error.moved(|offset| start + 1 + offset))?;
            let path = self.path_of(map, unescape(name));
            let Some(learned) = self.learn(map, path, kind, bytes) else {
                return Ok(Opened {
                    opening: None,
                    path,
                    kind,
                });
            };
            learned
        };
        let guesses = match (before, self.paths.get_mut(map.index())) {
            (Some(before), _) => self.openings[usize::from(before)].followers_mut(),
            (None, Some(path)) => &mut path.first,
            (None, None) => &mut self.first,
        };
        guesses.add(opening);
        Ok(Opened {
            opening: Some(opening),
            path: self.openings[usize::from(opening)].path(),
            kind,
        })
    }

    fn find(&self, map: PathId, bytes: &[u8]) -> Option<u16> {
        let same = |&opening: &u16| self.openings[usize::from(opening)].is(map, bytes);
        let hash = self.hasher.hash_one((map, bytes));
        self.by_bytes.find(hash, same).copied()
    }

    /// `None` if no more is learned, or this is not worth it.
    fn learn(&mut self, map: PathId, path: PathId, kind: Kind, bytes: &[u8]) -> Option<u16> {
        // A line break must be seen each time, so that it can be taken out: it is not skipped.
        let breaks = memchr::memchr2(b'\n', b'\r', bytes).is_some();
        if path == PathId::UNLEARNED || self.openings.len() >= MAX_OPENINGS || breaks {
            return None;
        }
        let number = u16::try_from(self.openings.len()).ok()?;
        self.openings.push(Opening::new(map, path, kind, bytes));
        let hash = self.hasher.hash_one((map, bytes));
        let (openings, hasher) = (&self.openings, &self.hasher);
        self.by_bytes.insert_unique(hash, number, |&other| {
            let other = &openings[usize::from(other)];
            hasher.hash_one((other.map(), other.bytes()))
        });
        Some(number)
    }

    /// The id of the attribute `name` of `map`. Several openings lead to one path: of several types,
    /// or with the name written in several ways.
    fn path_of(&mut self, map: PathId, name: String) -> PathId {
        let known = self
            .paths
            .iter()
            .position(|path| path.parent == map && *path.name == *name);
        if let Some(index) = known {
            return PathId::of(index);
        }
        if map == PathId::UNLEARNED || self.paths.len() >= MAX_OPENINGS {
            return PathId::UNLEARNED;
        }
        let (mut text, depth) = match self.path(map) {
            Some(parent) => (parent.text.to_string(), parent.depth + 1),
            None => (String::new(), 1),
        };
        Path::push_name(&mut text, &name);
        self.paths.push(OutlinePath {
            parent: map,
            name: name.into(),
            text: text.into(),
            depth,
            first: Guesses::default(),
        });
        PathId::of(self.paths.len() - 1)
    }
}
