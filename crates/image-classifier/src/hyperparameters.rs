//! The hyperparameters: names, ranges, defaults. The first three have the names that SageMaker's own
//! image classification has.

use crate::Error;
use container::Tree;
use container::hyperparameters::{self, Known, put, put_optional};
use serde::Serialize;
use std::collections::BTreeMap;

/// All settings of a training run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Hyperparameters {
    /// How many classes there are: labels are 0 to one less.
    pub num_classes: usize,
    /// How many images the training channel has, to be held against what it has.
    pub num_training_samples: Option<usize>,
    /// Passes over the training images.
    pub epochs: u32,
    /// Pixels of a side of the square that every image is scaled to.
    pub image_size: u32,
    /// Step size of the gradient.
    pub learning_rate: f32,
    /// Penalty on the weights.
    pub weight_decay: f32,
    /// Images of a step.
    pub mini_batch_size: usize,
    /// Seed of all randomness.
    pub seed: u64,
}

const CLASSES: Known = (
    "num_classes",
    "a whole number from 2 to 10000 (required)",
    "number of classes; labels are 0 to one less",
);

/// Name, range with default, and meaning of each, in the order of the documentation.
const KNOWN: [Known; 8] = [
    CLASSES,
    (
        "num_training_samples",
        "a whole number from 1 to 1000000000, or none (default none)",
        "number of training images; the job fails if the channel has another one",
    ),
    (
        "epochs",
        "a whole number from 1 to 1000 (default 30)",
        "passes over the training images",
    ),
    (
        "image_size",
        "a whole number from 16 to 256 (default 32)",
        "pixels of a side of the square that images are scaled to",
    ),
    (
        "learning_rate",
        "a number above 0 and up to 10 (default 0.5)",
        "step size of the gradient, which falls to 0 until the end",
    ),
    (
        "weight_decay",
        "a number from 0 to 1 (default 0.0001)",
        "penalty on the weights",
    ),
    (
        "mini_batch_size",
        "a whole number from 1 to 4096 (default 32)",
        "images of a step",
    ),
    (
        "seed",
        "a whole number from 0 to 18446744073709551615 (default 42)",
        "seed of all randomness; the same images and settings give the same model",
    ),
];

/// The text on hyperparameters for `--help`.
pub fn help() -> String {
    hyperparameters::help(&KNOWN)
}

impl Hyperparameters {
    /// The defaults for a number of classes.
    pub fn new(num_classes: usize) -> Self {
        Self {
            num_classes,
            num_training_samples: None,
            epochs: 30,
            image_size: 32,
            learning_rate: 0.5,
            weight_decay: 0.0001,
            mini_batch_size: 32,
            seed: 42,
        }
    }

    /// Reads the tree's `hyperparameters.json`.
    pub fn read(tree: &Tree) -> Result<Self, Error> {
        Self::from_strings(&hyperparameters::given(tree)?)
    }

    /// Parses the values.
    pub fn from_strings(given: &BTreeMap<String, String>) -> Result<Self, Error> {
        let mut it = Self::new(0);
        hyperparameters::parse(&KNOWN, given, |name, text| match name {
            "num_classes" => put(&mut it.num_classes, text, 2..=10_000),
            "num_training_samples" => put_optional(
                &mut it.num_training_samples,
                text,
                "none",
                1..=1_000_000_000,
            ),
            "epochs" => put(&mut it.epochs, text, 1..=1000),
            "image_size" => put(&mut it.image_size, text, 16..=256),
            "learning_rate" => put(&mut it.learning_rate, text, f32::MIN_POSITIVE..=10.0),
            "weight_decay" => put(&mut it.weight_decay, text, 0.0..=1.0),
            "mini_batch_size" => put(&mut it.mini_batch_size, text, 1..=4096),
            _ => put(&mut it.seed, text, 0..=u64::MAX),
        })?;
        if it.num_classes == 0 {
            let (name, range, _) = CLASSES;
            return Err(Error::MissingHyperparameter { name, range });
        }
        Ok(it)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Hyperparameters, Error> {
        let pairs = pairs.iter();
        let given = pairs.map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        Hyperparameters::from_strings(&given.collect())
    }

    #[test]
    fn every_name_sets_its_own_field() {
        let it = read(&[
            ("num_classes", "3"),
            ("num_training_samples", "77"),
            ("epochs", "4"),
            ("image_size", "64"),
            ("learning_rate", "0.25"),
            ("weight_decay", "0"),
            ("mini_batch_size", "8"),
            ("seed", "9"),
            ("_tuning_objective_metric", "validation:accuracy"),
        ]);
        let expected = Hyperparameters {
            num_classes: 3,
            num_training_samples: Some(77),
            epochs: 4,
            image_size: 64,
            learning_rate: 0.25,
            weight_decay: 0.0,
            mini_batch_size: 8,
            seed: 9,
        };
        assert_eq!(it.unwrap(), expected);
        assert_eq!(
            read(&[("num_classes", "5")]).unwrap(),
            Hyperparameters::new(5)
        );
    }

    #[test]
    fn what_is_missing_unknown_or_out_of_range_is_refused() {
        for (pairs, named) in [
            (&[][..], "num_classes is missing"),
            (
                &[("num_classes", "1")],
                "num_classes is \"1\": give a whole number from 2",
            ),
            (
                &[("num_class", "2")],
                "unknown hyperparameter \"num_class\"",
            ),
            (
                &[("num_classes", "2"), ("image_size", "8")],
                "image_size is \"8\"",
            ),
            (
                &[("num_classes", "2"), ("learning_rate", "0")],
                "learning_rate is \"0\"",
            ),
        ] {
            let message = read(pairs).unwrap_err().to_string();
            assert!(message.contains(named), "{message}");
        }
    }
}
