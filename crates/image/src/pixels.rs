//! Pixels in memory: turned upright, made smaller, made grey.

/// Pixels of 8 bits a channel, row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pixels {
    width: u32,
    height: u32,
    channels: u8,
    data: Vec<u8>,
}

impl Pixels {
    /// `data` has `width` × `height` × `channels` values. Panics if it has not, or if `channels` is
    /// not 1 to 4.
    pub fn new(width: u32, height: u32, channels: u8, data: Vec<u8>) -> Self {
        let values = width as usize * height as usize * usize::from(channels);
        assert!((1..=4).contains(&channels), "{channels} channels");
        assert_eq!(data.len(), values, "{width}×{height}×{channels}");
        Self {
            width,
            height,
            channels,
            data,
        }
    }

    /// Pixels of a row.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// 1 grey, 2 grey with alpha, 3 red, green, blue, 4 the same with alpha.
    pub fn channels(&self) -> u8 {
        self.channels
    }

    /// The values, channel by channel, pixel by pixel, row by row.
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// The image as EXIF's `orientation` says that it is to be shown; other values than 1 to 8 are
    /// 1, upright.
    #[must_use]
    pub fn upright(self, orientation: u8) -> Self {
        if !(2..=8).contains(&orientation) {
            return self;
        }
        let (width, height) = (self.width as usize, self.height as usize);
        let turned = orientation >= 5;
        let (columns, rows) = if turned {
            (height, width)
        } else {
            (width, height)
        };
        let channels = usize::from(self.channels);
        let mut data = Vec::with_capacity(self.data.len());
        for row in 0..rows {
            for column in 0..columns {
                // Where the file keeps the pixel that is shown at this row and column.
                let (y, x) = match orientation {
                    2 => (row, width - 1 - column),
                    3 => (height - 1 - row, width - 1 - column),
                    4 => (height - 1 - row, column),
                    5 => (column, row),
                    6 => (height - 1 - column, row),
                    7 => (height - 1 - column, width - 1 - row),
                    _ => (column, width - 1 - row),
                };
                let at = (y * width + x) * channels;
                data.extend_from_slice(&self.data[at..at + channels]);
            }
        }
        let (width, height) = if turned {
            (self.height, self.width)
        } else {
            (self.width, self.height)
        };
        Self::new(width, height, self.channels, data)
    }

    /// The image with `width` × `height` pixels, each the mean of the area that it covers. Meant for
    /// making images smaller; a larger one repeats pixels.
    #[must_use]
    pub fn resized(&self, width: u32, height: u32) -> Self {
        let channels = usize::from(self.channels);
        let columns = spans(self.width, width);
        let rows = spans(self.height, height);
        let stride = self.width as usize * channels;
        let mut data = Vec::with_capacity(width as usize * height as usize * channels);
        let mut summed = vec![0.0_f32; stride];
        for row in &rows {
            summed.fill(0.0);
            for (source, weight) in row.iter() {
                let line = &self.data[source * stride..][..stride];
                for (sum, &value) in summed.iter_mut().zip(line) {
                    *sum += weight * f32::from(value);
                }
            }
            for column in &columns {
                for channel in 0..channels {
                    let parts = column.iter();
                    let mean: f32 = parts
                        .map(|(source, weight)| weight * summed[source * channels + channel])
                        .sum();
                    data.push(to_byte(mean));
                }
            }
        }
        Self::new(width, height, self.channels, data)
    }

    /// The image with one channel: the luma of ITU-R BT.601, as JPEG has it. Alpha is ignored.
    #[must_use]
    pub fn grey(&self) -> Self {
        if self.channels == 1 {
            return self.clone();
        }
        let pixels = self.data.chunks_exact(usize::from(self.channels));
        let data = pixels.map(|pixel| match *pixel {
            [red, green, blue] | [red, green, blue, _] => {
                let (red, green, blue) = (f32::from(red), f32::from(green), f32::from(blue));
                to_byte(0.299 * red + 0.587 * green + 0.114 * blue)
            }
            _ => pixel[0],
        });
        Self::new(self.width, self.height, 1, data.collect())
    }
}

/// The pixels of a side that a pixel of the resized side covers: the first one, and its and the
/// following ones' weights, which add up to 1.
struct Span {
    first: usize,
    weights: Vec<f32>,
}

impl Span {
    fn iter(&self) -> impl Iterator<Item = (usize, f32)> + '_ {
        let weights = self.weights.iter();
        weights
            .enumerate()
            .map(|(at, &weight)| (self.first + at, weight))
    }
}

fn spans(from: u32, to: u32) -> Vec<Span> {
    let (from, to) = (u64::from(from), u64::from(to));
    // In units of 1/to of a source pixel, so that borders are whole numbers.
    let spans = (0..to).map(|target| {
        let (start, end) = (target * from, (target + 1) * from);
        let first = start / to;
        let last = (end - 1) / to;
        let weights = (first..=last).map(|source| {
            let covered = end.min((source + 1) * to) - start.max(source * to);
            covered as f32 / from as f32
        });
        Span {
            first: usize::try_from(first).expect("it is a place of a side"),
            weights: weights.collect(),
        }
    });
    spans.collect()
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a mean of bytes is rounded to a byte"
)]
fn to_byte(value: f32) -> u8 {
    value.round().clamp(0.0, 255.0) as u8
}
