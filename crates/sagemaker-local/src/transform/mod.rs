//! Transform jobs: requests, the input filter, the run.

pub mod input_filter;
pub mod job;
pub mod operations;
pub mod request;
pub mod run;
