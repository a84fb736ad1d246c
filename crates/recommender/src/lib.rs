//! A recommender as SageMaker runs one: `train` learns from user-item interactions, `serve`
//! answers for the model. It obeys SageMaker's container contract, the `/opt/ml` tree on one side
//! and HTTP on the other, and must know nothing else: no AWS client, no other crate of this
//! workspace.

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
