//! The text between two values, `"},"user_id":{"S":"`, ready to be compared. It must not know of
//! other seams but by their numbers.

use crate::Kind;
use crate::frame::FrameId;
use crate::mark::{Mark, Marks, PathId};

/// Bytes that are compared at once.
const HEAD: usize = 32;

/// The longest seam that is learned, in bytes.
const MAX_LENGTH: usize = 4_096;

/// Followers that are remembered of each seam. Where a few attributes may be missing, that is what may come; to leave
/// them in their order lets a processor learn it.
pub(crate) const FOLLOWERS: usize = 4;

/// Visits between those at which a follower may go that is not the last one.
const SELDOM: u32 = 256;
const SECOND: u32 = SELDOM - 1;
const THIRD: u32 = SELDOM - 2;

/// Visits after which older ones count for half.
const FORGET: u32 = 1_024;

/// What is compared at once.
pub(crate) type Window = [u64; HEAD / 8];

/// The number of a seam in its outline.
pub(crate) type SeamId = u16;

/// What a seam leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// The inside of a text.
    Text,
    /// The inside of a number.
    Number,
    /// The inside of a binary value.
    Binary,
    /// `true` or `false`.
    Boolean,
    /// The `true` of a null.
    Null,
    /// The item's end.
    End,
    /// Nothing: it is no seam.
    Nowhere,
}

impl Next {
    /// Whether the value ends with a quote, which is then the next seam's first byte.
    pub(crate) const fn is_quoted(self) -> bool {
        matches!(self, Self::Text | Self::Number | Self::Binary)
    }

    /// The type of the value.
    #[inline]
    pub(crate) const fn kind(self) -> Kind {
        match self {
            Self::Number => Kind::N,
            Self::Binary => Kind::B,
            Self::Boolean => Kind::Bool,
            Self::Null => Kind::Null,
            Self::Text | Self::End | Self::Nowhere => Kind::S,
        }
    }
}

/// Where a seam ends: what comes next, at which path, inside of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Landing {
    pub(crate) next: Next,
    pub(crate) path: PathId,
    pub(crate) frame: FrameId,
}

/// A value that is marked on the way; its place counts from where the seam begins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Aside {
    pub(crate) path: PathId,
    pub(crate) mark: Mark,
}

/// A seam: what stands between the end of one value and the beginning of the next, at one place of
/// the items' structure.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Seam {
    head: Window,
    mask: Window,
    len: u32,
    landing: Landing,
    /// What was met behind the value that this one leads to: what mostly comes first, then what came else.
    pub(crate) followers: [SeamId; FOLLOWERS],
    /// How often the seam was passed, and how often the second follower came then.
    visits: u32,
    surprises: u32,
    from: FrameId,
    bytes: Box<[u8]>,
    asides: Box<[Aside]>,
}

impl Seam {
    /// What stands for a seam where there is none.
    pub(crate) fn none() -> Self {
        Self {
            head: Window::default(),
            mask: [u64::MAX; HEAD / 8],
            len: 0,
            landing: Landing {
                next: Next::Nowhere,
                path: PathId::UNMARKED,
                frame: FrameId::ITEM,
            },
            followers: [0; FOLLOWERS],
            visits: 0,
            surprises: 0,
            from: FrameId::ITEM,
            bytes: Box::default(),
            asides: Box::default(),
        }
    }

    /// The seam that begins in the frame `from`; `None` if it is not worth learning, or must be seen
    /// each time.
    pub(crate) fn new(
        from: FrameId,
        bytes: &[u8],
        asides: &[Aside],
        landing: Landing,
    ) -> Option<Self> {
        let mut paths = asides.iter().map(|aside| aside.path);
        let is_unlearned = |path| path == PathId::UNLEARNED;
        let leads_astray = is_unlearned(landing.path) || paths.any(is_unlearned);
        // A line break must be seen each time, so that it can be taken out: it is not skipped.
        let breaks = memchr::memchr2(b'\n', b'\r', bytes).is_some();
        if leads_astray || breaks || bytes.len() > MAX_LENGTH {
            return None;
        }
        let mut head = [0; HEAD];
        let mut mask = [0; HEAD];
        for (at, &byte) in bytes.iter().take(HEAD).enumerate() {
            head[at] = byte;
            mask[at] = 0xff;
        }
        Some(Self {
            head: words(&head),
            mask: words(&mask),
            len: u32::try_from(bytes.len()).ok()?,
            landing,
            from,
            bytes: bytes.into(),
            asides: asides.into(),
            ..Self::none()
        })
    }

    /// The bytes that `begins` compares, if so many are left.
    #[inline]
    pub(crate) fn window(text: &[u8]) -> Option<Window> {
        Some(words(text.first_chunk()?))
    }

    /// Whether `text`, of which `window` was taken, begins with the seam.
    #[inline]
    pub(crate) fn begins(&self, text: &[u8], window: Window) -> bool {
        let mut different = 0;
        for ((word, head), mask) in window.iter().zip(&self.head).zip(&self.mask) {
            different |= (word ^ head) & mask;
        }
        different == 0 && (self.len() <= HEAD || self.begins_whole(text))
    }

    #[cold]
    fn begins_whole(&self, text: &[u8]) -> bool {
        text.starts_with(&self.bytes)
    }

    /// Counts a visit, and marks what stands within; `place` is where the seam begins in the lines' text.
    #[inline]
    pub(crate) fn pass(&mut self, place: usize, marks: &mut Marks) {
        self.visits = self.visits.wrapping_add(1);
        if !self.asides.is_empty() {
            self.mark_asides(place, marks);
        }
    }

    #[cold]
    fn mark_asides(&self, place: usize, marks: &mut Marks) {
        for aside in &self.asides {
            marks.push(aside.path, aside.mark.moved(place));
        }
    }

    /// Makes a seam a follower. Where there are enough, the last one has to go; now and then another one, so that
    /// none stays that comes no more.
    pub(crate) fn follow(&mut self, seam: SeamId, none: SeamId) {
        let free = self.followers.iter().position(|&known| known == none);
        let place = free.unwrap_or(match self.visits % SELDOM {
            SECOND => 1,
            THIRD => 2,
            _ => FOLLOWERS - 1,
        });
        self.followers[place] = seam;
        if place < 2 {
            (self.visits, self.surprises) = (0, 0);
        }
    }

    /// Lets it lead elsewhere.
    pub(crate) const fn land(&mut self, landing: Landing) {
        self.landing = landing;
    }

    /// Counts that the second follower came; it becomes the first once it comes more often.
    pub(crate) fn surprise(&mut self) {
        self.surprises += 1;
        if self.surprises > self.visits / 2 {
            self.followers.swap(0, 1);
            self.surprises = self.visits - self.surprises.min(self.visits);
        }
        if self.visits >= FORGET {
            self.visits /= 2;
            self.surprises /= 2;
        }
    }

    pub(crate) fn is(&self, from: FrameId, bytes: &[u8]) -> bool {
        self.from == from && *self.bytes == *bytes
    }

    #[inline]
    pub(crate) const fn len(&self) -> usize {
        self.len as usize
    }

    #[inline]
    pub(crate) const fn landing(&self) -> Landing {
        self.landing
    }

    pub(crate) const fn from(&self) -> FrameId {
        self.from
    }

    pub(crate) const fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

#[inline]
fn words(bytes: &[u8; HEAD]) -> Window {
    let mut words = Window::default();
    for (word, bytes) in words.iter_mut().zip(bytes.as_chunks::<8>().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    words
}
