//! What can go wrong when a model is judged.

use contract::{ErrorName, Named};
use dataset::ColumnsError;
use lake::records::TrainingRecord;
use lake::{PartError, StepError, VocabularyError};
use sagemaker_ports::{TransformInfo, TransformSpec, TransformStatus};

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
    /// The champion is kept, and its endpoint does not serve.
    #[error("the champion of run {run} is kept, but its endpoint {endpoint} {why}")]
    ChampionDown {
        /// The champion's run.
        run: String,
        /// Its endpoint.
        endpoint: String,
        /// How the endpoint is, and what to do.
        why: String,
    },
    /// One of the two models was not asked to the end.
    #[error(
        "the transform job {job}, which asks {model} about the rows to compare by, {how}; its log: {log}"
    )]
    TransformFailed {
        /// The job's name.
        job: String,
        /// The model's name.
        model: String,
        /// That it failed, and why; or that it was stopped.
        how: String,
        /// A link to its log.
        log: String,
    },
    /// There were no machines to ask one of the two models.
    #[error(
        "there are no {instance_type} for the transform job {job} at the moment: {reason}; try later, or set \
         promotion.reevaluate.instanceType to another one"
    )]
    NoCapacity {
        /// The job's name.
        job: String,
        /// The instance type.
        instance_type: String,
        /// SageMaker's reason.
        reason: String,
    },
    /// What one of the two models has predicted tells no metric.
    #[error("the {role}'s predictions by the transform job {job} tell no metric: {what}")]
    Predictions {
        /// `challenger` or `champion`.
        role: &'static str,
        /// The transform job's name.
        job: String,
        /// What is wrong with them.
        what: String,
    },
    /// The labels of the rows to compare by are not those that were written.
    #[error("{key} does not hold the {rows} labels that were written")]
    Labels {
        /// The object's key.
        key: String,
        /// How many rows there are.
        rows: u64,
    },
    /// A dataset has columns that no row can be made by.
    #[error("the columns of this run's dataset, or of the champion's, cannot be carried out")]
    Columns(#[from] ColumnsError),
    /// A raw part is damaged or missing.
    #[error("reading a raw part")]
    Part(#[from] PartError),
    /// A raw part holds a line that is no item.
    #[error("{key} holds a line that is no item")]
    Item {
        /// The part's key.
        key: String,
        /// What is wrong with it.
        source: dynamodb_json::ItemError,
    },
    /// A vocabulary cannot be read.
    #[error("reading a dataset's vocabularies")]
    Vocabulary(#[from] VocabularyError),
    /// The lake, the service or a name stands in the way.
    #[error(transparent)]
    Step(#[from] StepError),
}

const LOG_GROUP: &str = "/aws/sagemaker/TransformJobs";
/// How SageMaker's reason begins where it has no machines.
const CAPACITY: &str = "CapacityError";

impl JudgeModelError {
    /// Of a transform job that ended otherwise than `Completed`.
    pub(crate) fn of_end(spec: &TransformSpec, info: TransformInfo, region: &str) -> Self {
        let job = spec.name.clone();
        let reason = info.failure_reason;
        let how = match (info.status, reason) {
            (TransformStatus::Failed, Some(reason)) if reason.contains(CAPACITY) => {
                return Self::NoCapacity {
                    job,
                    instance_type: spec.instance_type.clone(),
                    reason,
                };
            }
            (TransformStatus::Failed, Some(reason)) => format!("failed: {reason}"),
            (TransformStatus::Failed, None) => "failed: SageMaker gives no reason".to_owned(),
            _ => "was stopped by hand (StopTransformJob)".to_owned(),
        };
        Self::TransformFailed {
            log: sagemaker_ports::log_link(region, LOG_GROUP, &job),
            job,
            model: spec.model.clone(),
            how,
        }
    }

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

lake::from_step_causes!(JudgeModelError);

impl Named for JudgeModelError {
    fn name(&self) -> ErrorName {
        match self {
            Self::MetricMissing { .. } => ErrorName::MetricMissing,
            Self::TransformFailed { .. } | Self::Predictions { .. } => ErrorName::TransformFailed,
            Self::ChampionDown { .. } => ErrorName::DeploymentFailed,
            Self::NoCapacity { .. } => ErrorName::CapacityUnavailable,
            Self::Labels { .. } | Self::Columns(_) | Self::Item { .. } => ErrorName::DatasetInvalid,
            Self::Part(error) => error.name(),
            Self::Vocabulary(error) => error.name(),
            Self::Step(error) => error.name(),
        }
    }
}
