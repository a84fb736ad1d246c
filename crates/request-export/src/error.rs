//! Errors of a table's native export.

use contract::read::ReadError;
use contract::{ErrorName, Named, RunId, ServiceError};
use lake::{DocumentError, StoreError};

/// Why there is no export.
#[derive(Debug, thiserror::Error)]
pub enum RequestExportError {
    /// The run's plan is to scan.
    #[error("run {run} is planned as a scan, not as an export")]
    NotPlanned {
        /// The run.
        run: RunId,
    },
    /// The plan's start time is invalid.
    #[error("the run's plan: started {started:?}")]
    Started {
        /// The plan's text.
        started: String,
        /// What is wrong with it.
        source: jiff::Error,
    },
    /// The plan does not name the table.
    #[error("the run's plan has no ARN of the table")]
    NoTable,
    /// The export failed.
    #[error(
        "the export {arn} failed: {code}: {message}: remove the cause and redrive, which exports again"
    )]
    Failed {
        /// The export.
        arn: String,
        /// The service's code.
        code: String,
        /// The service's message.
        message: String,
    },
    /// The completed export has no manifest.
    #[error("the export {arn} has completed, but there is no manifest s3://{bucket}/{key}")]
    ManifestMissing {
        /// The export.
        arn: String,
        /// The bucket.
        bucket: String,
        /// Where it belongs.
        key: String,
    },
    /// A manifest cannot be read.
    #[error("s3://{bucket}/{key}, line {line}, is not a manifest of an export")]
    ManifestUnreadable {
        /// The bucket.
        bucket: String,
        /// The manifest.
        key: String,
        /// The line, from 1.
        line: usize,
        /// The field at fault.
        source: ReadError,
    },
    /// The manifests and the files do not agree.
    #[error("s3://{bucket}/{key}: {what} is {found} instead of {expected}: export again")]
    ManifestWrong {
        /// The bucket.
        bucket: String,
        /// The manifest.
        key: String,
        /// What differs.
        what: String,
        /// The value in the manifest.
        expected: String,
        /// The value found.
        found: String,
    },
    /// DynamoDB fails.
    #[error("exporting the table")]
    Service(#[source] Box<ServiceError>),
    /// The lake cannot be read or written.
    #[error("the lake cannot be used")]
    Document(#[from] DocumentError),
}

impl From<ServiceError> for RequestExportError {
    fn from(error: ServiceError) -> Self {
        Self::Service(Box::new(error))
    }
}

impl From<StoreError> for RequestExportError {
    fn from(error: StoreError) -> Self {
        Self::Document(error.into())
    }
}

impl Named for RequestExportError {
    fn name(&self) -> ErrorName {
        match self {
            Self::NotPlanned { .. } => ErrorName::InvalidRequest,
            Self::Failed { .. } => ErrorName::ExportFailed,
            Self::Started { .. }
            | Self::NoTable
            | Self::ManifestMissing { .. }
            | Self::ManifestUnreadable { .. }
            | Self::ManifestWrong { .. } => ErrorName::DatasetInvalid,
            Self::Service(error) => error.name,
            Self::Document(error) => error.name(),
        }
    }
}
