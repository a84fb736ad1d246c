//! Why images are not uploaded.

use crate::definitions::DefinitionsError;
use crate::exit::{Exit, Explain, Kind};
use lake::StoreError;
use plan_export::PlanExportError;
use std::path::PathBuf;

/// Why images are not uploaded.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// The definition's file or `--keys` has faults.
    #[error(transparent)]
    Definitions(#[from] DefinitionsError),
    /// The lake's definition cannot be read.
    #[error(
        "cannot read the definition of pipeline `{pipeline}`, whose `keys` name the images; \
         --definition FILE or --keys PATTERN needs none"
    )]
    Definition {
        /// The pipeline.
        pipeline: String,
        /// Why.
        source: Box<PlanExportError>,
    },
    /// The definition reads no images.
    #[error("the definition's source is {kind}, and images need a source `images`")]
    OtherSource {
        /// The kind of its source.
        kind: &'static str,
    },
    /// The definition's images are not in the lake.
    #[error("the definition reads the bucket {bucket:?}, and this uploads to the lake")]
    OtherBucket {
        /// The bucket.
        bucket: String,
    },
    /// `--part` names no part.
    #[error("--part {name}: `keys` has no part {{{name}}}; it has {known}")]
    NoPart {
        /// The name.
        name: String,
        /// The parts that there are.
        known: String,
    },
    /// A folder cannot be listed.
    #[error("cannot list the folder {}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The folder has no image.
    #[error("{} holds no file that ends with .{endings}", path.display())]
    NoImages {
        /// The folder.
        path: PathBuf,
        /// The endings of `include`.
        endings: String,
    },
    /// The lake refused or could not be reached.
    #[error("cannot upload; what is uploaded stays, and the same command continues")]
    Store(#[from] StoreError),
    /// Some files were not uploaded.
    #[error("{count} {} not uploaded, for the reasons above", if *count == 1 { "file is" } else { "files are" })]
    Refused {
        /// The number of files.
        count: usize,
    },
}

impl UploadError {
    /// The faults of a definition, each at its place.
    pub fn faults(&self) -> Option<&str> {
        match self {
            Self::Definitions(error) => error.faults(),
            _ => None,
        }
    }
}

impl Explain for UploadError {
    fn kind(&self) -> Kind<'_> {
        match self {
            Self::Definitions(error) => error.kind(),
            Self::Definition { source, .. } => source.kind(),
            Self::OtherSource { .. } => Kind::Is(
                Exit::Usage,
                Some("--pipeline NAME, --definition FILE, or --keys PATTERN"),
            ),
            Self::OtherBucket { .. } => Kind::Is(
                Exit::Usage,
                Some("upload to that bucket with its own tools, or give --keys 'images/…'"),
            ),
            Self::NoPart { .. } => Kind::Is(Exit::Usage, None),
            Self::Folder { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                Kind::Is(Exit::Missing, None)
            }
            Self::Folder { .. } => Kind::Is(Exit::No, None),
            Self::NoImages { .. } => Kind::Is(
                Exit::Missing,
                Some("another folder, or other endings in `source.images.include`"),
            ),
            Self::Store(error) => error.kind(),
            Self::Refused { .. } => Kind::Is(Exit::Partly, None),
        }
    }
}
