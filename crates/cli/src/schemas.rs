//! Generates `statemachine/schema/` from the contract and the definition.

use schemars::Schema;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const SUFFIX: &str = ".schema.json";

/// Why schemas are not up to date.
#[derive(Debug, thiserror::Error)]
pub enum SchemasError {
    /// A file or folder cannot be used.
    #[error("cannot {action} {}", path.display())]
    File {
        /// The operation.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// Files do not match the contract.
    #[error("{} out of date: write them with `cargo run -- schemas`", are(files))]
    Stale {
        /// The files' names.
        files: Vec<String>,
    },
}

fn are(files: &[String]) -> String {
    let verb = if files.len() == 1 { "is" } else { "are" };
    format!("{} {verb}", files.join(", "))
}

/// Each schema with the name of its file (`<name>.schema.json`): the definition's, then the
/// states', ordered by name.
pub fn all() -> Vec<(&'static str, Schema)> {
    let mut all = vec![("definition", definition::schema())];
    all.extend(contract::schemas());
    all
}

/// Writes every schema below `folder` and removes files of schemas that no longer exist. Returns
/// the names of the files that were written or removed.
///
/// # Errors
/// If a file cannot be read, written or removed.
pub fn write(folder: &Path) -> Result<Vec<String>, SchemasError> {
    std::fs::create_dir_all(folder).map_err(|source| file("make", folder, source))?;
    let stale = stale(folder)?;
    for (name, text) in &stale {
        let path = folder.join(name);
        match text {
            Some(text) => {
                std::fs::write(&path, text).map_err(|source| file("write", &path, source))?;
            }
            None => {
                std::fs::remove_file(&path).map_err(|source| file("remove", &path, source))?;
            }
        }
    }
    Ok(stale.into_iter().map(|(name, _)| name).collect())
}

/// Whether `folder` holds exactly what [`write()`] would write.
///
/// # Errors
/// [`SchemasError::Stale`] if not.
pub fn check(folder: &Path) -> Result<(), SchemasError> {
    let stale = stale(folder)?;
    if stale.is_empty() {
        return Ok(());
    }
    let files = stale.into_iter().map(|(name, _)| name).collect();
    Err(SchemasError::Stale { files })
}

/// The files that are out of date, each with its new text, or `None` to remove it.
fn stale(folder: &Path) -> Result<Vec<(String, Option<String>)>, SchemasError> {
    let mut found = BTreeSet::new();
    match std::fs::read_dir(folder) {
        Ok(entries) => {
            for entry in entries {
                let entry = entry.map_err(|source| file("list", folder, source))?;
                let name = entry.file_name().to_string_lossy().into_owned();
                if name.ends_with(SUFFIX) {
                    found.insert(name);
                }
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(source) => return Err(file("list", folder, source)),
    }
    let mut stale = Vec::new();
    for (name, schema) in all() {
        let name = format!("{name}{SUFFIX}");
        let text = serde_json::to_string_pretty(&schema).expect("a schema is JSON");
        let text = format!("{text}\n");
        let path = folder.join(&name);
        let is_there = found.remove(&name);
        let is_current = is_there
            && std::fs::read_to_string(&path).map_err(|source| file("read", &path, source))?
                == text;
        if !is_current {
            stale.push((name, Some(text)));
        }
    }
    stale.extend(found.into_iter().map(|name| (name, None)));
    Ok(stale)
}

fn file(action: &'static str, path: &Path, source: std::io::Error) -> SchemasError {
    SchemasError::File {
        action,
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stale_missing_and_left_over_files_are_found_and_written() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("schema");
        assert!(matches!(check(&folder), Err(SchemasError::Stale { .. })));
        assert_eq!(write(&folder).unwrap().len(), all().len());
        check(&folder).unwrap();
        assert!(write(&folder).unwrap().is_empty(), "nothing is left to do");

        std::fs::write(folder.join("definition.schema.json"), "{}\n").unwrap();
        std::fs::write(folder.join("gone.schema.json"), "{}\n").unwrap();
        std::fs::write(folder.join("README.md"), "not a schema").unwrap();
        let error = check(&folder).unwrap_err().to_string();
        assert!(
            error.starts_with("definition.schema.json, gone.schema.json are out of date"),
            "{error}"
        );
        write(&folder).unwrap();
        check(&folder).unwrap();
        assert!(folder.join("README.md").exists());
        assert!(!folder.join("gone.schema.json").exists());
    }
}
