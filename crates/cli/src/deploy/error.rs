//! Why a stack is not deployed.

use crate::exit::{Exit, Explain, Kind};
use contract::ServiceError;
use lake::StoreError;
use std::path::{Path, PathBuf};

/// Why a stack is not deployed.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// No release is named, and none came with the program.
    #[error("no release came with this program, and --release names none")]
    NoRelease,
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file has no checksum.
    #[error("SHA256SUMS does not name {}", path.display())]
    NoSum {
        /// The file.
        path: PathBuf,
    },
    /// A file is not the release's.
    #[error("{} is not as SHA256SUMS says", path.display())]
    OtherSum {
        /// The file.
        path: PathBuf,
    },
    /// The template is not one of a release.
    #[error("{}: {problem}", path.display())]
    Template {
        /// The template.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A bucket or state machine is named, and no stack.
    #[error("--bucket and --state-machine-arn name no stack to deploy")]
    NoStack,
    /// The release is of another version than the program.
    #[error("the release is of version {release}, this program of {program}")]
    OtherVersion {
        /// The release's.
        release: String,
        /// The program's.
        program: &'static str,
    },
    /// A parameter does not exist.
    #[error("there is no parameter `{name}`; the closest is `{closest}`")]
    NoParameter {
        /// The name.
        name: String,
        /// The most similar one.
        closest: String,
    },
    /// A value is not known, and nobody can be asked.
    #[error("{parameter} is not given: {text}")]
    NoAnswer {
        /// The parameter.
        parameter: String,
        /// What it is.
        text: String,
    },
    /// An answer cannot be read.
    #[error("cannot read the answer")]
    Answer(#[source] std::io::Error),
    /// Nobody can be asked whether to change the stack.
    #[error("--yes is not given, and nobody can be asked; nothing was changed")]
    NotConfirmed,
    /// A person has said no.
    #[error("not deployed; nothing was changed")]
    Declined,
    /// The stack is none of Millrace.
    #[error("the stack `{stack}` is no stack of Millrace: it has no output MillraceVersion")]
    OtherStack {
        /// The stack.
        stack: String,
    },
    /// The stack is in a state that no deployment can begin from.
    #[error("the stack `{stack}` is {status}, from which it cannot be deployed{reasons}")]
    Stuck {
        /// The stack.
        stack: String,
        /// Its status.
        status: String,
        /// Why, or empty.
        reasons: String,
    },
    /// CloudFormation cannot compare the template with the stack.
    #[error("CloudFormation cannot say what would change of the stack `{stack}`: {reason}")]
    ChangeSet {
        /// The stack.
        stack: String,
        /// Why.
        reason: String,
    },
    /// The deployment failed.
    #[error("the stack `{stack}` is {status}{reasons}")]
    Failed {
        /// The stack.
        stack: String,
        /// Its status.
        status: String,
        /// Why, by resource.
        reasons: String,
    },
    /// The bucket for the files cannot be used.
    #[error("cannot use the bucket {bucket} for the release's files")]
    Bucket {
        /// The bucket.
        bucket: String,
        /// Why.
        source: Box<ServiceError>,
    },
    /// A file cannot be uploaded.
    #[error("cannot upload {file}; what is uploaded stays, and the same command continues")]
    Upload {
        /// The file.
        file: String,
        /// Why.
        source: StoreError,
    },
    /// A service refused or failed.
    #[error(transparent)]
    Service(#[from] Box<ServiceError>),
}

impl From<ServiceError> for DeployError {
    fn from(error: ServiceError) -> Self {
        Self::Service(Box::new(error))
    }
}

impl DeployError {
    pub(super) fn read(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Read { path, source }
    }
}

/// What to do about a stack with this status.
fn way_out(status: &str) -> Option<&'static str> {
    match status {
        "ROLLBACK_COMPLETE" | "ROLLBACK_FAILED" | "CREATE_FAILED" | "DELETE_FAILED" => Some(
            "`aws cloudformation delete-stack --stack-name NAME`, mend the reason, and the same \
             command again; a stack whose creation failed can only be deleted",
        ),
        "UPDATE_ROLLBACK_FAILED" => Some(
            "`aws cloudformation continue-update-rollback --stack-name NAME`, and the same command \
             again",
        ),
        "UPDATE_ROLLBACK_COMPLETE" => {
            Some("mend the reason, and the same command again; the stack is as it was before")
        }
        _ => None,
    }
}

impl Explain for DeployError {
    fn kind(&self) -> Kind<'_> {
        match self {
            Self::NoRelease => Kind::Is(
                Exit::Missing,
                Some("--release FOLDER with the unpacked millrace-stack archive of the release"),
            ),
            Self::Read { source, .. } if source.kind() == std::io::ErrorKind::NotFound => Kind::Is(
                Exit::Missing,
                Some("--release FOLDER with the unpacked millrace-stack archive of the release"),
            ),
            Self::NoSum { .. } | Self::OtherSum { .. } => Kind::Is(
                Exit::No,
                Some("unpack the release's archive again; a file is missing or was changed"),
            ),
            Self::NoStack => Kind::Is(Exit::Usage, Some("--stack NAME")),
            Self::OtherVersion { .. } => Kind::Is(
                Exit::Usage,
                Some("the program and the archive of one release"),
            ),
            Self::NoParameter { .. } => Kind::Is(
                Exit::Usage,
                Some("infra/README.md, which lists the parameters"),
            ),
            Self::NoAnswer { .. } => {
                Kind::Is(Exit::Usage, Some("--parameter NAME=VALUE, or a terminal"))
            }
            Self::NotConfirmed => Kind::Is(Exit::Usage, Some("--yes, after a look with --dry-run")),
            Self::OtherStack { .. } => Kind::Is(Exit::Usage, Some("--stack with another name")),
            Self::Stuck { status, .. } | Self::Failed { status, .. } => {
                Kind::Is(Exit::No, way_out(status))
            }
            Self::Read { .. }
            | Self::Template { .. }
            | Self::Answer(_)
            | Self::Declined
            | Self::ChangeSet { .. } => Kind::Is(Exit::No, None),
            Self::Bucket { source, .. } => {
                let exit = Kind::Service(source).exit();
                Kind::Is(
                    exit,
                    Some("--files-bucket NAME with a bucket of yours in this region"),
                )
            }
            Self::Upload { source, .. } => source.kind(),
            Self::Service(error) => Kind::Service(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_that_is_stuck_has_a_way_out() {
        for (status, word) in [
            ("ROLLBACK_COMPLETE", "delete-stack"),
            ("DELETE_FAILED", "delete-stack"),
            ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback"),
            ("UPDATE_ROLLBACK_COMPLETE", "as it was before"),
        ] {
            let error = DeployError::Stuck {
                stack: "s".to_owned(),
                status: status.to_owned(),
                reasons: String::new(),
            };
            assert!(error.kind().advice().unwrap().contains(word), "{status}");
        }
    }
}
