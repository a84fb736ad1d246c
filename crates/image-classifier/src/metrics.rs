//! How good a model is.

use crate::Model;
use crate::channel::Images;
use crate::model::best;
use serde_json::{Value, json};

/// Counts of images by their class and by the class that the model gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confusion {
    classes: usize,
    /// By class, then by given class.
    counts: Vec<u64>,
}

impl Confusion {
    /// Of a model on images.
    pub fn of(model: &Model, images: &Images) -> Self {
        let mut counts = vec![0; model.classes * model.classes];
        for at in 0..images.len() {
            let (features, class) = images.get(at);
            let given = best(&model.probabilities(features));
            counts[class * model.classes + given] += 1;
        }
        Self {
            classes: model.classes,
            counts,
        }
    }

    fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    fn of_class(&self, class: usize) -> u64 {
        self.counts[class * self.classes..][..self.classes]
            .iter()
            .sum()
    }

    fn right(&self, class: usize) -> u64 {
        self.counts[class * self.classes + class]
    }

    /// The share of images whose class is right.
    pub fn accuracy(&self) -> f64 {
        let right: u64 = (0..self.classes).map(|class| self.right(class)).sum();
        right as f64 / self.total() as f64
    }

    /// The share of the most frequent class: the accuracy of a model that knows nothing else.
    pub fn majority_accuracy(&self) -> f64 {
        let most = (0..self.classes).map(|class| self.of_class(class)).max();
        most.unwrap_or_default() as f64 / self.total() as f64
    }

    /// The mean over the classes that have images of F1, the harmonic mean of precision and recall.
    pub fn macro_f1(&self) -> f64 {
        let present = (0..self.classes).filter(|&class| self.of_class(class) > 0);
        let of_each: Vec<f64> = present
            .map(|class| {
                let rows = 0..self.classes;
                let given: u64 = rows
                    .map(|row| self.counts[row * self.classes + class])
                    .sum();
                2.0 * self.right(class) as f64 / (self.of_class(class) + given) as f64
            })
            .collect();
        of_each.iter().sum::<f64>() / of_each.len() as f64
    }

    /// Rows by class, columns by given class.
    pub fn to_json(&self) -> Value {
        let rows: Vec<_> = self.counts.chunks(self.classes).collect();
        json!(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_a_confusion() {
        let confusion = Confusion {
            classes: 3,
            counts: vec![8, 2, 0, 1, 4, 0, 0, 0, 0],
        };
        assert!((confusion.accuracy() - 0.8).abs() < 1e-9);
        assert!((confusion.majority_accuracy() - 10.0 / 15.0).abs() < 1e-9);
        // Precision 8/9 and recall 8/10; 4/6 and 4/5. No image is of the third class.
        let f1 = f64::midpoint(16.0 / 19.0, 8.0 / 11.0);
        assert!((confusion.macro_f1() - f1).abs() < 1e-9);
        assert_eq!(
            confusion.to_json(),
            json!([[8, 2, 0], [1, 4, 0], [0, 0, 0]])
        );
    }
}
