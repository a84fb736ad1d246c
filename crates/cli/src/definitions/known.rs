//! The versions of the lake's definitions that a folder knows: `.millrace/definitions.json` beside
//! the files. It is of one person, so the folder `.millrace` ignores itself in git.

use super::DefinitionsError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const FOLDER: &str = ".millrace";
const FILE: &str = "definitions.json";

/// A version of a definition in the lake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seen {
    /// The store's name of the version.
    version: String,
    /// A hash of the text, hexadecimal: whether a file has changed since.
    hash: String,
}

/// The versions that a folder knows, by `s3://bucket/key`.
#[derive(Debug)]
pub struct Known {
    folder: PathBuf,
    all: BTreeMap<String, Seen>,
}

impl Known {
    /// What is recorded beside a file.
    ///
    /// # Errors
    /// If the record is there and cannot be read.
    pub fn beside(file: &Path) -> Result<Self, DefinitionsError> {
        let parent = file.parent().filter(|it| !it.as_os_str().is_empty());
        let folder = parent.unwrap_or(Path::new(".")).join(FOLDER);
        let path = folder.join(FILE);
        let all = match std::fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text)
                .map_err(|source| DefinitionsError::NotJson { path, source })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
            Err(source) => {
                return Err(DefinitionsError::File {
                    action: "read",
                    path,
                    source,
                });
            }
        };
        Ok(Self { folder, all })
    }

    /// The version of the definition at this address that the folder knows.
    pub fn version(&self, address: &str) -> Option<&str> {
        self.all.get(address).map(|seen| seen.version.as_str())
    }

    /// Whether the text is what the folder last pulled from or pushed to this address.
    pub fn is_text_of(&self, address: &str, text: &str) -> bool {
        self.all
            .get(address)
            .is_some_and(|seen| seen.hash == hash(text))
    }

    /// Records a version.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn record(
        &mut self,
        address: String,
        version: String,
        text: &str,
    ) -> Result<(), DefinitionsError> {
        let hash = hash(text);
        self.all.insert(address, Seen { version, hash });
        let write = |name: &str, text: String| {
            let path = self.folder.join(name);
            std::fs::write(&path, text).map_err(|source| DefinitionsError::File {
                action: "write",
                path,
                source,
            })
        };
        std::fs::create_dir_all(&self.folder).map_err(|source| DefinitionsError::File {
            action: "make",
            path: self.folder.clone(),
            source,
        })?;
        let text = serde_json::to_string_pretty(&self.all).expect("text by text is JSON");
        write(".gitignore", "*\n".to_owned())?;
        write(FILE, format!("{text}\n"))
    }
}

fn hash(text: &str) -> String {
    format!("{:032x}", twox_hash::XxHash3_128::oneshot(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_known_until_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("nightly.json");
        let mut known = Known::beside(&file).unwrap();
        assert_eq!(known.version("s3://lake/a"), None);
        known
            .record("s3://lake/a".to_owned(), "1".to_owned(), "{}")
            .unwrap();
        let again = Known::beside(&file).unwrap();
        assert_eq!(again.version("s3://lake/a"), Some("1"));
        assert!(again.is_text_of("s3://lake/a", "{}"));
        assert!(!again.is_text_of("s3://lake/a", "{ }"));
        let ignored = std::fs::read_to_string(folder.path().join(".millrace/.gitignore"));
        assert_eq!(ignored.unwrap(), "*\n");
        std::fs::write(folder.path().join(".millrace/definitions.json"), "{").unwrap();
        assert!(Known::beside(&file).is_err());
    }
}
