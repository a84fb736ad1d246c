//! Why a run cannot be planned.

use crate::definitions::DefinitionsError;
use crate::exit::{Explain, Kind};
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
        Self::Refused(Box::new(error))
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
            Self::Refused(error) => error.kind(),
            Self::Runs(error) => error.kind(),
            Self::Record(error) => error.kind(),
            Self::Store(error) => error.kind(),
        }
    }
}
