//! Looks at a file: refuses it by the first reason that holds, or says what it is.

use crate::accept::{Accept, Format, Verify};
use crate::decode::decode_structure;
use crate::difference_hash::difference_hash;
use crate::metadata::{self, Metadata};
use crate::rejected::{Reason, Rejected};
use crate::seen::{Digest, Seen};
use crate::{jpeg, png_file};

/// Formats that are told from bytes that are no image at all, so that the reason is the right one.
const OTHERS: [(&str, usize, &[u8]); 8] = [
    ("GIF", 0, b"GIF8"),
    ("WebP", 8, b"WEBP"),
    ("HEIC, AVIF or a video", 4, b"ftyp"),
    ("TIFF", 0, b"II*\0"),
    ("TIFF", 0, b"MM\0*"),
    ("BMP", 0, b"BM"),
    ("JPEG XL", 0, b"\xff\x0a"),
    ("JPEG 2000", 4, b"jP  "),
];

/// The structure of a whole file, of either format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Structure {
    Jpeg(jpeg::Structure),
    Png(png_file::Structure),
}

impl Structure {
    /// The format by the first bytes, and the structure to the end marker.
    pub fn of(bytes: &[u8]) -> Result<Self, Rejected> {
        match format_of(bytes)? {
            Format::Jpeg => jpeg::walk(bytes).map(Self::Jpeg),
            Format::Png => png_file::walk(bytes).map(Self::Png),
        }
    }

    pub fn format(&self) -> Format {
        match self {
            Self::Jpeg(_) => Format::Jpeg,
            Self::Png(_) => Format::Png,
        }
    }

    pub fn sides(&self) -> (u32, u32) {
        match self {
            Self::Jpeg(jpeg) => (jpeg.width, jpeg.height),
            Self::Png(png) => (png.width, png.height),
        }
    }

    pub fn channels(&self) -> u8 {
        match self {
            Self::Jpeg(jpeg) => jpeg.components,
            Self::Png(png) => png.channels,
        }
    }

    /// Where the image ends.
    pub fn end(&self) -> usize {
        match self {
            Self::Jpeg(jpeg) => jpeg.end,
            Self::Png(png) => png.end,
        }
    }

    pub fn metadata(&self, bytes: &[u8], wants_position: bool) -> Metadata {
        let exif = match self {
            Self::Jpeg(jpeg) => &jpeg.exif,
            Self::Png(png) => &png.exif,
        };
        let exif = exif.as_ref();
        exif.map_or_else(Metadata::default, |range| {
            metadata::read(&bytes[range.clone()], wants_position)
        })
    }

    /// Holds the header against what is accepted, before anything is decoded.
    pub fn check(&self, accept: &Accept) -> Result<(), Rejected> {
        let (width, height) = self.sides();
        let pixels = u64::from(width) * u64::from(height);
        if pixels > accept.max_pixels {
            let detail = format!(
                "the header says {width}×{height} pixels, {} are accepted",
                accept.max_pixels
            );
            return Err(Rejected::new(Reason::TooManyPixels, detail));
        }
        if width.min(height) < accept.min_side {
            let detail = format!(
                "{width}×{height} pixels, the shorter side needs {}",
                accept.min_side
            );
            return Err(Rejected::new(Reason::TooSmall, detail));
        }
        let channels = self.channels();
        let colour = match (self, channels) {
            (_, 1 | 2) if !accept.grey => "grey",
            (Self::Jpeg(_), 4) if !accept.cmyk => "CMYK",
            _ => return Ok(()),
        };
        let detail = format!("{colour}, of {channels} channels");
        Err(Rejected::new(Reason::ColourNotAccepted, detail))
    }
}

/// What `bytes` are, or the first reason not to accept them, in the order of [`Reason::ALL`].
pub fn inspect(bytes: &[u8], accept: &Accept) -> Result<Seen, Rejected> {
    if bytes.is_empty() {
        return Err(Rejected::new(Reason::Empty, "the file has no bytes"));
    }
    if bytes.len() as u64 > accept.max_bytes {
        let detail = format!("{} bytes, {} are accepted", bytes.len(), accept.max_bytes);
        return Err(Rejected::new(Reason::TooLarge, detail));
    }
    let format = format_of(bytes)?;
    if !accept.formats.contains(&format) {
        let detail = format!("the bytes are {format}, which is not accepted here");
        return Err(Rejected::new(Reason::FormatNotAccepted, detail));
    }
    let structure = Structure::of(bytes)?;
    structure.check(accept)?;
    let metadata = structure.metadata(bytes, accept.position);
    let difference_hash = match accept.verify {
        Verify::Structure => None,
        Verify::Decode => {
            // The thumbnail needs few pixels: an eighth of the sides is decoded where it will do.
            let pixels = decode_structure(bytes, &structure, accept.max_pixels, Some(72))?;
            Some(difference_hash(&pixels.upright(metadata.orientation)))
        }
    };
    let (width, height) = structure.sides();
    Ok(Seen {
        format,
        width,
        height,
        channels: structure.channels(),
        digest: Digest::of(bytes),
        difference_hash,
        orientation: metadata.orientation,
        captured_at: metadata.captured_at,
        position: metadata.position,
        metadata_damaged: metadata.damaged,
        trailing_bytes: (bytes.len() - structure.end()) as u64,
    })
}

fn format_of(bytes: &[u8]) -> Result<Format, Rejected> {
    if bytes.starts_with(&jpeg::SIGNATURE) {
        return Ok(Format::Jpeg);
    }
    if bytes.starts_with(&png_file::SIGNATURE) {
        return Ok(Format::Png);
    }
    let is_start_of = |signature: &[u8]| bytes.len() >= 2 && signature.starts_with(bytes);
    if is_start_of(&jpeg::SIGNATURE) || is_start_of(&png_file::SIGNATURE) {
        let detail = format!("the file ends at byte {} within its signature", bytes.len());
        return Err(Rejected::truncated(detail));
    }
    for (name, at, signature) in OTHERS {
        if bytes
            .get(at..)
            .is_some_and(|rest| rest.starts_with(signature))
        {
            let detail = format!("the bytes are {name}, which is not accepted");
            return Err(Rejected::new(Reason::FormatNotAccepted, detail));
        }
    }
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(16)]);
    let detail = format!("the file starts with {head:?}");
    Err(Rejected::new(Reason::NotAnImage, detail))
}
