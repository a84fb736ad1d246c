//! What was seen of an accepted image.

use crate::Format;
use std::fmt;
use std::str::FromStr;
use twox_hash::XxHash3_128;

/// What was seen of an image.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// By the first bytes.
    pub format: Format,
    /// Pixels of a row as the file stores them, before the orientation is applied.
    pub width: u32,
    /// Rows as the file stores them.
    pub height: u32,
    /// 1 grey, 2 grey with alpha, 3 colour, 4 colour with alpha (PNG) or CMYK (JPEG).
    pub channels: u8,
    /// Of the whole file, trailing bytes included.
    pub digest: Digest,
    /// The 64-bit difference hash of the upright image: bit `8 * row + column`, from the lowest, is
    /// set if a 9×8 thumbnail gets brighter to the right there. Two images are near duplicates if
    /// they differ in at most 3 bits. Only an image that was decoded has one.
    pub difference_hash: Option<u64>,
    /// EXIF's orientation, 1 to 8; 1, upright, where the file says none.
    pub orientation: u8,
    /// When it was taken, by its camera's clock: `2026-11-28T09:30:00`, with the offset from UTC if
    /// the camera recorded one.
    pub captured_at: Option<String>,
    /// Where it was taken, if [`crate::Accept::position`] asks for it.
    pub position: Option<Position>,
    /// The EXIF block is damaged: orientation, time and position are what could be read of it.
    pub metadata_damaged: bool,
    /// Bytes behind the image's end, which no reader needs.
    pub trailing_bytes: u64,
}

/// A position on Earth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Position {
    /// Degrees, north positive.
    pub latitude: f64,
    /// Degrees, east positive.
    pub longitude: f64,
}

/// XXH3-128 of a file. Equal files have equal digests; no secret is protected by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(u128);

impl Digest {
    /// The digest of a file's bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(XxHash3_128::oneshot(bytes))
    }
}

/// 32 lower-case hexadecimal digits.
impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// A text that is no digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no digest: give 32 lower-case hexadecimal digits")]
pub struct NotADigest {
    text: String,
}

impl FromStr for Digest {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<Self, NotADigest> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let digits = (text.len() == 32 && text.bytes().all(is_digit))
            .then(|| u128::from_str_radix(text, 16).ok())
            .flatten();
        digits.map(Self).ok_or_else(|| NotADigest {
            text: text.to_owned(),
        })
    }
}
