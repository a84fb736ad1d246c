//! Why a run was not found or started.

use super::RunName;
use crate::exit::{Exit, Explain, Kind};
use crate::place::PlaceError;
use contract::{RunId, ServiceError};
use lake::{DocumentError, StoreError};

/// Why a run was not found or started.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The place is not known.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// No run has the name.
    #[error("there is no run `{name}` in {place}")]
    Missing {
        /// The name.
        name: RunName,
        /// Where it was looked for.
        place: String,
    },
    /// There is no run at all, or none that failed.
    #[error("pipeline `{pipeline}` has no {which} in {place}")]
    None {
        /// The pipeline.
        pipeline: String,
        /// `run`, `run that failed` or `champion`.
        which: &'static str,
        /// Where it was looked for.
        place: String,
    },
    /// Several ids begin with the prefix.
    #[error("several runs begin with `{prefix}`: {}", some(runs))]
    Ambiguous {
        /// The prefix.
        prefix: String,
        /// The runs.
        runs: Vec<RunId>,
    },
    /// The name can be looked up only by the state machine.
    #[error("`{name}` names a run by its execution, and only the lake's bucket is known")]
    NeedsStateMachine {
        /// The name.
        name: RunName,
    },
    /// The run has not entered such a step.
    #[error("run {run} has no step `{step}`; it has {}", steps.join(", "))]
    NoStep {
        /// The run.
        run: RunId,
        /// The step that is named.
        step: String,
        /// Its steps.
        steps: Vec<String>,
    },
    /// The log groups are named by the stack.
    #[error("log groups are named by the stack, and no stack is known")]
    NeedsStack,
    /// Only executions that did not succeed can be redriven.
    #[error("the execution of run {run} is {status}: only one that failed can be redriven")]
    NotRedrivable {
        /// The run.
        run: RunId,
        /// Its status.
        status: &'static str,
    },
    /// The execution has ended already.
    #[error("run {run} has already ended, as {status}")]
    NotRunning {
        /// The run.
        run: RunId,
        /// Its status.
        status: &'static str,
    },
    /// A field and its parent are both set.
    #[error("--set {path}: the field before it is set to a value that is no object")]
    Setting {
        /// The path.
        path: String,
    },
    /// Step Functions refused or could not be reached.
    #[error(transparent)]
    Service(Box<ServiceError>),
    /// The lake could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A document of the lake could not be read.
    #[error(transparent)]
    Document(#[from] DocumentError),
}

impl From<ServiceError> for RunError {
    fn from(error: ServiceError) -> Self {
        Self::Service(Box::new(error))
    }
}

/// Runs that are named in a message.
const SOME: usize = 5;

fn some(runs: &[RunId]) -> String {
    let named: Vec<_> = runs.iter().take(SOME).map(RunId::as_str).collect();
    let more = if runs.len() > SOME { ", …" } else { "" };
    format!("{}{more}", named.join(", "))
}

impl Explain for RunError {
    fn kind(&self) -> Kind<'_> {
        match self {
            Self::Place(error) => error.kind(),
            Self::Missing { .. } => Kind::Is(
                Exit::Missing,
                Some("`millrace runs`, which lists the runs; --pipeline, --stack or --region"),
            ),
            Self::None { .. } => Kind::Is(
                Exit::Missing,
                Some("`millrace start`; or --pipeline, --stack or --region"),
            ),
            Self::Ambiguous { .. } => Kind::Is(Exit::Usage, Some("more digits of the id")),
            Self::NeedsStateMachine { .. } => {
                Kind::Is(Exit::Usage, Some("--stack NAME, or the id"))
            }
            Self::NoStep { .. } => Kind::Is(Exit::Missing, None),
            Self::NeedsStack => Kind::Is(Exit::Usage, Some("--stack NAME")),
            Self::Setting { .. } => Kind::Is(Exit::Usage, None),
            Self::NotRedrivable { .. } | Self::NotRunning { .. } => Kind::Is(Exit::No, None),
            Self::Service(error) => Kind::Service(error),
            Self::Store(error) => error.kind(),
            Self::Document(error) => error.kind(),
        }
    }
}
