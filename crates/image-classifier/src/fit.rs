//! Softmax regression by stochastic gradient with momentum.

use crate::channel::Images;
use crate::{Error, Hyperparameters, Model};
use fastrand::Rng;

/// How much of the last step is taken again.
const MOMENTUM: f32 = 0.9;

/// Fits a model; `log` gets a line for each tenth of the passes.
pub fn fit(
    images: &Images,
    settings: &Hyperparameters,
    log: &dyn Fn(&str),
) -> Result<Model, Error> {
    let mut classes = images.classes.iter();
    let first = classes.next().copied().unwrap_or_default();
    if classes.all(|&class| class == first) {
        return Err(Error::OneClass { class: first });
    }
    let width = images.get(0).0.len();
    let mut model = Model::new(settings.num_classes, settings.image_size, width);
    let mut steps = vec![0.0; model.weights.len()];
    let mut gradient = vec![0.0; model.weights.len()];
    let mut order: Vec<usize> = (0..images.len()).collect();
    let mut random = Rng::with_seed(settings.seed);
    let batches = order.len().div_ceil(settings.mini_batch_size);
    let total = batches * settings.epochs as usize;
    let mut done = 0;
    for epoch in 1..=settings.epochs {
        random.shuffle(&mut order);
        let mut loss = 0.0;
        for batch in order.chunks(settings.mini_batch_size) {
            gradient.fill(0.0);
            for &at in batch {
                let (features, class) = images.get(at);
                let mut error = model.probabilities(features);
                loss -= error[class].max(f32::MIN_POSITIVE).ln();
                error[class] -= 1.0;
                for (row, error) in gradient.chunks_exact_mut(width + 1).zip(error) {
                    let (bias, row) = row.split_last_mut().expect("a row has a bias");
                    *bias += error;
                    for (sum, feature) in row.iter_mut().zip(features) {
                        *sum += error * feature;
                    }
                }
            }
            // The rate falls to 0 along half a cosine, so that the end does not jump about.
            let progress = done as f32 / total as f32;
            let rate =
                settings.learning_rate * 0.5 * (1.0 + (progress * std::f32::consts::PI).cos());
            let scale = 1.0 / batch.len() as f32;
            let weights = model.weights.iter_mut().zip(&mut steps).zip(&gradient);
            for ((weight, step), gradient) in weights {
                let slope = gradient * scale + settings.weight_decay * *weight;
                *step = MOMENTUM * *step - rate * slope;
                *weight += *step;
            }
            done += 1;
        }
        let loss = loss / images.len() as f32;
        if !loss.is_finite() || model.weights.iter().any(|weight| !weight.is_finite()) {
            return Err(Error::Diverged {
                learning_rate: settings.learning_rate,
            });
        }
        if epoch % settings.epochs.div_ceil(10) == 0 || epoch == settings.epochs {
            log(&format!("epoch {epoch}: train:cross_entropy={loss:.5};"));
        }
    }
    Ok(model)
}
