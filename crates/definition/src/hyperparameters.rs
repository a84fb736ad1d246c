//! What the built-in algorithms accept as hyperparameters, given and tuned, so that a typing error is
//! found before an instance is paid for. It must not know which algorithm is wanted.

mod factorization_machines;
mod knn;
mod linear_learner;
mod value;
mod xgboost;

pub(super) use factorization_machines::FACTORIZATION_MACHINES;
pub(super) use knn::KNN;
pub(super) use linear_learner::LINEAR_LEARNER;
pub(super) use xgboost::XGBOOST;

use super::{Scalar, TuningRange};
use crate::FieldError;
use std::collections::BTreeMap;
use value::{ANY, FLAG, MOST, TRUTH, Value, above, below, between, closed, integer, number};

/// What an algorithm accepts.
#[derive(Debug, Clone, Copy)]
pub struct Algorithm {
    known: &'static [Known],
    rules: &'static [Rule],
}

/// A hyperparameter: its name, what its value must be, whether it must be there, whether SageMaker's
/// tuning may search it.
#[derive(Debug)]
struct Known {
    name: &'static str,
    value: Value,
    required: bool,
    tunable: bool,
}

/// What a hyperparameter has to do with another one.
#[derive(Debug, Clone, Copy)]
enum Rule {
    /// The first one of this value needs the other.
    Needs(&'static str, &'static str, &'static str),
    /// The first one is for the other one of this value only.
    IsFor(&'static str, &'static str, &'static str),
    /// The first one of this value does not go with the other one of that value.
    Excludes([&'static str; 2], [&'static str; 2]),
}

const fn optional(name: &'static str, value: Value) -> Known {
    Known {
        name,
        value,
        required: false,
        tunable: false,
    }
}

const fn required(name: &'static str, value: Value) -> Known {
    Known {
        required: true,
        ..optional(name, value)
    }
}

impl Known {
    const fn tunable(self) -> Self {
        Self {
            tunable: true,
            ..self
        }
    }
}

impl Rule {
    /// What is wrong, if anything is: `is` tells whether a hyperparameter is given that value, `is_there`
    /// whether it is given or tuned.
    fn broken(
        self,
        is: &dyn Fn(&str, &str) -> bool,
        is_there: &dyn Fn(&str) -> bool,
    ) -> Option<String> {
        match self {
            Self::Needs(name, value, other) if is(name, value) && !is_there(other) => {
                Some(format!("{name} {value} needs {other}"))
            }
            Self::IsFor(name, other, value) if is_there(name) && !is(other, value) => {
                Some(format!("{name} is for {other} {value} only"))
            }
            Self::Excludes([name, value], [other, that]) if is(name, value) && is(other, that) => {
                Some(format!("{name} {value} does not go with {other} {that}"))
            }
            _ => None,
        }
    }
}

fn failure(path: &'static str, message: String) -> FieldError {
    FieldError { path, message }
}

impl Algorithm {
    fn known(&self, name: &str, path: &'static str) -> Result<&'static Known, FieldError> {
        let known = self.known.iter().find(|rule| rule.name == name);
        known.ok_or_else(|| {
            failure(
                path,
                format!("the algorithm has no hyperparameter {name:?}"),
            )
        })
    }

    /// Holds the values against what is known; `tuned` names those that tuning will set.
    pub(super) fn check(
        &self,
        given: &BTreeMap<String, Scalar>,
        tuned: &dyn Fn(&str) -> bool,
    ) -> Result<(), FieldError> {
        const PATH: &str = "training.hyperparameters";
        for (name, value) in given {
            let text = value.to_string();
            if let Some(wanted) = self.known(name, PATH)?.value.refusal(&text) {
                let message = format!("{name} is {text:?}: it must be {wanted}");
                return Err(failure(PATH, message));
            }
        }
        let is_there = |name: &str| given.contains_key(name) || tuned(name);
        let mut required = self.known.iter().filter(|rule| rule.required);
        if let Some(rule) = required.find(|rule| !is_there(rule.name)) {
            return Err(failure(PATH, format!("the algorithm needs {}", rule.name)));
        }
        let is = |name: &str, value: &str| {
            given
                .get(name)
                .is_some_and(|given| given.to_string() == value)
        };
        let mut rules = self.rules.iter();
        match rules.find_map(|rule| rule.broken(&is, &is_there)) {
            Some(message) => Err(failure(PATH, message)),
            None => Ok(()),
        }
    }

    /// Holds the ranges that tuning is to search against what is known.
    pub(super) fn check_ranges(
        &self,
        ranges: &BTreeMap<String, TuningRange>,
    ) -> Result<(), FieldError> {
        const PATH: &str = "training.tuning.ranges";
        for (name, range) in ranges {
            let rule = self.known(name, PATH)?;
            if !rule.tunable {
                let tunable = self.known.iter().filter(|rule| rule.tunable);
                let mut tunable: Vec<&str> = tunable.map(|rule| rule.name).collect();
                tunable.sort_unstable();
                let message = format!(
                    "{name} of the algorithm cannot be tuned; it lets {} be",
                    tunable.join(", ")
                );
                return Err(failure(PATH, message));
            }
            if let Some(kind) = rule.value.other_kind(range) {
                return Err(failure(PATH, format!("{name} takes {kind} range")));
            }
            let ends = match range {
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
            };
            for (preposition, text) in ends {
                if let Some(wanted) = rule.value.refusal(&text) {
                    let message =
                        format!("{name} is searched {preposition} {text}: it must be {wanted}");
                    return Err(failure(PATH, message));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn checked(algorithm: Algorithm, given: serde_json::Value) -> Result<(), String> {
        let given = serde_json::from_value(given).unwrap();
        algorithm
            .check(&given, &|name| name == "num_round")
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
                json!({"num_rounds": 100}),
                "no hyperparameter \"num_rounds\"",
            ),
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
            let rule = algorithm.known(name, "").unwrap();
            for value in within.split(' ') {
                assert_eq!(rule.value.refusal(value), None, "{name} {value}");
            }
            for value in beyond.split(' ') {
                assert!(rule.value.refusal(value).is_some(), "{name} {value}");
            }
        }
    }

    #[test]
    fn what_tuning_sets_need_not_be_given() {
        assert_eq!(checked(XGBOOST, json!({})), Ok(()));
        let nothing = XGBOOST.check(&BTreeMap::new(), &|_| false);
        assert!(nothing.is_err());
    }

    #[test]
    fn names_stand_once_and_what_is_needed_is_known() {
        for algorithm in [XGBOOST, LINEAR_LEARNER, KNN, FACTORIZATION_MACHINES] {
            let known = algorithm.known;
            for (place, rule) in known.iter().enumerate() {
                let twice = known[..place].iter().any(|other| other.name == rule.name);
                assert!(!twice, "{}", rule.name);
            }
            let takes = |name: &str, value: &str| {
                let rule = algorithm.known(name, "").unwrap();
                assert_eq!(rule.value.refusal(value), None, "{name} {value}");
            };
            for rule in algorithm.rules {
                match *rule {
                    Rule::Needs(name, value, other) | Rule::IsFor(other, name, value) => {
                        takes(name, value);
                        assert!(algorithm.known(other, "").is_ok(), "{other}");
                    }
                    Rule::Excludes(one, other) => {
                        takes(one[0], one[1]);
                        takes(other[0], other[1]);
                    }
                }
            }
        }
    }
}
