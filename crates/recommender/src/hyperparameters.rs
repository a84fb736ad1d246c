//! The hyperparameters: names, ranges, defaults. SageMaker passes them as strings in
//! `hyperparameters.json`. Unknown names are refused, because a misspelt one would otherwise be
//! ignored.

use std::collections::BTreeMap;

use container::Tree;
use container::hyperparameters::{self, Known, put, put_optional};
use serde::Serialize;

use crate::Error;

/// The columns of user and item in a row. Column 0 is the label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Layout {
    /// Column of the user's index, counted from 0 in a training row.
    pub user_column: usize,
    /// Column of the item's index, counted from 0 in a training row.
    pub item_column: usize,
}

/// All settings of a training run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Hyperparameters {
    /// Columns of user and item.
    #[serde(flatten)]
    pub layout: Layout,
    /// The index that encoders reserve for unseen values, if there is one.
    pub unseen_index: Option<u32>,
    /// Latent factors per user and item.
    pub factors: u32,
    /// Passes over the training rows; with automatic regularization, the maximum.
    pub iterations: u32,
    /// Step size of the stochastic gradient.
    pub learning_rate: f32,
    /// Penalty on the factors. `None` chooses it on a tenth of the training rows.
    pub regularization: Option<f32>,
    /// The number of rows at the mean by which a bias is shrunk.
    pub bias_regularization: f32,
    /// Seed of all randomness.
    pub seed: u64,
}

impl Default for Hyperparameters {
    fn default() -> Self {
        Self {
            layout: Layout {
                user_column: 1,
                item_column: 2,
            },
            unseen_index: None,
            factors: 16,
            iterations: 30,
            learning_rate: 0.1,
            regularization: None,
            bias_regularization: 5.0,
            seed: 42,
        }
    }
}

/// Name, range with default, and meaning of each, in the order of the documentation.
const KNOWN: [Known; 9] = [
    (
        "user_column",
        "a whole number from 1 to 9999 (default 1)",
        "column of the user's index; the label is column 0",
    ),
    (
        "item_column",
        "a whole number from 1 to 9999 (default 2), other than user_column",
        "column of the item's index",
    ),
    (
        "unseen_index",
        "a whole number from 0 to 4294967295, or none (default none)",
        "index that the encoder reserves for unseen values; training rows with it are left out",
    ),
    (
        "factors",
        "a whole number from 2 to 512 (default 16)",
        "latent factors per user and item",
    ),
    (
        "iterations",
        "a whole number from 2 to 1000 (default 30)",
        "passes over the rows; the maximum if regularization is auto",
    ),
    (
        "learning_rate",
        "a number above 0 and up to 1 (default 0.1)",
        "step size of the stochastic gradient",
    ),
    (
        "regularization",
        "a number from 0 to 10, or auto (default auto)",
        "penalty on the factors; auto chooses it and the iterations on a tenth of the rows",
    ),
    (
        "bias_regularization",
        "a number from 0 to 10000 (default 5)",
        "number of rows at the mean by which a bias is shrunk",
    ),
    (
        "seed",
        "a whole number from 0 to 18446744073709551615 (default 42)",
        "seed of all randomness; the same rows and settings give the same model",
    ),
];

/// The text on hyperparameters for `--help`.
pub fn help() -> String {
    hyperparameters::help(&KNOWN)
}

impl Hyperparameters {
    /// Reads the tree's `hyperparameters.json`. A missing file means all defaults.
    pub fn read(tree: &Tree) -> Result<Self, Error> {
        Self::from_strings(&hyperparameters::given(tree)?)
    }

    /// Parses the values.
    pub fn from_strings(given: &BTreeMap<String, String>) -> Result<Self, Error> {
        let mut it = Self::default();
        hyperparameters::parse(&KNOWN, given, |name, text| match name {
            "user_column" => put(&mut it.layout.user_column, text, 1..=9999),
            "item_column" => put(&mut it.layout.item_column, text, 1..=9999),
            "unseen_index" => put_optional(&mut it.unseen_index, text, "none", 0..=u32::MAX),
            "factors" => put(&mut it.factors, text, 2..=512),
            "iterations" => put(&mut it.iterations, text, 2..=1000),
            "learning_rate" => put(&mut it.learning_rate, text, f32::MIN_POSITIVE..=1.0),
            "regularization" => put_optional(&mut it.regularization, text, "auto", 0.0..=10.0),
            "bias_regularization" => put(&mut it.bias_regularization, text, 0.0..=10_000.0),
            _ => put(&mut it.seed, text, 0..=u64::MAX),
        })?;
        if it.layout.user_column == it.layout.item_column {
            let (name, range, _) = KNOWN[1];
            let value = it.layout.item_column.to_string();
            return Err(container::Error::BadHyperparameter { name, value, range }.into());
        }
        Ok(it)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Hyperparameters, Error> {
        let given = pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        Hyperparameters::from_strings(&given)
    }

    #[test]
    fn every_name_sets_its_own_field() {
        let it = read(&[
            ("user_column", "3"),
            ("item_column", "5"),
            ("unseen_index", "0"),
            ("factors", "8"),
            ("iterations", "4"),
            ("learning_rate", "0.5"),
            ("regularization", "0.25"),
            ("bias_regularization", "7"),
            ("seed", "9"),
            ("_tuning_objective_metric", "validation:rmse"),
        ])
        .unwrap();
        let expected = Hyperparameters {
            layout: Layout {
                user_column: 3,
                item_column: 5,
            },
            unseen_index: Some(0),
            factors: 8,
            iterations: 4,
            learning_rate: 0.5,
            regularization: Some(0.25),
            bias_regularization: 7.0,
            seed: 9,
        };
        assert_eq!(it, expected);
        assert_eq!(read(&[]).unwrap(), Hyperparameters::default());
        assert_eq!(
            read(&[("regularization", "auto")]).unwrap().regularization,
            None
        );
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_known_ones() {
        let message = read(&[("factor", "8")]).unwrap_err().to_string();
        assert!(
            message.contains("\"factor\"") && message.contains("factors"),
            "{message}"
        );
    }

    #[test]
    fn values_out_of_range_are_refused_with_the_range() {
        for (name, value) in [
            ("user_column", "0"),
            ("factors", "1"),
            ("factors", "many"),
            ("iterations", "1"),
            ("learning_rate", "0"),
            ("learning_rate", "NaN"),
            ("regularization", "-1"),
            ("unseen_index", "-1"),
            ("seed", "1.5"),
        ] {
            let message = read(&[(name, value)]).unwrap_err().to_string();
            assert!(
                message.contains(name) && message.contains(value),
                "{message}"
            );
            assert!(message.contains("default"), "{message}");
        }
        let message = read(&[("user_column", "2")]).unwrap_err().to_string();
        assert!(message.contains("other than user_column"), "{message}");
    }

    #[test]
    fn values_other_than_strings_are_refused() {
        let root = tempfile::tempdir().unwrap();
        let tree = Tree::new(root.path());
        std::fs::create_dir_all(tree.config("")).unwrap();
        let path = tree.config("hyperparameters.json");
        std::fs::write(path, r#"{"factors": 8}"#).unwrap();
        let read = Hyperparameters::read(&tree);
        let is_config = matches!(read, Err(Error::Container(container::Error::Config { .. })));
        assert!(is_config, "{read:?}");
    }
}
