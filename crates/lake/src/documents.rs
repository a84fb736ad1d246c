//! Typed documents in the lake: written whole or committed once; a read error names the field.

use crate::store::{ObjectStore, PutOutcome, StoreError};
use bytes::Bytes;
use contract::{ErrorName, Named};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A document that could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The object is not the document it should be.
    #[error("s3://{bucket}/{key} is not readable as {what}")]
    Malformed {
        /// The bucket.
        bucket: String,
        /// The object's key.
        key: String,
        /// What was expected there.
        what: &'static str,
        /// The field at fault.
        source: contract::read::ReadError,
    },
}

impl Named for DocumentError {
    fn name(&self) -> ErrorName {
        match self {
            Self::Store(error) => error.name(),
            Self::Malformed { .. } => ErrorName::DatasetInvalid,
        }
    }
}

impl Named for StoreError {
    fn name(&self) -> ErrorName {
        match self {
            Self::NotFound { .. } => ErrorName::NotFound,
            Self::Service(error) => error.name(),
        }
    }
}

/// A document that must be there.
///
/// # Errors
/// If it is not there, unreadable, or the store fails.
pub async fn read<T: DeserializeOwned>(
    store: &impl ObjectStore,
    key: &str,
    what: &'static str,
) -> Result<T, DocumentError> {
    let text = store.get(key).await?;
    parse(store.bucket(), key, what, &text)
}

/// A document, or `None` if no object has the key.
///
/// # Errors
/// If it is unreadable, or the store fails.
pub async fn read_if_there<T: DeserializeOwned>(
    store: &impl ObjectStore,
    key: &str,
    what: &'static str,
) -> Result<Option<T>, DocumentError> {
    match crate::store::get_if_there(store, key).await? {
        Some(text) => parse(store.bucket(), key, what, &text).map(Some),
        None => Ok(None),
    }
}

/// Replaces or creates a document.
///
/// # Errors
/// If the store fails.
pub async fn write<T: Serialize + Sync>(
    store: &impl ObjectStore,
    key: &str,
    document: &T,
) -> Result<(), DocumentError> {
    Ok(store.put(key, to_json(document)).await?)
}

/// Commits a document: of many writers of one key exactly one wins.
///
/// # Errors
/// If the store fails; losing is no error.
pub async fn commit<T: Serialize + Sync>(
    store: &impl ObjectStore,
    key: &str,
    document: &T,
) -> Result<PutOutcome, DocumentError> {
    Ok(store.put_if_absent(key, to_json(document)).await?)
}

pub(crate) fn to_json<T: Serialize>(document: &T) -> Bytes {
    let text =
        serde_json::to_vec(document).expect("documents have text keys and no fallible serialisers");
    Bytes::from(text)
}

pub(crate) fn parse<T: DeserializeOwned>(
    bucket: &str,
    key: &str,
    what: &'static str,
    text: &[u8],
) -> Result<T, DocumentError> {
    contract::read::from_slice(text).map_err(|source| DocumentError::Malformed {
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        what,
        source,
    })
}
