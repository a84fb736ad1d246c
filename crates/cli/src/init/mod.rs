//! Proposes a definition for a table, from a sample of its items: label, columns, split, bounds,
//! and an algorithm. What it proposes is what a run would infer, written down.

mod candidates;
mod columns;
mod error;
mod jsonc;
mod proposal;
mod task;
mod training;

pub use candidates::{Candidate, answered, candidates, clear};
pub use error::InitError;
pub use proposal::{Proposal, propose};

use clap::ValueEnum;
use serde_json::Value;
use std::io::Write as _;
use std::path::Path;

/// What is trained.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Algorithm {
    /// SageMaker's built-in XGBoost, which needs no image.
    #[default]
    Xgboost,
    /// Millrace's recommender, from the image that --image names.
    Recommender,
    /// Nothing: a run ends with its training files.
    None,
}

/// What a person has decided of a definition.
#[derive(Debug, Clone)]
pub struct Wishes<'w> {
    /// The table.
    pub table: &'w str,
    /// Its `source`, as a definition has it.
    pub source: &'w Value,
    /// The path of the label.
    pub label: &'w str,
    /// What is trained.
    pub algorithm: Algorithm,
    /// The recommender's image.
    pub image: Option<&'w str>,
}

/// Writes a new file, or any file if `force` says so.
///
/// # Errors
/// If it exists, or cannot be written.
pub fn write(path: &Path, text: &str, force: bool) -> Result<(), InitError> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true);
    if force {
        options.create(true).truncate(true);
    } else {
        options.create_new(true);
    }
    let written = options
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|source| match source.kind() {
        std::io::ErrorKind::AlreadyExists => InitError::Exists {
            path: path.to_owned(),
        },
        _ => InitError::Write {
            path: path.to_owned(),
            source,
        },
    })
}

/// Fails if the file is there, before a sample is paid for.
///
/// # Errors
/// If it exists and `force` does not say that it may be replaced.
pub fn check_new(path: &Path, force: bool) -> Result<(), InitError> {
    if !force && path.exists() {
        return Err(InitError::Exists {
            path: path.to_owned(),
        });
    }
    Ok(())
}
