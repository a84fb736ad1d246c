//! Why a conversion failed, or is not complete.

use crate::exit::{Exit, Explain, Kind};
use crate::init::InitError;
use contract::ServiceError;
use std::io;
use std::path::PathBuf;

/// Why a conversion failed, or is not complete.
#[derive(Debug, thiserror::Error)]
pub enum ConvertError {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A time zone is not known.
    #[error("cannot find the time zone {name:?} in this machine's zoneinfo")]
    Zone {
        /// The name.
        name: String,
    },
    /// The definition of a pipeline cannot be read from the service.
    #[error("the definition of the pipeline cannot be read")]
    Service(#[from] Box<ServiceError>),
    /// A pipeline has no active version.
    #[error(
        "the pipeline {id} has never been activated, so it has no active definition: convert the file that `aws \
         datapipeline get-pipeline-definition --pipeline-id {id} --version latest` prints"
    )]
    NeverActivated {
        /// Its id.
        id: String,
    },
    /// A pipeline cannot be converted.
    #[error(transparent)]
    Pipeline(#[from] data_pipeline::ConvertError),
    /// A folder cannot be made.
    #[error("cannot make the folder {}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file exists, or cannot be written.
    #[error(transparent)]
    Write(#[from] InitError),
    /// Fields are not taken over.
    #[error("not everything is taken over: {}", numbers(*no_counterpart, *unknown, *approximated))]
    Incomplete {
        /// Fields without a counterpart.
        no_counterpart: usize,
        /// Fields that are not documented.
        unknown: usize,
        /// Fields that are approximated, if that counts.
        approximated: Option<usize>,
    },
}

fn numbers(no_counterpart: usize, unknown: usize, approximated: Option<usize>) -> String {
    let fields = |count: usize| match count {
        1 => "1 field".to_owned(),
        count => format!("{count} fields"),
    };
    let mut parts = Vec::new();
    if no_counterpart > 0 {
        parts.push(format!("{} without a counterpart", fields(no_counterpart)));
    }
    if unknown > 0 {
        parts.push(format!("{} unknown", fields(unknown)));
    }
    if let Some(count) = approximated.filter(|count| *count > 0) {
        parts.push(format!("{} approximated", fields(count)));
    }
    parts.join(", ")
}

impl ConvertError {
    /// The line of the input with a caret, if the fault has one.
    pub fn excerpt(&self) -> Option<String> {
        match self {
            Self::Pipeline(error) => error.excerpt(),
            _ => None,
        }
    }
}

impl Explain for ConvertError {
    fn kind(&self) -> Kind<'_> {
        use data_pipeline::ConvertError::{NeedsValues, NoParameter};
        match self {
            Self::Read { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                Kind::Is(Exit::Missing, None)
            }
            Self::Pipeline(NeedsValues { .. } | NoParameter { .. }) => Kind::Is(Exit::Usage, None),
            Self::Service(error) => Kind::Service(error),
            Self::NeverActivated { .. } => Kind::Is(Exit::Missing, None),
            Self::Zone { .. } => Kind::Is(
                Exit::Usage,
                Some("a name such as Europe/Berlin; or UTC, and set ScheduleTimezone by hand"),
            ),
            Self::Read { .. } | Self::Pipeline(_) | Self::Folder { .. } => Kind::Is(Exit::No, None),
            Self::Write(error) => error.kind(),
            Self::Incomplete { .. } => Kind::Is(
                Exit::Partly,
                Some("the report, which says of each of them what does it instead"),
            ),
        }
    }
}
