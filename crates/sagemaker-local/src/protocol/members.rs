//! Access to the members of a request's JSON.

use crate::protocol::refusal::Refusal;
use crate::protocol::validation::missing;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Reads the members that an operation uses from a validated request.
pub fn parse<T: DeserializeOwned>(request: &Value) -> Result<T, Refusal> {
    T::deserialize(request).map_err(|error| Refusal::malformed(error.to_string()))
}

/// The member `field`, which must be a string.
pub fn text<'a>(request: &'a Value, field: &str) -> Result<&'a str, Refusal> {
    match &request[field] {
        Value::String(text) => Ok(text),
        Value::Null => Err(missing(field)),
        _ => Err(Refusal::malformed(format!("{field} is not a string"))),
    }
}
