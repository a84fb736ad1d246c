//! Error names, and the error that a service's answer becomes.
//!
//! A name says what happened; the state machine decides what to do. Adapters classify their
//! services' codes into [`ErrorName`], in one place, so this module knows no SDK.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::error::Error;

/// Every error name that crosses into the state machine, as `ErrorEquals` spells it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum ErrorName {
    /// A state's input is invalid: the field is named.
    InvalidRequest,
    /// The pipeline definition is invalid: the field is named.
    InvalidDefinition,
    /// The bucket holds no definition of this pipeline.
    DefinitionMissing,
    /// A condition of the definition's `ready` did not become true in time.
    NotReady,
    /// The table (or index) to export does not exist.
    TableMissing,
    /// The table to export holds no items.
    TableEmpty,
    /// The lake's bucket does not exist or cannot be written.
    BucketUnusable,
    /// The estimate is above a limit of the definition.
    LimitExceeded,
    /// Another execution of this pipeline is running.
    AlreadyRunning,
    /// The table's native export failed.
    ExportFailed,
    /// Changes cannot be merged, and the whole table may not be exported instead.
    ChangesIncomplete,
    /// The database refused the login: user, password or database.
    SourceLoginFailed,
    /// The database's host cannot be found, or does not answer.
    SourceUnreachable,
    /// The database's certificate is not to be trusted.
    SourceCertificateRefused,
    /// The database has no such table, view or column.
    SourceObjectMissing,
    /// The login may not read the table, or one of its columns.
    SourcePermissionDenied,
    /// A column's type cannot be exported without loss.
    SourceTypeUnsupported,
    /// The columns or the partitions are others than when the run was planned.
    SourceSchemaChanged,
    /// The database counts other rows or sums than were read.
    SourceTotalsDiffer,
    /// The database does not allow snapshots.
    SnapshotNotAllowed,
    /// What must be read in one snapshot takes longer than one invocation.
    SnapshotTooLong,
    /// The bucket holds no image with such a key.
    ImagesMissing,
    /// The images' labels are not where the definition says, or name no image.
    LabelsMissing,
    /// The bucket holds no file with such a key.
    FilesMissing,
    /// The files are not one whole export: something is missing, left over, or counts differ.
    FilesIncomplete,
    /// A file cannot be read: the file and the line are named.
    FileUnreadable,
    /// The label, or a declared column, occurs in no item.
    AttributeMissing,
    /// The data fails a check of the quality gate.
    QualityGateFailed,
    /// The output does not match the input or its manifest.
    DatasetInvalid,
    /// The training job failed.
    TrainingFailed,
    /// The training job was stopped, by a limit or by a person.
    TrainingStopped,
    /// The training job reports no usable value of the promotion metric.
    MetricMissing,
    /// The service has no instances of this type at the moment.
    CapacityUnavailable,
    /// A quota of the account is used up.
    ResourceLimitExceeded,
    /// The endpoint could not be updated to the desired configuration.
    DeploymentFailed,
    /// The service rolled the endpoint back to its old configuration.
    RolledBack,
    /// The transform job failed, was stopped, or its output is not one prediction for each row.
    TransformFailed,
    /// The endpoint is in service but answered a real request wrongly.
    SmokeTestFailed,
    /// A resource with this name exists and differs, or belongs to another owner.
    Conflict,
    /// The caller's role lacks a permission: the action is named.
    AccessDenied,
    /// The service asked to slow down.
    Throttled,
    /// The service failed on its side, or could not be reached.
    ServiceUnavailable,
    /// The service refused the request as malformed.
    ServiceRejected,
    /// A required resource does not exist.
    NotFound,
    /// A defect of Millrace: a panic, or a broken invariant.
    Bug,
}

impl ErrorName {
    /// Every name, in the order of their declaration.
    pub const ALL: [Self; 45] = [
        Self::InvalidRequest,
        Self::InvalidDefinition,
        Self::DefinitionMissing,
        Self::NotReady,
        Self::TableMissing,
        Self::TableEmpty,
        Self::BucketUnusable,
        Self::LimitExceeded,
        Self::AlreadyRunning,
        Self::ExportFailed,
        Self::ChangesIncomplete,
        Self::SourceLoginFailed,
        Self::SourceUnreachable,
        Self::SourceCertificateRefused,
        Self::SourceObjectMissing,
        Self::SourcePermissionDenied,
        Self::SourceTypeUnsupported,
        Self::SourceSchemaChanged,
        Self::SourceTotalsDiffer,
        Self::SnapshotNotAllowed,
        Self::SnapshotTooLong,
        Self::ImagesMissing,
        Self::LabelsMissing,
        Self::FilesMissing,
        Self::FilesIncomplete,
        Self::FileUnreadable,
        Self::AttributeMissing,
        Self::QualityGateFailed,
        Self::DatasetInvalid,
        Self::TrainingFailed,
        Self::TrainingStopped,
        Self::MetricMissing,
        Self::CapacityUnavailable,
        Self::ResourceLimitExceeded,
        Self::DeploymentFailed,
        Self::RolledBack,
        Self::TransformFailed,
        Self::SmokeTestFailed,
        Self::Conflict,
        Self::AccessDenied,
        Self::Throttled,
        Self::ServiceUnavailable,
        Self::ServiceRejected,
        Self::NotFound,
        Self::Bug,
    ];

    /// The name as `ErrorEquals` spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "InvalidRequest",
            Self::InvalidDefinition => "InvalidDefinition",
            Self::DefinitionMissing => "DefinitionMissing",
            Self::NotReady => "NotReady",
            Self::TableMissing => "TableMissing",
            Self::TableEmpty => "TableEmpty",
            Self::BucketUnusable => "BucketUnusable",
            Self::LimitExceeded => "LimitExceeded",
            Self::AlreadyRunning => "AlreadyRunning",
            Self::ExportFailed => "ExportFailed",
            Self::ChangesIncomplete => "ChangesIncomplete",
            Self::SourceLoginFailed => "SourceLoginFailed",
            Self::SourceUnreachable => "SourceUnreachable",
            Self::SourceCertificateRefused => "SourceCertificateRefused",
            Self::SourceObjectMissing => "SourceObjectMissing",
            Self::SourcePermissionDenied => "SourcePermissionDenied",
            Self::SourceTypeUnsupported => "SourceTypeUnsupported",
            Self::SourceSchemaChanged => "SourceSchemaChanged",
            Self::SourceTotalsDiffer => "SourceTotalsDiffer",
            Self::SnapshotNotAllowed => "SnapshotNotAllowed",
            Self::SnapshotTooLong => "SnapshotTooLong",
            Self::ImagesMissing => "ImagesMissing",
            Self::LabelsMissing => "LabelsMissing",
            Self::FilesMissing => "FilesMissing",
            Self::FilesIncomplete => "FilesIncomplete",
            Self::FileUnreadable => "FileUnreadable",
            Self::AttributeMissing => "AttributeMissing",
            Self::QualityGateFailed => "QualityGateFailed",
            Self::DatasetInvalid => "DatasetInvalid",
            Self::TrainingFailed => "TrainingFailed",
            Self::TrainingStopped => "TrainingStopped",
            Self::MetricMissing => "MetricMissing",
            Self::CapacityUnavailable => "CapacityUnavailable",
            Self::ResourceLimitExceeded => "ResourceLimitExceeded",
            Self::DeploymentFailed => "DeploymentFailed",
            Self::RolledBack => "RolledBack",
            Self::TransformFailed => "TransformFailed",
            Self::SmokeTestFailed => "SmokeTestFailed",
            Self::Conflict => "Conflict",
            Self::AccessDenied => "AccessDenied",
            Self::Throttled => "Throttled",
            Self::ServiceUnavailable => "ServiceUnavailable",
            Self::ServiceRejected => "ServiceRejected",
            Self::NotFound => "NotFound",
            Self::Bug => "Bug",
        }
    }
}

impl std::fmt::Display for ErrorName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An error that crosses a state boundary under a name.
pub trait Named: Error + Send + Sync + 'static {
    /// The name that the state machine matches.
    fn name(&self) -> ErrorName;
}

/// An unsuccessful answer of a service, classified by the adapter that received it.
#[derive(Debug, thiserror::Error)]
#[error("{service} {operation} of {subject}: {code}: {message}")]
pub struct ServiceError {
    /// The name of what happened.
    pub name: ErrorName,
    /// The service, such as `DynamoDB`.
    pub service: &'static str,
    /// The API operation, such as `Scan`.
    pub operation: &'static str,
    /// The subject: a table, a key, a job.
    pub subject: String,
    /// The service's own error code, or the kind of transport failure.
    pub code: String,
    /// The service's own message.
    pub message: String,
    /// The SDK's error.
    #[source]
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

impl Named for ServiceError {
    fn name(&self) -> ErrorName {
        self.name
    }
}

/// A name is taken by a resource that is not this run's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// A resource with the run's own name differs from the desired one.
    #[error(
        "the {what} {name} exists and is not this run's: {differences}; delete it or start a new run, \
         whose names are new"
    )]
    Differs {
        /// Its kind, such as `model` or `training job`.
        what: &'static str,
        /// Its name.
        name: String,
        /// Every field that differs.
        differences: String,
    },
    /// A resource with a shared name belongs to another owner.
    #[error(
        "the {what} {name} belongs to {owner}, not to the pipeline {pipeline} of the stack {stack}: set \
         {field} to another name; or take it over: tag it millrace:stack={stack} and \
         millrace:pipeline={pipeline}, or, if it is of this stack, set endpoint.adopt to true for one run"
    )]
    Foreign {
        /// `endpoint` or `model package group`.
        what: &'static str,
        /// Its name.
        name: Box<str>,
        /// The owner, by its tags.
        owner: Box<str>,
        /// The pipeline that needs it.
        pipeline: Box<str>,
        /// The stack of that pipeline.
        stack: Box<str>,
        /// The field of the definition that names it.
        field: &'static str,
    },
}

impl Conflict {
    /// A conflict if there are differences; otherwise `Ok`.
    ///
    /// # Errors
    /// If there is a difference.
    pub fn check(what: &'static str, name: &str, differences: &[String]) -> Result<(), Self> {
        if differences.is_empty() {
            return Ok(());
        }
        Err(Self::Differs {
            what,
            name: name.to_owned(),
            differences: differences.join("; "),
        })
    }
}

impl Named for Conflict {
    fn name(&self) -> ErrorName {
        ErrorName::Conflict
    }
}

/// Maximum bytes of an error's message. The cause of a failed state may have 32 KiB, but nobody
/// reads more than this: documents in the lake have the rest.
pub const MAX_MESSAGE: usize = 4_096;

/// Characters of a name that a message shows. Attribute names may have tens of thousands.
const NAME_LENGTH: usize = 120;

/// A name in quotes, shortened if it is long.
pub fn short_name(name: &str) -> String {
    match name.char_indices().nth(NAME_LENGTH) {
        None => format!("`{name}`"),
        Some((end, _)) => format!("`{}…` ({} characters)", &name[..end], name.chars().count()),
    }
}

/// The first few names, each in quotes, and how many more there are.
pub fn some_names<'n>(names: impl ExactSizeIterator<Item = &'n str>, most: usize) -> String {
    let more = names.len().saturating_sub(most);
    let mut shown: Vec<_> = names.take(most).map(short_name).collect();
    if more > 0 {
        shown.push(format!("{more} more"));
    }
    shown.join(", ")
}

/// Shortens a message to [`MAX_MESSAGE`] bytes, and says how many were cut.
fn bounded(message: String) -> String {
    const REST: usize = 64;
    if message.len() <= MAX_MESSAGE {
        return message;
    }
    let end = message.floor_char_boundary(MAX_MESSAGE - REST);
    let cut = message.len() - end;
    format!("{}… ({cut} more bytes)", &message[..end])
}

/// The messages of an error and its sources, in one line of at most [`MAX_MESSAGE`] bytes. A source
/// that the message already contains (as in transparent errors) is not repeated.
pub fn chain(error: &dyn Error) -> String {
    let mut message = one_line(&error.to_string());
    let mut source = error.source();
    while let Some(cause) = source {
        let text = one_line(&cause.to_string());
        if !message.contains(&text) {
            message.push_str(": ");
            message.push_str(&text);
        }
        source = cause.source();
    }
    bounded(message)
}

/// The words of a text with one space between them.
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("reading {}", .0)]
    struct Long(String);

    #[test]
    fn a_message_is_never_longer_than_its_bound() {
        for length in [0, 4_000, 4_088, 4_090, 400_000] {
            let message = chain(&Long("é".repeat(length / 2)));
            assert!(message.len() <= MAX_MESSAGE, "{length}: {}", message.len());
            assert_eq!(message.ends_with("more bytes)"), length > 4_088, "{length}");
        }
        let name = "x".repeat(70_000);
        let names = some_names([name.as_str(), "a", "b"].into_iter(), 2);
        assert!(
            names.ends_with("…` (70000 characters), `a`, 1 more"),
            "{names}"
        );
    }

    #[test]
    fn a_name_is_written_as_it_is_serialised() {
        for name in ErrorName::ALL {
            let json = serde_json::to_value(name).unwrap();
            assert_eq!(json, name.as_str());
        }
    }
}
