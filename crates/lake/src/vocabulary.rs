//! Vocabularies that are too large for a document: one object each, every line a JSON string.

use crate::keys::RunKeys;
use crate::part::{self, PartError, PartWriter};
use crate::records::Part;
use crate::store::ObjectStore;
use contract::{ErrorName, Named};
use std::collections::BTreeMap;

/// Most values of a vocabulary that stands in a document: with more it is an object of its own.
pub const INLINE: usize = 20_000;

/// A vocabulary that cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum VocabularyError {
    /// Its object cannot be written, read, or is not what was committed.
    #[error("a vocabulary")]
    Part(#[from] PartError),
    /// A line of it is no text.
    #[error("s3://{bucket}/{key} is no vocabulary: line {line} is no JSON string")]
    Line {
        /// The bucket.
        bucket: String,
        /// The object's key.
        key: String,
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

impl Named for VocabularyError {
    fn name(&self) -> ErrorName {
        match self {
            Self::Part(error) => error.name(),
            Self::Line { .. } => ErrorName::DatasetInvalid,
        }
    }
}

/// Writes vocabularies, each under the name that it has. What it writes is a function of the
/// values: attempts may overlap.
///
/// # Errors
/// If the store fails.
pub async fn write(
    store: &impl ObjectStore,
    keys: &RunKeys,
    vocabularies: &BTreeMap<String, Vec<String>>,
) -> Result<BTreeMap<String, Part>, VocabularyError> {
    let mut parts = BTreeMap::new();
    for (number, (name, values)) in (0..).zip(vocabularies) {
        let mut writer = PartWriter::new(store, keys.vocabulary(number))?;
        for value in values {
            let mut line = serde_json::to_vec(value).expect("texts are JSON");
            let end = line.len();
            line.push(b'\n');
            let text = std::iter::once(&line[..end]);
            writer.append(&line, text, |_, _| ()).await?;
        }
        if let Some(part) = writer.finish().await? {
            parts.insert(name.clone(), part);
        }
    }
    Ok(parts)
}

/// Reads vocabularies back.
///
/// # Errors
/// If one is not there, not whole, or not what was written.
pub async fn read(
    store: &impl ObjectStore,
    parts: &BTreeMap<String, Part>,
) -> Result<BTreeMap<String, Vec<String>>, VocabularyError> {
    let mut vocabularies = BTreeMap::new();
    for (name, part) in parts {
        let mut values = Vec::new();
        let mut wrong = None;
        part::read_lines(store, part, |line| match serde_json::from_slice(line) {
            Ok(value) => values.push(value),
            Err(source) if wrong.is_none() => wrong = Some((values.len() as u64 + 1, source)),
            Err(_) => {}
        })
        .await?;
        if let Some((line, source)) = wrong {
            return Err(VocabularyError::Line {
                bucket: store.bucket().to_owned(),
                key: part.key.clone(),
                line,
                source,
            });
        }
        vocabularies.insert(name.clone(), values);
    }
    Ok(vocabularies)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryStore;
    use contract::RunId;

    fn keys() -> RunKeys {
        RunKeys::new("p", &RunId::parse("20261120-173000-1a2b3c4d").unwrap())
    }

    fn some() -> BTreeMap<String, Vec<String>> {
        let values = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
        BTreeMap::from([
            ("a".to_owned(), values(&["", "line\nbreak", "\"", "é😀"])),
            ("b.c".to_owned(), values(&["x"])),
        ])
    }

    #[tokio::test]
    async fn values_come_back_as_they_were() {
        let store = MemoryStore::new();
        let parts = write(&store, &keys(), &some()).await.unwrap();
        assert_eq!(read(&store, &parts).await.unwrap(), some());
        assert_eq!(parts["a"].items, 4);
        assert_eq!(write(&store, &keys(), &some()).await.unwrap(), parts);
    }

    #[tokio::test]
    async fn another_vocabulary_is_not_taken_for_it() {
        let store = MemoryStore::new();
        let parts = write(&store, &keys(), &some()).await.unwrap();
        let mut other = some();
        other.insert("b.c".to_owned(), vec!["y".to_owned()]);
        write(&store, &keys(), &other).await.unwrap();
        let error = read(&store, &parts).await.unwrap_err();
        assert_eq!(error.name(), ErrorName::DatasetInvalid);
    }
}
