//! The port to a table's native export: whether the table can be exported, and an export from its
//! request to its end.

use contract::ServiceError;
use std::future::Future;

/// Whether a table's past can be read, which an export needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PointInTimeRecovery {
    /// It can.
    On(Recoverable),
    /// It cannot.
    Off,
}

/// The span of a table's past that can be read, in seconds since 1970.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recoverable {
    /// Its earliest moment, if the service says.
    pub earliest: Option<i64>,
    /// Its latest moment, some minutes ago, if the service says.
    pub latest: Option<i64>,
}

/// Tells whether a table can be exported.
pub trait DescribeRecovery: Send + Sync {
    /// The table's point-in-time recovery.
    fn recovery(
        &self,
        table: &str,
    ) -> impl Future<Output = Result<PointInTimeRecovery, ServiceError>> + Send;
}

/// What is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportKind {
    /// The whole table, as it was at this moment, in seconds since 1970.
    Whole(i64),
    /// The items that changed, with their new and old images.
    Changes {
        /// The beginning of the window, inclusive, in seconds since 1970.
        from: i64,
        /// Its end, exclusive.
        to: i64,
    },
}

/// The export to request, in `DynamoDB` JSON.
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
    /// What is exported.
    pub kind: ExportKind,
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
