//! The port to what captures the stream of a table.

use contract::ServiceError;
use std::future::Future;

/// A table's stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableStream {
    /// Its ARN. A stream that is enabled again has another one.
    pub arn: String,
    /// Which images its records have, such as `NEW_AND_OLD_IMAGES`.
    pub view: String,
}

/// The event source mapping that calls the function that captures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaptureMapping {
    /// Its UUID. A mapping that is created again has another one.
    pub uuid: String,
    /// The stream that it reads; absent if the service says none.
    pub stream_arn: Option<String>,
    /// The name of the function that it calls; absent if the service says none.
    pub function: Option<String>,
    /// `Enabled`, or another state.
    pub state: String,
    /// Where it began to read: `TRIM_HORIZON` or `LATEST`; absent if the service says none.
    pub starting_position: Option<String>,
    /// The result of the last call, such as `OK`; absent if the service has none.
    pub last_result: Option<String>,
}

/// The oldest record that a shard of a stream still has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldestRecord {
    /// Its sequence number, as it is written.
    pub sequence: String,
    /// When it was written, in seconds since 1970.
    pub created: i64,
}

/// Tells how a table's stream is captured.
pub trait DescribeCapture: Send + Sync {
    /// The table's stream, or `None` if it has none that is enabled.
    fn stream(
        &self,
        table: &str,
    ) -> impl Future<Output = Result<Option<TableStream>, ServiceError>> + Send;

    /// The stack's event source mapping, or `None` if there is none.
    fn mapping(&self) -> impl Future<Output = Result<Option<CaptureMapping>, ServiceError>> + Send;

    /// How old the records were that the function was called with, at most, since a moment in seconds
    /// since 1970: in seconds. `None` if nobody has counted.
    fn longest_lag(
        &self,
        function: &str,
        since: i64,
    ) -> impl Future<Output = Result<Option<i64>, ServiceError>> + Send;

    /// The oldest record of each shard that has one, of some of the shards.
    fn oldest_records(
        &self,
        stream_arn: &str,
    ) -> impl Future<Output = Result<Vec<OldestRecord>, ServiceError>> + Send;
}

/// A capture in memory, for tests of code that uses the port; by default there is none.
#[derive(Debug, Clone, Default)]
pub struct MemoryCapture {
    /// The table's stream.
    pub stream: Option<TableStream>,
    /// The mapping.
    pub mapping: Option<CaptureMapping>,
    /// The longest lag.
    pub lag: Option<i64>,
    /// The oldest records.
    pub oldest: Vec<OldestRecord>,
}

impl DescribeCapture for MemoryCapture {
    async fn stream(&self, _: &str) -> Result<Option<TableStream>, ServiceError> {
        Ok(self.stream.clone())
    }

    async fn mapping(&self) -> Result<Option<CaptureMapping>, ServiceError> {
        Ok(self.mapping.clone())
    }

    async fn longest_lag(&self, _: &str, _: i64) -> Result<Option<i64>, ServiceError> {
        Ok(self.lag)
    }

    async fn oldest_records(&self, _: &str) -> Result<Vec<OldestRecord>, ServiceError> {
        Ok(self.oldest.clone())
    }
}
