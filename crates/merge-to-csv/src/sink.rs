//! Where rows and rejected items go. A sink without content leaves no object: below a channel's
//! prefix even an empty file is training data.

use crate::MergeToCsvError;
use dataset::Reject;
use item::{Map, Value};
use lake::ObjectStore;
use lake::records::{Checksum, CsvFile};
use lake::writer::ObjectWriter;
use serde_json::json;

/// A CSV file in the making.
pub struct CsvSink<'s, S: ObjectStore> {
    channel: &'static str,
    object: ObjectWriter<'s, S>,
    buffer: Vec<u8>,
    rows: u64,
    checksum: Checksum,
}

impl<'s, S: ObjectStore> CsvSink<'s, S> {
    pub fn new(store: &'s S, channel: &'static str, key: String) -> Self {
        Self {
            channel,
            object: ObjectWriter::new(store, key),
            buffer: Vec::new(),
            rows: 0,
            checksum: Checksum::default(),
        }
    }

    /// Takes a row with its line break.
    pub fn push(&mut self, row: &[u8]) {
        self.rows += 1;
        self.checksum
            .add_line(row.strip_suffix(b"\n").unwrap_or(row));
        self.buffer.extend_from_slice(row);
    }

    pub async fn send(&mut self) -> Result<(), MergeToCsvError> {
        Ok(self.object.drain_full(&mut self.buffer).await?)
    }

    pub async fn abandon(self) -> Result<(), MergeToCsvError> {
        Ok(self.object.abandon().await?)
    }

    pub async fn finish(self) -> Result<Option<CsvFile>, MergeToCsvError> {
        if self.rows == 0 {
            return Ok(None);
        }
        let key = self.object.key().to_owned();
        let bytes = self.object.finish(self.buffer).await?;
        Ok(Some(CsvFile {
            channel: self.channel.to_owned(),
            key,
            rows: self.rows,
            bytes,
            checksum: self.checksum,
        }))
    }
}

/// The items that could not become rows: a line of JSON each, with the item's key and the reason.
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

    pub fn push(&mut self, item: &Map<'_>, reject: &Reject) {
        self.items += 1;
        let key: serde_json::Map<_, _> = self
            .key_attributes
            .iter()
            .filter_map(|name| Some((name.clone(), key_value(item.get(name)?)?)))
            .collect();
        let line = json!({"key": key, "path": reject.path, "reason": reject.to_string()});
        self.buffer.extend_from_slice(line.to_string().as_bytes());
        self.buffer.push(b'\n');
    }

    pub async fn send(&mut self) -> Result<(), MergeToCsvError> {
        Ok(self.object.drain_full(&mut self.buffer).await?)
    }

    pub async fn abandon(self) -> Result<(), MergeToCsvError> {
        Ok(self.object.abandon().await?)
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
