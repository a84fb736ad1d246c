//! Why a table's export does not come about.

use contract::read::ReadError;
use contract::{ErrorName, Named, RunId, ServiceError};
use lake::{DocumentError, StoreError};

/// An export that does not come about.
#[derive(Debug, thiserror::Error)]
pub enum RequestExportError {
    /// The run's plan is to scan.
    #[error("run {run} is planned as a scan, not as an export")]
    NotPlanned {
        /// The run.
        run: RunId,
    },
    /// The plan does not say when the run started.
    #[error("the run's plan: started {started:?}")]
    Started {
        /// What it says.
        started: String,
        /// What is wrong with it.
        source: jiff::Error,
    },
    /// The plan does not say which table is meant.
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
    /// A manifest of the completed export is not there.
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
    #[error("s3://{bucket}/{key}, line {line}, is no manifest of an export")]
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
    /// The manifests and what they speak of do not add up.
    #[error("s3://{bucket}/{key}: {what} is {found} instead of {said}: export again")]
    ManifestWrong {
        /// The bucket.
        bucket: String,
        /// The manifest.
        key: String,
        /// What differs.
        what: String,
        /// What the manifest says.
        said: String,
        /// What was found.
        found: String,
    },
    /// The service cannot be asked.
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
