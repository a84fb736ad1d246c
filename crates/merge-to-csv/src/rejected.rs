//! The items that could not become rows, with reasons.

use crate::MergeToCsvError;
use dynamodb_json::{Map, Value};
use lake::ObjectStore;
use lake::writer::ObjectWriter;
use serde_json::json;

/// The rejected items: one JSON line each, with the item's key and the reason.
pub struct RejectedSink<'s, S: ObjectStore> {
    object: ObjectWriter<'s, S>,
    key_attributes: &'s [String],
    buffer: Vec<u8>,
    items: u64,
}

impl<'s, S: ObjectStore> RejectedSink<'s, S> {
    pub fn new(store: &'s S, key: String, key_attributes: &'s [String]) -> Self {
        Self {
            object: ObjectWriter::new(store, key),
            key_attributes,
            buffer: Vec::new(),
            items: 0,
        }
    }

    pub fn push(&mut self, item: &Map<'_>, path: &str, reason: &str) {
        self.items += 1;
        let key: serde_json::Map<_, _> = self
            .key_attributes
            .iter()
            .filter_map(|name| Some((name.clone(), key_value(item.get(name)?)?)))
            .collect();
        let line = json!({"key": key, "path": path, "reason": reason});
        self.buffer.extend_from_slice(line.to_string().as_bytes());
        self.buffer.push(b'\n');
    }

    pub async fn send(&mut self) -> Result<(), MergeToCsvError> {
        Ok(self.object.drain_full(&mut self.buffer).await?)
    }

    pub async fn abandon(self) {
        self.object.abandon().await;
    }

    /// Returns how many items were rejected.
    pub async fn finish(self) -> Result<u64, MergeToCsvError> {
        if self.items > 0 {
            self.object.finish(self.buffer).await?;
        }
        Ok(self.items)
    }
}

/// A key attribute in DynamoDB JSON: text, a number or binary.
fn key_value(value: Value<'_>) -> Option<serde_json::Value> {
    match value {
        Value::S(text) => Some(json!({"S": text.decode()})),
        Value::N(number) => Some(json!({"N": number})),
        Value::B(base64) => Some(json!({"B": base64.decode()})),
        _ => None,
    }
}
