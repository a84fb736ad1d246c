//! Why a definition was not pushed, pulled or compared.

use crate::exit::{Exit, Explain, Kind};
use crate::validate::{self, Checked, DocumentError};
use lake::StoreError;
use std::path::PathBuf;

/// Why a definition was not pushed, pulled or compared.
#[derive(Debug, thiserror::Error)]
pub enum DefinitionsError {
    /// A file or folder cannot be used.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// A file is no JSON.
    #[error("{}:{}:{} is no JSON", path.display(), source.line(), source.column())]
    NotJson {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// Neither the file's name nor its field `pipeline` is a pipeline's name.
    #[error("{} names no pipeline: {message}", path.display())]
    Name {
        /// The file.
        path: PathBuf,
        /// What a name is like.
        message: String,
    },
    /// Two files are of one pipeline.
    #[error("{} and {} are both of pipeline `{pipeline}`", first.display(), second.display())]
    Twice {
        /// The pipeline.
        pipeline: String,
        /// A file.
        first: PathBuf,
        /// Another one.
        second: PathBuf,
    },
    /// A file cannot be looked at.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// Definitions have faults.
    #[error("{invalid} of {files} definitions not valid; nothing was written")]
    Invalid {
        /// Definitions with faults.
        invalid: usize,
        /// Definitions.
        files: usize,
        /// Every fault at its place in the file, as text.
        faults: String,
    },
    /// Somebody else changed the lake's definition.
    #[error(
        "s3://{bucket}/{key} was changed by somebody else since this folder knew it; nothing was written"
    )]
    Changed {
        /// The lake's bucket.
        bucket: String,
        /// The key.
        key: String,
    },
    /// The file has changes that pulling would lose.
    #[error("{} has changes that are not in the lake; nothing was written", path.display())]
    Unpushed {
        /// The file.
        path: PathBuf,
    },
    /// The lake has no such definition.
    #[error("there is no s3://{bucket}/{key}")]
    Missing {
        /// The lake's bucket.
        bucket: String,
        /// The key.
        key: String,
    },
    /// The lake holds no definition.
    #[error("there is no definition below s3://{bucket}/config/")]
    None {
        /// The lake's bucket.
        bucket: String,
    },
    /// The definitions differ.
    #[error("{count} of {all} definitions differ from the lake's")]
    Differ {
        /// Those that differ.
        count: usize,
        /// All.
        all: usize,
    },
    /// The lake could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl DefinitionsError {
    /// The faults of files, shown without colours.
    pub(crate) fn invalid(checked: &[Checked]) -> Self {
        let faulty = checked.iter().filter(|file| !file.faults().is_empty());
        let shown: Vec<_> = faulty.map(|file| validate::as_text(file, false)).collect();
        Self::Invalid {
            invalid: shown.len(),
            files: checked.len(),
            faults: shown.concat(),
        }
    }

    /// Every fault at its place in the file, if definitions have faults.
    pub fn faults(&self) -> Option<&str> {
        match self {
            Self::Invalid { faults, .. } => Some(faults),
            _ => None,
        }
    }
}

impl Explain for DefinitionsError {
    fn kind(&self) -> Kind<'_> {
        match self {
            Self::File { source, .. } | Self::Document(DocumentError::Read { source, .. })
                if source.kind() == std::io::ErrorKind::NotFound =>
            {
                Kind::Is(Exit::Missing, None)
            }
            Self::File { .. } | Self::Document(_) | Self::NotJson { .. } | Self::Invalid { .. } => {
                Kind::Is(Exit::No, None)
            }
            Self::Name { .. } | Self::Twice { .. } => Kind::Is(Exit::Usage, None),
            Self::Changed { .. } => Kind::Is(
                Exit::No,
                Some(
                    "`millrace diff`, then `millrace pull` and your change again; or push --replace",
                ),
            ),
            Self::Unpushed { .. } => Kind::Is(
                Exit::No,
                Some("`millrace diff`, then `millrace push`; or pull --replace"),
            ),
            Self::Missing { .. } | Self::None { .. } => {
                Kind::Is(Exit::Missing, Some("`millrace push FILE`"))
            }
            Self::Differ { .. } => Kind::Is(Exit::No, None),
            Self::Store(error) => error.kind(),
        }
    }
}
