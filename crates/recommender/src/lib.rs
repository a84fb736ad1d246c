//! A recommender as a SageMaker container program: `train` learns from user-item interactions,
//! `serve` answers requests with the model.
//!
//! It follows SageMaker's container contract: the `/opt/ml` tree for training, HTTP for serving. It
//! uses no AWS client; [`container`] has what its contract asks of any program.

pub mod artifact;
pub mod channel;
mod error;
pub mod fit;
pub mod hyperparameters;
pub mod invocation;
pub mod job;
pub mod metrics;
pub mod model;
mod serve;
pub mod train;

pub use container::Tree;
pub use error::Error;
pub use hyperparameters::Hyperparameters;
pub use model::Model;

/// The examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
