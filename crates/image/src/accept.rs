//! What a caller accepts as an image.

use std::collections::BTreeSet;
use std::fmt;

/// The format of an image file, by its first bytes and never by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// JPEG, baseline or progressive.
    Jpeg,
    /// PNG with one frame.
    Png,
}

impl Format {
    /// How names of such files end: `jpg`, `png`.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
        }
    }

    /// The media type: `image/jpeg`, `image/png`.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
        }
    }
}

/// `jpeg`, `png`.
impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Jpeg => "jpeg",
            Self::Png => "png",
        })
    }
}

/// How much of a file is read before it counts as whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verify {
    /// Its structure from the first byte to the end marker: finds every cut, and takes a hundredth
    /// of the time of decoding. Such an image has no difference hash.
    Structure,
    /// Its structure, and every pixel by a strict decoder.
    #[default]
    Decode,
}

/// What is accepted as an image, and how closely it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accept {
    /// The most bytes of a file.
    pub max_bytes: u64,
    /// The fewest pixels of the shorter side.
    pub min_side: u32,
    /// The most pixels, width times height. Held against the header, before anything is decoded.
    pub max_pixels: u64,
    /// The accepted formats.
    pub formats: BTreeSet<Format>,
    /// Accept images of one channel.
    pub grey: bool,
    /// Accept JPEG files in CMYK, which are for printing and which many readers refuse.
    pub cmyk: bool,
    /// How much of a file is read.
    pub verify: Verify,
    /// Give the position (GPS) that a camera recorded. Off, it is left out.
    pub position: bool,
}

/// JPEG and PNG of up to 20,000,000 bytes and 50,000,000 pixels, at least 32 pixels wide and high,
/// grey or in colour, not in CMYK, decoded, without position.
impl Default for Accept {
    fn default() -> Self {
        Self {
            max_bytes: 20_000_000,
            min_side: 32,
            max_pixels: 50_000_000,
            formats: BTreeSet::from([Format::Jpeg, Format::Png]),
            grey: true,
            cmyk: false,
            verify: Verify::Decode,
            position: false,
        }
    }
}
