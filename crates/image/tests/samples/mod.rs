//! Images and damage for the tests.

#![allow(dead_code, reason = "every test file takes some of it")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::large_types_passed_by_value,
    clippy::trivially_copy_pass_by_ref,
    reason = "small numbers of tests"
)]

use image::Pixels;

/// A picture with shapes, shades and some noise, the same for the same numbers.
pub fn picture(width: u32, height: u32, channels: u8, seed: u64) -> Pixels {
    let mut random = Random(seed);
    let mut data = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let (x, y) = (
                f64::from(x) / f64::from(width),
                f64::from(y) / f64::from(height),
            );
            for channel in 0..channels {
                let phase = f64::from(channel) + (seed % 7) as f64;
                let wave = (x * 9.0 + phase).sin() + (y * 7.0 - phase).cos();
                let noise = (random.next() % 16) as f64;
                data.push((110.0 + 50.0 * wave + noise) as u8);
            }
        }
    }
    Pixels::new(width, height, channels, data)
}

pub fn jpeg(width: u32, height: u32) -> Vec<u8> {
    image::encode_jpeg(&picture(width, height, 3, 1), 85)
}

pub fn png(width: u32, height: u32) -> Vec<u8> {
    image::encode_png(&picture(width, height, 3, 1))
}

/// Splitmix64.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    pub fn below(&mut self, count: usize) -> usize {
        (self.next() % count as u64) as usize
    }
}

/// What a camera records.
pub struct Camera {
    pub orientation: u16,
    pub taken: &'static [u8; 20],
    pub offset: &'static [u8; 7],
}

pub const CAMERA: Camera = Camera {
    orientation: 6,
    taken: b"2026:11:28 09:30:00\0",
    offset: b"+01:00\0",
};

/// A TIFF block: orientation, time, offset, and the position 48° 30′ N 9° 15′ W.
pub fn tiff(camera: &Camera) -> Vec<u8> {
    let mut out = b"II*\0\x08\0\0\0".to_vec();
    // Three directories, then what is too long for them.
    let (first, second, third) = (8, 8 + 6 + 3 * 12, 8 + 12 + 5 * 12);
    let values = third + 6 + 4 * 12;
    let mut tail = Vec::new();
    let mut directory = |out: &mut Vec<u8>, entries: &[(u16, u16, Vec<u8>)]| {
        out.extend_from_slice(&(entries.len() as u16).to_le_bytes());
        for (tag, kind, value) in entries {
            let size = match kind {
                2 => 1,
                3 => 2,
                4 => 4,
                _ => 8,
            };
            out.extend_from_slice(&tag.to_le_bytes());
            out.extend_from_slice(&kind.to_le_bytes());
            out.extend_from_slice(&((value.len() / size) as u32).to_le_bytes());
            let mut place = value.clone();
            if value.len() > 4 {
                place = ((values + tail.len()) as u32).to_le_bytes().to_vec();
                tail.extend_from_slice(value);
            }
            place.resize(4, 0);
            out.extend_from_slice(&place);
        }
        out.extend_from_slice(&0_u32.to_le_bytes());
    };
    let at = |place: usize| (place as u32).to_le_bytes().to_vec();
    let angle = |degrees: u32, minutes: u32| {
        let parts = [degrees, 1, minutes, 1, 0, 1];
        parts.into_iter().flat_map(u32::to_le_bytes).collect()
    };
    assert_eq!(out.len(), first);
    directory(
        &mut out,
        &[
            (0x0112, 3, camera.orientation.to_le_bytes().to_vec()),
            (0x8769, 4, at(second)),
            (0x8825, 4, at(third)),
        ],
    );
    assert_eq!(out.len(), second);
    directory(
        &mut out,
        &[
            (0x9003, 2, camera.taken.to_vec()),
            (0x9011, 2, camera.offset.to_vec()),
        ],
    );
    assert_eq!(out.len(), third);
    directory(
        &mut out,
        &[
            (1, 2, b"N\0".to_vec()),
            (2, 5, angle(48, 30)),
            (3, 2, b"W\0".to_vec()),
            (4, 5, angle(9, 15)),
        ],
    );
    assert_eq!(out.len(), values);
    out.extend_from_slice(&tail);
    out
}

/// The JPEG with a segment behind SOI.
pub fn with_segment(jpeg: &[u8], marker: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = jpeg[..2].to_vec();
    out.extend_from_slice(&[0xff, marker]);
    out.extend_from_slice(&(payload.len() as u16 + 2).to_be_bytes());
    out.extend_from_slice(payload);
    out.extend_from_slice(&jpeg[2..]);
    out
}

pub fn with_exif(jpeg: &[u8], tiff: &[u8]) -> Vec<u8> {
    with_segment(jpeg, 0xe1, &[b"Exif\0\0", tiff].concat())
}

/// The PNG with a chunk behind its header.
pub fn with_chunk(png: &[u8], kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut out = png[..33].to_vec();
    out.extend_from_slice(&chunk(kind, content));
    out.extend_from_slice(&png[33..]);
    out
}

pub fn chunk(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut out = (content.len() as u32).to_be_bytes().to_vec();
    out.extend_from_slice(kind);
    out.extend_from_slice(content);
    let checksum = crc32(&out[4..]);
    out.extend_from_slice(&checksum.to_be_bytes());
    out
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |sum, &byte| {
        (0..8).fold(sum ^ u32::from(byte), |sum, _| {
            if sum & 1 == 1 {
                sum >> 1 ^ 0xedb8_8320
            } else {
                sum >> 1
            }
        })
    })
}

/// How far two images of equal sides are from each other, as the root of the mean square.
pub fn distance(one: &Pixels, other: &Pixels) -> f64 {
    assert_eq!((one.width(), one.height()), (other.width(), other.height()));
    assert_eq!(one.channels(), other.channels());
    let pairs = one.data().iter().zip(other.data());
    let squares: f64 = pairs
        .map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2))
        .sum();
    (squares / one.data().len() as f64).sqrt()
}
