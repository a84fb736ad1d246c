//! The port to a table's native export: whether the table can be exported, and an export from its
//! request to its end.

use contract::ServiceError;
use std::future::Future;

/// Whether a table's past can be read, which an export needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PointInTimeRecovery {
    /// It can.
    On,
    /// It cannot.
    Off,
}

/// Tells whether a table can be exported.
pub trait DescribeRecovery: Send + Sync {
    /// The table's point-in-time recovery.
    fn recovery(
        &self,
        table: &str,
    ) -> impl Future<Output = Result<PointInTimeRecovery, ServiceError>> + Send;
}

/// The export to request: the whole table, in `DynamoDB` JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportRequest {
    /// The table's ARN.
    pub table_arn: String,
    /// Requests with the same token, made within hours of each other, are one export.
    pub token: String,
    /// The bucket that the files are written to.
    pub bucket: String,
    /// Where below it, without a trailing slash. It belongs to this request alone.
    pub prefix: String,
    /// The KMS key that the files are written with.
    pub key: String,
    /// The moment whose items are exported, in seconds since 1970.
    pub time: i64,
}

/// How an export stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportDescription {
    /// Its ARN.
    pub arn: String,
    /// How far it has come.
    pub state: ExportState,
}

/// How far an export has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExportState {
    /// Files are being written.
    InProgress,
    /// All files and manifests are there.
    Completed {
        /// Key of the summary manifest, below the request's prefix or whole; if the service says.
        manifest: Option<String>,
        /// Items in all files, if the service says.
        items: Option<u64>,
    },
    /// It ended without a result.
    Failed {
        /// The service's code.
        code: String,
        /// The service's message.
        message: String,
    },
}

/// Asks for exports.
pub trait NativeExport: Send + Sync {
    /// Asks for an export. Asked again with the same request it answers with the same export.
    fn request_export(
        &self,
        request: &ExportRequest,
    ) -> impl Future<Output = Result<ExportDescription, ServiceError>> + Send;

    /// The export of this request, however old; `None` if there is none.
    fn find_export(
        &self,
        request: &ExportRequest,
    ) -> impl Future<Output = Result<Option<ExportDescription>, ServiceError>> + Send;

    /// How the export of this ARN stands.
    fn describe_export(
        &self,
        arn: &str,
    ) -> impl Future<Output = Result<ExportDescription, ServiceError>> + Send;
}
