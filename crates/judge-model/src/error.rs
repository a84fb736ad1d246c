//! Errors of judging a model.

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
        "the training job {job} reports no usable {metric}; it reports {reported}: name one of these as \
         promotion.metric, or add a definition of {metric} to training.metrics"
    )]
    MetricMissing {
        /// The training job.
        job: String,
        /// The metric that should decide.
        metric: String,
        /// The metrics that it does report, in words.
        reported: String,
    },
    /// The champion stays in service, but its endpoint does not serve.
    #[error("the champion of run {run} stays, but its endpoint {endpoint} {why}")]
    ChampionDown {
        /// The champion's run.
        run: String,
        /// Its endpoint.
        endpoint: String,
        /// The endpoint's state, and what to do.
        why: String,
    },
    /// A transform job failed or was stopped.
    #[error(
        "the transform job {job}, which lets {model} predict the compared rows, {how}; its log: {log}"
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
    /// SageMaker has no instances for a transform job.
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
    /// The champion's endpoint was recreated, and fails a real request.
    #[error(
        "the champion of run {run} stays, and its endpoint {endpoint}, which was recreated, fails a \
         real request: {finding}; read the endpoint's log, then redrive, which asks it again"
    )]
    ChampionDoesNotAnswer {
        /// The champion's run.
        run: String,
        /// The endpoint.
        endpoint: String,
        /// What is wrong with the answer.
        finding: String,
    },
    /// The metric cannot be computed from a model's predictions.
    #[error("the {role}'s predictions by the transform job {job} do not give the metric: {what}")]
    Predictions {
        /// `challenger` or `champion`.
        role: &'static str,
        /// The transform job's name.
        job: String,
        /// What is wrong with them.
        what: String,
    },
    /// The labels of the compared rows are not the ones that were written.
    #[error("{key} does not hold the {rows} labels that were written")]
    Labels {
        /// The object's key.
        key: String,
        /// How many rows there are.
        rows: u64,
    },
    /// A dataset's columns cannot encode any row.
    #[error("the columns of this run's dataset, or of the champion's, cannot encode a row")]
    Columns(#[from] ColumnsError),
    /// A raw part is damaged or missing.
    #[error("reading a raw part")]
    Part(#[from] PartError),
    /// A raw part holds a line that is not an item.
    #[error("{key} holds a line that is not an item")]
    Item {
        /// The part's key.
        key: String,
        /// What is wrong with it.
        source: dynamodb_json::ItemError,
    },
    /// A vocabulary cannot be read.
    #[error("reading a dataset's vocabularies")]
    Vocabulary(#[from] VocabularyError),
    /// The lake or a service failed, or a name is taken.
    #[error(transparent)]
    Step(#[from] StepError),
}

const LOG_GROUP: &str = "/aws/sagemaker/TransformJobs";
/// How SageMaker's reason begins where it has no instances.
const CAPACITY: &str = "CapacityError";

impl JudgeModelError {
    /// The error of a transform job that ended otherwise than `Completed`.
    pub(crate) fn from_ended_job(spec: &TransformSpec, info: TransformInfo, region: &str) -> Self {
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
            reported: if names.is_empty() {
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
            Self::ChampionDoesNotAnswer { .. } => ErrorName::SmokeTestFailed,
            Self::NoCapacity { .. } => ErrorName::CapacityUnavailable,
            Self::Labels { .. } | Self::Columns(_) | Self::Item { .. } => ErrorName::DatasetInvalid,
            Self::Part(error) => error.name(),
            Self::Vocabulary(error) => error.name(),
            Self::Step(error) => error.name(),
        }
    }
}
