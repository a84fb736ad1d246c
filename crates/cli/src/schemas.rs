//! Generates the JSON Schemas in `statemachine/schema/`, and the reference pages in `docs/`, which are
//! written from them and from the command line.

mod commands;
mod examples;
mod reference;

use schemars::Schema;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Where the schemas lie, below the workspace's root.
const FOLDER: &str = "statemachine/schema";
const SUFFIX: &str = ".schema.json";
const DEFINITION_PAGE: &str = "docs/src/reference/definition.md";
const COMMANDS_PAGE: &str = "docs/src/reference/commands.md";
const JSON_PAGE: &str = "docs/src/reference/json.md";
const ERRORS_PAGE: &str = "docs/src/reference/errors.md";

/// Why generated files are not up to date.
#[derive(Debug, thiserror::Error)]
pub enum SchemasError {
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
    /// Files are not what would be written.
    #[error("{} out of date: run `cargo run -- schemas`", are(files))]
    Stale {
        /// Their paths from the workspace's root.
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
    let run = schemars::schema_for!(publish_report::RunDocument);
    let place = all.partition_point(|(name, _)| *name == "definition" || *name < "run");
    all.insert(place, ("run", run));
    all
}

/// Writes every file below the workspace's root, and removes files of schemas that no longer exist.
/// Returns the paths that were written or removed.
///
/// # Errors
/// If a file cannot be read, written or removed.
pub fn write(root: &Path) -> Result<Vec<String>, SchemasError> {
    let stale = stale(root)?;
    for (path, desired) in &stale {
        let path = root.join(path);
        if let Some(text) = desired {
            let folder = path.parent().expect("a path below the root");
            std::fs::create_dir_all(folder).map_err(|source| file("make", folder, source))?;
            std::fs::write(&path, text).map_err(|source| file("write", &path, source))?;
        } else {
            std::fs::remove_file(&path).map_err(|source| file("remove", &path, source))?;
        }
    }
    Ok(stale.into_iter().map(|(path, _)| path).collect())
}

/// Whether the files below the workspace's root are exactly what [`write()`] would write.
///
/// # Errors
/// [`SchemasError::Stale`] if not.
pub fn check(root: &Path) -> Result<(), SchemasError> {
    let stale = stale(root)?;
    if stale.is_empty() {
        return Ok(());
    }
    let files = stale.into_iter().map(|(path, _)| path).collect();
    Err(SchemasError::Stale { files })
}

/// The schema of each command's JSON, as JSON.
fn json_outputs() -> Vec<(&'static str, serde_json::Value)> {
    let all = crate::output::all().into_iter();
    all.map(|(command, schema)| {
        let schema = serde_json::to_value(schema).expect("a schema is JSON");
        (command, schema)
    })
    .collect()
}

/// Every generated file: its path from the workspace's root, and its text.
fn generated() -> Vec<(String, String)> {
    let mut files = vec![
        (COMMANDS_PAGE.to_owned(), commands::page()),
        (JSON_PAGE.to_owned(), reference::outputs(&json_outputs())),
    ];
    for (name, schema) in all() {
        let mut schema = serde_json::to_value(schema).expect("a schema is JSON");
        if name == "definition" {
            examples::add(&mut schema);
        }
        let text = serde_json::to_string_pretty(&schema).expect("a schema is JSON");
        files.push((format!("{FOLDER}/{name}{SUFFIX}"), format!("{text}\n")));
        let page = match name {
            "definition" => Some((DEFINITION_PAGE, reference::definition(&schema))),
            "error-name" => Some((ERRORS_PAGE, reference::error_names(&schema))),
            _ => None,
        };
        files.extend(page.map(|(path, text)| (path.to_owned(), text)));
    }
    files
}

/// The files that differ from what is desired, each with its text; without one it must be removed.
fn stale(root: &Path) -> Result<Vec<(String, Option<String>)>, SchemasError> {
    let mut stale = Vec::new();
    let mut left_over = schemas_below(root)?;
    for (path, text) in generated() {
        left_over.remove(&path);
        let at = root.join(&path);
        let found = match std::fs::read_to_string(&at) {
            Ok(found) => Some(found),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(source) => return Err(file("read", &at, source)),
        };
        if found.as_deref() != Some(text.as_str()) {
            stale.push((path, Some(text)));
        }
    }
    stale.extend(left_over.into_iter().map(|path| (path, None)));
    Ok(stale)
}

fn schemas_below(root: &Path) -> Result<BTreeSet<String>, SchemasError> {
    let folder = root.join(FOLDER);
    let mut found = BTreeSet::new();
    match std::fs::read_dir(&folder) {
        Ok(entries) => {
            for entry in entries {
                let entry = entry.map_err(|source| file("list", &folder, source))?;
                let name = entry.file_name().to_string_lossy().into_owned();
                if name.ends_with(SUFFIX) {
                    found.insert(format!("{FOLDER}/{name}"));
                }
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(source) => return Err(file("list", &folder, source)),
    }
    Ok(found)
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
    fn stale_missing_and_left_over_files_are_found_and_set_right() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        assert!(matches!(check(root), Err(SchemasError::Stale { .. })));
        assert_eq!(write(root).unwrap().len(), generated().len());
        check(root).unwrap();
        assert!(write(root).unwrap().is_empty(), "nothing is left to do");

        let folder = root.join(FOLDER);
        std::fs::write(folder.join("definition.schema.json"), "{}\n").unwrap();
        std::fs::write(folder.join("gone.schema.json"), "{}\n").unwrap();
        std::fs::write(folder.join("README.md"), "not a schema").unwrap();
        std::fs::write(root.join(DEFINITION_PAGE), "old").unwrap();
        std::fs::remove_file(root.join(ERRORS_PAGE)).unwrap();
        let error = check(root).unwrap_err().to_string();
        for path in [
            "statemachine/schema/gone.schema.json are out of date",
            DEFINITION_PAGE,
            ERRORS_PAGE,
        ] {
            assert!(error.contains(path), "{error}");
        }
        assert_eq!(write(root).unwrap().len(), 4);
        check(root).unwrap();
        assert!(folder.join("README.md").exists());
        assert!(!folder.join("gone.schema.json").exists());
    }
}
