//! The commands of `millrace`: run the pipeline on this machine, watch executions, read and act on
//! what runs left in the lake, generate the schemas.

pub mod approval;
pub mod clean;
pub mod demo;
pub mod encode;
pub mod execution;
pub mod local;
pub mod progress;
pub mod report;
pub mod rollback;
pub mod schemas;
pub mod signals;
pub mod validate;
pub mod verify;

/// The examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
