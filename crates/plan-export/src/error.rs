//! Errors of planning an export.

use contract::{ErrorName, Named, ServiceError};
use definition::Faults;
use lake::DocumentError;
use lake::lease::LeaseError;
use source::SelectionError;
use std::borrow::Cow;

/// An export that cannot be planned.
#[derive(Debug, thiserror::Error)]
pub enum PlanExportError {
    /// The execution's start time is invalid.
    #[error("field `execution.startTime`: {message}")]
    StartTime {
        /// What is wrong with it.
        message: String,
    },
    /// The execution's input is not an object, or its pipeline has no valid name.
    #[error("the execution's input: {message}")]
    Input {
        /// What is wrong, and what is expected.
        message: String,
    },
    /// The input overrides a section that the stack keeps to the stored definition.
    #[error(
        "the execution's input may not override {sections}: this stack allows {allowed} (parameter \
         InputMayOverride); change the stored definition instead"
    )]
    MayNotOverride {
        /// The refused sections.
        sections: String,
        /// The allowed sections.
        allowed: String,
    },
    /// There is no stored definition, and the input is not a whole one.
    #[error(
        "pipeline {pipeline:?} has no definition: put one at s3://{bucket}/{key} (or start with another \"pipeline\")"
    )]
    DefinitionMissing {
        /// The pipeline.
        pipeline: String,
        /// The lake's bucket.
        bucket: String,
        /// Where the definition belongs.
        key: String,
    },
    /// The stored definition is not a JSON object.
    #[error("s3://{bucket}/{key} is not a JSON object: {message}")]
    NotJson {
        /// The lake's bucket.
        bucket: String,
        /// The definition's key.
        key: String,
        /// What is wrong.
        message: String,
    },
    /// The definition, with the input's overrides, has fields that are unknown, missing, of the
    /// wrong type, or cannot be carried out.
    #[error("the definition of pipeline {pipeline:?}")]
    Invalid {
        /// The pipeline.
        pipeline: String,
        /// The fields.
        #[source]
        faults: Faults,
    },
    /// A condition of `ready` did not become true in time.
    #[error(
        "{place} did not become true within {minutes} minutes (ready.withinMinutes): {condition}; {reason}"
    )]
    NotReady {
        /// The condition's place in the definition.
        place: String,
        /// The minutes that it had.
        minutes: u32,
        /// The condition.
        condition: String,
        /// How it was at last.
        reason: String,
    },
    /// The objects that a condition of `ready` awaits cannot be listed.
    #[error(
        "{place}: the bucket {bucket} cannot be listed; if it is not the lake, name it in the stack's \
         ReadyBucketArns"
    )]
    ReadyBucket {
        /// The condition's place in the definition.
        place: String,
        /// The bucket.
        bucket: String,
        /// The service's answer.
        source: Box<ServiceError>,
    },
    /// The function that a condition of `ready` names cannot be called.
    #[error("{place}: the function cannot be called; name it in the stack's ReadyFunctionArns")]
    ReadyFunction {
        /// The condition's place in the definition.
        place: String,
        /// The service's answer.
        source: Box<ServiceError>,
    },
    /// The answer of such a function is not `{"ready": true}` or `{"ready": false}`.
    #[error(
        "{place}: the function answered {answer}: it must answer {{\"ready\": true}} or \
         {{\"ready\": false, \"reason\": \"…\"}}"
    )]
    ReadyAnswer {
        /// The condition's place in the definition.
        place: String,
        /// The answer, shortened.
        answer: String,
    },
    /// There is no such table.
    #[error(
        "there is no table {table:?} in this account and region: correct source.dynamodb.table, or create it"
    )]
    TableMissing {
        /// Its name.
        table: String,
    },
    /// The table has no such index.
    #[error(
        "table {table:?} has no index {index:?} (it has: {}): correct source.dynamodb.index",
        list(known)
    )]
    IndexMissing {
        /// The table.
        table: String,
        /// The requested index.
        index: String,
        /// The indexes that the table has.
        known: Vec<String>,
    },
    /// The attributes or the filter cannot be requested.
    #[error("the definition of pipeline {pipeline:?}")]
    Selection {
        /// The pipeline.
        pipeline: String,
        /// The field.
        source: SelectionError,
    },
    /// No item of a sample has some attributes that the dataset needs.
    #[error("the definition of pipeline {pipeline:?}")]
    Sampled {
        /// The pipeline.
        pipeline: String,
        /// The fields that name them.
        #[source]
        faults: Faults,
    },
    /// The service answered a line that is not an item.
    #[error("the sample of the table has a line that is not an item")]
    NotAnItem {
        /// What is wrong with it.
        source: dynamodb_json::ItemError,
    },
    /// The source, or what the definition says of it, cannot be exported.
    #[error("{field}: {message}")]
    AtField {
        /// The name of the error.
        name: ErrorName,
        /// The field to correct.
        field: &'static str,
        /// What is wrong, and what to do.
        message: String,
    },
    /// The database allows no snapshots.
    #[error(
        "the database {database} allows no snapshots: ALTER DATABASE … SET ALLOW_SNAPSHOT_ISOLATION ON, or set \
         source.sql.consistency to readCommitted"
    )]
    SnapshotNotAllowed {
        /// The database.
        database: String,
    },
    /// The source is empty.
    #[error("{what} holds no items: fill it before the next run")]
    TableEmpty {
        /// The table or the index.
        what: String,
    },
    /// The estimate is above a limit.
    #[error(
        "{what} is estimated at {estimate}, above {field} of {cap}: raise the cap or the read budget"
    )]
    LimitExceeded {
        /// What is limited.
        what: &'static str,
        /// The estimate.
        estimate: String,
        /// The field with the limit.
        field: Cow<'static, str>,
        /// The limit.
        cap: String,
    },
    /// A scan is above a limit, and an export is not possible either.
    #[error("neither route is within the limits: {obstacle}")]
    NoRoute {
        /// Why an export is not possible.
        obstacle: String,
        /// The limit that a scan is above.
        source: Box<Self>,
    },
    /// Changes cannot be merged, and the whole table may not be exported instead.
    #[error("changes cannot be merged ({why}), and the whole table may not be exported")]
    ChangesIncomplete {
        /// Why changes cannot be merged.
        why: String,
        /// The limit that an export is above.
        source: Box<Self>,
    },
    /// Another run of this pipeline is running.
    #[error("pipeline {pipeline:?} is already running in {other}: wait for it, or stop it")]
    AlreadyRunning {
        /// The pipeline.
        pipeline: String,
        /// The ARN of the other execution.
        other: String,
    },
    /// The lake cannot be read or written.
    #[error("the lake cannot be used")]
    Lake(#[from] DocumentError),
    /// The table cannot be described.
    #[error("the table cannot be described")]
    Table(#[source] Box<ServiceError>),
    /// The bucket of images cannot be listed.
    #[error("the images cannot be listed")]
    Images(#[source] Box<ServiceError>),
    /// The files cannot be listed or read.
    #[error(
        "the files cannot be read: the parameters FilesBucket, FilesPrefix and FilesKeyArn of the stack must allow them"
    )]
    FilesDenied(#[source] Box<ServiceError>),
    /// The files cannot be listed or read, for another reason.
    #[error("the files cannot be read")]
    Files(#[source] Box<ServiceError>),
    /// Images and files are read into a lake, and there is none.
    #[error("no lake is known, into which the source is read: name the stack")]
    NoLake,
    /// The alarms of the definition cannot be described.
    #[error("the alarms of `endpoint.guardrails.alarms` cannot be described")]
    Alarms(#[source] Box<ServiceError>),
    /// The other execution cannot be described.
    #[error("the running execution cannot be described")]
    Execution(#[source] Box<ServiceError>),
}

fn list(names: &[String]) -> String {
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

impl PlanExportError {
    pub(crate) const fn at_field(name: ErrorName, field: &'static str, message: String) -> Self {
        Self::AtField {
            name,
            field,
            message,
        }
    }

    pub(crate) fn files(error: Box<ServiceError>) -> Self {
        if error.name == ErrorName::AccessDenied {
            Self::FilesDenied(error)
        } else {
            Self::Files(error)
        }
    }

    pub(crate) fn table_empty(table: &str, index: Option<&str>) -> Self {
        let what = match index {
            Some(index) => format!("index {index:?} of table {table:?}"),
            None => format!("table {table:?}"),
        };
        Self::TableEmpty { what }
    }
}

impl From<ServiceError> for PlanExportError {
    fn from(error: ServiceError) -> Self {
        Self::Table(Box::new(error))
    }
}

impl From<LeaseError> for PlanExportError {
    fn from(error: LeaseError) -> Self {
        match error {
            LeaseError::Document(error) => Self::Lake(error),
            LeaseError::Executions(error) => Self::Execution(error),
        }
    }
}

impl Named for PlanExportError {
    fn name(&self) -> ErrorName {
        match self {
            Self::StartTime { .. } => ErrorName::InvalidRequest,
            Self::Input { .. }
            | Self::MayNotOverride { .. }
            | Self::NotJson { .. }
            | Self::Invalid { .. } => ErrorName::InvalidDefinition,
            Self::DefinitionMissing { .. } => ErrorName::DefinitionMissing,
            Self::NotReady { .. } | Self::ReadyAnswer { .. } => ErrorName::NotReady,
            Self::ReadyBucket { source, .. } | Self::ReadyFunction { source, .. } => source.name,
            Self::TableMissing { .. } | Self::IndexMissing { .. } => ErrorName::TableMissing,
            Self::Selection { source, .. } => source.name(),
            Self::Sampled { .. } => ErrorName::AttributeMissing,
            Self::NotAnItem { .. } => ErrorName::DatasetInvalid,
            Self::TableEmpty { .. } => ErrorName::TableEmpty,
            Self::AtField { name, .. } => *name,
            Self::NoLake => ErrorName::BucketUnusable,
            Self::SnapshotNotAllowed { .. } => ErrorName::SnapshotNotAllowed,
            Self::LimitExceeded { .. } | Self::NoRoute { .. } => ErrorName::LimitExceeded,
            Self::ChangesIncomplete { .. } => ErrorName::ChangesIncomplete,
            Self::AlreadyRunning { .. } => ErrorName::AlreadyRunning,
            Self::Lake(error) => match error.name() {
                // About the bucket, not an object: `get_if_there` handles missing objects.
                ErrorName::NotFound | ErrorName::AccessDenied => ErrorName::BucketUnusable,
                other => other,
            },
            Self::Table(error)
            | Self::Images(error)
            | Self::Files(error)
            | Self::FilesDenied(error)
            | Self::Alarms(error)
            | Self::Execution(error) => error.name,
        }
    }
}
