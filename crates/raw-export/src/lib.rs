//! What every kind of source has to do, one trait for each capability, and what is the same for all
//! of them.
//!
//! [`PlanSource`] estimates an export and splits it into tasks. [`ReadSegments`] reads a segment
//! page by page. [`TaskExport`] reads a task's segments to raw parts: it resumes from the last
//! checkpoint, commits, and stops before the deadline, whatever the kind of source. [`conformance`]
//! holds every implementation to what the commit protocol relies on.

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
pub use segment::SegmentEnd;
pub use task::{Settings, TaskEnd, TaskExport, TimeLimit};
