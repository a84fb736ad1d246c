//! Float64 as text, since JSON readers may be off by one unit in the last place, and what was stored
//! must equal what was not.

use serde::{Deserialize, Deserializer, Serializer, de::Error};

/// Writes the number as its shortest text.
pub fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// Reads such a text.
pub fn deserialize<'de, D: Deserializer<'de>>(reader: D) -> Result<f64, D::Error> {
    let text = String::deserialize(reader)?;
    text.parse()
        .map_err(|_| D::Error::custom(format!("`{text}` is no number")))
}
