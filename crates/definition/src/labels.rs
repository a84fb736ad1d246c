//! The labels that a built-in algorithm takes, and the rows that a metric needs. Mistakes found
//! here would fail the algorithm, after its instance was paid for.

use crate::{AlgorithmName, Training};

/// Statistics of all labels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Labels {
    /// The least.
    pub least: f64,
    /// The greatest.
    pub greatest: f64,
    /// Whether all are whole numbers.
    pub whole: bool,
}

/// The labels that an objective takes.
enum Takes {
    /// 0 and 1, and nothing between.
    ZeroOrOne,
    /// From 0 to 1.
    ZeroToOne,
    /// Whole numbers from 0, fewer than this many.
    Classes(u64),
    /// From 0.
    FromZero,
    /// Above 0.
    AboveZero,
    /// Above -1.
    AboveMinusOne,
}

impl Takes {
    fn holds(&self, labels: &Labels) -> bool {
        let Labels {
            least,
            greatest,
            whole,
        } = *labels;
        match *self {
            Self::ZeroOrOne => whole && least >= 0.0 && greatest <= 1.0,
            Self::ZeroToOne => least >= 0.0 && greatest <= 1.0,
            Self::Classes(count) => whole && least >= 0.0 && greatest < count as f64,
            Self::FromZero => least >= 0.0,
            Self::AboveZero => least > 0.0,
            Self::AboveMinusOne => least > -1.0,
        }
    }
}

impl std::fmt::Display for Takes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::ZeroOrOne => f.write_str("0 and 1"),
            Self::ZeroToOne => f.write_str("numbers from 0 to 1"),
            Self::Classes(count) => {
                write!(f, "whole numbers from 0 to {}", count.saturating_sub(1))
            }
            Self::FromZero => f.write_str("numbers from 0"),
            Self::AboveZero => f.write_str("numbers above 0"),
            Self::AboveMinusOne => f.write_str("numbers above -1"),
        }
    }
}

impl Training {
    /// Checks labels against what the built-in algorithm takes with these hyperparameters. For a
    /// custom image nothing is known, and nothing is refused.
    ///
    /// # Errors
    /// Says which labels there are, which are taken, and what to do.
    pub fn check_labels(&self, labels: &Labels) -> Result<(), String> {
        let Some((setting, takes)) = self.takes() else {
            return Ok(());
        };
        if takes.holds(labels) {
            return Ok(());
        }
        let Labels {
            least, greatest, ..
        } = labels;
        let fractions = if labels.whole { "" } else { ", with fractions" };
        let mend = match takes {
            Takes::Classes(count) if labels.whole && least >= &0.0 && *greatest >= count as f64 => {
                let needed = *greatest + 1.0;
                format!(
                    "set the hyperparameter to {needed} or more, or `dataset.labelEncoding` to `classes` if fewer values occur"
                )
            }
            Takes::ZeroOrOne | Takes::ZeroToOne | Takes::Classes(_) => {
                "set `dataset.labelEncoding` to `classes`, which numbers the values from 0, or choose another objective"
                    .to_owned()
            }
            Takes::FromZero | Takes::AboveZero | Takes::AboveMinusOne => {
                "leave the other items out by `dataset.where`, or choose another objective".to_owned()
            }
        };
        Err(format!(
            "the labels are {least} to {greatest}{fractions}, and {setting} takes {takes}: {mend}"
        ))
    }

    /// The labels that are taken, and the hyperparameters that decide this.
    fn takes(&self) -> Option<(String, Takes)> {
        let told = |name: &str| self.hyperparameters.get(name).map(ToString::to_string);
        let count = |name: &str| told(name)?.parse().ok();
        match self.algorithm.as_ref()?.name {
            AlgorithmName::Xgboost => {
                let objective = told("objective")?;
                let takes = match objective.as_str() {
                    "binary:hinge" => Takes::ZeroOrOne,
                    "binary:logistic" | "binary:logitraw" | "reg:logistic" => Takes::ZeroToOne,
                    "multi:softmax" | "multi:softprob" => {
                        let classes = count("num_class")?;
                        let setting = format!("`{objective}` with `num_class` {classes}");
                        return Some((setting, Takes::Classes(classes)));
                    }
                    "count:poisson" | "reg:tweedie" => Takes::FromZero,
                    "reg:gamma" => Takes::AboveZero,
                    "reg:squaredlogerror" => Takes::AboveMinusOne,
                    _ => return None,
                };
                Some((format!("`{objective}`"), takes))
            }
            AlgorithmName::LinearLearner | AlgorithmName::FactorizationMachines => {
                let predictor = told("predictor_type")?;
                let takes = match predictor.as_str() {
                    "binary_classifier" => Takes::ZeroOrOne,
                    "multiclass_classifier" => {
                        let classes = count("num_classes")?;
                        let setting = format!("`{predictor}` with `num_classes` {classes}");
                        return Some((setting, Takes::Classes(classes)));
                    }
                    _ => return None,
                };
                Some((format!("`{predictor}`"), takes))
            }
            // Of images, labels are classes that the dataset numbers and counts.
            AlgorithmName::Knn | AlgorithmName::ImageClassification => None,
        }
    }

    /// Whether the model learns classes, of which it needs at least two.
    pub fn learns_classes(&self) -> bool {
        let takes = self.takes();
        takes.is_some_and(|(_, takes)| {
            matches!(
                takes,
                Takes::ZeroOrOne | Takes::ZeroToOne | Takes::Classes(_)
            )
        })
    }
}

/// The channel of a metric, if its name contains one: `validation` of `validation:auc`.
pub fn channel_of_metric(metric: &str) -> Option<&str> {
    let (channel, _) = metric.split_once(':')?;
    matches!(channel, "train" | "validation" | "test").then_some(channel)
}

/// Whether a metric is undefined for rows of one class, such as the area under a curve.
pub fn needs_two_classes(metric: &str) -> bool {
    let own = metric.split_once(':').map_or(metric, |(_, own)| own);
    matches!(own, "auc" | "aucpr" | "roc_auc_score")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(
        algorithm: &str,
        hyperparameters: &serde_json::Value,
        least: f64,
        greatest: f64,
        whole: bool,
    ) -> Result<(), String> {
        let training =
            json!({"algorithm": {"name": algorithm}, "hyperparameters": hyperparameters});
        let training: Training = contract::read::from_value(training).unwrap();
        training.check_labels(&Labels {
            least,
            greatest,
            whole,
        })
    }

    #[test]
    fn labels_that_the_objective_does_not_take_are_refused_with_a_way_out() {
        let softmax = json!({"objective": "multi:softmax", "num_class": 8});
        check("xgboost", &softmax, 0.0, 7.0, true).unwrap();
        let error = check("xgboost", &softmax, 1.0, 8.0, true).unwrap_err();
        assert_eq!(
            error,
            "the labels are 1 to 8, and `multi:softmax` with `num_class` 8 takes whole numbers from 0 to 7: \
             set the hyperparameter to 9 or more, or `dataset.labelEncoding` to `classes` if fewer values occur"
        );
        for (algorithm, told, least, greatest, whole) in [
            ("xgboost", softmax, 0.0, 7.0, false),
            (
                "xgboost",
                json!({"objective": "binary:logistic"}),
                1.0,
                2.0,
                true,
            ),
            (
                "xgboost",
                json!({"objective": "binary:hinge"}),
                0.0,
                1.0,
                false,
            ),
            (
                "xgboost",
                json!({"objective": "count:poisson"}),
                -1.0,
                2.0,
                true,
            ),
            ("xgboost", json!({"objective": "reg:gamma"}), 0.0, 2.0, true),
            (
                "linear-learner",
                json!({"predictor_type": "binary_classifier"}),
                -1.0,
                1.0,
                true,
            ),
            (
                "linear-learner",
                json!({"predictor_type": "multiclass_classifier", "num_classes": 3}),
                1.0,
                3.0,
                true,
            ),
            (
                "factorization-machines",
                json!({"predictor_type": "binary_classifier"}),
                1.0,
                2.0,
                true,
            ),
        ] {
            assert!(
                check(algorithm, &told, least, greatest, whole).is_err(),
                "{told}"
            );
        }
        for (algorithm, told) in [
            ("xgboost", json!({"objective": "reg:squarederror"})),
            ("knn", json!({"predictor_type": "classifier"})),
        ] {
            check(algorithm, &told, -5.0, 5.0, false).unwrap();
        }
    }

    #[test]
    fn a_metric_names_its_channel_and_whether_it_needs_two_classes() {
        assert_eq!(channel_of_metric("validation:auc"), Some("validation"));
        assert_eq!(channel_of_metric("rmse"), None);
        assert!(needs_two_classes("validation:auc") && !needs_two_classes("validation:rmse"));
    }
}
