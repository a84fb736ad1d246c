//! Why a command failed.

use millrace::approval::ApprovalError;
use millrace::clean::CleanError;
use millrace::convert::ConvertError;
use millrace::definitions::DefinitionsError;
use millrace::demo::DemoError;
use millrace::deploy::DeployError;
use millrace::encode::EncodeError;
use millrace::execution::ExecutionError;
use millrace::exit::{Exit, Explain, Kind};
use millrace::init::InitError;
use millrace::local::LocalError;
use millrace::place::PlaceError;
use millrace::plan::PlanError;
use millrace::predict::PredictError;
use millrace::replay::ReplayError;
use millrace::report::ReportError;
use millrace::restore::RestoreError;
use millrace::rollback::RollbackError;
use millrace::runs::RunError;
use millrace::schemas::SchemasError;
use millrace::upload::UploadError;
use millrace::validate::ValidateError;
use millrace::verify::VerifyError;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error(transparent)]
    Demo(#[from] DemoError),
    #[error(transparent)]
    Deploy(#[from] DeployError),
    #[error(transparent)]
    Local(#[from] LocalError),
    #[error(transparent)]
    Place(#[from] PlaceError),
    #[error(transparent)]
    Run(#[from] RunError),
    #[error(transparent)]
    Execution(#[from] ExecutionError),
    #[error(transparent)]
    Definitions(#[from] DefinitionsError),
    #[error("{done} of the definitions are done, the next is not")]
    Partly {
        done: usize,
        source: DefinitionsError,
    },
    #[error(transparent)]
    Init(#[from] InitError),
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error(transparent)]
    Predict(#[from] PredictError),
    #[error("a check failed")]
    Ill(Exit),
    #[error("no items are given, and --no-input forbids to wait for them")]
    NoInput,
    #[error("cannot read standard input")]
    Input(#[source] std::io::Error),
    #[error(transparent)]
    Schemas(#[from] SchemasError),
    #[error(transparent)]
    Verify(#[from] VerifyError),
    #[error(transparent)]
    Rollback(#[from] RollbackError),
    #[error(transparent)]
    Clean(#[from] CleanError),
    #[error(transparent)]
    Replay(#[from] ReplayError),
    #[error(transparent)]
    Report(#[from] ReportError),
    #[error(transparent)]
    Restore(#[from] RestoreError),
    #[error(transparent)]
    Convert(#[from] ConvertError),
    #[error(transparent)]
    Approval(#[from] ApprovalError),
    #[error(transparent)]
    Encode(#[from] EncodeError),
    #[error(transparent)]
    Upload(#[from] UploadError),
    #[error(transparent)]
    Validate(#[from] ValidateError),
    #[error("cannot start the program's threads")]
    Runtime(#[source] std::io::Error),
    #[error("cannot wait for signals")]
    Signals(#[source] std::io::Error),
    #[error("cannot write to standard output")]
    Output(#[source] std::io::Error),
}

impl Failure {
    /// Whether the reader of standard output closed it.
    pub fn is_closed_output(&self) -> bool {
        match self {
            Self::Output(error) | Self::Encode(EncodeError::Output(error)) => {
                error.kind() == std::io::ErrorKind::BrokenPipe
            }
            _ => false,
        }
    }
}

impl Explain for Failure {
    fn kind(&self) -> Kind<'_> {
        match self {
            Self::Demo(error) => error.kind(),
            Self::Deploy(error) => error.kind(),
            Self::Local(error) => error.kind(),
            Self::Place(error) => error.kind(),
            Self::Run(error) => error.kind(),
            Self::Execution(error) => error.kind(),
            Self::Definitions(error) => error.kind(),
            Self::Partly { source, .. } => Kind::Is(Exit::Partly, source.kind().advice()),
            Self::Init(error) => error.kind(),
            Self::Plan(error) => error.kind(),
            Self::Predict(error) => error.kind(),
            Self::Ill(exit) => Kind::Is(*exit, None),
            Self::Validate(error) => error.kind(),
            Self::Upload(error) => error.kind(),
            Self::Schemas(error) => error.kind(),
            Self::Verify(error) => error.kind(),
            Self::Rollback(error) => error.kind(),
            Self::Clean(error) => error.kind(),
            Self::Replay(error) => error.kind(),
            Self::Report(error) => error.kind(),
            Self::Restore(error) => error.kind(),
            Self::Convert(error) => error.kind(),
            Self::Approval(error) => error.kind(),
            Self::Encode(error) => error.kind(),
            Self::NoInput => Kind::Is(
                Exit::Usage,
                Some("items as arguments, in a file, or through a pipe"),
            ),
            Self::Runtime(_) | Self::Signals(_) | Self::Input(_) | Self::Output(_) => {
                Kind::Is(Exit::No, None)
            }
        }
    }
}
