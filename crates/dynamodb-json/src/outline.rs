//! What is learned of a table's items: which attribute paths there are, and what stands between their
//! values. Items of one table repeat each other, so a guess is mostly right, and comparing a few bytes
//! with a guess costs a fraction of reading them. A wrong guess costs that comparison and nothing
//! else: the text decides, never what was learned.
//!
//! It must not know what a path's values are for, nor the grammar between values.

use crate::check::Check;
use crate::frame::{Frame, FrameId, Frames, Inside};
use crate::mark::{Mark, Marks, PathId};
use crate::outline_path::{OutlinePath, OutlinePaths};
use crate::seam::{Aside, Next, Seam, SeamId};
use crate::seams::Seams;
use crate::simd::{plain_number, short_text};
use crate::{ItemError, Path, Step};
use std::sync::atomic::{AtomicU64, Ordering};

/// The attribute paths that were met, and what was learned on the way.
#[derive(Debug)]
pub struct Outline {
    id: u64,
    pub(crate) paths: OutlinePaths,
    pub(crate) frames: Frames,
    pub(crate) seams: Seams,
    /// What is marked on the way by the seam that is read.
    pub(crate) asides: Vec<Aside>,
}

impl Default for Outline {
    fn default() -> Self {
        static IDS: AtomicU64 = AtomicU64::new(0);
        Self {
            id: IDS.fetch_add(1, Ordering::Relaxed),
            paths: OutlinePaths::default(),
            frames: Frames::default(),
            seams: Seams::default(),
            asides: Vec::new(),
        }
    }
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
        self.paths.get(id)
    }

    /// The texts of all paths, in the order of their ids.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.paths.all().iter().map(OutlinePath::text)
    }

    /// How many paths there are; their ids count from 0.
    pub const fn len(&self) -> usize {
        self.paths.len()
    }

    /// Whether no path was met yet.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Learns a path whether or not it is met, beyond the bounds of what is learned from items: as far
    /// as it enters no list. Says its id and which steps remain; `None` if it leads into a map too many.
    pub(crate) fn learn<'p>(&mut self, path: &'p Path) -> Option<(PathId, &'p [Step])> {
        let mut id = self.paths.learn(PathId::ITEM, path.first());
        let mut frame = FrameId::ITEM;
        let mut steps = path.rest();
        while let Some((Step::Name(name), rest)) = steps.split_first() {
            frame = self.frames.enter(Frame {
                around: frame,
                inside: Inside::Map(id),
                depth: self.frames.at(frame).depth + 1,
            })?;
            id = self.paths.learn(id, name);
            steps = rest;
        }
        Some((id, steps))
    }

    /// Checks the item at this place and marks its values. `shift`, added to a place in what is
    /// checked, makes it a place in the lines' text.
    pub(crate) fn item(
        &mut self,
        check: &mut Check<'_>,
        shift: usize,
        marks: &mut Marks,
    ) -> Result<(), ItemError> {
        let bytes = check.bytes;
        let mut text = &bytes[check.at..];
        let mut before = Seams::ITEM;
        let mut expected = self.seams.at(before).followers[0];
        loop {
            let seam = self.seams.at_mut(expected);
            let landing = if let Some(window) = Seam::window(text)
                && seam.begins(text, window)
            {
                // A place behind the text's end, less one before the buffer's: only their sum is one.
                seam.pass(shift.wrapping_add(bytes.len() - text.len()), marks);
                text = &text[seam.len()..];
                before = expected;
                expected = seam.followers[0];
                seam.landing()
            } else {
                cold();
                check.at = bytes.len() - text.len();
                before = self.unexpected(check, before, shift, marks)?;
                text = &bytes[check.at..];
                let seam = self.seams.at(before);
                expected = seam.followers[0];
                seam.landing()
            };
            // Not a `match`: what nearly all values are comes first, and is told by plain branches.
            // Values are left before their quote, which is the next seam's.
            let (escaped, length) = if landing.next == Next::Text
                && let Some(length) = short_text(text)
            {
                (false, length)
            } else if landing.next == Next::Number
                && let Some(length) = plain_number(text)
            {
                (false, length)
            } else {
                cold();
                check.at = bytes.len() - text.len();
                if landing.next == Next::End {
                    return Ok(());
                }
                value(check, landing.next)?
            };
            let start = shift.wrapping_add(bytes.len() - text.len());
            text = &text[length..];
            marks.push(
                landing.path,
                Mark::new(landing.next.kind(), escaped, start, length),
            );
        }
    }

    /// Passes the seam at this place, which is not the expected one.
    #[inline(never)]
    fn unexpected(
        &mut self,
        check: &mut Check<'_>,
        before: SeamId,
        shift: usize,
        marks: &mut Marks,
    ) -> Result<SeamId, ItemError> {
        let Some(likely) = self.seams.likely(before, &check.bytes[check.at..]) else {
            return self.read(check, before, shift, marks);
        };
        let seam = self.seams.at_mut(likely);
        seam.pass(shift.wrapping_add(check.at), marks);
        check.at += seam.len();
        Ok(likely)
    }
}

/// Called where few values come: the compiler then lays out what most take in one line.
#[cold]
const fn cold() {}

/// Checks a value that is not short and plain. Says whether it has escapes, and its length up to the
/// quote.
#[inline(never)]
fn value(check: &mut Check<'_>, next: Next) -> Result<(bool, usize), ItemError> {
    let start = check.at;
    let escaped = match next {
        Next::Boolean | Next::Null => {
            check.untyped(next.kind(), 0)?;
            return Ok((false, check.at - start));
        }
        Next::Number => {
            check.number_rest()?;
            false
        }
        _ => check.string_rest()?,
    };
    Ok((escaped, check.at - 1 - start))
}
