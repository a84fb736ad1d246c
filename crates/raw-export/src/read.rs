//! The capability to read a segment page by page.

use contract::ServiceError;
use lake::records::SourceRead;
use serde_json::Value;
use source::{PageBuffer, PageEnd, Throttles};
use std::future::Future;
use tokio::time::Instant;

/// The page of a segment to read.
#[derive(Debug, Clone, Copy)]
pub struct SegmentRequest<'a> {
    /// The segment.
    pub segment: u32,
    /// Number of segments.
    pub total_segments: u32,
    /// Start of the page: the cursor of the previous page; `None` at the segment's beginning.
    /// Another process may have written it, as JSON.
    pub cursor: Option<&'a Value>,
    /// The time after which the page is not requested.
    pub stop: Instant,
    /// Counter of throttled attempts, updated as they happen.
    pub throttles: &'a Throttles,
}

/// Result of requesting a page.
#[derive(Debug, Clone, PartialEq)]
pub enum Page {
    /// The buffer holds the page.
    Read {
        /// Where the page ends.
        end: PageEnd,
        /// When it was requested, in milliseconds since 1970.
        asked_ms: u64,
    },
    /// The read budget does not allow a page before the request's `stop`.
    TimeIsOver,
}

/// Reads segments page by page.
///
/// Pages are read in order, and a page that is requested twice is the same as long as the source
/// does not change. A cursor can be written as JSON and read by another process.
pub trait ReadSegments: Send + Sync {
    /// Reads one page into `buffer`, which is cleared first. After an error the buffer's content is
    /// undefined. An error named `Throttled` is retried after a pause.
    fn page(
        &self,
        request: &SegmentRequest<'_>,
        buffer: &mut PageBuffer,
    ) -> impl Future<Output = Result<Page, ServiceError>> + Send;

    /// Compares what was read of a segment since its last commit with what the source itself counts;
    /// called before it is committed. Nothing is committed after an error. By default, there is
    /// nothing to compare.
    fn before_commit(
        &self,
        segment: u32,
    ) -> impl Future<Output = Result<SourceRead, ServiceError>> + Send {
        let _ = segment;
        std::future::ready(Ok(SourceRead::Nothing))
    }

    /// A count of throttled attempts for one segment. A source that slows down when it is throttled
    /// makes it part of its own count.
    fn throttles(&self) -> Throttles {
        Throttles::new()
    }
}
