//! A batch that Lambda gave up, as it stores it in an S3 destination.
//!
//! Source of the format: AWS Lambda Developer Guide, "Retain discarded records for a DynamoDB event
//! source in Lambda".

use contract::read::ReadError;
use serde::Deserialize;
use serde_json::value::RawValue;

/// An object that holds no batch.
#[derive(Debug, thiserror::Error)]
pub enum GivenUpError {
    /// It is no JSON, or no object with a `payload`.
    #[error("it is no record of a batch that Lambda gave up")]
    NoRecord(#[source] ReadError),
    /// Its `payload` is no JSON.
    #[error("its `payload` is no JSON")]
    Payload(#[source] serde_json::Error),
    /// Its `payload` holds another number of records than it says.
    #[error("its `payload` holds {found} records, and its `batchSize` is {said}")]
    Size {
        /// What `batchSize` says.
        said: u64,
        /// Records in the payload.
        found: u64,
    },
}

#[derive(Deserialize)]
struct GivenUp {
    payload: Payload,
    #[serde(rename = "DDBStreamBatchInfo")]
    info: Option<Info>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Info {
    batch_size: Option<u64>,
}

/// The event, as text with JSON in it, or as JSON.
#[derive(Deserialize)]
#[serde(untagged)]
enum Payload {
    Text(String),
    Json(serde_json::Value),
}

/// The batch that an object of Lambda's S3 destination holds, and how many records it says it has.
///
/// # Errors
/// If it holds none.
pub fn payload(object: &[u8]) -> Result<(String, Option<u64>), GivenUpError> {
    let given_up: GivenUp = contract::read::from_slice(object).map_err(GivenUpError::NoRecord)?;
    let text = match given_up.payload {
        Payload::Text(text) => {
            let _valid: &RawValue = serde_json::from_str(&text).map_err(GivenUpError::Payload)?;
            text
        }
        Payload::Json(json) => json.to_string(),
    };
    Ok((text, given_up.info.and_then(|info| info.batch_size)))
}
