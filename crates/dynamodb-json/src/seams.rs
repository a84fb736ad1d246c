//! The seams that were met, and which of them to expect. A guess is compared with the text before it
//! is believed. It must not read the text itself.

use crate::frame::FrameId;
use crate::seam::{Aside, FOLLOWERS, Landing, Seam, SeamId, Window};
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

/// Most seams that are learned.
const MAX_SEAMS: usize = 8_192;

/// Places for seams by how they begin, a power of two.
const PLACES: usize = 512;

/// Seams for each place.
const ALIKE: usize = 4;

#[derive(Debug)]
pub(crate) struct Seams {
    met: Vec<Seam>,
    /// Seams by the frame they begin in and their bytes.
    by_bytes: HashTable<SeamId>,
    /// The seams for each frame and beginning, the last that was met first.
    by_beginning: Vec<[SeamId; ALIKE]>,
    hasher: FixedState,
}

impl Default for Seams {
    fn default() -> Self {
        Self {
            met: vec![Seam::none(), Seam::none()],
            by_bytes: HashTable::new(),
            by_beginning: vec![[Self::UNLEARNED; ALIKE]; PLACES],
            hasher: FixedState::default(),
        }
    }
}

impl Seams {
    /// Stands before every item: its followers begin one.
    pub(crate) const ITEM: SeamId = 0;

    /// Stands for a seam that was not learned.
    pub(crate) const UNLEARNED: SeamId = 1;

    #[inline]
    pub(crate) fn at(&self, id: SeamId) -> &Seam {
        &self.met[usize::from(id)]
    }

    #[inline]
    pub(crate) fn at_mut(&mut self, id: SeamId) -> &mut Seam {
        &mut self.met[usize::from(id)]
    }

    /// Lets what stands for a seam that was not learned lead there.
    pub(crate) fn land(&mut self, landing: Landing) -> SeamId {
        self.at_mut(Self::UNLEARNED).land(landing);
        Self::UNLEARNED
    }

    /// A seam that may well be what `text` begins with, behind the value that `before` leads to; `None`
    /// if none of the likely ones is. What comes most was looked for before.
    pub(crate) fn likely(&mut self, before: SeamId, text: &[u8]) -> Option<SeamId> {
        let window = Seam::window(text)?;
        let frame = self.at(before).landing().frame;
        let second = self.at(before).followers[1];
        if self.at(second).begins(text, window) {
            self.at_mut(before).surprise();
            return Some(second);
        }
        for nth in 2..FOLLOWERS {
            let other = self.at(before).followers[nth];
            if self.at(other).begins(text, window) {
                return Some(other);
            }
        }
        let place = place(frame, window);
        let is_here = |&&known: &&SeamId| {
            let seam = self.at(known);
            seam.from() == frame && seam.begins(text, window)
        };
        let known = self.by_beginning[place].iter().find(is_here).copied()?;
        self.follow(before, known);
        Some(known)
    }

    /// Remembers that a seam followed.
    fn follow(&mut self, before: SeamId, seam: SeamId) {
        // What stands for many seams has no followers of its own.
        if before != Self::UNLEARNED {
            self.at_mut(before).follow(seam, Self::ITEM);
        }
    }

    /// Learns a seam that was read behind the value that `before` leads to, or finds that it was
    /// learned already. `None` if no more is learned, or this is not worth it.
    pub(crate) fn learn(
        &mut self,
        before: SeamId,
        from: FrameId,
        bytes: &[u8],
        asides: &[Aside],
        landing: Landing,
    ) -> Option<SeamId> {
        let hash = self.hasher.hash_one((from, bytes));
        let same = |&seam: &SeamId| self.at(seam).is(from, bytes);
        let id = match self.by_bytes.find(hash, same) {
            Some(&known) => known,
            None => self.add(hash, Seam::new(from, bytes, asides, landing)?)?,
        };
        self.place(from, bytes, id);
        self.follow(before, id);
        Some(id)
    }

    /// Puts the seam where others begin like it, in front; the last one has to go.
    fn place(&mut self, from: FrameId, bytes: &[u8], id: SeamId) {
        let Some(window) = Seam::window(bytes).or_else(|| padded(bytes)) else {
            return;
        };
        let alike = &mut self.by_beginning[place(from, window)];
        let at = alike.iter().position(|&other| other == id);
        alike[..=at.unwrap_or(ALIKE - 1)].rotate_right(1);
        alike[0] = id;
    }

    fn add(&mut self, hash: u64, seam: Seam) -> Option<SeamId> {
        if self.met.len() >= MAX_SEAMS {
            return None;
        }
        let id = SeamId::try_from(self.met.len()).ok()?;
        self.met.push(seam);
        let (seams, hasher) = (&self.met, &self.hasher);
        self.by_bytes.insert_unique(hash, id, |&other| {
            let other = &seams[usize::from(other)];
            hasher.hash_one((other.from(), other.bytes()))
        });
        Some(id)
    }
}

/// A window on a seam shorter than it.
fn padded(bytes: &[u8]) -> Option<Window> {
    let mut long = [0; size_of::<Window>()];
    long.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Seam::window(&long)
}

/// The place of what begins like this: by its first twelve bytes, which is as long as the shortest
/// seam between two attributes.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "bits are folded, none is counted on"
)]
fn place(frame: FrameId, window: Window) -> usize {
    let folded = window[0] ^ (window[1] << 32).rotate_left(13) ^ frame.spread();
    let spread = folded.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (spread >> (u64::BITS - PLACES.ilog2())) as usize
}
