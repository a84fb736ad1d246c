//! The structure of a PNG file, chunk by chunk with their checksums; and PNG files of pixels.
//!
//! Source: W3C, Portable Network Graphics (third edition).

use crate::pixels::Pixels;
use crate::rejected::{Reason, Rejected};
use std::ops::Range;

/// How every PNG file starts.
pub const SIGNATURE: [u8; 8] = [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n'];

/// Length, type and checksum of a chunk.
const FRAME: usize = 12;
/// Chunks beside the critical ones that say how pixels look.
const OF_PIXELS: [&[u8]; 7] = [
    b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"sBIT",
];

/// The structure of a whole PNG file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Structure {
    pub width: u32,
    pub height: u32,
    /// 1 to 4; an image with a palette has 3, or 4 if some of it is transparent.
    pub channels: u8,
    pub exif: Option<Range<usize>>,
    /// Where the image ends, behind IEND.
    pub end: usize,
    /// The chunks to keep where metadata is left out.
    kept: Vec<Range<usize>>,
}

/// Walks from the signature to IEND. What starts with [`SIGNATURE`] comes in.
pub fn walk(bytes: &[u8]) -> Result<Structure, Rejected> {
    let mut structure = Structure {
        width: 0,
        height: 0,
        channels: 0,
        exif: None,
        end: 0,
        kept: Vec::new(),
    };
    let mut at = SIGNATURE.len();
    let mut has_pixels = false;
    loop {
        let cut = || {
            Rejected::truncated(format!(
                "the file ends at byte {} within a chunk or before IEND",
                bytes.len()
            ))
        };
        let head = bytes.get(at..at + 8).ok_or_else(cut)?;
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let kind = &head[4..];
        if !kind.iter().all(u8::is_ascii_alphabetic) || length > i32::MAX as usize {
            return Err(Rejected::undecodable(format!(
                "byte {at} starts no chunk of a PNG file"
            )));
        }
        let whole = at..at + FRAME + length;
        let chunk = bytes.get(whole.clone()).ok_or_else(cut)?;
        let content = &chunk[8..8 + length];
        if structure.width == 0 && kind != b"IHDR" {
            return Err(Rejected::undecodable("the first chunk is not IHDR"));
        }
        match kind {
            b"IHDR" => structure.header(content)?,
            b"tRNS" if structure.channels % 2 == 1 => structure.channels += 1,
            b"eXIf" if structure.exif.is_none() => {
                structure.exif = Some(whole.start + 8..whole.end - 4);
            }
            b"acTL" => {
                let detail = "an animated PNG, which has several frames";
                return Err(Rejected::new(Reason::FormatNotAccepted, detail));
            }
            b"IDAT" => has_pixels = true,
            _ => {}
        }
        at = whole.end;
        if kind[0].is_ascii_uppercase() || OF_PIXELS.contains(&kind) {
            structure.kept.push(whole);
        }
        if kind == b"IEND" {
            if !has_pixels {
                return Err(Rejected::undecodable("there is no chunk of pixels"));
            }
            structure.end = at;
            return Ok(structure);
        }
    }
}

impl Structure {
    fn header(&mut self, content: &[u8]) -> Result<(), Rejected> {
        let &[w1, w2, w3, w4, h1, h2, h3, h4, _depth, colour, ..] = content else {
            return Err(Rejected::undecodable("the header is too short"));
        };
        self.width = u32::from_be_bytes([w1, w2, w3, w4]);
        self.height = u32::from_be_bytes([h1, h2, h3, h4]);
        self.channels = match colour {
            0 => 1,
            4 => 2,
            2 | 3 => 3,
            6 => 4,
            _ => return Err(Rejected::undecodable(format!("{colour} is no colour type"))),
        };
        if self.width == 0 || self.height == 0 {
            let found = format!("{}×{} pixels", self.width, self.height);
            return Err(Rejected::undecodable(format!("the header says {found}")));
        }
        Ok(())
    }

    /// The image byte for byte, without what lies behind its end and without the chunks that say
    /// nothing about pixels: EXIF, texts, times.
    pub fn without_metadata(&self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.end);
        out.extend_from_slice(&SIGNATURE);
        for chunk in &self.kept {
            out.extend_from_slice(&bytes[chunk.clone()]);
        }
        out
    }
}

/// Decodes every pixel, to 8 bits a channel. `max_pixels` bounds the memory.
pub fn decode(bytes: &[u8], max_pixels: u64) -> Result<Pixels, Rejected> {
    let undecodable = |error: png::DecodingError| Rejected::undecodable(error.to_string());
    // A pixel has at most 4 channels of 16 bits; text chunks and profiles come on top.
    let most = usize::try_from(max_pixels.saturating_mul(8)).unwrap_or(usize::MAX);
    let limits = png::Limits {
        bytes: most.saturating_add(1 << 26),
    };
    let mut options = png::DecodeOptions::default();
    options.set_ignore_checksums(false);
    options.set_skip_ancillary_crc_failures(false);
    options.set_ignore_text_chunk(true);
    let mut decoder = png::Decoder::new_with_options(std::io::Cursor::new(bytes), options);
    decoder.set_limits(limits);
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(undecodable)?;
    let size = reader.output_buffer_size().unwrap_or(usize::MAX);
    if size > most {
        return Err(Rejected::undecodable("its rows do not fit its header"));
    }
    let mut data = vec![0; size];
    let info = reader.next_frame(&mut data).map_err(undecodable)?;
    reader.finish().map_err(undecodable)?;
    data.truncate(info.buffer_size());
    let channels = match info.color_type {
        png::ColorType::Grayscale => 1,
        png::ColorType::GrayscaleAlpha => 2,
        png::ColorType::Rgb | png::ColorType::Indexed => 3,
        png::ColorType::Rgba => 4,
    };
    Ok(Pixels::new(info.width, info.height, channels, data))
}

/// A PNG file of `pixels`.
pub fn encode(pixels: &Pixels) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, pixels.width(), pixels.height());
    encoder.set_color(match pixels.channels() {
        1 => png::ColorType::Grayscale,
        2 => png::ColorType::GrayscaleAlpha,
        3 => png::ColorType::Rgb,
        _ => png::ColorType::Rgba,
    });
    encoder.set_depth(png::BitDepth::Eight);
    let written = encoder
        .write_header()
        .and_then(|mut writer| writer.write_image_data(pixels.data()));
    written.expect("pixels fill their sides, and a vector takes every write");
    out
}
