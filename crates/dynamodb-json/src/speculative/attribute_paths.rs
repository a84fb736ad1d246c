//! The attribute paths of a table's items, numbered in the order in which they first occur.

use crate::speculative::spans::PathId;
use crate::text::unescape;
use crate::{Path, Step};
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::borrow::Cow;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};

/// Most paths that are tracked: twice as many as a profile keeps. It bounds the memory that a table
/// with arbitrary attribute names can take.
const MAX_PATHS: usize = 4_096;

/// An attribute path.
#[derive(Debug)]
pub struct AttributePath {
    parent: PathId,
    name: Box<str>,
    text: Box<str>,
    depth: usize,
}

impl AttributePath {
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

/// The attribute paths that were read so far.
#[derive(Debug)]
pub struct AttributePaths {
    id: u64,
    paths: Vec<AttributePath>,
    /// Paths by their parent and their name.
    by_name: HashTable<PathId>,
    hasher: FixedState,
}

impl Default for AttributePaths {
    fn default() -> Self {
        static IDS: AtomicU64 = AtomicU64::new(0);
        Self {
            id: IDS.fetch_add(1, Ordering::Relaxed),
            paths: Vec::new(),
            by_name: HashTable::new(),
            hasher: FixedState::default(),
        }
    }
}

impl AttributePaths {
    /// A number that is unique in the process: a [`PathId`] is valid only with the paths it is from.
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// The path of that number; `None` for [`PathId::ITEM`] and [`PathId::UNTRACKED`].
    pub fn get(&self, id: PathId) -> Option<&AttributePath> {
        self.paths.get(id.index())
    }

    /// The texts of all paths, in the order of their numbers.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.paths.iter().map(AttributePath::text)
    }

    /// The number of paths.
    pub const fn len(&self) -> usize {
        self.paths.len()
    }

    /// Whether there is no path yet.
    pub const fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    /// Tracks a path, as far as it enters no list, whatever the bound. Returns its number and the
    /// steps from there on.
    pub(crate) fn track<'p>(&mut self, path: &'p Path) -> (PathId, &'p [Step]) {
        let mut id = self.track_name(PathId::ITEM, path.first());
        let mut steps = path.rest();
        while let Some((Step::Name(name), rest)) = steps.split_first() {
            id = self.track_name(id, name);
            steps = rest;
        }
        (id, steps)
    }

    /// Tracks an attribute of the map `parent`, whatever the bound.
    pub(crate) fn track_name(&mut self, parent: PathId, name: &str) -> PathId {
        match self.find(parent, name) {
            Some(known) => known,
            None => self.add(parent, name),
        }
    }

    /// The path of the attribute `name`, as it is written, of the map `parent`. However a name is
    /// escaped, it has one path.
    pub(crate) fn attribute(&mut self, parent: PathId, name: &str) -> PathId {
        let name = if name.contains('\\') {
            Cow::Owned(unescape(name))
        } else {
            Cow::Borrowed(name)
        };
        match self.find(parent, &name) {
            Some(known) => known,
            None if parent == PathId::UNTRACKED || self.paths.len() >= MAX_PATHS => {
                PathId::UNTRACKED
            }
            None => self.add(parent, &name),
        }
    }

    fn find(&self, parent: PathId, name: &str) -> Option<PathId> {
        let hash = self.hasher.hash_one((parent, name));
        let same = |&path: &PathId| {
            let path = &self.paths[path.index()];
            path.parent == parent && *path.name == *name
        };
        self.by_name.find(hash, same).copied()
    }

    fn add(&mut self, parent: PathId, name: &str) -> PathId {
        let (mut text, depth) = match self.get(parent) {
            Some(parent) => (parent.text.to_string(), parent.depth + 1),
            None => (String::new(), 1),
        };
        Path::push_name(&mut text, name);
        let path = PathId::of(self.paths.len());
        self.paths.push(AttributePath {
            parent,
            name: name.into(),
            text: text.into(),
            depth,
        });
        let (paths, hasher) = (&self.paths, &self.hasher);
        let hash = hasher.hash_one((parent, name));
        self.by_name.insert_unique(hash, path, |other| {
            let other = &paths[other.index()];
            hasher.hash_one((other.parent, &*other.name))
        });
        path
    }
}
