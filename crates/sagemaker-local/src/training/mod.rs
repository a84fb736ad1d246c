//! Training jobs: requests, the tree at `/opt/ml`, the run, metrics, logs.

pub mod channels;
pub mod checkpoints;
pub mod job;
pub mod logs;
pub mod metrics;
pub mod operations;
pub mod pipes;
pub mod request;
pub mod run;
pub mod tree;
