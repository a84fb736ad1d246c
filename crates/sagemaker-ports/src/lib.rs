//! The ports to what trains and serves a model: training and tuning jobs, the registry of models,
//! endpoints with their alarms, invocations.
//!
//! `aws` and the fakes in `memory` implement them. Statuses are the service's own words, typed.

mod alarms;
mod answer;
pub mod conformance;
mod difference;
mod endpoint;
mod logs;
pub mod memory;
mod owner;
mod pace;
mod package;
mod scaling;
mod training;
mod transform;
mod tuning;

pub use alarms::{AlarmSpec, Alarms, EndpointMetric};
pub use answer::{Finding, ask, check_line, class_of, classify, predictions, probabilities};
pub use contract::wait_seconds;
pub use difference::differences;
pub use endpoint::{
    Capture, ConfigSpec, EndpointInfo, EndpointStatus, Endpoints, Ensured, Guard, Invoke,
    ModelSpec, Prediction, Update, ensure_model,
};
pub use logs::{TrainingLogs, log_link};
pub use memory::MemorySageMaker;
pub use owner::{Owner, Ownership, Tags, check_endpoint, check_group, claim_endpoint, claim_group};
pub use pace::retry_seconds;
pub use package::{ModelPackages, PackageApproval, PackageSpec};
pub use scaling::{Scaling, detach_scaling, scale};
pub use training::{Channel, TrainingInfo, TrainingJobs, TrainingSpec, TrainingStatus};
pub use transform::{TransformInfo, TransformSpec, TransformStatus, Transforms};
pub use tuning::{BestJob, JobCounts, TuningInfo, TuningJobs, TuningSpec, TuningStatus};
