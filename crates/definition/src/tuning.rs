//! A search for the best hyperparameters with many training jobs, instead of one with given ones.
//!
//! Source of the limits: SageMaker developer guide, "Resource Limits for Automatic Model Tuning"
//! and "Define Hyperparameter Ranges".

use super::{AlgorithmName, Goal, Promotion, Scalar, Training};
use crate::faults::Faults;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A search for the best hyperparameters: many training jobs, of which the best one's model is
/// judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Tuning {
    /// How the next values are chosen.
    #[serde(default)]
    pub strategy: TuningStrategy,
    /// The metric that decides the best job; by default promotion's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<String>,
    /// Which direction of that metric is better; by default promotion's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goal: Option<Goal>,
    /// Maximum number of training jobs, at most 750 (10,000 with `random`). A grid runs all its
    /// combinations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_jobs: Option<u32>,
    /// Maximum number of concurrent training jobs, at most 100 (10 without a raised quota).
    #[serde(default = "two")]
    #[schemars(range(min = 1, max = 100))]
    pub max_parallel_jobs: u32,
    /// Whether jobs that are unlikely to become the best are stopped early.
    #[serde(default)]
    pub early_stopping: bool,
    /// The seed of random choices, so that another run searches alike.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 2_147_483_647))]
    pub seed: Option<u32>,
    /// The hyperparameters to search, by name, 1 to 30.
    pub ranges: BTreeMap<String, TuningRange>,
}

const fn two() -> u32 {
    2
}

/// How the next values of a search are chosen.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, PartialOrd, Ord,
)]
#[serde(rename_all = "camelCase")]
pub enum TuningStrategy {
    /// By the results of earlier jobs.
    #[default]
    Bayesian,
    /// At random.
    Random,
    /// Starts many jobs and continues few; for algorithms that report the metric after each epoch.
    Hyperband,
    /// Every combination of categorical values.
    Grid,
}

/// The values of one hyperparameter to search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum TuningRange {
    /// Whole numbers, from the least to the largest.
    Integer {
        /// The least.
        minimum: i64,
        /// The largest.
        maximum: i64,
        /// The scale of the search.
        #[serde(default)]
        scale: TuningScale,
    },
    /// Numbers, from the least to the largest.
    Continuous {
        /// The least.
        minimum: f64,
        /// The largest.
        maximum: f64,
        /// The scale of the search.
        #[serde(default)]
        scale: TuningScale,
    },
    /// One of these, 1 to 30.
    Categorical(Vec<Scalar>),
}

/// The scale of a range.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum TuningScale {
    /// SageMaker decides.
    #[default]
    Auto,
    /// Evenly.
    Linear,
    /// Evenly by magnitude; of numbers above 0.
    Logarithmic,
    /// Evenly by the magnitude of the difference from 1; for numbers from 0 to below 1.
    ReverseLogarithmic,
}

impl Tuning {
    /// The maximum number of training jobs.
    pub fn jobs(&self) -> u64 {
        let combinations = || {
            let counts = self.ranges.values().map(|range| match range {
                TuningRange::Categorical(values) => values.len() as u64,
                _ => 1,
            });
            counts.fold(1, u64::saturating_mul)
        };
        self.max_jobs.map_or_else(combinations, u64::from)
    }

    pub(super) fn validate(&self, training: &Training, faults: &mut Faults) {
        if !(1..=30).contains(&self.ranges.len()) {
            faults.add(RANGES, "name 1 to 30 hyperparameters");
        }
        for (name, range) in &self.ranges {
            if training.hyperparameters.contains_key(name) {
                faults.add(
                    RANGES,
                    format!("{name} is given as one of training.hyperparameters: remove it there"),
                );
            }
            if let Some(refusal) = range.refusal() {
                faults.add(RANGES, format!("{name}: {refusal}"));
            }
        }
        if training.hyperparameters.len() + self.ranges.len() > 100 {
            faults.add(
                RANGES,
                "SageMaker takes at most 100 hyperparameters, those given included",
            );
        }
        if let Some(algorithm) = &training.algorithm {
            algorithm
                .hyperparameters()
                .check_ranges(&self.ranges, faults);
        }
        if training.metrics.len() > 20 {
            faults.add(
                "training.metrics",
                "SageMaker takes at most 20 of a tuning job",
            );
        }
        self.validate_jobs(faults);
    }

    /// The metric that decides the best job, and which direction of it is better: by default those
    /// of the promotion. `None` if neither says both.
    pub fn objective<'a>(&'a self, promotion: Option<&'a Promotion>) -> Option<(&'a str, Goal)> {
        let by_promotion = promotion.map(|promotion| promotion.metric.as_str());
        Some((
            self.metric.as_deref().or(by_promotion)?,
            self.goal.or(promotion.map(|promotion| promotion.goal))?,
        ))
    }

    pub(crate) fn validate_objective(
        &self,
        training: &Training,
        promotion: Option<&Promotion>,
        faults: &mut Faults,
    ) {
        let Some((metric, goal)) = self.objective(promotion) else {
            let path = if self.metric.is_none() { METRIC } else { GOAL };
            let message = "without `promotion` there is no default: say which metric decides the best job, and which direction of it is better";
            return faults.add(path, message);
        };
        if let Some(promotion) = promotion {
            if metric == promotion.metric && goal != promotion.goal {
                faults.add(GOAL, format!("promotion has the other goal for {metric}"));
            }
            if metric != promotion.metric && self.goal.is_none() {
                faults.add(GOAL, format!("say which direction of {metric} is better"));
            }
        }
        let declared = training.metrics.iter().any(|it| it.name == metric);
        if !declared && !training.metrics.is_empty() {
            faults.add(METRIC, format!("{metric:?} is none of training.metrics"));
        } else if !declared && training.algorithm.is_none() {
            faults.add(
                METRIC,
                format!("say as one of training.metrics how {metric:?} is read from the log"),
            );
        }
        let algorithm = training.algorithm.as_ref().map(|it| it.name);
        if algorithm == Some(AlgorithmName::Xgboost) && !metric.starts_with("validation:") {
            faults.add(
                METRIC,
                format!("{metric:?}: XGBoost is tuned by a metric that begins with validation:"),
            );
        }
    }

    fn validate_jobs(&self, faults: &mut Faults) {
        let is_grid = self.strategy == TuningStrategy::Grid;
        let is_categorical = |range| matches!(range, &TuningRange::Categorical(_));
        if is_grid && !self.ranges.values().all(is_categorical) {
            return faults.add(RANGES, "a grid has categorical ranges only");
        }
        match (is_grid, self.max_jobs) {
            (true, Some(_)) => {
                faults.add(MAX_JOBS, "a grid is all of its combinations: remove it");
            }
            (false, None) => return faults.add(MAX_JOBS, "say how many jobs to pay for"),
            _ => {}
        }
        let most = if self.strategy == TuningStrategy::Random {
            10_000
        } else {
            750
        };
        let jobs = self.jobs();
        if jobs == 0 || jobs > most {
            faults.add(
                if is_grid { RANGES } else { MAX_JOBS },
                format!("{jobs} jobs: there must be 1 to {most}"),
            );
        } else if !(1..=jobs.min(100)).contains(&u64::from(self.max_parallel_jobs)) {
            faults.add(
                "training.tuning.maxParallelJobs",
                format!("must be 1 to {}", jobs.min(100)),
            );
        }
        if self.seed.is_some_and(|seed| seed > i32::MAX.unsigned_abs()) {
            faults.add("training.tuning.seed", "must be at most 2147483647");
        }
        if self.early_stopping && self.strategy == TuningStrategy::Hyperband {
            faults.add(
                "training.tuning.earlyStopping",
                "hyperband stops jobs by itself, and SageMaker refuses the two together",
            );
        }
    }
}

const RANGES: &str = "training.tuning.ranges";
const GOAL: &str = "training.tuning.goal";
const METRIC: &str = "training.tuning.metric";
const MAX_JOBS: &str = "training.tuning.maxJobs";

impl TuningRange {
    /// What is wrong with the range, for any hyperparameter.
    fn refusal(&self) -> Option<String> {
        let (least, most, scale) = match self {
            Self::Categorical(values) => {
                let texts: Vec<String> = values.iter().map(ToString::to_string).collect();
                let twice = texts
                    .iter()
                    .enumerate()
                    .find(|(place, text)| texts[..*place].contains(text));
                return match twice {
                    _ if !(1..=30).contains(&texts.len()) => Some("name 1 to 30 values".to_owned()),
                    Some((_, text)) => Some(format!("{text:?} stands twice")),
                    None => None,
                };
            }
            // Only for a comparison: the precision lost beyond 2^53 does not matter.
            Self::Integer {
                minimum,
                maximum,
                scale,
            } => (*minimum as f64, *maximum as f64, *scale),
            Self::Continuous {
                minimum,
                maximum,
                scale,
            } => (*minimum, *maximum, *scale),
        };
        let is_whole = matches!(self, Self::Integer { .. });
        let refusal = if !(least.is_finite() && most.is_finite() && least <= most) {
            "the minimum is above the maximum"
        } else if scale == TuningScale::Logarithmic && least <= 0.0 {
            "a logarithmic scale needs a minimum above 0"
        } else if scale == TuningScale::ReverseLogarithmic && is_whole {
            "a reverse logarithmic scale is for numbers from 0 to below 1, not for whole ones"
        } else if scale == TuningScale::ReverseLogarithmic && (least < 0.0 || most >= 1.0) {
            "a reverse logarithmic scale needs numbers from 0 to below 1"
        } else {
            return None;
        };
        Some(refusal.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use crate::Training;
    use serde_json::{Value, json};

    fn training(tuning: &Value, more: &Value) -> Result<(), (String, String)> {
        let mut json = json!({"image": "program:1", "tuning": {
            "maxJobs": 9, "ranges": {"rate": {"continuous": {"minimum": 0.01, "maximum": 0.5}}},
        }});
        for (name, value) in tuning.as_object().unwrap() {
            json["tuning"][name] = value.clone();
        }
        for (name, value) in more.as_object().unwrap() {
            json[name] = value.clone();
        }
        let training: Training = contract::read::from_value(json).unwrap();
        crate::Faults::first_of(|faults| training.validate(faults))
            .map_err(|error| (error.path, error.message))
    }

    fn ranges(ranges: &Value) -> Result<(), (String, String)> {
        training(&json!({ "ranges": ranges }), &json!({}))
    }

    #[test]
    fn what_sagemaker_takes_is_taken() {
        let all = json!({
            "rate": {"continuous": {"minimum": 0.01, "maximum": 0.5, "scale": "logarithmic"}},
            "keep": {"continuous": {"minimum": 0, "maximum": 0.99, "scale": "reverseLogarithmic"}},
            "factors": {"integer": {"minimum": 2, "maximum": 64}},
            "loss": {"categorical": ["rmse", 1, true]},
        });
        ranges(&all).unwrap();
        for strategy in ["bayesian", "random", "hyperband"] {
            training(&json!({ "strategy": strategy }), &json!({})).unwrap();
        }
        let grid = json!({"strategy": "grid", "maxJobs": null, "ranges": {
            "a": {"categorical": [1, 2]}, "b": {"categorical": ["x", "y", "z"]},
        }});
        training(&grid, &json!({})).unwrap();
        training(
            &json!({"strategy": "random", "maxJobs": 10_000}),
            &json!({}),
        )
        .unwrap();
    }

    #[test]
    fn each_mistake_in_a_range_names_the_hyperparameter() {
        for (range, words) in [
            (
                json!({"integer": {"minimum": 2, "maximum": 1}}),
                "the minimum is above",
            ),
            (
                json!({"continuous": {"minimum": 0, "maximum": 1, "scale": "logarithmic"}}),
                "above 0",
            ),
            (
                json!({"continuous": {"minimum": 0, "maximum": 1, "scale": "reverseLogarithmic"}}),
                "below 1",
            ),
            (
                json!({"integer": {"minimum": 0, "maximum": 0, "scale": "reverseLogarithmic"}}),
                "whole ones",
            ),
            (json!({"categorical": []}), "1 to 30 values"),
            (json!({"categorical": [1, "1"]}), "stands twice"),
        ] {
            let (path, message) = ranges(&json!({ "rate": range })).unwrap_err();
            assert_eq!(path, "training.tuning.ranges");
            assert!(message.starts_with("rate: "), "{message}");
            assert!(message.contains(words), "{message}");
        }
        assert!(ranges(&json!({})).is_err());
    }

    #[test]
    fn what_sagemaker_refuses_of_the_whole_names_its_field() {
        let categorical = json!({"a": {"categorical": [1, 2]}});
        let long: Vec<u32> = (0..30).collect();
        let many = json!({"a": {"categorical": long}, "b": {"categorical": long}});
        for (tuning, field) in [
            (json!({"maxJobs": null}), "maxJobs"),
            (json!({"maxJobs": 0}), "maxJobs"),
            (json!({"maxJobs": 751}), "maxJobs"),
            (json!({"strategy": "random", "maxJobs": 10_001}), "maxJobs"),
            (
                json!({"strategy": "grid", "ranges": categorical}),
                "maxJobs",
            ),
            (json!({"strategy": "grid", "maxJobs": null}), "ranges"),
            (
                json!({"strategy": "grid", "maxJobs": null, "ranges": many}),
                "ranges",
            ),
            (json!({"maxParallelJobs": 0}), "maxParallelJobs"),
            (json!({"maxParallelJobs": 10}), "maxParallelJobs"),
            (
                json!({"strategy": "hyperband", "earlyStopping": true}),
                "earlyStopping",
            ),
            (json!({"seed": 2_147_483_648_u64}), "seed"),
        ] {
            let (path, message) = training(&tuning, &json!({})).unwrap_err();
            assert_eq!(path, format!("training.tuning.{field}"), "{message}");
        }
        let given = json!({"hyperparameters": {"rate": 0.1}});
        let (_, message) = training(&json!({}), &given).unwrap_err();
        assert!(message.contains("remove it there"), "{message}");
    }

    #[test]
    fn of_a_built_in_algorithm_only_what_it_lets_be_tuned_within_its_bounds() {
        let xgboost = json!({"image": null, "algorithm": {"name": "xgboost"}});
        let tuned = |ranges: Value| training(&json!({ "ranges": ranges }), &xgboost);
        // A tuned hyperparameter need not be given, even if the algorithm needs it.
        tuned(json!({
            "num_round": {"integer": {"minimum": 10, "maximum": 50}},
            "eta": {"continuous": {"minimum": 0.1, "maximum": 0.5}},
        }))
        .unwrap();
        let num_round = json!({"integer": {"minimum": 10, "maximum": 50}});
        for (name, range, words) in [
            (
                "booster",
                json!({"categorical": ["dart"]}),
                "cannot be tuned; the algorithm lets alpha, ",
            ),
            (
                "eta",
                json!({"continuous": {"minimum": 0.1, "maximum": 1.5}}),
                "eta is searched up to 1.5: it must be a number, 0 to 1",
            ),
            (
                "max_depth",
                json!({"continuous": {"minimum": 1, "maximum": 5}}),
                "an integer range",
            ),
        ] {
            let (_, message) =
                tuned(json!({"num_round": num_round.clone(), name: range})).unwrap_err();
            assert!(message.contains(words), "{message}");
        }
        // AWS may have added it.
        tuned(json!({"num_round": num_round, "learning": {"categorical": [1]}})).unwrap();
    }
}
