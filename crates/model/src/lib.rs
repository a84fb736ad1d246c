//! The ports to what trains and serves a model: training jobs, endpoints, invocations.
//!
//! It must not know which service answers, nor when a step calls what. Statuses are the service's
//! own words, typed.

mod endpoint;
mod training;

pub use endpoint::{
    ConfigSpec, EndpointInfo, EndpointStatus, Endpoints, Invoke, ModelSpec, Prediction,
};
pub use training::{Channel, TrainingInfo, TrainingJobs, TrainingSpec, TrainingStatus};
