//! The ports to tables: the one that is exported, with its description, its pages and its native
//! export, and one whose rows are replaced by newer ones.
//!
//! The crate depends on no service. An adapter may parse a page while it streams in; it returns raw
//! lines, and only complete pages.

mod capacity;
mod capture;
mod export;
mod function;
mod items;
pub mod memory;
pub mod memory_export;
pub mod newer;
mod page;
mod selection;
mod throttles;

pub use capacity::ReadCapacity;
pub use capture::{CaptureMapping, DescribeCapture, MemoryCapture, OldestRecord, TableStream};
pub use export::{
    DescribeRecovery, ExportDescription, ExportKind, ExportRequest, ExportState, NativeExport,
    PointInTimeRecovery, Recoverable,
};
pub use function::{CallFunction, FunctionAnswer, MemoryFunctions};
pub use items::{AttributeRequest, Attributes, MemoryItems, ReadItems};
pub use newer::{MemoryRows, Version, WriteNewer, Written};
pub use page::{PageBuffer, PageEnd, PageRequest};
pub use selection::{Selection, SelectionError, projected};
pub use throttles::Throttles;

use contract::ServiceError;
use std::future::Future;

/// What a table says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableInfo {
    /// Its ARN; absent where the service says none.
    pub arn: Option<String>,
    /// What tells it from another table that had or will have its name; absent where the service says
    /// none.
    pub id: Option<String>,
    /// The names of the key attributes: partition key, then sort key if there is one.
    pub key_attributes: Vec<String>,
    /// Whether the partition key is a number.
    pub has_number_key: bool,
    /// Items, as of the service's last count (`DynamoDB` counts about every six hours).
    pub items: u64,
    /// Bytes, as of the same count.
    pub bytes: u64,
    /// How fast it can be read.
    pub capacity: ReadCapacity,
    /// Its secondary indexes.
    pub indexes: Vec<IndexInfo>,
}

/// What a secondary index says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexInfo {
    /// Its name.
    pub name: String,
    /// Whether it is a global one, which has no strongly consistent reads.
    pub global: bool,
    /// The names of its own key attributes.
    pub key_attributes: Vec<String>,
    /// The names of the attributes that it holds besides key attributes; all of them if absent.
    pub projects: Option<Vec<String>>,
    /// Items, as of the service's last count.
    pub items: u64,
    /// Bytes, as of the same count.
    pub bytes: u64,
    /// How fast it can be read; a local one shares its table's capacity.
    pub capacity: ReadCapacity,
}

/// Tells what a table is.
pub trait DescribeTable: Send + Sync {
    /// The table, or `None` if there is none of this name.
    fn describe(
        &self,
        table: &str,
    ) -> impl Future<Output = Result<Option<TableInfo>, ServiceError>> + Send;

    /// Whether the table, or one of its indexes, holds at least one item; reads one.
    fn holds_an_item(
        &self,
        table: &str,
        index: Option<&str>,
    ) -> impl Future<Output = Result<bool, ServiceError>> + Send;
}

/// Reads a table page by page.
pub trait ScanPages: Send + Sync {
    /// Reads one page of a segment into `buffer`, which is cleared first.
    ///
    /// A page belongs to an attempt: an adapter that retries clears the buffer again, and when an
    /// error is returned the buffer's content means nothing.
    fn page(
        &self,
        request: &PageRequest<'_>,
        buffer: &mut PageBuffer,
    ) -> impl Future<Output = Result<PageEnd, ServiceError>> + Send;
}
