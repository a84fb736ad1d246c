//! A definition in a local file.

use super::DefinitionsError;
use contract::Names;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A definition in a local file.
#[derive(Debug, Clone, PartialEq)]
pub struct Local {
    /// The file.
    pub path: PathBuf,
    /// The pipeline: the field `pipeline`, or else the file's name without its ending.
    pub pipeline: String,
    /// The file's text.
    pub text: String,
    /// The text as JSON.
    pub value: Value,
}

impl Local {
    /// Reads a file.
    ///
    /// # Errors
    /// If it cannot be read, is no JSON, or names no pipeline.
    pub fn read(path: &Path) -> Result<Self, DefinitionsError> {
        let text = std::fs::read_to_string(path).map_err(|source| DefinitionsError::File {
            action: "read",
            path: path.to_owned(),
            source,
        })?;
        let value: Value =
            serde_json::from_str(&text).map_err(|source| DefinitionsError::NotJson {
                path: path.to_owned(),
                source,
            })?;
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        let name = value["pipeline"].as_str().or(stem).unwrap_or_default();
        Names::check_pipeline(name).map_err(|message| DefinitionsError::Name {
            path: path.to_owned(),
            message,
        })?;
        Ok(Self {
            path: path.to_owned(),
            pipeline: name.to_owned(),
            text,
            value,
        })
    }

    /// Checks all that the functions check before they read the table.
    ///
    /// # Errors
    /// Names every fault.
    pub fn check(&self) -> Result<(), DefinitionsError> {
        let mut named = self.value.clone();
        if let Some(object) = named.as_object_mut() {
            object.insert("pipeline".to_owned(), self.pipeline.clone().into());
        }
        match dataset::read_definition(&named) {
            Ok(_) => Ok(()),
            Err(faults) => Err(DefinitionsError::Invalid {
                path: self.path.clone(),
                faults,
            }),
        }
    }
}

/// The files, each of another pipeline.
///
/// # Errors
/// If one cannot be read, or two are of one pipeline.
pub(super) fn read_all(paths: &[PathBuf]) -> Result<Vec<Local>, DefinitionsError> {
    let mut all: Vec<Local> = Vec::new();
    for path in paths {
        let file = Local::read(path)?;
        if let Some(first) = all.iter().find(|other| other.pipeline == file.pipeline) {
            return Err(DefinitionsError::Twice {
                pipeline: file.pipeline,
                first: first.path.clone(),
                second: file.path,
            });
        }
        all.push(file);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, text: &str) -> Result<Local, DefinitionsError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        Local::read(&path)
    }

    #[test]
    fn a_file_names_its_pipeline() {
        assert_eq!(file("nightly.json", "{}").unwrap().pipeline, "nightly");
        let named = file("a.json", r#"{"pipeline": "films"}"#).unwrap();
        assert_eq!(named.pipeline, "films");
        let error = file("My Table.json", "{}").unwrap_err().to_string();
        assert!(error.contains("names no pipeline"), "{error}");
        let error = file("a.json", "{\n  \"source\": }")
            .unwrap_err()
            .to_string();
        assert!(error.ends_with("a.json:2:13 is no JSON"), "{error}");
    }

    #[test]
    fn every_fault_is_named() {
        let faulty =
            r#"{"source": {"dynamodb": {"table": "films", "rcu": 1}}, "dataset": {"lable": "y"}}"#;
        let error = file("a.json", faulty).unwrap().check().unwrap_err();
        let text = error.to_string();
        assert!(text.contains("rcu") && text.contains("lable"), "{text}");
        file("a.json", r#"{"source": {"dynamodb": {"table": "films"}}}"#)
            .unwrap()
            .check()
            .unwrap();
    }
}
