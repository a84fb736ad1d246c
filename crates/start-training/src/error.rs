//! Errors of a training job.

use crate::stop::JobKind;
use contract::{ErrorName, ExecutionStatus, Named};
use definition::FieldError;
use lake::StepError;
use sagemaker_ports::{TrainingInfo, TrainingSpec, TrainingStatus, TuningInfo, TuningSpec};

/// Why a run has no trained model.
#[derive(Debug, thiserror::Error)]
pub enum StartTrainingError {
    /// The dataset is not sealed yet.
    #[error("there is no dataset s3://{bucket}/{key}: run the states up to SealDataset first")]
    DatasetNotSealed {
        /// The bucket.
        bucket: String,
        /// The key of the dataset's contract.
        key: String,
    },
    /// The dataset has no training rows.
    #[error(
        "the dataset has no row to train on ({rejected} items were rejected): see rejected/ beside it"
    )]
    NoRows {
        /// Items that were rejected.
        rejected: u64,
    },
    /// The definition does not fit this region or this dataset.
    #[error(transparent)]
    Definition(#[from] FieldError),
    /// The job failed.
    #[error("the training job {job} failed: {reason}; its log: {log}")]
    Failed {
        /// The job's name.
        job: String,
        /// SageMaker's reason.
        reason: String,
        /// A link to its log.
        log: String,
    },
    /// The job failed because SageMaker has no instances.
    #[error(
        "there are no {instance_type} for the job {job} at the moment: {reason}; try later, \
         set training.instanceType to another one, or raise training.capacityWaitMinutes"
    )]
    NoCapacity {
        /// The job's name.
        job: String,
        /// The instance type.
        instance_type: String,
        /// SageMaker's reason.
        reason: String,
    },
    /// No training job of the tuning job produced a model.
    #[error(
        "the tuning job {job} ended without a model: of its training jobs {completed} completed, \
         {failed} failed and {stopped} were stopped: {reason}; their logs: {log}"
    )]
    NoneCompleted {
        /// The tuning job's name.
        job: String,
        /// Training jobs that completed, without a value of the metric.
        completed: u32,
        /// Training jobs that failed.
        failed: u32,
        /// Training jobs that were stopped.
        stopped: u32,
        /// SageMaker's reasons.
        reason: String,
        /// A link to their logs.
        log: String,
    },
    /// The job was stopped.
    #[error("the {what} job {job} was stopped {how}; its log: {log}")]
    Stopped {
        /// `training` or `tuning`.
        what: &'static str,
        /// The job's name.
        job: String,
        /// By which limit, or by hand.
        how: String,
        /// A link to its log.
        log: String,
    },
    /// The job was stopped because its execution ended.
    #[error(
        "the {kind} job {job} was stopped with its execution, which is {}: redrive the execution, which \
         begins another job",
        .status.as_str()
    )]
    StoppedWithExecution {
        /// Its kind.
        kind: JobKind,
        /// The job's name.
        job: String,
        /// How the execution ended.
        status: ExecutionStatus,
    },
    /// The start time of the execution is not RFC 3339.
    #[error("the start time of the execution {execution}: {message}")]
    StartTime {
        /// The execution's ARN.
        execution: String,
        /// What is wrong with it.
        message: String,
    },
    /// The job completed without a model.
    #[error("the training job {job} completed without a model artifact; its log: {log}")]
    ArtifactMissing {
        /// The job's name.
        job: String,
        /// A link to its log.
        log: String,
    },
    /// The lake or a service failed, or a name is taken.
    #[error(transparent)]
    Step(#[from] StepError),
}

const LOG_GROUP: &str = "/aws/sagemaker/TrainingJobs";
/// How SageMaker's reason begins where it has no instances.
const CAPACITY: &str = "CapacityError";

/// A link to the log of a training job.
pub fn log_of(job: &str, region: &str) -> String {
    sagemaker_ports::log_link(region, LOG_GROUP, job)
}

impl StartTrainingError {
    /// The error of a job that ended otherwise than `Completed`.
    pub(crate) fn from_ended_job(spec: TrainingSpec, info: TrainingInfo, region: &str) -> Self {
        let log = log_of(&spec.name, region);
        if info.status != TrainingStatus::Failed {
            let how = stopped_how(&info.secondary, &spec);
            let job = spec.name;
            let what = "training";
            return Self::Stopped {
                what,
                job,
                how,
                log,
            };
        }
        let job = spec.name;
        let reason = info
            .failure_reason
            .unwrap_or_else(|| "SageMaker gives no reason".to_owned());
        if reason.contains(CAPACITY) {
            return Self::NoCapacity {
                job,
                instance_type: spec.instance_type,
                reason,
            };
        }
        Self::Failed { job, reason, log }
    }

    /// The error of a tuning job that ended without a best training job; `reasons` are those of its
    /// failed training jobs.
    pub(crate) fn from_tuning_job(
        spec: TuningSpec,
        info: TuningInfo,
        reasons: Vec<String>,
        region: &str,
    ) -> Self {
        let job = spec.name;
        let metric = spec.metric;
        let own = info.failure_reason.unwrap_or_else(|| {
            format!("none of its training jobs has reached a value of {metric}")
        });
        let capacity = reasons.iter().find(|reason| reason.contains(CAPACITY));
        if let Some(reason) = capacity {
            return Self::NoCapacity {
                job,
                instance_type: spec.training.instance_type,
                reason: reason.clone(),
            };
        }
        let reasons: Vec<String> = [own].into_iter().chain(reasons).collect();
        Self::NoneCompleted {
            log: log_of(&job, region),
            job,
            completed: info.jobs.completed,
            failed: info.jobs.failed,
            stopped: info.jobs.stopped,
            reason: reasons.join("; "),
        }
    }

    /// The error of a tuning job that somebody stopped.
    pub(crate) fn tuning_stopped(job: &str, region: &str) -> Self {
        Self::Stopped {
            what: "tuning",
            job: job.to_owned(),
            how: "by hand (StopHyperParameterTuningJob)".to_owned(),
            log: log_of(job, region),
        }
    }

    /// Whether waiting may help: SageMaker has no instances, or a quota is used up.
    pub(crate) fn is_capacity_limit(&self) -> bool {
        matches!(
            self.name(),
            ErrorName::CapacityUnavailable | ErrorName::ResourceLimitExceeded
        )
    }
}

fn stopped_how(secondary: &str, spec: &TrainingSpec) -> String {
    match secondary {
        "MaxRuntimeExceeded" => format!(
            "by its limit of {} s: raise training.maxRuntimeSeconds",
            spec.max_runtime_seconds
        ),
        "MaxWaitTimeExceeded" => format!(
            "by its limit of waiting for spot machines, {} s in all: raise \
             training.spot.maxWaitSeconds, or remove training.spot",
            spec.max_wait_seconds.unwrap_or_default()
        ),
        "Interrupted" => "by an interruption of its machines".to_owned(),
        "Stopped" => "by hand (StopTrainingJob)".to_owned(),
        other => format!("with the secondary status {other}"),
    }
}

lake::from_step_causes!(StartTrainingError);

impl Named for StartTrainingError {
    fn name(&self) -> ErrorName {
        match self {
            Self::DatasetNotSealed { .. } => ErrorName::NotFound,
            Self::NoRows { .. } => ErrorName::DatasetInvalid,
            Self::Definition(_) => ErrorName::InvalidDefinition,
            Self::Failed { .. } | Self::ArtifactMissing { .. } | Self::NoneCompleted { .. } => {
                ErrorName::TrainingFailed
            }
            Self::NoCapacity { .. } => ErrorName::CapacityUnavailable,
            Self::Stopped { .. } => ErrorName::TrainingStopped,
            Self::StoppedWithExecution { kind, .. } => match kind {
                JobKind::Training | JobKind::Tuning => ErrorName::TrainingStopped,
                JobKind::Transform => ErrorName::TransformFailed,
            },
            Self::StartTime { .. } => ErrorName::InvalidRequest,
            Self::Step(error) => error.name(),
        }
    }
}
