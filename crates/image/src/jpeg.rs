//! The structure of a JPEG file: its segments from SOI to EOI, without decoding a pixel.
//!
//! Source: ITU-T T.81, annex B.

use crate::rejected::Rejected;
use std::ops::Range;

/// How every JPEG file starts: SOI and the first byte of the next marker.
pub const SIGNATURE: [u8; 3] = [0xff, 0xd8, 0xff];

const EOI: u8 = 0xd9;
pub const SOS: u8 = 0xda;
const APP0: u8 = 0xe0;
const APP1: u8 = 0xe1;
const APP2: u8 = 0xe2;
const APP14: u8 = 0xee;
const APP15: u8 = 0xef;
const COM: u8 = 0xfe;
const EXIF: &[u8] = b"Exif\0\0";
const JFIF: &[u8] = b"JFIF\0";
const ICC: &[u8] = b"ICC_PROFILE\0";
/// Bytes of JFIF's payload before its thumbnail: name, version, density, the thumbnail's sides.
const JFIF_HEAD: usize = 14;

/// A segment, and behind the header of a scan its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    pub marker: u8,
    pub payload: Range<usize>,
    pub data: Range<usize>,
}

/// The structure of a whole JPEG file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Structure {
    pub width: u32,
    pub height: u32,
    pub components: u8,
    /// EXIF's TIFF block, if there is one.
    pub exif: Option<Range<usize>>,
    /// Where the image ends, behind EOI.
    pub end: usize,
    /// Of the tables, the frame and the scans, in order.
    pub segments: Vec<Segment>,
    /// Segments that say nothing about pixels.
    dispensable: Vec<Range<usize>>,
    /// The sides of a JFIF thumbnail and the thumbnail.
    thumbnail: Option<Range<usize>>,
}

/// Walks from SOI to EOI. What starts with [`SIGNATURE`] comes in.
pub fn walk(bytes: &[u8]) -> Result<Structure, Rejected> {
    let mut structure = Structure {
        width: 0,
        height: 0,
        components: 0,
        exif: None,
        end: 0,
        segments: Vec::new(),
        dispensable: Vec::new(),
        thumbnail: None,
    };
    let mut at = 2;
    let mut scans = 0;
    loop {
        let start = at;
        let marker = marker_at(bytes, &mut at)?;
        if marker == EOI {
            if scans == 0 {
                return Err(Rejected::undecodable("the end comes before any scan"));
            }
            structure.end = at;
            return Ok(structure);
        }
        // Markers without a segment: TEM and restarts.
        if marker == 0x01 || (0xd0..=0xd7).contains(&marker) {
            continue;
        }
        let payload = segment_at(bytes, &mut at, marker)?;
        let data = at;
        match marker {
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                structure.frame(&bytes[payload.clone()])?;
            }
            SOS if structure.width == 0 => {
                return Err(Rejected::undecodable(
                    "a scan comes before its frame header",
                ));
            }
            SOS => {
                scans += 1;
                at = end_of_scan(bytes, at)?;
            }
            APP0..=APP15 | COM => {
                structure.application(bytes, marker, start..at, payload);
                continue;
            }
            _ => {}
        }
        structure.segments.push(Segment {
            marker,
            payload,
            data: data..at,
        });
    }
}

impl Structure {
    fn frame(&mut self, payload: &[u8]) -> Result<(), Rejected> {
        if self.components != 0 {
            return Err(Rejected::undecodable("there are two frame headers"));
        }
        let &[_precision, h1, h2, w1, w2, components, ..] = payload else {
            return Err(Rejected::undecodable("the frame header is too short"));
        };
        self.width = u32::from(u16::from_be_bytes([w1, w2]));
        self.height = u32::from(u16::from_be_bytes([h1, h2]));
        self.components = components;
        if self.width == 0 || self.height == 0 || components == 0 {
            let found = format!(
                "{}×{} pixels of {components} components",
                self.width, self.height
            );
            return Err(Rejected::undecodable(format!(
                "the frame header says {found}"
            )));
        }
        Ok(())
    }

    /// Sorts an application's segment: what decoders need stays, all others may go.
    fn application(
        &mut self,
        bytes: &[u8],
        marker: u8,
        whole: Range<usize>,
        payload: Range<usize>,
    ) {
        let content = &bytes[payload.clone()];
        match marker {
            APP0 if content.starts_with(JFIF) && content.len() >= JFIF_HEAD => {
                if content.len() > JFIF_HEAD {
                    self.thumbnail = Some(payload.start + JFIF_HEAD - 2..payload.end);
                }
            }
            // Adobe's says how colours are stored.
            APP14 => {}
            APP2 if content.starts_with(ICC) => {}
            APP1 if content.starts_with(EXIF) && self.exif.is_none() => {
                self.exif = Some(payload.start + EXIF.len()..payload.end);
                self.dispensable.push(whole);
            }
            _ => self.dispensable.push(whole),
        }
    }

    /// The image byte for byte, without what lies behind its end and without the segments that say
    /// nothing about pixels: EXIF, XMP, IPTC, comments, makers' notes, thumbnails.
    pub fn without_metadata(&self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.end);
        let mut at = 0;
        let mut cuts: Vec<(Range<usize>, Option<usize>)> = Vec::new();
        cuts.extend(self.dispensable.iter().map(|range| (range.clone(), None)));
        // The thumbnail's sides become 0, and the segment's length follows.
        let thumbnail = self.thumbnail.iter();
        cuts.extend(thumbnail.map(|range| (range.clone(), Some(range.start - JFIF_HEAD))));
        cuts.sort_by_key(|(range, _)| range.start);
        for (range, length_at) in cuts {
            out.extend_from_slice(&bytes[at..range.start]);
            if length_at.is_some() {
                out.extend_from_slice(&[0, 0]);
                let length = out.len() - JFIF_HEAD - 2;
                out[length..length + 2].copy_from_slice(&[0, 16]);
            }
            at = range.end;
        }
        out.extend_from_slice(&bytes[at..self.end]);
        out
    }
}

/// The marker at `at`, which may follow any number of fill bytes.
fn marker_at(bytes: &[u8], at: &mut usize) -> Result<u8, Rejected> {
    let start = *at;
    if bytes.get(start).is_some_and(|&byte| byte != 0xff) {
        let found = bytes[start];
        return Err(Rejected::undecodable(format!(
            "byte {start} is {found:#04x} where a marker starts"
        )));
    }
    while bytes.get(*at) == Some(&0xff) {
        *at += 1;
    }
    let Some(&marker) = bytes.get(*at) else {
        return Err(Rejected::truncated(format!(
            "the file ends at byte {} before its end marker",
            bytes.len()
        )));
    };
    *at += 1;
    Ok(marker)
}

/// The payload of the segment whose length stands at `at`.
fn segment_at(bytes: &[u8], at: &mut usize, marker: u8) -> Result<Range<usize>, Rejected> {
    let start = *at;
    let length = bytes.get(start..start + 2);
    let length = length.map(|pair| usize::from(u16::from_be_bytes([pair[0], pair[1]])));
    match length {
        Some(length) if length < 2 => Err(Rejected::undecodable(format!(
            "the segment {marker:#04x} at byte {start} has the length {length}"
        ))),
        Some(length) if start + length <= bytes.len() => {
            *at = start + length;
            Ok(start + 2..start + length)
        }
        _ => Err(Rejected::truncated(format!(
            "the file ends at byte {} within the segment {marker:#04x}",
            bytes.len()
        ))),
    }
}

/// Where the entropy-coded data from `at` ends: before the next marker that is no restart.
fn end_of_scan(bytes: &[u8], mut at: usize) -> Result<usize, Rejected> {
    while let Some(step) = bytes[at..].iter().position(|&byte| byte == 0xff) {
        at += step;
        match bytes.get(at + 1) {
            // A stuffed 0xff, a restart.
            Some(0x00 | 0xd0..=0xd7) => at += 2,
            // A fill byte before a marker.
            Some(0xff) => at += 1,
            Some(_) => return Ok(at),
            None => break,
        }
    }
    Err(Rejected::truncated(format!(
        "the file ends at byte {} within a scan",
        bytes.len()
    )))
}
