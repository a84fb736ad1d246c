//! The comparison of the new model and the champion on the same rows: which rows, which instances,
//! and which metrics can be computed from predictions and labels.

use super::{Algorithm, AlgorithmName, Dataset, Format, Training};
use crate::faults::Faults;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Lets both models predict the same rows of the run's validation data, each in a transform job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Reevaluate {
    /// Maximum number of rows, 1 to 100,000.
    #[serde(default = "ten_thousand")]
    #[schemars(range(min = 1, max = 100_000))]
    pub rows: u32,
    /// The instance type of the two transform jobs.
    #[serde(default = "default_instance_type")]
    pub instance_type: String,
}

const fn ten_thousand() -> u32 {
    10_000
}

fn default_instance_type() -> String {
    "ml.m5.large".to_owned()
}

/// A metric that can be computed from predictions and labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowMetric {
    /// The root of the mean squared error.
    Rmse,
    /// The mean squared error.
    Mse,
    /// The mean absolute error.
    Mae,
    /// The negative log-likelihood of labels 0 and 1.
    LogLoss,
    /// The share of labels 0 and 1 that are wrong at a threshold of 0.5.
    Error,
    /// The share of labels that are predicted right, of two classes or more.
    Accuracy,
    /// The area under the ROC curve.
    Auc,
    /// The share of classes that are predicted wrong.
    MError,
    /// The negative log-likelihood of classes.
    MLogLoss,
}

impl RowMetric {
    /// Every metric.
    pub const ALL: [Self; 9] = [
        Self::Rmse,
        Self::Mse,
        Self::Mae,
        Self::LogLoss,
        Self::Error,
        Self::Accuracy,
        Self::Auc,
        Self::MError,
        Self::MLogLoss,
    ];

    /// The name as XGBoost spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rmse => "rmse",
            Self::Mse => "mse",
            Self::Mae => "mae",
            Self::LogLoss => "logloss",
            Self::Error => "error",
            Self::Accuracy => "accuracy",
            Self::Auc => "auc",
            Self::MError => "merror",
            Self::MLogLoss => "mlogloss",
        }
    }

    /// The metric that a training job reports under this name: `validation:` and its own.
    pub fn of(name: &str) -> Option<Self> {
        let own = name.strip_prefix("validation:")?;
        Self::ALL.into_iter().find(|metric| metric.as_str() == own)
    }

    /// Whether it cannot be computed from XGBoost's predictions with this objective.
    fn is_beyond(self, objective: &str) -> bool {
        match objective {
            "multi:softmax" => matches!(self, Self::MLogLoss | Self::LogLoss | Self::Auc),
            "binary:logitraw" => matches!(self, Self::LogLoss | Self::Error | Self::Accuracy),
            "binary:hinge" => self == Self::LogLoss,
            _ => false,
        }
    }
}

impl Reevaluate {
    pub(super) fn validate(
        &self,
        metric: &str,
        training: &Training,
        dataset: &Dataset,
        faults: &mut Faults,
    ) {
        if !(1..=100_000).contains(&self.rows) {
            faults.add("promotion.reevaluate.rows", "must be 1 to 100000");
        }
        if !self.instance_type.starts_with("ml.") {
            faults.add(
                "promotion.reevaluate.instanceType",
                format!("{:?} is none; such as ml.m5.large", self.instance_type),
            );
        }
        let Some(row_metric) = RowMetric::of(metric) else {
            let all = RowMetric::ALL.map(RowMetric::as_str).join(", validation:");
            return faults.add(
                "promotion.metric",
                format!(
                    "{metric:?} cannot be told from predictions and labels, which promotion.reevaluate asks for: \
                     name one of validation:{all}, or leave promotion.reevaluate out"
                ),
            );
        };
        if let Some(algorithm) = &training.algorithm {
            check_algorithm(algorithm, row_metric, training, faults);
        }
        let why_not = match dataset {
            Dataset {
                deduplicate: Some(_),
                ..
            } => {
                "it samples the table, and which of the items that dataset.deduplicate makes one row is the row shows only when all are read"
            }
            Dataset {
                format: Format::RecordIo | Format::RecordIoSparse | Format::JsonLines(_),
                ..
            } => {
                "it asks the models in lines of CSV, which a model trained on this dataset.format is not asked in"
            }
            Dataset { format, .. } if format.images().is_some() => {
                "it asks the models in lines of CSV, and these rows are images"
            }
            Dataset { split, .. } if split.validation == 0.0 && split.time.is_none() => {
                "with a dataset.split.validation of 0 there is no row to ask about"
            }
            _ => return,
        };
        faults.add("promotion.reevaluate", format!("{why_not}: leave it out"));
    }
}

fn check_algorithm(
    algorithm: &Algorithm,
    metric: RowMetric,
    training: &Training,
    faults: &mut Faults,
) {
    let path = "promotion.reevaluate";
    if algorithm.name != AlgorithmName::Xgboost {
        let name = algorithm.name.as_str();
        let message = format!(
            "of the built-in algorithms only xgboost answers in lines of CSV, and this is {name}: leave it out"
        );
        return faults.add(path, message);
    }
    let objective = training.hyperparameters.get("objective");
    let objective = objective.map(ToString::to_string).unwrap_or_default();
    if metric.is_beyond(&objective) {
        let metric = metric.as_str();
        let message = format!(
            "what xgboost predicts with the objective {objective} does not tell {metric}: choose another objective or promotion.metric, or leave it out"
        );
        faults.add(path, message);
    }
}
