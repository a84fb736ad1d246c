//! Parses JSON into the contract's types, and names a mistake by the path of its field.

use serde::de::DeserializeOwned;

/// JSON that does not match the contract.
#[derive(Debug, thiserror::Error)]
#[error("field `{path}`: {message}")]
pub struct ReadError {
    /// The field, as `dataset.columns[2].encoding`; `.` is the document itself.
    pub path: String,
    /// What is wrong with it.
    pub message: String,
}

/// Reads a JSON value.
///
/// # Errors
/// Names the field that is unknown, missing, or of another type.
pub fn from_value<T: DeserializeOwned>(value: serde_json::Value) -> Result<T, ReadError> {
    serde_path_to_error::deserialize(value).map_err(|error| named(&error))
}

/// Reads JSON text.
///
/// # Errors
/// As [`from_value`], and for invalid JSON the line and column.
pub fn from_slice<T: DeserializeOwned>(text: &[u8]) -> Result<T, ReadError> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|e| named(&e))?;
    deserializer.end().map_err(|error| ReadError {
        path: ".".to_owned(),
        message: error.to_string(),
    })?;
    Ok(value)
}

fn named(error: &serde_path_to_error::Error<serde_json::Error>) -> ReadError {
    ReadError {
        path: error.path().to_string(),
        message: error.inner().to_string(),
    }
}
