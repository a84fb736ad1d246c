//! SageMaker's contract for containers: the `/opt/ml` tree and the job's configuration for
//! training, HTTP for serving, signals for both. A program adds its model.

mod claim;
mod error;
mod files;
pub mod hyperparameters;
pub mod job;
mod serve;
mod signals;
mod train;
mod tree;

pub use claim::Claim;
pub use error::{Error, one_line};
pub use files::{MAX_DEPTH, files};
pub use serve::{Answer, Model, Refusal, serve};
pub use signals::Stop;
pub use train::train;
pub use tree::{MAX_FAILURE_BYTES, Tree, write_whole};
