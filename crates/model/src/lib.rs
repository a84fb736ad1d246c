//! The ports to what trains and serves a model: training jobs, endpoints, invocations.
//!
//! It must not know which service answers, nor when a step calls what. Statuses are the service's
//! own words, typed.

pub mod conformance;
mod endpoint;
pub mod memory;
mod pace;
mod training;

pub use endpoint::{
    ConfigSpec, EndpointInfo, EndpointStatus, Endpoints, Invoke, ModelSpec, Prediction,
};
pub use memory::MemorySageMaker;
pub use pace::wait_seconds;
pub use training::{Channel, TrainingInfo, TrainingJobs, TrainingSpec, TrainingStatus};
