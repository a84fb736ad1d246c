//! What crosses a state boundary: each state's input and output, the names derived from a pipeline
//! and a run, and the error names. No I/O, and no service's SDK.

pub mod checked;
mod error;
mod execution;
pub mod failed;
mod invocation;
mod names;
mod pace;
pub mod read;
mod schemas;
pub mod states;
pub mod stop;

pub use error::{
    Conflict, ErrorName, MAX_MESSAGE, Named, ServiceError, chain, one_line, short_name, some_names,
};
pub use execution::ExecutionStatus;
pub use invocation::Invocation;
pub use names::{Names, RunId, json_kind};
pub use pace::wait_seconds;
pub use schemas::schemas;

/// The examples of the README, compiled and run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
