//! The part of an export that is the same for every kind of source, and one trait for each
//! capability of a source.
//!
//! [`PlanSource`] estimates an export and splits it into tasks. [`ReadSegments`] reads a segment
//! page by page. [`TaskExport`] writes a task's segments as raw parts: it resumes from the last
//! checkpoint, commits, and stops before the deadline, for every kind of source. [`conformance`]
//! checks implementations against the requirements of the commit protocol.

pub mod conformance;
mod error;
pub mod memory;
mod plan;
mod read;
mod segment;
mod task;
mod units;

pub use error::RawExportError;
pub use plan::{PlanSource, Planned};
pub use read::{Page, ReadSegments, SegmentRequest};
pub use segment::{SegmentEnd, now_ms};
pub use task::{Settings, TaskEnd, TaskExport, TimeLimit, output, plan_of_task};

/// The examples of the README, compiled and run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
