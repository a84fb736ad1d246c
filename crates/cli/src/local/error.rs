//! Why local AWS does not start.

use contract::ServiceError;
use std::path::PathBuf;

/// Why local AWS does not start.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// The folder is not Millrace's workspace.
    #[error(
        "{} is not the workspace of Millrace: run this in a clone of it, or name one with --workspace",
        path.display()
    )]
    NoWorkspace {
        /// The folder.
        path: PathBuf,
    },
    /// A program is missing on this machine.
    #[error("{program} is not installed: {remedy}")]
    Missing {
        /// The program.
        program: &'static str,
        /// What to install.
        remedy: &'static str,
    },
    /// Python is too old.
    #[error("{python} is version {version}, but 3.10 or newer is needed: install a newer Python 3")]
    PythonTooOld {
        /// The command.
        python: String,
        /// Its version.
        version: String,
    },
    /// Python cannot make virtual environments.
    #[error(
        "{python} has no module venv: install it (on Debian and Ubuntu: apt install python3-venv)"
    )]
    NoVenv {
        /// The command.
        python: String,
    },
    /// A program failed.
    #[error("{what} failed{}: see {}", quoted(last_line), log.display())]
    Program {
        /// Its task.
        what: &'static str,
        /// The line of its output that explains the failure best.
        last_line: String,
        /// Its whole output.
        log: PathBuf,
    },
    /// A program is missing, and building is switched off.
    #[error("{} is not built yet: run once without --no-build", path.display())]
    NotBuilt {
        /// The missing file.
        path: PathBuf,
    },
    /// The output of a program cannot be parsed.
    #[error("the output of {program} cannot be read")]
    Answer {
        /// The program.
        program: &'static str,
        /// Why not.
        #[source]
        source: serde_json::Error,
    },
    /// A file or folder cannot be used.
    #[error("cannot {action} {}", path.display())]
    File {
        /// The operation.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
    /// No free port could be found.
    #[error("there is no free port on 127.0.0.1")]
    Port(#[source] std::io::Error),
    /// Local AWS gives no valid answer.
    #[error("local AWS gives no valid answer at {url}")]
    Unreachable {
        /// The URL.
        url: String,
        /// Why not.
        #[source]
        source: reqwest::Error,
    },
    /// Local AWS ended, or was not ready in time.
    #[error("local AWS did not start{}: see {}", quoted(last_line), log.display())]
    NotReady {
        /// The last line of its log.
        last_line: String,
        /// Its log.
        log: PathBuf,
    },
    /// Local SageMaker cannot start.
    #[error("local SageMaker cannot start")]
    SageMaker(#[from] sagemaker_local::Error),
    /// The template cannot be deployed as it is.
    #[error("{}: {problem}", path.display())]
    Template {
        /// The template, or the file that it names.
        path: PathBuf,
        /// What is wrong, and where.
        problem: String,
    },
    /// The stack could not be created or updated.
    #[error("the stack {stack} ended as {status}: {reasons}")]
    Stack {
        /// The stack.
        stack: String,
        /// Its status.
        status: String,
        /// Why, by resource.
        reasons: String,
    },
    /// The stack lacks an output.
    #[error("the stack {stack} has no output {output}: add it to the template")]
    NoOutput {
        /// The stack.
        stack: String,
        /// The output's key.
        output: &'static str,
    },
    /// A function has no code.
    #[error(
        "the function {function} has no code: its package was missing when the stack was created"
    )]
    NoCode {
        /// The function.
        function: String,
    },
    /// The lake or the bucket for packages failed.
    #[error(transparent)]
    Store(#[from] lake::store::StoreError),
    /// A service refused or failed.
    #[error(transparent)]
    Service(#[from] Box<ServiceError>),
}

impl From<ServiceError> for LocalError {
    fn from(error: ServiceError) -> Self {
        Self::Service(Box::new(error))
    }
}

fn quoted(last_line: &str) -> String {
    if last_line.is_empty() {
        String::new()
    } else {
        format!(" ({last_line})")
    }
}

impl LocalError {
    /// Adds the operation and the file to an I/O error.
    pub(crate) fn file(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File {
            action,
            path,
            source,
        }
    }
}
