//! Why a run cannot be planned.

use crate::definitions::DefinitionsError;
use crate::exit::{Exit, Explain, Kind};
use crate::place::PlaceError;
use crate::runs::RunError;
use lake::{DocumentError, StoreError};
use plan_export::PlanExportError;

/// Why a run cannot be planned.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The place is not known.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// The file is no valid definition.
    #[error(transparent)]
    Definitions(#[from] DefinitionsError),
    /// A run would be refused.
    #[error("a run would end at its first step")]
    Refused(#[source] Box<PlanExportError>),
    /// A service did not answer what a plan needs, or no lake is known.
    #[error("a run cannot be planned")]
    Unreadable(#[source] Box<PlanExportError>),
    /// A later step would fail.
    #[error("a run would not come to its end: beyond its limit is {}", fields.join("; "))]
    BeyondLimits {
        /// The fields of the limits.
        fields: Vec<String>,
    },
    /// The earlier runs cannot be listed.
    #[error("cannot list the earlier runs")]
    Runs(#[source] Box<RunError>),
    /// A record of an earlier run cannot be read.
    #[error("cannot read an earlier run")]
    Record(#[from] DocumentError),
    /// The lake cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<PlanExportError> for PlanError {
    fn from(error: PlanExportError) -> Self {
        let error = Box::new(error);
        match error.kind() {
            // A run has a lake; only the plan knows none.
            _ if matches!(*error, PlanExportError::NoLake) => Self::Unreadable(error),
            Kind::Service(_) => Self::Unreadable(error),
            Kind::Named(_) | Kind::Is(..) => Self::Refused(error),
        }
    }
}

impl From<RunError> for PlanError {
    fn from(error: RunError) -> Self {
        Self::Runs(Box::new(error))
    }
}

impl Explain for PlanError {
    fn kind(&self) -> Kind<'_> {
        match self {
            Self::Place(error) => error.kind(),
            Self::Definitions(error) => error.kind(),
            Self::Refused(error) | Self::Unreadable(error) => error.kind(),
            Self::BeyondLimits { .. } => Kind::Is(
                Exit::No,
                Some(
                    "another value of the field, or a larger quota; the plan above has the numbers",
                ),
            ),
            Self::Runs(error) => error.kind(),
            Self::Record(error) => error.kind(),
            Self::Store(error) => error.kind(),
        }
    }
}
