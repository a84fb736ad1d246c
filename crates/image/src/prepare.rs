//! An accepted image as training shall read it: upright, without metadata, and not larger than
//! needed.

use crate::accept::Format;
use crate::decode::decode_structure;
use crate::encode;
use crate::inspect::Structure;
use crate::pixels::Pixels;
use crate::png_file;
use crate::rejected::Rejected;

/// How images are made smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resize {
    /// Pixels of the shorter side; an image that is not larger keeps its size.
    pub shorter_side: u32,
    /// Quality of a JPEG that is encoded again, 1 to 100.
    pub quality: u8,
}

/// JPEG's quality where an image is encoded again for its orientation alone.
const QUALITY: u8 = 95;

/// A prepared image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// The file, in its format of before.
    pub bytes: Vec<u8>,
    /// The format.
    pub format: Format,
    /// The pixels were decoded and encoded again, for their orientation or size. Else the file is
    /// byte for byte what it was, but for its metadata and what lay behind its end.
    pub encoded_again: bool,
}

/// Prepares the file of an image of at most `max_pixels` with EXIF's `orientation`.
///
/// The orientation becomes that of the pixels, since readers do not agree on whether to apply it:
/// a model trained on upright images would be served others. No metadata stays: no position, no
/// serial number, no thumbnail of what was cropped away. Colour profiles stay.
pub fn prepare(
    bytes: &[u8],
    orientation: u8,
    resize: Option<Resize>,
    max_pixels: u64,
) -> Result<Prepared, Rejected> {
    let structure = Structure::of(bytes)?;
    let (width, height) = structure.sides();
    let smaller = resize.filter(|resize| width.min(height) > resize.shorter_side);
    let format = structure.format();
    if !(2..=8).contains(&orientation) && smaller.is_none() {
        let bytes = match &structure {
            Structure::Jpeg(jpeg) => jpeg.without_metadata(bytes),
            Structure::Png(png) => png.without_metadata(bytes),
        };
        return Ok(Prepared {
            bytes,
            format,
            encoded_again: false,
        });
    }
    // Decoded to no less than twice the size: an area's mean then has four pixels or more.
    let least_side =
        smaller.map(|resize| u16::try_from(resize.shorter_side * 2).unwrap_or(u16::MAX));
    let mut pixels = decode_structure(bytes, &structure, max_pixels, least_side)?;
    if let Some(resize) = smaller {
        let (width, height) = smaller_sides(width, height, resize.shorter_side);
        pixels = pixels.resized(width, height);
    }
    let pixels = pixels.upright(orientation);
    let quality = resize.map_or(QUALITY, |resize| resize.quality);
    Ok(Prepared {
        bytes: encoded(&pixels, format, quality),
        format,
        encoded_again: true,
    })
}

fn encoded(pixels: &Pixels, format: Format, quality: u8) -> Vec<u8> {
    match format {
        Format::Jpeg => encode::jpeg(pixels, quality),
        Format::Png => png_file::encode(pixels),
    }
}

/// The sides with the shorter one as given and the longer one in proportion, rounded.
fn smaller_sides(width: u32, height: u32, shorter: u32) -> (u32, u32) {
    let longer = |long: u32, short: u32| {
        let (long, short) = (u64::from(long), u64::from(short));
        let side = (long * u64::from(shorter) + short / 2) / short;
        u32::try_from(side).expect("it is smaller than it was")
    };
    if width <= height {
        (shorter, longer(height, width))
    } else {
        (longer(width, height), shorter)
    }
}
