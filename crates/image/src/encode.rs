//! Pixels as a baseline JPEG file. The kept encoders bring a licence of their own or a colour
//! management; what is needed here is small and fixed.
//!
//! Source: ITU-T T.81 for the file, annex K for its tables, and JFIF 1.02 for colours.

use crate::huffman::{CHROMA_MEANS, CHROMA_WAVES, LUMA_MEANS, LUMA_WAVES, Table};
use crate::pixels::Pixels;
use std::f32::consts::PI;

/// The order in which frequencies are written, lowest first.
const ZIGZAG: [usize; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

const LUMA_STEPS: [u16; 64] = [
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113,
    92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
];

const CHROMA_STEPS: [u16; 64] = [
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99,
    47, 66, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
];

/// A baseline JPEG file of `pixels`, of `quality` 1 to 100 on libjpeg's scale. Colour is stored at
/// half the resolution, as usual; alpha is left out. Panics if a side has more than 65,535 pixels.
pub fn jpeg(pixels: &Pixels, quality: u8) -> Vec<u8> {
    let is_grey = pixels.channels() <= 2;
    let steps = [steps(&LUMA_STEPS, quality), steps(&CHROMA_STEPS, quality)];
    let mut out = Vec::with_capacity(pixels.data().len() / 4);
    head(&mut out, pixels, is_grey, &steps);
    let mut scan = Scan::new(out, steps);
    let planes = Planes::of(pixels, is_grey);
    // Of 8×8 pixels if grey, else of 16×16 with four blocks of brightness.
    let side = if is_grey { 8 } else { 16 };
    for top in (0..planes.height).step_by(side) {
        for left in (0..planes.width).step_by(side) {
            for y in (0..side).step_by(8) {
                for x in (0..side).step_by(8) {
                    scan.block(0, |column, row| {
                        planes.at(0, left + x + column, top + y + row)
                    });
                }
            }
            for colour in (1..3).filter(|_| !is_grey) {
                scan.block(colour, |column, row| {
                    let (x, y) = (left + 2 * column, top + 2 * row);
                    let corners = [(x, y), (x + 1, y), (x, y + 1), (x + 1, y + 1)];
                    corners
                        .map(|(x, y)| planes.at(colour, x, y))
                        .iter()
                        .sum::<f32>()
                        / 4.0
                });
            }
        }
    }
    scan.finish()
}

fn steps(base: &[u16; 64], quality: u8) -> [u8; 64] {
    let quality = u16::from(quality.clamp(1, 100));
    let percent = if quality < 50 {
        5000 / quality
    } else {
        200 - 2 * quality
    };
    base.map(|step| {
        let scaled = (u32::from(step) * u32::from(percent) + 50) / 100;
        u8::try_from(scaled.clamp(1, 255)).expect("it is clamped")
    })
}

fn head(out: &mut Vec<u8>, pixels: &Pixels, is_grey: bool, steps: &[[u8; 64]; 2]) {
    let side = |side: u32| u16::try_from(side).expect("a side has at most 65,535 pixels");
    let (height, width) = (side(pixels.height()), side(pixels.width()));
    let tables: usize = if is_grey { 1 } else { 2 };
    out.extend_from_slice(&[0xff, 0xd8]);
    segment(out, 0xe0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0");
    for (number, steps) in (0..).zip(&steps[..tables]) {
        let mut payload = vec![number];
        payload.extend(ZIGZAG.iter().map(|&at| steps[at]));
        segment(out, 0xdb, &payload);
    }
    let mut frame = vec![8];
    frame.extend_from_slice(&height.to_be_bytes());
    frame.extend_from_slice(&width.to_be_bytes());
    if is_grey {
        frame.extend_from_slice(&[1, 1, 0x11, 0]);
    } else {
        frame.extend_from_slice(&[3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1]);
    }
    segment(out, 0xc0, &frame);
    let huffman = [
        (0x00, LUMA_MEANS),
        (0x10, LUMA_WAVES),
        (0x01, CHROMA_MEANS),
        (0x11, CHROMA_WAVES),
    ];
    for (id, table) in &huffman[..2 * tables] {
        let mut payload = vec![*id];
        payload.extend_from_slice(&table.counts);
        payload.extend_from_slice(table.values);
        segment(out, 0xc4, &payload);
    }
    if is_grey {
        segment(out, 0xda, &[1, 1, 0x00, 0, 63, 0]);
    } else {
        segment(out, 0xda, &[3, 1, 0x00, 2, 0x11, 3, 0x11, 0, 63, 0]);
    }
}

fn segment(out: &mut Vec<u8>, marker: u8, payload: &[u8]) {
    let length = u16::try_from(payload.len() + 2).expect("tables are short");
    out.extend_from_slice(&[0xff, marker]);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(payload);
}

/// Brightness, and of an image in colour the two colour differences, at full resolution, around 0.
struct Planes {
    width: usize,
    height: usize,
    values: Vec<Vec<f32>>,
}

impl Planes {
    fn of(pixels: &Pixels, is_grey: bool) -> Self {
        let each = pixels.data().chunks_exact(usize::from(pixels.channels()));
        let values = if is_grey {
            vec![each.map(|pixel| f32::from(pixel[0]) - 128.0).collect()]
        } else {
            let mut planes: Vec<_> = (0..3).map(|_| Vec::with_capacity(each.len())).collect();
            for pixel in each {
                let [red, green, blue] = [0, 1, 2].map(|channel| f32::from(pixel[channel]));
                let luma = 0.299 * red + 0.587 * green + 0.114 * blue;
                planes[0].push(luma - 128.0);
                planes[1].push((blue - luma) / 1.772);
                planes[2].push((red - luma) / 1.402);
            }
            planes
        };
        Self {
            width: pixels.width() as usize,
            height: pixels.height() as usize,
            values,
        }
    }

    /// The value at a place; beyond the border that of the border.
    fn at(&self, plane: usize, x: usize, y: usize) -> f32 {
        let (x, y) = (x.min(self.width - 1), y.min(self.height - 1));
        self.values[plane][y * self.width + x]
    }
}

/// The entropy-coded data.
struct Scan {
    out: Vec<u8>,
    bits: u32,
    pending: u8,
    means: [i32; 3],
    steps: [[u8; 64]; 2],
    codes: [[[(u16, u8); 256]; 2]; 2],
    cosines: [[f32; 8]; 8],
}

impl Scan {
    fn new(out: Vec<u8>, steps: [[u8; 64]; 2]) -> Self {
        let codes = |means: Table, waves: Table| [means.codes(), waves.codes()];
        let mut cosines = [[0.0; 8]; 8];
        for (frequency, row) in cosines.iter_mut().enumerate() {
            let scale = if frequency == 0 { 0.125_f32 } else { 0.25 }.sqrt();
            for (at, cosine) in row.iter_mut().enumerate() {
                let angle = (2 * at + 1) as f32 * frequency as f32 * PI / 16.0;
                *cosine = scale * angle.cos();
            }
        }
        Self {
            out,
            bits: 0,
            pending: 0,
            means: [0; 3],
            steps,
            codes: [
                codes(LUMA_MEANS, LUMA_WAVES),
                codes(CHROMA_MEANS, CHROMA_WAVES),
            ],
            cosines,
        }
    }

    /// Writes a block of `component` with the values at each column and row.
    fn block(&mut self, component: usize, value: impl Fn(usize, usize) -> f32) {
        let kind = component.min(1);
        let rounded = self.frequencies(kind, value);
        let difference = rounded[0] - self.means[component];
        self.means[component] = rounded[0];
        self.number(kind, 0, 0, difference);
        let mut zeros = 0;
        for &at in &ZIGZAG[1..] {
            if rounded[at] == 0 {
                zeros += 1;
                continue;
            }
            while zeros > 15 {
                self.code(kind, 1, 0xf0);
                zeros -= 16;
            }
            self.number(kind, 1, zeros, rounded[at]);
            zeros = 0;
        }
        if zeros > 0 {
            self.code(kind, 1, 0);
        }
    }

    /// The block's discrete cosine transform in steps of the quality.
    fn frequencies(&self, kind: usize, value: impl Fn(usize, usize) -> f32) -> [i32; 64] {
        let mut rows = [[0.0_f32; 8]; 8];
        for (row, line) in rows.iter_mut().enumerate() {
            let values: [f32; 8] = std::array::from_fn(|column| value(column, row));
            for (wave, cosines) in line.iter_mut().zip(&self.cosines) {
                *wave = values.iter().zip(cosines).map(|(a, b)| a * b).sum();
            }
        }
        let mut rounded = [0; 64];
        for (frequency, cosines) in self.cosines.iter().enumerate() {
            for column in 0..8 {
                let wave: f32 = rows
                    .iter()
                    .zip(cosines)
                    .map(|(row, b)| row[column] * b)
                    .sum();
                let at = frequency * 8 + column;
                rounded[at] = nearest(wave / f32::from(self.steps[kind][at]));
            }
        }
        rounded
    }

    /// A number behind `zeros` zeros: its code has the count of its bits, which follow.
    fn number(&mut self, kind: usize, table: usize, zeros: u8, number: i32) {
        let length = 32 - number.unsigned_abs().leading_zeros();
        let size = u8::try_from(length).expect("a number has at most 32 bits");
        self.code(kind, table, zeros << 4 | size);
        // A negative one is written less 1, in two's complement.
        let bits = if number < 0 { number - 1 } else { number };
        self.put(bits.cast_unsigned() & ((1 << length) - 1), size);
    }

    fn code(&mut self, kind: usize, table: usize, value: u8) {
        let (code, length) = self.codes[kind][table][usize::from(value)];
        self.put(u32::from(code), length);
    }

    fn put(&mut self, bits: u32, count: u8) {
        self.bits = self.bits << count | bits;
        self.pending += count;
        while self.pending >= 8 {
            self.pending -= 8;
            let byte = (self.bits >> self.pending).to_le_bytes()[0];
            self.out.push(byte);
            // So that no marker arises.
            if byte == 0xff {
                self.out.push(0);
            }
        }
    }

    fn finish(mut self) -> Vec<u8> {
        // The last byte is filled with ones.
        let missing = (8 - self.pending % 8) % 8;
        self.put((1 << missing) - 1, missing);
        self.out.extend_from_slice(&[0xff, 0xd9]);
        self.out
    }
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "a wave of bytes has at most 11 bits"
)]
fn nearest(wave: f32) -> i32 {
    wave.round() as i32
}
