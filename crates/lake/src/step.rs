//! The errors that every step shares which drives a service by documents of the lake.

use crate::artifact::ArtifactReplaced;
use crate::attempt::Failure;
use crate::documents::DocumentError;
use crate::store::StoreError;
use contract::{Conflict, ErrorName, Named, ServiceError};
use definition::PartMissing;

/// Why a step could not be taken, whatever the step is.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// A name is taken by something that is not this run's.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// The model artifact was replaced since training.
    #[error(transparent)]
    Artifact(#[from] ArtifactReplaced),
    /// A failure of an earlier call of this execution, which may not have been reported.
    #[error(transparent)]
    Ended(#[from] Failure),
    /// The service refused or could not be reached.
    #[error(transparent)]
    Service(Box<ServiceError>),
    /// A document of the lake could not be read or written.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// The lake could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The run's definition does not ask for the step.
    #[error(transparent)]
    Part(#[from] PartMissing),
}

impl From<ServiceError> for StepError {
    fn from(error: ServiceError) -> Self {
        Self::Service(Box::new(error))
    }
}

impl Named for StepError {
    fn name(&self) -> ErrorName {
        match self {
            Self::Conflict(error) => error.name(),
            Self::Artifact(error) => error.name(),
            Self::Ended(failure) => failure.name(),
            Self::Service(error) => error.name(),
            Self::Document(error) => error.name(),
            Self::Store(error) => error.name(),
            Self::Part(error) => error.name(),
        }
    }
}

/// Lets `?` turn each cause of a [`StepError`] into the given enum, which has a variant
/// `Step(StepError)`.
#[macro_export]
macro_rules! from_step_causes {
    ($error:ty) => {
        $crate::from_step_causes!(
            $error:
            contract::Conflict,
            contract::ServiceError,
            $crate::artifact::ArtifactReplaced,
            $crate::attempt::Failure,
            $crate::DocumentError,
            $crate::StoreError,
            $crate::PartMissing,
        );
    };
    ($error:ty: $($cause:ty),+ $(,)?) => {$(
        impl From<$cause> for $error {
            fn from(cause: $cause) -> Self {
                Self::Step($crate::StepError::from(cause))
            }
        }
    )+};
}
