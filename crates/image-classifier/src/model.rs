//! A model: the class probabilities of an image.

use crate::features::Features;
use image::Pixels;

/// A softmax over an image's numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// How many classes there are.
    pub classes: usize,
    /// Pixels of a side of the square that images are scaled to.
    pub image_size: u32,
    /// For each class the weights of the numbers, then its bias.
    pub weights: Vec<f32>,
}

impl Model {
    /// A model that knows nothing of images that give `width` numbers.
    pub fn new(classes: usize, image_size: u32, width: usize) -> Self {
        Self {
            classes,
            image_size,
            weights: vec![0.0; classes * (width + 1)],
        }
    }

    /// The probability of each class, which add up to 1, of an upright image.
    pub fn classify(&self, upright: &Pixels) -> Vec<f32> {
        self.probabilities(&Features::new(self.image_size).of(upright))
    }

    /// The same of an image's numbers.
    pub fn probabilities(&self, features: &[f32]) -> Vec<f32> {
        let rows = self.weights.chunks_exact(features.len() + 1);
        let mut scores: Vec<f32> = rows
            .map(|row| {
                let pairs = row.iter().zip(features);
                pairs.map(|(weight, feature)| weight * feature).sum::<f32>() + row[features.len()]
            })
            .collect();
        let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        for score in &mut scores {
            *score = (*score - most).exp();
        }
        let total: f32 = scores.iter().sum();
        for score in &mut scores {
            *score /= total;
        }
        scores
    }
}

/// The most probable class.
pub fn best(probabilities: &[f32]) -> usize {
    let classes = probabilities.iter().enumerate();
    let best = classes.max_by(|one, other| one.1.total_cmp(other.1));
    best.map_or(0, |(class, _)| class)
}
