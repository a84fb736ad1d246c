//! What a place in an item is inside of: maps, lists and sets, each with those around it, as one
//! number. It must not know what stands there.

use crate::mark::PathId;
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

/// Most frames that are told apart. Tables have a few; it bounds the memory that hostile nesting can
/// take.
const MAX_FRAMES: usize = 16_384;

/// The number of a frame in its [`Frames`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct FrameId(u16);

impl FrameId {
    /// The item's own map.
    pub(crate) const ITEM: Self = Self(0);

    const fn index(self) -> usize {
        self.0 as usize
    }

    /// A number for hashing that differs in its upper bits.
    #[inline]
    pub(crate) const fn spread(self) -> u64 {
        (self.0 as u64) << 48
    }
}

/// What a frame's elements are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Inside {
    /// Attributes, each with a path.
    Map(PathId),
    /// Attributes of a map inside a list: no path leads there.
    MapInList,
    /// Typed values.
    List,
    /// Texts, or binary values as text.
    TextSet,
    /// Numbers in quotes.
    NumberSet,
}

/// A map, list or set, and what is around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Frame {
    pub(crate) around: FrameId,
    pub(crate) inside: Inside,
    /// Maps and lists from the item on, both included.
    pub(crate) depth: usize,
}

/// The frames that were met.
#[derive(Debug)]
pub(crate) struct Frames {
    met: Vec<Frame>,
    numbers: HashTable<FrameId>,
    hasher: FixedState,
}

impl Default for Frames {
    fn default() -> Self {
        Self {
            met: vec![Frame {
                around: FrameId::ITEM,
                inside: Inside::Map(PathId::ITEM),
                depth: 1,
            }],
            numbers: HashTable::new(),
            hasher: FixedState::default(),
        }
    }
}

impl Frames {
    pub(crate) fn at(&self, id: FrameId) -> Frame {
        self.met[id.index()]
    }

    /// The number of a frame; `None` if it is a new one too many.
    pub(crate) fn enter(&mut self, frame: Frame) -> Option<FrameId> {
        let hash = self.hasher.hash_one(frame);
        let same = |id: &FrameId| self.met[id.index()] == frame;
        if let Some(&known) = self.numbers.find(hash, same) {
            return Some(known);
        }
        if self.met.len() >= MAX_FRAMES {
            return None;
        }
        let id = FrameId(u16::try_from(self.met.len()).ok()?);
        self.met.push(frame);
        let (frames, hasher) = (&self.met, &self.hasher);
        self.numbers
            .insert_unique(hash, id, |other| hasher.hash_one(frames[other.index()]));
        Some(id)
    }
}
