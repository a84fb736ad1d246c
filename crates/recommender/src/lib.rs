//! A recommender as a SageMaker container program: `train` learns from user-item interactions,
//! `serve` answers requests with the model.
//!
//! It follows SageMaker's container contract: the `/opt/ml` tree for training, HTTP for serving. It
//! uses no AWS client and no other crate of this workspace.

pub mod artifact;
pub mod channel;
mod error;
pub mod fit;
pub mod hyperparameters;
pub mod invocation;
pub mod job;
pub mod metrics;
pub mod model;
pub mod serve;
pub mod signals;
pub mod train;
pub mod tree;

pub use error::{Error, one_line};
pub use hyperparameters::Hyperparameters;
pub use model::Model;
pub use tree::Tree;

/// The examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
