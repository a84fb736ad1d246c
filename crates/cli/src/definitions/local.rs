//! A definition in a local file.

use super::DefinitionsError;
use crate::validate::{self, Checked, Document};
use contract::Names;
use definition::Definition;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A definition in a local file.
#[derive(Debug, Clone, PartialEq)]
pub struct Local {
    /// The file.
    pub path: PathBuf,
    /// The pipeline: the field `pipeline`, or else the file's name without its ending.
    pub pipeline: String,
    /// The file's text, which may have comments and trailing commas.
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
        let document = Document::read(path)?;
        let value = match document.value() {
            Ok(value) => value,
            Err(faults) => {
                let checked = Checked::offline(document, Err(faults));
                return Err(DefinitionsError::invalid(&[checked]));
            }
        };
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        let name = value["pipeline"].as_str().or(stem).unwrap_or_default();
        Names::check_pipeline(name).map_err(|message| DefinitionsError::Name {
            path: path.to_owned(),
            message,
        })?;
        Ok(Self {
            path: path.to_owned(),
            pipeline: name.to_owned(),
            text: document.text,
            value,
        })
    }

    /// What the lake holds of it: the text itself if that is JSON, and otherwise its value.
    pub fn body(&self) -> String {
        if serde_json::from_str::<Value>(&self.text).is_ok() {
            self.text.clone()
        } else {
            format!("{:#}\n", self.value)
        }
    }

    fn check(&self) -> Checked {
        let name = self.path.display().to_string();
        validate::check(Document::new(name, &self.text))
    }
}

/// Checks all that the functions check before they read the table.
///
/// # Errors
/// Shows every fault of every file, at its place.
pub(super) fn check_all(files: &[Local]) -> Result<(), DefinitionsError> {
    let checked: Vec<_> = files.iter().map(Local::check).collect();
    if checked.iter().all(|file| file.faults().is_empty()) {
        Ok(())
    } else {
        Err(DefinitionsError::invalid(&checked))
    }
}

/// Reads a file and checks it as [`super::push`] does.
///
/// # Errors
/// If it cannot be read, or has faults.
pub fn read_valid(path: &Path) -> Result<Definition, DefinitionsError> {
    let file = Local::read(path)?;
    match file.check() {
        Checked {
            outcome: Ok(definition),
            ..
        } => Ok(Definition {
            pipeline: file.pipeline,
            ..*definition
        }),
        faulty => Err(DefinitionsError::invalid(&[faulty])),
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
        let error = file("a.json", "{\n  \"source\": }").unwrap_err();
        assert!(error.faults().unwrap().contains("a.json:2:13"), "{error:?}");
    }

    #[test]
    fn comments_stay_in_the_file() {
        let text = "{\n  // Ours.\n  \"pipeline\": \"films\",\n}\n";
        let file = file("a.json", text).unwrap();
        assert_eq!(file.text, text);
        assert_eq!(file.body(), "{\n  \"pipeline\": \"films\"\n}\n");
    }

    #[test]
    fn every_fault_is_shown_at_its_place() {
        let faulty = "{\"source\": {\"dynamodb\": {\"table\": \"films\",\n\"rcu\": 1}}, \"dataset\": {\"lable\": \"y\"}}";
        let error = check_all(&[file("a.json", faulty).unwrap()]).unwrap_err();
        let shown = error.faults().unwrap();
        assert!(shown.contains("rcu") && shown.contains("lable"), "{shown}");
        assert!(shown.contains("a.json:2:"), "{shown}");
        let good = r#"{"source": {"dynamodb": {"table": "films"}}}"#;
        check_all(&[file("a.json", good).unwrap()]).unwrap();
    }
}
