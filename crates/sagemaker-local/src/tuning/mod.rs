//! Tuning jobs: requests, the values that are tried, the training jobs that try them.

pub mod job;
pub mod operations;
pub mod request;
pub mod run;
