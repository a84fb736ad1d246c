//! The attribute paths that were met, as numbers. It must not know where their values stand.

use crate::Path;
use crate::mark::PathId;
use crate::text::unescape;
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::borrow::Cow;
use std::hash::BuildHasher;

/// Most paths that are learned: twice those that a profile keeps. It bounds the memory that a table
/// with arbitrary names in its maps can take.
const MAX_PATHS: usize = 4_096;

/// An attribute path that was met.
#[derive(Debug)]
pub struct OutlinePath {
    parent: PathId,
    name: Box<str>,
    text: Box<str>,
    depth: usize,
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

#[derive(Debug, Default)]
pub(crate) struct OutlinePaths {
    paths: Vec<OutlinePath>,
    /// Paths by their map and their name.
    by_name: HashTable<PathId>,
    hasher: FixedState,
}

impl OutlinePaths {
    pub(crate) fn get(&self, id: PathId) -> Option<&OutlinePath> {
        self.paths.get(id.index())
    }

    pub(crate) const fn all(&self) -> &[OutlinePath] {
        self.paths.as_slice()
    }

    pub(crate) const fn len(&self) -> usize {
        self.paths.len()
    }

    /// The id of the attribute `name`, as it is written, of `map`. However a name is escaped, it
    /// leads to one path.
    pub(crate) fn attribute(&mut self, map: PathId, name: &str) -> PathId {
        let name = if name.contains('\\') {
            Cow::Owned(unescape(name))
        } else {
            Cow::Borrowed(name)
        };
        if let Some(known) = self.known(map, &name) {
            return known;
        }
        if map == PathId::UNLEARNED || self.paths.len() >= MAX_PATHS {
            return PathId::UNLEARNED;
        }
        self.add(map, &name)
    }

    /// The id of the attribute `name` of `map`, however many paths there are.
    pub(crate) fn learn(&mut self, map: PathId, name: &str) -> PathId {
        match self.known(map, name) {
            Some(known) => known,
            None => self.add(map, name),
        }
    }

    fn known(&self, map: PathId, name: &str) -> Option<PathId> {
        let hash = self.hasher.hash_one((map, name));
        let same = |&path: &PathId| {
            let path = &self.paths[path.index()];
            path.parent == map && *path.name == *name
        };
        self.by_name.find(hash, same).copied()
    }

    fn add(&mut self, map: PathId, name: &str) -> PathId {
        let (mut text, depth) = match self.get(map) {
            Some(parent) => (parent.text.to_string(), parent.depth + 1),
            None => (String::new(), 1),
        };
        Path::push_name(&mut text, name);
        let path = PathId::of(self.paths.len());
        self.paths.push(OutlinePath {
            parent: map,
            name: name.into(),
            text: text.into(),
            depth,
        });
        let (paths, hasher) = (&self.paths, &self.hasher);
        let hash = hasher.hash_one((map, name));
        self.by_name.insert_unique(hash, path, |other| {
            let other = &paths[other.index()];
            hasher.hash_one((other.parent, &*other.name))
        });
        path
    }
}
