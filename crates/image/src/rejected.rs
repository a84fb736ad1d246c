//! Why bytes are not accepted as an image.

use std::fmt;

/// The reason of a rejection, one per file: the first that holds, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The file has no bytes.
    Empty,
    /// The file has more bytes than are accepted.
    TooLarge,
    /// The first bytes are those of no image format: an HTML page, a text.
    NotAnImage,
    /// An image of a format that is not accepted, or a PNG of several frames.
    FormatNotAccepted,
    /// The file ends before its image does.
    Truncated,
    /// The header promises more pixels than are accepted. Nothing was decoded.
    TooManyPixels,
    /// A side has fewer pixels than are accepted.
    TooSmall,
    /// Grey or CMYK, and not accepted.
    ColourNotAccepted,
    /// The file's structure or its pixels cannot be decoded.
    Undecodable,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 9] = [
        Self::Empty,
        Self::TooLarge,
        Self::NotAnImage,
        Self::FormatNotAccepted,
        Self::Truncated,
        Self::TooManyPixels,
        Self::TooSmall,
        Self::ColourNotAccepted,
        Self::Undecodable,
    ];

    /// Its name in records and reports, such as `Truncated`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::TooLarge => "TooLarge",
            Self::NotAnImage => "NotAnImage",
            Self::FormatNotAccepted => "FormatNotAccepted",
            Self::Truncated => "Truncated",
            Self::TooManyPixels => "TooManyPixels",
            Self::TooSmall => "TooSmall",
            Self::ColourNotAccepted => "ColourNotAccepted",
            Self::Undecodable => "Undecodable",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A rejected file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {detail}")]
pub struct Rejected {
    /// Why.
    pub reason: Reason,
    /// What was found, in one line.
    pub detail: String,
}

impl Rejected {
    pub(crate) fn new(reason: Reason, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self { reason, detail }
    }

    pub(crate) fn truncated(detail: impl Into<String>) -> Self {
        Self::new(Reason::Truncated, detail)
    }

    pub(crate) fn undecodable(detail: impl Into<String>) -> Self {
        Self::new(Reason::Undecodable, detail)
    }
}
