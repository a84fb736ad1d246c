//! The hyperparameters of the built-in algorithms, given or tuned, so that a typo is found before
//! an instance is paid for. The tables are `data/hyperparameters/*.json`.
//!
//! A value out of range is refused. An unknown name is only warned about: AWS adds hyperparameters,
//! and the algorithm refuses unknown ones itself.

mod value;

use super::{AlgorithmName, Scalar, TuningRange};
use crate::faults::Faults;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;
use value::Value;

/// The hyperparameters of one algorithm.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// The source of the ranges.
    #[serde(rename = "source")]
    _source: String,
    hyperparameters: BTreeMap<String, Hyperparameter>,
    rules: Vec<Rule>,
}

/// One hyperparameter.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Hyperparameter {
    #[serde(flatten)]
    value: Value,
    /// Words that are accepted besides the value, such as `auto`.
    #[serde(default)]
    or_one_of: Vec<String>,
    /// Whether it must be given or tuned.
    #[serde(default)]
    required: bool,
    /// Whether a tuning job may search it.
    #[serde(default)]
    tunable: bool,
}

/// How one hyperparameter depends on another.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
enum Rule {
    /// `name` with this value needs `other`.
    Needs {
        name: String,
        value: String,
        other: String,
    },
    /// `name` requires that `other` has this value.
    OnlyFor {
        name: String,
        other: String,
        value: String,
    },
    /// `name` with this value excludes `other` with `that` value.
    Excludes {
        name: String,
        value: String,
        other: String,
        that: String,
    },
}

macro_rules! table {
    ($file:literal) => {{
        static TABLE: LazyLock<Table> = LazyLock::new(|| {
            serde_json::from_str(include_str!(concat!("../data/hyperparameters/", $file)))
                .expect("the tables are checked by this module's tests")
        });
        &TABLE
    }};
}

/// The table of an algorithm.
pub(super) fn table(algorithm: AlgorithmName) -> &'static Table {
    match algorithm {
        AlgorithmName::Xgboost => table!("xgboost.json"),
        AlgorithmName::LinearLearner => table!("linear-learner.json"),
        AlgorithmName::Knn => table!("knn.json"),
        AlgorithmName::FactorizationMachines => table!("factorization-machines.json"),
        AlgorithmName::ImageClassification => table!("image-classification.json"),
    }
}

const GIVEN: &str = "training.hyperparameters";
const RANGES: &str = "training.tuning.ranges";

impl Hyperparameter {
    /// Describes the accepted values if `text` is not one of them.
    fn refusal(&self, text: &str) -> Option<String> {
        if self.or_one_of.iter().any(|word| word == text) {
            return None;
        }
        let expected = self.value.refusal(text)?;
        Some(if self.or_one_of.is_empty() {
            expected
        } else {
            format!("{}, or {expected}", self.or_one_of.join(", "))
        })
    }
}

impl Rule {
    /// Describes how the rule is broken, if it is: `is` says whether a hyperparameter has a value,
    /// `exists` whether it is given or tuned.
    fn broken(
        &self,
        is: &dyn Fn(&str, &str) -> bool,
        exists: &dyn Fn(&str) -> bool,
    ) -> Option<String> {
        match self {
            Self::Needs { name, value, other } if is(name, value) && !exists(other) => {
                Some(format!("{name} {value} needs {other}"))
            }
            Self::OnlyFor { name, other, value } if exists(name) && !is(other, value) => {
                Some(format!("{name} is for {other} {value} only"))
            }
            Self::Excludes {
                name,
                value,
                other,
                that,
            } if is(name, value) && is(other, that) => {
                Some(format!("{name} {value} does not go with {other} {that}"))
            }
            _ => None,
        }
    }
}

impl Table {
    /// Checks the given values; `tuned` says whether tuning sets a hyperparameter.
    pub(super) fn check(
        &self,
        given: &BTreeMap<String, Scalar>,
        tuned: &dyn Fn(&str) -> bool,
        faults: &mut Faults,
    ) {
        for (name, value) in given {
            let text = value.to_string();
            let known = self.hyperparameters.get(name);
            if let Some(expected) = known.and_then(|known| known.refusal(&text)) {
                let message = format!("{name} is {text:?}: it must be {expected}");
                faults.add(GIVEN, message);
            }
        }
        let exists = |name: &str| given.contains_key(name) || tuned(name);
        let required = self.hyperparameters.iter().filter(|(_, it)| it.required);
        for (name, _) in required.filter(|(name, _)| !exists(name)) {
            faults.add(GIVEN, format!("the algorithm needs {name}"));
        }
        let is = |name: &str, value: &str| {
            given
                .get(name)
                .is_some_and(|given| given.to_string() == value)
        };
        for message in self
            .rules
            .iter()
            .filter_map(|rule| rule.broken(&is, &exists))
        {
            faults.add(GIVEN, message);
        }
    }

    /// Checks the ranges that tuning searches.
    pub(super) fn check_ranges(&self, ranges: &BTreeMap<String, TuningRange>, faults: &mut Faults) {
        for (name, range) in ranges {
            let Some(known) = self.hyperparameters.get(name) else {
                continue;
            };
            if !known.tunable {
                let tunable = self.hyperparameters.iter().filter(|(_, it)| it.tunable);
                let tunable: Vec<&str> = tunable.map(|(name, _)| name.as_str()).collect();
                let message = format!(
                    "{name} cannot be tuned; the algorithm lets {} be tuned",
                    tunable.join(", ")
                );
                faults.add(RANGES, message);
                continue;
            }
            if let Some(kind) = known.value.other_kind(range) {
                faults.add(RANGES, format!("{name} takes {kind} range"));
                continue;
            }
            for (preposition, text) in ends(range) {
                if let Some(expected) = known.refusal(&text) {
                    let message =
                        format!("{name} is searched {preposition} {text}: it must be {expected}");
                    faults.add(RANGES, message);
                }
            }
        }
    }

    /// A warning for each name that the table lacks.
    pub(super) fn warnings<'a>(
        &self,
        algorithm: &str,
        given: impl Iterator<Item = &'a String>,
        ranges: impl Iterator<Item = &'a String>,
    ) -> Vec<String> {
        let named = given
            .map(|name| (GIVEN, name))
            .chain(ranges.map(|name| (RANGES, name)));
        let unknown = named.filter(|(_, name)| !self.hyperparameters.contains_key(*name));
        unknown
            .map(|(path, name)| {
                format!(
                    "field `{path}`: {name:?} is not among the hyperparameters of {algorithm} that \
                     are known here, so it is passed on unchecked; if the algorithm does not know it \
                     either, training fails"
                )
            })
            .collect()
    }
}

fn ends(range: &TuningRange) -> Vec<(&'static str, String)> {
    match range {
        TuningRange::Integer {
            minimum, maximum, ..
        } => vec![
            ("from", minimum.to_string()),
            ("up to", maximum.to_string()),
        ],
        TuningRange::Continuous {
            minimum, maximum, ..
        } => vec![
            ("from", minimum.to_string()),
            ("up to", maximum.to_string()),
        ],
        TuningRange::Categorical(values) => values
            .iter()
            .map(|value| ("at", value.to_string()))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    use AlgorithmName::{
        FactorizationMachines as FACTORIZATION_MACHINES, Knn as KNN,
        LinearLearner as LINEAR_LEARNER, Xgboost as XGBOOST,
    };

    fn checked(algorithm: AlgorithmName, given: serde_json::Value) -> Result<(), String> {
        let given = serde_json::from_value(given).unwrap();
        let tuned = |name: &str| name == "num_round";
        Faults::first_of(|faults| table(algorithm).check(&given, &tuned, faults))
            .map_err(|error| error.message)
    }

    #[test]
    fn values_within_their_ranges_pass() {
        let given = json!({"num_round": 100, "eta": 0.3, "max_depth": "6", "subsample": 1,
            "objective": "reg:squarederror", "eval_metric": "rmse,mae", "lambda": 1e3});
        assert_eq!(checked(XGBOOST, given), Ok(()));
        let given = json!({"predictor_type": "regressor", "l1": "auto", "wd": 0.01, "momentum": 0,
            "positive_example_weight_mult": "balanced", "use_bias": true, "num_models": "auto"});
        assert_eq!(checked(LINEAR_LEARNER, given), Ok(()));
        let given = json!({"feature_dim": 8, "k": 5, "predictor_type": "regressor",
            "sample_size": 500, "index_type": "faiss.IVFPQ", "faiss_index_pq_m": 4,
            "faiss_index_ivf_nlists": "auto"});
        assert_eq!(checked(KNN, given), Ok(()));
    }

    #[test]
    fn each_mistake_says_what_would_be_right() {
        let linear = |name: &str, value: serde_json::Value| json!({"predictor_type": "regressor", name: value});
        let knn = |name: &str, value: serde_json::Value| json!({"feature_dim": 3, "k": 5, "predictor_type": "regressor", "sample_size": 9, name: value});
        for (known, given, words) in [
            (
                XGBOOST,
                json!({"num_round": 0}),
                "a whole number, 1 or more",
            ),
            (XGBOOST, json!({"num_round": 1.5}), "a whole number"),
            (XGBOOST, json!({"eta": 1.5}), "a number, 0 to 1"),
            (XGBOOST, json!({"subsample": 0}), "a number, above 0 to 1"),
            (XGBOOST, json!({"sketch_eps": 1}), "above 0 to below 1"),
            (XGBOOST, json!({"objective": "rmse"}), "one of binary:hinge"),
            (
                XGBOOST,
                json!({"objective": "multi:softmax"}),
                "objective multi:softmax needs num_class",
            ),
            (XGBOOST, json!({"eta": "NaN"}), "a number"),
            (FACTORIZATION_MACHINES, json!({}), "needs num_factors"),
            (
                FACTORIZATION_MACHINES,
                json!({"num_factors": 64, "predictor_type": "classifier"}),
                "predictor_type",
            ),
            (LINEAR_LEARNER, json!({}), "needs predictor_type"),
            (
                LINEAR_LEARNER,
                json!({"predictor_type": "multiclass_classifier"}),
                "predictor_type multiclass_classifier needs num_classes",
            ),
            (
                LINEAR_LEARNER,
                linear("momentum", json!(1)),
                "auto, or a number, 0 to below 1",
            ),
            (
                LINEAR_LEARNER,
                linear("lr_scheduler_step", json!(0.5)),
                "auto, or a whole number",
            ),
            (
                LINEAR_LEARNER,
                linear("target_recall", json!(1)),
                "above 0 to below 1",
            ),
            (
                LINEAR_LEARNER,
                linear("positive_example_weight_mult", json!("equal")),
                "balanced, auto, or a number, above 0",
            ),
            (
                LINEAR_LEARNER,
                linear("binary_classifier_model_selection_criteria", json!("auc")),
                "one of accuracy, f1",
            ),
            (
                KNN,
                json!({"feature_dim": 3, "k": 5, "predictor_type": "regressor"}),
                "needs sample_size",
            ),
            (
                KNN,
                knn("faiss_index_pq_m", json!(5)),
                "one of 1, 2, 3, 4, 8",
            ),
            (
                KNN,
                knn("faiss_index_ivf_nlists", json!(0)),
                "auto, or a whole number",
            ),
            (
                KNN,
                knn("faiss_index_pq_m", json!(8)),
                "faiss_index_pq_m is for index_type faiss.IVFPQ only",
            ),
            (
                KNN,
                json!({"k": 5, "predictor_type": "regressor", "sample_size": 9,
                    "index_type": "faiss.IVFPQ", "index_metric": "COSINE"}),
                "index_metric COSINE does not go with index_type faiss.IVFPQ",
            ),
            (
                KNN,
                knn("dimension_reduction_type", json!("sign")),
                "needs dimension_reduction_target",
            ),
        ] {
            let refused = checked(known, given.clone()).unwrap_err();
            assert!(refused.contains(words), "{given}: {refused}");
        }
    }

    #[test]
    fn each_bound_lies_where_its_source_has_it() {
        for (algorithm, name, within, beyond) in [
            (
                XGBOOST,
                "seed",
                "-2147483647 2147483646",
                "-2147483648 2147483647",
            ),
            (XGBOOST, "eta", "0 1", "-0.01 1.01"),
            (XGBOOST, "colsample_bytree", "0.01 1", "0 1.01"),
            (XGBOOST, "tweedie_variance_power", "1.01 1.99", "1 2"),
            (XGBOOST, "num_class", "2", "1"),
            (XGBOOST, "scale_pos_weight", "0.01", "0"),
            (LINEAR_LEARNER, "num_classes", "3 1000000", "2 1000001"),
            (LINEAR_LEARNER, "accuracy_top_k", "1", "0"),
            (LINEAR_LEARNER, "beta_1", "0 0.99 auto", "-0.01 1"),
            (LINEAR_LEARNER, "bias_lr_mult", "0.01 auto", "0"),
            (LINEAR_LEARNER, "bias_wd_mult", "0 auto", "-0.01"),
            (LINEAR_LEARNER, "early_stopping_patience", "1", "0 auto"),
            (LINEAR_LEARNER, "early_stopping_tolerance", "0.001", "0"),
            (LINEAR_LEARNER, "f_beta", "0.01", "0"),
            (LINEAR_LEARNER, "huber_delta", "0", "-0.01"),
            (LINEAR_LEARNER, "init_scale", "0.01 7", "0"),
            (LINEAR_LEARNER, "init_sigma", "0.01 7", "0"),
            (LINEAR_LEARNER, "l1", "0 auto", "-0.01"),
            (LINEAR_LEARNER, "learning_rate", "0.01 auto", "0"),
            (LINEAR_LEARNER, "loss_insensitivity", "0.01", "0"),
            (
                LINEAR_LEARNER,
                "lr_scheduler_factor",
                "0.01 0.99 auto",
                "0 1",
            ),
            (LINEAR_LEARNER, "margin", "0", "-0.01"),
            (LINEAR_LEARNER, "normalize_data", "auto true False", "1"),
            (LINEAR_LEARNER, "num_models", "1 auto", "0"),
            (
                LINEAR_LEARNER,
                "positive_example_weight_mult",
                "0.01 auto balanced",
                "0",
            ),
            (LINEAR_LEARNER, "quantile", "0.01 0.99", "0 1"),
            (LINEAR_LEARNER, "target_precision", "0.01 0.99", "0 1"),
            (LINEAR_LEARNER, "wd", "0 auto", "-0.01"),
            (KNN, "k", "1", "0 1.5"),
            (KNN, "sample_size", "1", "0"),
            (KNN, "dimension_reduction_target", "1", "0"),
            (KNN, "dimension_reduction_type", "sign fjlt", "none"),
            (KNN, "faiss_index_ivf_nlists", "1 auto", "0"),
            (KNN, "faiss_index_pq_m", "1 96", "0 5 97"),
            (KNN, "index_metric", "L2 INNER_PRODUCT COSINE", "l2"),
            (FACTORIZATION_MACHINES, "num_factors", "1", "0"),
            (FACTORIZATION_MACHINES, "epochs", "1", "0"),
            (FACTORIZATION_MACHINES, "bias_init_sigma", "0 513", "-0.01"),
            (FACTORIZATION_MACHINES, "bias_init_value", "-1 513", "none"),
            (FACTORIZATION_MACHINES, "factors_lr", "0 513", "-0.01"),
            (FACTORIZATION_MACHINES, "clip_gradient", "-1 1", "none"),
        ] {
            let rule = &table(algorithm).hyperparameters[name];
            for value in within.split(' ') {
                assert_eq!(rule.refusal(value), None, "{name} {value}");
            }
            for value in beyond.split(' ') {
                assert!(rule.refusal(value).is_some(), "{name} {value}");
            }
        }
    }

    #[test]
    fn what_tuning_sets_need_not_be_given() {
        assert_eq!(checked(XGBOOST, json!({})), Ok(()));
        let nothing = Faults::first_of(|faults| {
            table(XGBOOST).check(&BTreeMap::new(), &|_| false, faults);
        });
        assert!(nothing.is_err());
    }

    #[test]
    fn an_unknown_name_is_a_warning_and_not_a_refusal() {
        let given = json!({"num_round": 10, "device": "cuda"});
        assert_eq!(checked(XGBOOST, given), Ok(()));
        let names = ["num_round", "device"].map(str::to_owned);
        let warnings = table(XGBOOST).warnings("xgboost", names.iter(), [].iter());
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].contains("\"device\""), "{warnings:?}");
    }

    #[test]
    fn names_stand_once_and_rules_name_what_the_table_has() {
        for (algorithm, file) in [
            (
                XGBOOST,
                include_str!("../data/hyperparameters/xgboost.json"),
            ),
            (
                LINEAR_LEARNER,
                include_str!("../data/hyperparameters/linear-learner.json"),
            ),
            (KNN, include_str!("../data/hyperparameters/knn.json")),
            (
                FACTORIZATION_MACHINES,
                include_str!("../data/hyperparameters/factorization-machines.json"),
            ),
            (
                AlgorithmName::ImageClassification,
                include_str!("../data/hyperparameters/image-classification.json"),
            ),
        ] {
            let Table {
                hyperparameters,
                rules,
                ..
            } = table(algorithm);
            // One line each, so a name that stands twice leaves a line over.
            let lines = file.lines().filter(|line| line.starts_with("    \""));
            assert_eq!(lines.count(), hyperparameters.len(), "{algorithm:?}");
            let takes = |name: &str, value: &str| {
                let refused = hyperparameters[name].refusal(value);
                assert_eq!(refused, None, "{algorithm:?} {name} {value}");
            };
            for rule in rules {
                match rule {
                    Rule::Needs { name, value, other }
                    | Rule::OnlyFor {
                        name: other,
                        other: name,
                        value,
                    } => {
                        takes(name, value);
                        assert!(hyperparameters.contains_key(other), "{other}");
                    }
                    Rule::Excludes {
                        name,
                        value,
                        other,
                        that,
                    } => {
                        takes(name, value);
                        takes(other, that);
                    }
                }
            }
        }
    }
}
