//! Why a run was not restored.

use crate::exit::{Exit, Explain, Kind};
use contract::{RunId, ServiceError};
use lake::{DocumentError, PartError};
use std::path::PathBuf;

/// Why a run was not restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The lake cannot be read.
    #[error("cannot read run {run} of pipeline `{pipeline}`")]
    Lake {
        /// The pipeline.
        pipeline: String,
        /// The run.
        run: RunId,
        /// Why.
        source: Box<DocumentError>,
    },
    /// A part of the run cannot be read, or is not what was committed.
    #[error(transparent)]
    Part(#[from] PartError),
    /// The export of the run has not ended.
    #[error(
        "segment {segment} of run {run} has no manifest: its export has not ended, and is not restored in half"
    )]
    NotWhole {
        /// The run.
        run: RunId,
        /// The segment.
        segment: u32,
    },
    /// There is no such table.
    #[error(
        "there is no table {table:?} in this account and region: create it with the key {key}, or let ImportTable create \
         it (--dry-run prints the commands)"
    )]
    TableMissing {
        /// The table.
        table: String,
        /// The key of the exported items.
        key: String,
    },
    /// The table has another key.
    #[error(
        "table {table:?} has the key {found}, and the run's items {expected}: name a table with that key"
    )]
    OtherKey {
        /// The table.
        table: String,
        /// The table's key.
        found: String,
        /// The run's.
        expected: String,
    },
    /// The table holds items.
    #[error(
        "table {table:?} holds items: name an empty one, or replace items with the same key by --overwrite"
    )]
    NotEmpty {
        /// The table.
        table: String,
    },
    /// An item cannot be put into the table.
    #[error("line {line} of s3://{bucket}/{part}: {message}")]
    Item {
        /// The lake's bucket.
        bucket: String,
        /// The part.
        part: String,
        /// The line, from 1.
        line: u64,
        /// What is wrong.
        message: String,
    },
    /// The table took nothing for a long time.
    #[error(
        "table {table:?} took no item for {minutes} minutes: raise its write capacity, or lower --wcu; the same command \
         continues"
    )]
    Throttled {
        /// The table.
        table: String,
        /// Minutes.
        minutes: u64,
    },
    /// The table holds something else than the run.
    #[error(
        "table {table:?} holds {found}, and the run {expected}: something else writes into it, or items of the run have \
         the same key"
    )]
    Differs {
        /// The table.
        table: String,
        /// Items and checksum that were read.
        found: String,
        /// Those of the run.
        expected: String,
    },
    /// The table answered something that is no item.
    #[error("table {table:?} cannot be read back: {message}")]
    Unreadable {
        /// The table.
        table: String,
        /// What is wrong.
        message: String,
    },
    /// The state file is of another restore.
    #[error("{file} is of another restore ({what}): name another file by --state, or remove it")]
    OtherState {
        /// The file.
        file: PathBuf,
        /// What differs.
        what: String,
    },
    /// The state file cannot be read or written.
    #[error("cannot use the state file {file}")]
    State {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// DynamoDB refuses or fails.
    #[error(transparent)]
    Service(#[from] Box<ServiceError>),
}

impl From<ServiceError> for RestoreError {
    fn from(error: ServiceError) -> Self {
        Self::Service(Box::new(error))
    }
}

impl Explain for RestoreError {
    fn kind(&self) -> Kind<'_> {
        match self {
            Self::Lake { source, .. } => source.kind(),
            Self::Service(error) => Kind::Service(error),
            Self::TableMissing { .. } => Kind::Is(Exit::Missing, None),
            Self::Throttled { .. } => Kind::Is(Exit::Unreachable, None),
            Self::Part(PartError::Store(error)) => error.kind(),
            Self::Part(_)
            | Self::NotWhole { .. }
            | Self::OtherKey { .. }
            | Self::NotEmpty { .. }
            | Self::Item { .. }
            | Self::Differs { .. }
            | Self::Unreadable { .. }
            | Self::OtherState { .. }
            | Self::State { .. } => Kind::Is(Exit::No, None),
        }
    }
}
