//! The capability to read a segment page by page.

use contract::ServiceError;
use serde_json::Value;
use source::{PageBuffer, PageEnd, Throttles};
use std::future::Future;
use tokio::time::Instant;

/// Which page of a segment is read.
#[derive(Debug, Clone, Copy)]
pub struct SegmentRequest<'a> {
    /// The segment.
    pub segment: u32,
    /// Of how many.
    pub total_segments: u32,
    /// Where the page begins: the cursor of the page before it; `None` at the segment's beginning.
    /// Another process may have written it, as JSON.
    pub cursor: Option<&'a Value>,
    /// When it is too late to ask for the page.
    pub stop: Instant,
    /// Where throttled attempts are counted, while they happen.
    pub throttles: &'a Throttles,
}

/// Result of asking for a page.
#[derive(Debug, Clone, PartialEq)]
pub enum Page {
    /// The buffer holds it.
    Read {
        /// How it ended.
        end: PageEnd,
        /// When it was asked for, in milliseconds since 1970.
        asked_ms: u64,
    },
    /// The read budget does not allow a page before the request's `stop`.
    TimeIsOver,
}

/// Reads segments page by page.
///
/// Pages are read in order, and a page that is asked for twice is the same as long as the source
/// does not change. A cursor survives being written as JSON and read by another process.
pub trait ReadSegments: Send + Sync {
    /// Reads one page into `buffer`, which is cleared first. When an error is returned the buffer's
    /// content means nothing. An error named `Throttled` is tried again after a pause.
    fn page(
        &self,
        request: &SegmentRequest<'_>,
        buffer: &mut PageBuffer,
    ) -> impl Future<Output = Result<Page, ServiceError>> + Send;

    /// A count of throttled attempts for one segment. A source that slows down when it is throttled
    /// makes it part of its own count.
    fn throttles(&self) -> Throttles {
        Throttles::new()
    }
}
