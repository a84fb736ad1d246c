//! Maps the numbers of attribute paths to the attributes of a profile, so that the text of a path is
//! looked up once and not for every value.

use dynamodb_json::{AttributePaths, PathId};

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

/// The slots of the paths of one `Lines`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Slots {
    paths: Option<u64>,
    slots: Vec<Slot>,
}

impl Slots {
    /// Makes room for all paths so far; forgets the slots of any other `Lines`.
    pub(crate) fn fit(&mut self, paths: &AttributePaths) {
        if self.paths != Some(paths.id()) {
            self.slots.clear();
            self.paths = Some(paths.id());
        }
        self.slots.resize(paths.len(), Slot::Unknown);
    }

    #[inline]
    pub(crate) fn get(&self, path: PathId) -> Slot {
        // A path that is not tracked has no place here either.
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
