//! The learned shape of a table's items: how its attributes open, and which follows which.

use crate::Kind;
use crate::speculative::spans::PathId;
use foldhash::fast::FixedState;
use std::collections::HashMap;

/// Bytes that are compared at once.
const WINDOW: usize = 32;

/// The longest opening that is learned, in bytes. Together with the bound on paths it bounds the
/// memory.
const MAX_LENGTH: usize = 1_024;

/// Followers that are tried of each attribute. If a few attributes may be missing, one of four is
/// nearly always right.
const FOLLOWERS: usize = 4;

type Window = [u64; WINDOW / 8];

/// The number of an opening in its shape.
type OpeningId = u16;

/// What precedes the values of an attribute, `"rating":{"N":"`: up to the first byte of a text,
/// number or binary value, and up to the bracket or word of any other.
#[derive(Debug)]
struct Opening {
    window: Window,
    mask: Window,
    bytes: Box<[u8]>,
    map: PathId,
    path: PathId,
    kind: Kind,
    /// Openings that followed this one, in the order in which they were learned.
    followers: [OpeningId; FOLLOWERS],
    /// The follower that is replaced next.
    oldest: usize,
}

/// What was learned from the items so far.
#[derive(Debug)]
pub(crate) struct Shape {
    openings: Vec<Opening>,
    by_attribute: HashMap<(PathId, Kind), OpeningId, FixedState>,
    /// The opening that was passed last.
    last: OpeningId,
}

/// Stands before the first attribute of each item, and for a follower that is not known yet.
const START: OpeningId = 0;

impl Default for Shape {
    fn default() -> Self {
        // It is never guessed: no map has that path.
        let start = Opening::new(b"", PathId::NONE, PathId::NONE, Kind::Null);
        Self {
            openings: vec![start],
            by_attribute: HashMap::default(),
            last: START,
        }
    }
}

impl Shape {
    pub(crate) const fn begin_item(&mut self) {
        self.last = START;
    }

    /// The attribute of `map` that `text` opens, if it is one of those that followed the last one.
    /// Returns its path, its type, and the length of its opening.
    #[inline]
    pub(crate) fn guess(&mut self, text: &[u8], map: PathId) -> Option<(PathId, Kind, usize)> {
        let window = text.first_chunk().map(words);
        for id in self.openings[usize::from(self.last)].followers {
            let opening = &self.openings[usize::from(id)];
            if opening.map == map && opening.begins(text, window) {
                self.last = id;
                return Some((opening.path, opening.kind, opening.bytes.len()));
            }
        }
        None
    }

    /// Learns that these bytes, which follow the last opening, open an attribute of `map`.
    pub(crate) fn learn(&mut self, bytes: &[u8], map: PathId, path: PathId, kind: Kind) {
        // A line break must be noticed every time, because it is replaced.
        let has_break = memchr::memchr2(b'\n', b'\r', bytes).is_some();
        if path == PathId::UNTRACKED || has_break || bytes.len() > MAX_LENGTH {
            return;
        }
        let id = if let Some(&known) = self.by_attribute.get(&(path, kind)) {
            let opening = &mut self.openings[usize::from(known)];
            if *opening.bytes != *bytes {
                // It is written in another way now.
                *opening = Opening::new(bytes, map, path, kind);
            }
            known
        } else {
            let Ok(new) = OpeningId::try_from(self.openings.len()) else {
                return;
            };
            self.openings.push(Opening::new(bytes, map, path, kind));
            self.by_attribute.insert((path, kind), new);
            new
        };
        let last = &mut self.openings[usize::from(self.last)];
        if !last.followers.contains(&id) {
            last.followers[last.oldest] = id;
            last.oldest = (last.oldest + 1) % FOLLOWERS;
        }
        self.last = id;
    }
}

impl Opening {
    fn new(bytes: &[u8], map: PathId, path: PathId, kind: Kind) -> Self {
        let (mut window, mut mask) = ([0; WINDOW], [0; WINDOW]);
        for (at, &byte) in bytes.iter().take(WINDOW).enumerate() {
            (window[at], mask[at]) = (byte, 0xff);
        }
        Self {
            window: words(&window),
            mask: words(&mask),
            bytes: bytes.into(),
            map,
            path,
            kind,
            followers: [START; FOLLOWERS],
            oldest: 0,
        }
    }

    /// Whether `text`, whose first bytes are `window` unless it is shorter, begins with the opening.
    #[inline]
    fn begins(&self, text: &[u8], window: Option<Window>) -> bool {
        let Some(window) = window else {
            return text.starts_with(&self.bytes);
        };
        let mut different = 0;
        for ((text, own), mask) in window.iter().zip(&self.window).zip(&self.mask) {
            different |= (text ^ own) & mask;
        }
        different == 0 && (self.bytes.len() <= WINDOW || text.starts_with(&self.bytes))
    }
}

#[inline]
fn words(bytes: &[u8; WINDOW]) -> Window {
    let mut words = Window::default();
    for (word, bytes) in words.iter_mut().zip(bytes.as_chunks::<8>().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    words
}
