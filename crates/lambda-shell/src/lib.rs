//! Serves a handler on the Lambda Runtime API: typed errors, JSON logs with time, metrics.
//!
//! The only user of `lambda_runtime`.

mod failure;
mod logs;
mod metrics;
mod serve;

pub use failure::Failure;
pub use logs::init;
pub use metrics::{Unit, emit_metrics, emit_metrics_of_stack};
pub use serve::{RESERVE, env, env_as, serve, serve_events};

/// The error type of a Lambda's `main`.
pub type Error = lambda_runtime::Error;

/// The examples of the README, compiled as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
