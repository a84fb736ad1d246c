//! A classifier of images as a SageMaker container program: `train` learns from image records,
//! `serve` answers one image a request. It needs no GPU and uses no AWS client; [`container`] has
//! what SageMaker's contract asks of any program.

pub mod artifact;
pub mod channel;
mod error;
pub mod features;
pub mod fit;
pub mod hyperparameters;
mod image_files;
pub mod job;
pub mod metrics;
pub mod model;
mod serve;
pub mod train;

pub use error::Error;
pub use hyperparameters::Hyperparameters;
pub use model::Model;

/// The examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
