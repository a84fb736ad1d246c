//! The files of a release: the packaged template, what it names, and their checksums.

use super::DeployError;
use crate::template;
use bytes::Bytes;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The file with the SHA-256 of each other one, as `sha256sum` writes it.
const SUMS: &str = "SHA256SUMS";
const TEMPLATE: &str = "template.yaml";
/// Where a wheel puts the files, from the folder of the program.
const INSTALLED: &str = "../share/millrace/stack";

/// A folder with the files of a release.
#[derive(Debug)]
pub struct Release {
    folder: PathBuf,
    /// SHA-256 in hexadecimal digits by file.
    sums: BTreeMap<String, String>,
    template: Value,
}

/// A file of a release, whose content is as its checksum says.
#[derive(Debug, Clone)]
pub struct ReleaseFile {
    /// Its name.
    pub name: String,
    /// Its SHA-256 in hexadecimal digits.
    pub sha256: String,
    /// Its content.
    pub content: Bytes,
}

impl ReleaseFile {
    /// A file of this name and content.
    pub fn new(name: &str, content: Bytes) -> Self {
        Self {
            name: name.to_owned(),
            sha256: hexadecimal(&content),
            content,
        }
    }
}

impl Release {
    /// Opens the release in a folder, or else the one that is installed with the program.
    ///
    /// # Errors
    /// If there is none, or its template is not as its checksum says or has no form of a template.
    pub fn open(folder: Option<&Path>) -> Result<Self, DeployError> {
        let folder = match folder {
            Some(folder) => folder.to_owned(),
            None => installed().ok_or(DeployError::NoRelease)?,
        };
        let path = folder.join(SUMS);
        let text = std::fs::read_to_string(&path).map_err(DeployError::read(&path))?;
        let sums = text.lines().filter_map(|line| {
            let (sum, name) = line.split_once(' ')?;
            let name = name.trim_start_matches([' ', '*']);
            Some((name.to_owned(), sum.to_ascii_lowercase()))
        });
        let mut release = Self {
            folder,
            sums: sums.collect(),
            template: Value::Null,
        };
        let file = release.file(TEMPLATE)?;
        let problem = |problem: String| DeployError::Template {
            path: release.folder.join(TEMPLATE),
            problem,
        };
        let text = std::str::from_utf8(&file.content)
            .map_err(|_| problem("it is not UTF-8".to_owned()))?;
        release.template = template::to_json(text).map_err(problem)?;
        Ok(release)
    }

    /// Its template, which names files of the release.
    pub const fn template(&self) -> &Value {
        &self.template
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A file, compared with its checksum.
    ///
    /// # Errors
    /// If it cannot be read, has no checksum, or differs from it.
    pub fn file(&self, name: &str) -> Result<ReleaseFile, DeployError> {
        let path = self.folder.join(name);
        let Some(expected) = self.sums.get(name) else {
            return Err(DeployError::NoSum { path });
        };
        let content = std::fs::read(&path).map_err(DeployError::read(&path))?;
        let file = ReleaseFile::new(name, content.into());
        if file.sha256 == *expected {
            Ok(file)
        } else {
            Err(DeployError::OtherSum { path })
        }
    }

    /// The template's version of Millrace, if it says it.
    pub fn version(&self) -> Option<&str> {
        self.template["Outputs"]["MillraceVersion"]["Value"].as_str()
    }

    /// The places in the template that name a file: resource, property, file.
    ///
    /// # Errors
    /// If a function or a state machine names none.
    pub fn references(&self) -> Result<Vec<(&str, &'static str, &str)>, DeployError> {
        let resources = self.template["Resources"].as_object().into_iter().flatten();
        let mut references = Vec::new();
        for (name, resource) in resources {
            let property = match resource["Type"].as_str() {
                Some("AWS::Serverless::Function") => "CodeUri",
                Some("AWS::Serverless::StateMachine") => "DefinitionUri",
                _ => continue,
            };
            let file = resource["Properties"][property].as_str();
            let file = file.filter(|file| self.sums.contains_key(*file));
            let file = file.ok_or_else(|| DeployError::Template {
                path: self.folder.join(TEMPLATE),
                problem: format!("{property} of {name} names no file of {SUMS}"),
            })?;
            references.push((name.as_str(), property, file));
        }
        Ok(references)
    }
}

/// The folder of the files that came with the program.
fn installed() -> Option<PathBuf> {
    // A link to the program, as pipx makes it, is followed.
    let program = std::env::current_exe().ok()?.canonicalize().ok()?;
    let folder = program.parent()?.join(INSTALLED);
    folder.join(SUMS).is_file().then_some(folder)
}

fn hexadecimal(content: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for byte in Sha256::digest(content) {
        // Writing to memory cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const FUNCTION: &str = "
Outputs: {MillraceVersion: {Value: \"0.1.0\"}}
Resources:
  Plan: {Type: AWS::Serverless::Function, Properties: {CodeUri: plan.zip}}
  Lake: {Type: AWS::S3::Bucket}
";

    fn folder(template: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let files = [(TEMPLATE, template), ("plan.zip", "code")];
        let sums = files.map(|(name, text)| {
            std::fs::write(folder.path().join(name), text).unwrap();
            format!("{}  {name}\n", hexadecimal(text.as_bytes()))
        });
        let sums = sums.concat();
        std::fs::write(folder.path().join(SUMS), sums).unwrap();
        folder
    }

    #[test]
    fn files_are_as_their_checksums_say() {
        let folder = folder(FUNCTION);
        let release = Release::open(Some(folder.path())).unwrap();
        assert_eq!(release.version(), Some("0.1.0"));
        assert_eq!(
            release.references().unwrap(),
            [("Plan", "CodeUri", "plan.zip")]
        );
        let file = release.file("plan.zip").unwrap();
        assert_eq!(file.content, "code");
        // As `printf code | sha256sum` prints it.
        assert_eq!(
            file.sha256,
            "5694d08a2e53ffcae0c3103e5ad6f6076abd960eb1f8a56577040bc1028f702b"
        );

        std::fs::write(folder.path().join("plan.zip"), "cod").unwrap();
        let error = release.file("plan.zip").unwrap_err().to_string();
        assert!(
            error.contains("plan.zip is not as SHA256SUMS says"),
            "{error}"
        );
        let error = release.file("other.zip").unwrap_err().to_string();
        assert!(error.contains("SHA256SUMS does not name"), "{error}");
    }

    #[test]
    fn a_template_names_files_of_the_release() {
        let folder = folder(&FUNCTION.replace("plan.zip", "../plan.zip"));
        let release = Release::open(Some(folder.path())).unwrap();
        let error = release.references().unwrap_err().to_string();
        assert!(error.contains("CodeUri of Plan names no file"), "{error}");
        std::fs::write(folder.path().join(TEMPLATE), "a: [").unwrap();
        let error = Release::open(Some(folder.path())).unwrap_err().to_string();
        assert!(error.contains("template.yaml is not as"), "{error}");
    }
}
