//! What can go wrong when a model is judged.

use contract::{ErrorName, Named, ServiceError};
use lake::DocumentError;
use lake::records::TrainingRecord;

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
pub enum JudgeModelError {
    /// The training job reports no usable value of the metric that decides.
    #[error(
        "the training job {job} reports no usable {metric}; it reports {there}: name one of these as \
         promotion.metric, or add a definition of {metric} to training.metrics"
    )]
    MetricMissing {
        /// The training job.
        job: String,
        /// The metric that should decide.
        metric: String,
        /// The metrics that there are, in words.
        there: String,
    },
    /// The model could not be registered.
    #[error(transparent)]
    Service(Box<ServiceError>),
    /// The lake could not be read or written.
    #[error(transparent)]
    Document(#[from] DocumentError),
}

impl JudgeModelError {
    pub(crate) fn metric_missing(metric: &str, training: &TrainingRecord) -> Self {
        let names: Vec<&str> = training.metrics.keys().map(String::as_str).collect();
        Self::MetricMissing {
            job: training.job.clone(),
            metric: metric.to_owned(),
            there: if names.is_empty() {
                "no metric at all".to_owned()
            } else {
                names.join(", ")
            },
        }
    }
}

impl From<ServiceError> for JudgeModelError {
    fn from(error: ServiceError) -> Self {
        Self::Service(Box::new(error))
    }
}

impl Named for JudgeModelError {
    fn name(&self) -> ErrorName {
        match self {
            Self::MetricMissing { .. } => ErrorName::MetricMissing,
            Self::Service(error) => error.name(),
            Self::Document(error) => error.name(),
        }
    }
}
