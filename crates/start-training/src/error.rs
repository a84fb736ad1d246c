//! What can go wrong with a training job.

use contract::{ErrorName, Named, ServiceError};
use lake::DocumentError;
use model::{TrainingInfo, TrainingSpec, TrainingStatus};

/// Why a run has no trained model.
#[derive(Debug, thiserror::Error)]
pub enum StartTrainingError {
    /// The dataset is not whole yet.
    #[error("there is no dataset s3://{bucket}/{key}: run the states up to SealDataset first")]
    DatasetNotSealed {
        /// The bucket.
        bucket: String,
        /// The key of the dataset's contract.
        key: String,
    },
    /// The dataset has nothing to learn from.
    #[error(
        "the dataset has no row to train on ({rejected} items were rejected): see rejected/ beside it"
    )]
    NoRows {
        /// Items that could not become a row.
        rejected: u64,
    },
    /// A job has the run's name and is another one.
    #[error(
        "the training job {job} exists and is not this run's: {differences}; start a new run, whose \
         job has a name of its own"
    )]
    NotOurs {
        /// The job's name.
        job: String,
        /// Every field that differs.
        differences: String,
    },
    /// The job ended in failure.
    #[error("the training job {job} failed: {reason}; its log is in {LOG_GROUP}, stream {job}/…")]
    Failed {
        /// The job's name.
        job: String,
        /// SageMaker's reason.
        reason: String,
    },
    /// The job failed because there were no machines.
    #[error(
        "there are no {instance_type} for the training job {job} at the moment: {reason}; try later \
         or set training.instanceType to another one"
    )]
    NoCapacity {
        /// The job's name.
        job: String,
        /// The instance type.
        instance_type: String,
        /// SageMaker's reason.
        reason: String,
    },
    /// The job was stopped.
    #[error("the training job {job} was stopped {how}; its log is in {LOG_GROUP}, stream {job}/…")]
    Stopped {
        /// The job's name.
        job: String,
        /// By which limit, or by hand.
        how: String,
    },
    /// The job completed and left nothing.
    #[error("the training job {job} completed without a model artifact; its log is in {LOG_GROUP}")]
    ArtifactMissing {
        /// The job's name.
        job: String,
    },
    /// SageMaker refused or could not be reached.
    #[error(transparent)]
    Service(Box<ServiceError>),
    /// The lake could not be read or written.
    #[error(transparent)]
    Document(#[from] DocumentError),
}

const LOG_GROUP: &str = "/aws/sagemaker/TrainingJobs";
/// How SageMaker's reason begins where it has no machines.
const CAPACITY: &str = "CapacityError";

impl StartTrainingError {
    /// Of a job that ended otherwise than `Completed`.
    pub(crate) fn of_end(spec: TrainingSpec, info: TrainingInfo) -> Self {
        let job = spec.name;
        if info.status != TrainingStatus::Failed {
            return Self::Stopped {
                job,
                how: stopped_how(&info.secondary, spec.max_runtime_seconds),
            };
        }
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
        Self::Failed { job, reason }
    }
}

fn stopped_how(secondary: &str, max_runtime_seconds: u32) -> String {
    match secondary {
        "MaxRuntimeExceeded" => {
            format!("by its limit of {max_runtime_seconds} s: raise training.maxRuntimeSeconds")
        }
        "MaxWaitTimeExceeded" => "by its limit of waiting for machines".to_owned(),
        "Interrupted" => "by an interruption of its machines".to_owned(),
        "Stopped" => "by hand (StopTrainingJob)".to_owned(),
        other => format!("with the secondary status {other}"),
    }
}

impl From<ServiceError> for StartTrainingError {
    fn from(error: ServiceError) -> Self {
        Self::Service(Box::new(error))
    }
}

impl Named for StartTrainingError {
    fn name(&self) -> ErrorName {
        match self {
            Self::DatasetNotSealed { .. } => ErrorName::NotFound,
            Self::NoRows { .. } => ErrorName::DatasetInvalid,
            Self::NotOurs { .. } => ErrorName::Conflict,
            Self::Failed { .. } | Self::ArtifactMissing { .. } => ErrorName::TrainingFailed,
            Self::NoCapacity { .. } => ErrorName::CapacityUnavailable,
            Self::Stopped { .. } => ErrorName::TrainingStopped,
            Self::Service(error) => error.name(),
            Self::Document(error) => error.name(),
        }
    }
}
