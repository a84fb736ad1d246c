//! From an image to numbers: where its edges run, and where it is bright.
//!
//! The image is scaled to a square and made grey. Over a grid of cells, each pixel's gradient goes
//! to the four nearest cells and the two nearest of nine directions, in proportion. The grid's
//! brightness comes on top. Contrast does not matter: gradients are scaled to the length 1.

use image::Pixels;
use std::f32::consts::PI;

/// Directions of an edge, over half a circle.
const DIRECTIONS: usize = 9;
/// Pixels of a cell's side.
const CELL: usize = 5;

/// Turns images of any size into as many numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Features {
    side: usize,
}

impl Features {
    /// Of images scaled to a square of `image_size` pixels a side, at least 16.
    pub fn new(image_size: u32) -> Self {
        Self {
            side: image_size as usize,
        }
    }

    fn cells(self) -> usize {
        (self.side / CELL).max(1) + 1
    }

    /// How many numbers an image gives.
    pub fn count(self) -> usize {
        self.cells() * self.cells() * (DIRECTIONS + 1)
    }

    /// The numbers of an upright image.
    pub fn of(self, upright: &Pixels) -> Vec<f32> {
        let side = u32::try_from(self.side).expect("it was a u32");
        let square = upright.resized(side, side).grey();
        let at = |x: usize, y: usize| f32::from(square.data()[y * self.side + x]) / 255.0;
        let (cells, last) = (self.cells(), self.side - 1);
        let mut edges = vec![0.0; cells * cells * DIRECTIONS];
        let mut brightness = vec![0.0; cells * cells];
        let mut areas = vec![0.0; cells * cells];
        for y in 0..self.side {
            for x in 0..self.side {
                let across = at((x + 1).min(last), y) - at(x.saturating_sub(1), y);
                let down = at(x, (y + 1).min(last)) - at(x, y.saturating_sub(1));
                let strength = across.hypot(down);
                let turn = (down.atan2(across) / PI).rem_euclid(1.0) * DIRECTIONS as f32;
                for (column, share_x) in self.shares(x) {
                    for (row, share_y) in self.shares(y) {
                        let (cell, share) = (row * cells + column, share_x * share_y);
                        brightness[cell] += at(x, y) * share;
                        areas[cell] += share;
                        for (direction, part) in between(turn) {
                            let direction = direction % DIRECTIONS;
                            edges[cell * DIRECTIONS + direction] += strength * part * share;
                        }
                    }
                }
            }
        }
        to_length_of_one(&mut edges);
        // Like in SIFT: a few strong edges do not outweigh all others.
        for edge in &mut edges {
            *edge = edge.sqrt();
        }
        to_length_of_one(&mut edges);
        for (cell, area) in brightness.iter_mut().zip(areas) {
            *cell /= area;
        }
        let mean = brightness.iter().sum::<f32>() / brightness.len() as f32;
        for cell in &mut brightness {
            *cell -= mean;
        }
        to_length_of_one(&mut brightness);
        edges.extend(brightness);
        edges
    }

    /// The two cells that a place belongs to, with its shares.
    fn shares(self, at: usize) -> [(usize, f32); 2] {
        let place = at as f32 / (self.side - 1) as f32 * (self.cells() - 1) as f32;
        between(place).map(|(cell, share)| (cell.min(self.cells() - 1), share))
    }
}

/// The whole numbers below and above a place, with the place's nearness to each.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "places are small and not negative"
)]
fn between(place: f32) -> [(usize, f32); 2] {
    let below = place.floor();
    let share = place - below;
    [(below as usize, 1.0 - share), (below as usize + 1, share)]
}

fn to_length_of_one(values: &mut [f32]) {
    let length = values.iter().map(|value| value * value).sum::<f32>().sqrt();
    // What has no edges is not scaled up from its rounding.
    if length > 1e-3 {
        for value in values {
            *value /= length;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bars(width: u32, height: u32, is_upright: bool) -> Pixels {
        let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let is_bright = |(x, y)| {
            let (at, side) = if is_upright { (x, width) } else { (y, height) };
            4 * at / side % 2 == 1
        };
        let values = places.map(|place| if is_bright(place) { 200 } else { 40 });
        Pixels::new(width, height, 1, values.collect())
    }

    fn distance(one: &[f32], other: &[f32]) -> f32 {
        let pairs = one.iter().zip(other);
        pairs.map(|(a, b)| (a - b) * (a - b)).sum::<f32>().sqrt()
    }

    #[test]
    fn size_and_contrast_do_not_matter_and_direction_does() {
        let features = Features::new(32);
        let first = features.of(&bars(64, 64, true));
        assert_eq!(first.len(), features.count());
        let larger = features.of(&bars(160, 128, true));
        assert!(distance(&first, &larger) < 0.2);
        let faint = bars(64, 64, true);
        let faint = faint.data().iter().map(|value| value / 4).collect();
        let faint = features.of(&Pixels::new(64, 64, 1, faint));
        assert!(distance(&first, &faint) < 0.05);
        assert!(distance(&first, &features.of(&bars(64, 64, false))) > 1.0);
    }

    #[test]
    fn an_image_of_one_colour_has_no_edges() {
        let features = Features::new(16).of(&Pixels::new(20, 20, 3, vec![7; 1200]));
        assert!(features.iter().all(|value| value.abs() < 1e-3));
    }
}
