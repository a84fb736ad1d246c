//! The kinds of the commands' errors.

use super::{Exit, Explain, Kind};
use crate::approval::ApprovalError;
use crate::clean::CleanError;
use crate::demo::DemoError;
use crate::encode::EncodeError;
use crate::execution::ExecutionError;
use crate::local::LocalError;
use crate::report::ReportError;
use crate::rollback::RollbackError;
use crate::schemas::SchemasError;
use crate::validate::{self, ValidateError};
use crate::verify::VerifyError;
use contract::{Named, ServiceError};
use lake::{DocumentError, StoreError, VocabularyError};
use plan_export::PlanExportError;

/// A failure that needs no other advice than its message.
const NO: Kind<'static> = Kind::Is(Exit::No, None);
const MISSING: Kind<'static> = Kind::Is(Exit::Missing, None);

impl Explain for ServiceError {
    fn kind(&self) -> Kind<'_> {
        Kind::Service(self)
    }
}

impl Explain for StoreError {
    fn kind(&self) -> Kind<'_> {
        match self {
            Self::NotFound { .. } => MISSING,
            Self::Service(error) => Kind::Service(error),
        }
    }
}

impl Explain for DocumentError {
    fn kind(&self) -> Kind<'_> {
        match self {
            Self::Store(error) => error.kind(),
            Self::Malformed { .. } => NO,
        }
    }
}

impl Explain for VocabularyError {
    fn kind(&self) -> Kind<'_> {
        Kind::Named(self.name())
    }
}

impl Explain for PlanExportError {
    fn kind(&self) -> Kind<'_> {
        match self {
            Self::Table(error)
            | Self::Images(error)
            | Self::Alarms(error)
            | Self::Execution(error) => Kind::Service(error),
            Self::Lake(error) => error.kind(),
            _ => Kind::Named(self.name()),
        }
    }
}

/// A document of a run that is not there.
fn of_run(error: &DocumentError) -> Kind<'_> {
    match error {
        DocumentError::Store(StoreError::NotFound { .. }) => Kind::Is(
            Exit::Missing,
            Some("`millrace runs`, which lists runs and how they ended; --pipeline NAME"),
        ),
        other => other.kind(),
    }
}

impl Explain for VerifyError {
    fn kind(&self) -> Kind<'_> {
        match self {
            Self::Lake { source, .. } => of_run(source),
            Self::NotSound { .. } => NO,
        }
    }
}

impl Explain for ReportError {
    fn kind(&self) -> Kind<'_> {
        match self {
            Self::Lake { source, .. } => of_run(source),
        }
    }
}

impl Explain for EncodeError {
    fn kind(&self) -> Kind<'_> {
        match self {
            Self::Lake { source, .. } => of_run(source),
            Self::Vocabulary(error) => error.kind(),
            Self::File { source, .. } if source.kind() == std::io::ErrorKind::NotFound => MISSING,
            _ => NO,
        }
    }
}

impl Explain for ApprovalError {
    fn kind(&self) -> Kind<'_> {
        match self {
            Self::NotRequested { .. } => MISSING,
            Self::Decided { .. } => NO,
            Self::Document(error) => error.kind(),
            // The decision is written.
            Self::NotNotified(_) => Kind::Is(Exit::Partly, None),
        }
    }
}

impl Explain for RollbackError {
    fn kind(&self) -> Kind<'_> {
        match self {
            Self::NoChampion { .. }
            | Self::NoEndpoint { .. }
            | Self::NoPrevious { .. }
            | Self::NeverServed { .. }
            | Self::Missing { .. } => MISSING,
            Self::Service(error) => Kind::Service(error),
            Self::Document(error) => error.kind(),
            _ => NO,
        }
    }
}

impl Explain for CleanError {
    fn kind(&self) -> Kind<'_> {
        match self {
            Self::Service(error) => Kind::Service(error),
            Self::Store(error) => error.kind(),
            Self::Document(error) => error.kind(),
        }
    }
}

impl Explain for ExecutionError {
    fn kind(&self) -> Kind<'_> {
        match self {
            Self::Service(error) => Kind::Service(error),
            _ => NO,
        }
    }
}

impl Explain for LocalError {
    fn kind(&self) -> Kind<'_> {
        NO
    }
}

impl Explain for DemoError {
    fn kind(&self) -> Kind<'_> {
        match self {
            Self::TooFewItems { .. } => Kind::Is(Exit::Usage, None),
            _ => NO,
        }
    }
}

impl Explain for ValidateError {
    fn kind(&self) -> Kind<'_> {
        match self {
            Self::Document(validate::DocumentError::Read { source, .. })
                if source.kind() == std::io::ErrorKind::NotFound =>
            {
                MISSING
            }
            Self::Partly => Kind::Is(Exit::Partly, None),
            Self::Service(error) => Kind::Service(error),
            _ => NO,
        }
    }
}

impl Explain for SchemasError {
    fn kind(&self) -> Kind<'_> {
        NO
    }
}
