//! Remembers where the values of each path of an outline go, so that a path's text is looked up once
//! and not for every value. It must not know what a profile keeps of them.

use dynamodb_json::{Outline, PathId};

/// Where the values of a path go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    /// Not asked yet.
    Unknown,
    /// To the attribute at this place.
    Place(usize),
    /// To the count of values that are not kept.
    Overflowed,
    /// Nowhere.
    Ignored,
}

/// The slots of one outline's paths.
#[derive(Debug, Clone, Default)]
pub(crate) struct Slots {
    outline: Option<u64>,
    slots: Vec<Slot>,
}

impl Slots {
    /// Makes room for all paths that the outline has by now; forgets those of any other outline.
    pub(crate) fn fit(&mut self, outline: &Outline) {
        if self.outline != Some(outline.id()) {
            self.slots.clear();
            self.outline = Some(outline.id());
        }
        self.slots.resize(outline.len(), Slot::Unknown);
    }

    #[inline]
    pub(crate) fn get(&self, path: PathId) -> Slot {
        // What the outline did not learn has no place here either.
        self.slots
            .get(path.index())
            .copied()
            .unwrap_or(Slot::Overflowed)
    }

    pub(crate) fn set(&mut self, path: PathId, slot: Slot) {
        if let Some(known) = self.slots.get_mut(path.index()) {
            *known = slot;
        }
    }
}
