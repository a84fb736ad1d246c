//! How an attribute is opened in the text, `"user_id":{"S":"`, ready to be compared. It must not know
//! of other openings but by their numbers.

use crate::Kind;
use crate::mark::PathId;

/// Openings that are tried before one is read: an attribute that is sometimes missing makes its
/// neighbours follow one another.
pub(crate) const GUESSES: usize = 4;

/// Bytes that are compared at once.
const HEAD: usize = 32;

type Words = [u64; HEAD / 8];

/// What may come next, the first found first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Guesses {
    openings: [u16; GUESSES],
    count: u8,
    /// The one to give up when there are too many.
    oldest: u8,
}

impl Default for Guesses {
    fn default() -> Self {
        Self {
            openings: [0; GUESSES],
            count: 0,
            oldest: 0,
        }
    }
}

impl Guesses {
    #[inline]
    pub(crate) fn iter(&self) -> impl Iterator<Item = u16> {
        self.openings.into_iter().take(usize::from(self.count))
    }

    pub(crate) fn add(&mut self, opening: u16) {
        if self.iter().any(|known| known == opening) {
            return;
        }
        if let Some(free) = self.openings.get_mut(usize::from(self.count)) {
            *free = opening;
            self.count += 1;
        } else {
            let oldest = usize::from(self.oldest);
            self.openings[oldest] = opening;
            self.oldest = if oldest + 1 < GUESSES {
                self.oldest + 1
            } else {
                0
            };
        }
    }
}

/// An opening of an attribute in one map.
#[derive(Debug)]
pub(crate) struct Opening {
    head: Words,
    mask: Words,
    followers: Guesses,
    path: PathId,
    kind: Kind,
    map: PathId,
    bytes: Box<[u8]>,
}

impl Opening {
    pub(crate) fn new(map: PathId, path: PathId, kind: Kind, bytes: &[u8]) -> Self {
        let mut head = [0; HEAD];
        let mut mask = [0; HEAD];
        for (at, &byte) in bytes.iter().take(HEAD).enumerate() {
            head[at] = byte;
            mask[at] = 0xff;
        }
        Self {
            head: words(&head),
            mask: words(&mask),
            followers: Guesses::default(),
            path,
            kind,
            map,
            bytes: bytes.into(),
        }
    }

    /// The bytes that `is_at` compares, if so many are left.
    #[inline]
    pub(crate) fn window(bytes: &[u8], at: usize) -> Option<Words> {
        Some(words(bytes.get(at..)?.first_chunk()?))
    }

    /// Whether the opening stands at `at`, where `window` was taken.
    #[inline]
    pub(crate) fn is_at(&self, window: &Words, bytes: &[u8], at: usize) -> bool {
        let mut different = 0;
        for ((word, head), mask) in window.iter().zip(&self.head).zip(&self.mask) {
            different |= (word ^ head) & mask;
        }
        different == 0 && (self.bytes.len() <= HEAD || bytes[at..].starts_with(&self.bytes))
    }

    pub(crate) fn is(&self, map: PathId, bytes: &[u8]) -> bool {
        self.map == map && *self.bytes == *bytes
    }

    pub(crate) const fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) const fn path(&self) -> PathId {
        self.path
    }

    pub(crate) const fn kind(&self) -> Kind {
        self.kind
    }

    pub(crate) const fn map(&self) -> PathId {
        self.map
    }

    pub(crate) const fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) const fn followers(&self) -> Guesses {
        self.followers
    }

    pub(crate) const fn followers_mut(&mut self) -> &mut Guesses {
        &mut self.followers
    }
}

#[inline]
fn words(bytes: &[u8; HEAD]) -> Words {
    let mut words = Words::default();
    for (word, bytes) in words.iter_mut().zip(bytes.as_chunks::<8>().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    words
}
