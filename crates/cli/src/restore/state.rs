//! How far a restore has come, in a file: a second start continues there.

use super::RestoreError;
use contract::RunId;
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::{Path, PathBuf};

/// How far a restore has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct State {
    /// The lake's bucket.
    pub bucket: String,
    /// The pipeline.
    pub pipeline: String,
    /// The run.
    pub run: RunId,
    /// The table's ARN.
    pub table: String,
    /// Whether the table was empty at the beginning: then it holds the run's items alone.
    pub was_empty: bool,
    /// Parts that are written whole.
    pub parts: usize,
    /// Lines of the next part that are written.
    pub lines: u64,
    /// Items that are written.
    pub items: u64,
    /// The sum of their canonical hashes, modulo 2^64.
    pub checksum: u64,
}

/// The file that a restore is continued by, unless another one is named.
pub fn default_file(run: &RunId, table: &str) -> PathBuf {
    let table: String = table
        .chars()
        .map(|letter| {
            if letter.is_ascii_alphanumeric() || "-_.".contains(letter) {
                letter
            } else {
                '_'
            }
        })
        .collect();
    PathBuf::from(format!("{run}-{table}.restore.json"))
}

impl State {
    /// The state in a file, if there is one.
    ///
    /// # Errors
    /// If the file cannot be read, or is of another restore than `self`.
    pub fn continued(self, file: &Path) -> Result<(Self, bool), RestoreError> {
        let io = |source| RestoreError::State {
            file: file.to_owned(),
            source,
        };
        let text = match std::fs::read(file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok((self, false)),
            Err(error) => return Err(io(error)),
        };
        let state: Self = contract::read::from_slice(&text).map_err(|error| {
            io(std::io::Error::new(
                std::io::ErrorKind::InvalidData,
                error.to_string(),
            ))
        })?;
        for (what, expected, found) in [
            ("bucket", &self.bucket, &state.bucket),
            ("pipeline", &self.pipeline, &state.pipeline),
            ("run", &self.run.to_string(), &state.run.to_string()),
            ("table", &self.table, &state.table),
        ] {
            if expected != found {
                return Err(RestoreError::OtherState {
                    file: file.to_owned(),
                    what: format!("{what} {found}, not {expected}"),
                });
            }
        }
        Ok((state, true))
    }

    /// Writes the file anew; it is never there in half.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, file: &Path) -> Result<(), RestoreError> {
        let write = || {
            let folder = file
                .parent()
                .filter(|folder| !folder.as_os_str().is_empty());
            let mut new = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
            serde_json::to_writer(&mut new, self)?;
            new.write_all(b"\n")?;
            new.persist(file)?;
            Ok(())
        };
        write().map_err(|source| RestoreError::State {
            file: file.to_owned(),
            source,
        })
    }

    /// Removes the file of a restore that is done.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub fn remove(file: &Path) -> Result<(), RestoreError> {
        match std::fs::remove_file(file) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                Err(RestoreError::State {
                    file: file.to_owned(),
                    source,
                })
            }
            _ => Ok(()),
        }
    }
}
