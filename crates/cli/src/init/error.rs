//! Why no definition was proposed.

use super::Candidate;
use crate::exit::{Exit, Explain, Kind};
use crate::place::PlaceError;
use contract::short_name;
use dataset::PlanError;
use plan_export::PlanExportError;
use std::fmt::Write as _;
use std::path::PathBuf;

/// Candidates that are listed.
const SHOWN: usize = 12;

/// Why no definition was proposed.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// The place is not known.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// The file exists.
    #[error("{} exists, and is not overwritten", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The certificate authorities cannot be read.
    #[error("cannot read the certificate authorities in {}", path.display())]
    Authorities {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The answer cannot be read.
    #[error("cannot read the answer from standard input")]
    Answer(#[source] std::io::Error),
    /// The table cannot be sampled.
    #[error("cannot read a sample of the table")]
    Sample(#[source] Box<PlanExportError>),
    /// A table that holds items gave none.
    #[error("all segments of table {table:?} that were read are empty: its items share few keys")]
    NothingSampled {
        /// The table.
        table: String,
    },
    /// Several attributes may be the label.
    #[error("which attribute is to be predicted is not clear")]
    LabelUnclear {
        /// They, best first.
        candidates: Vec<Candidate>,
    },
    /// None may be.
    #[error(
        "no attribute of {items} sampled items can be a label: all are keys, constants, moments, \
         free text, or missing in most items"
    )]
    NoLabel {
        /// The items.
        items: u64,
    },
    /// The label always has the same value.
    #[error(
        "the label {} has one value in all {items} sampled items: nothing can be learned from it",
        short_name(label)
    )]
    LabelConstant {
        /// The label.
        label: String,
        /// The items.
        items: u64,
    },
    /// The label is text of too many values.
    #[error(
        "the label {} is neither a number nor one of a few classes: it {found}",
        short_name(label)
    )]
    LabelUnfit {
        /// The label.
        label: String,
        /// What it is or has, as a phrase.
        found: String,
    },
    /// The recommender's columns are not known.
    #[error("the recommender needs one column of users and one of items, and no name says {which}")]
    NoPair {
        /// Which of them.
        which: &'static str,
    },
    /// A run would refuse what was proposed.
    #[error("no definition of this table can be proposed")]
    Refused(#[source] Box<PlanError>),
}

impl InitError {
    /// The attributes that may be the label, a line each, if which of them is not clear.
    pub fn candidates(&self) -> Option<String> {
        let Self::LabelUnclear { candidates } = self else {
            return None;
        };
        let mut text = String::from("candidates for the label, best first:\n");
        for Candidate { path, why, .. } in candidates.iter().take(SHOWN) {
            // Writing to memory cannot fail.
            let _ = writeln!(text, "  {}  {why}", short_name(path));
        }
        if candidates.len() > SHOWN {
            let _ = writeln!(text, "  and {} more", candidates.len() - SHOWN);
        }
        Some(text)
    }
}

impl From<PlanExportError> for InitError {
    fn from(error: PlanExportError) -> Self {
        Self::Sample(Box::new(error))
    }
}

impl Explain for InitError {
    fn kind(&self) -> Kind<'_> {
        match self {
            Self::Place(error) => error.kind(),
            Self::Exists { .. } => Kind::Is(Exit::No, Some("--force, or -o FILE")),
            Self::Authorities { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                Kind::Is(Exit::Missing, None)
            }
            Self::NothingSampled { .. } => Kind::Is(Exit::No, Some("a larger --sample")),
            Self::Authorities { .. } | Self::Write { .. } | Self::Answer(_) => {
                Kind::Is(Exit::No, None)
            }
            Self::Sample(error) => error.kind(),
            Self::LabelUnclear { .. } => Kind::Is(Exit::Usage, Some("--label PATH")),
            Self::NoPair { .. } => Kind::Is(Exit::Usage, Some("--algorithm xgboost")),
            Self::NoLabel { .. } | Self::LabelConstant { .. } | Self::LabelUnfit { .. } => {
                Kind::Is(Exit::No, Some("--label PATH, of another attribute"))
            }
            Self::Refused(error) => match **error {
                PlanError::LabelMissing { .. } => Kind::Is(
                    Exit::Missing,
                    Some("--label PATH, of an attribute that items have"),
                ),
                _ => Kind::Is(Exit::No, None),
            },
        }
    }
}
