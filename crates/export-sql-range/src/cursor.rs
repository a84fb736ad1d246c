//! Where the next page of a chunk begins.

use crate::base::BasePosition;
use crate::changed::ChangedDigest;
use contract::{ErrorName, ServiceError};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sql_source::Keyset;

/// The end of a page. Another process may have read it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cursor {
    /// The key of the last row that was read from the database.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Keyset>,
    /// Rows that were read, where they have no order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// The keys of the changed rows that were read, where only those are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<ChangedDigest>,
    /// Where the base goes on, once all changed rows were read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<BasePosition>,
}

impl Cursor {
    /// Reads it from a segment's record.
    pub fn parse(value: &Value) -> Result<Self, ServiceError> {
        contract::read::from_value(value.clone()).map_err(|error| ServiceError {
            name: ErrorName::DatasetInvalid,
            service: "the lake",
            operation: "GetObject",
            subject: "a segment's progress".to_owned(),
            code: "CursorUnreadable".to_owned(),
            message: format!("{error}: start a new run"),
            source: None,
        })
    }

    /// As a segment's record holds it.
    pub fn to_json(&self) -> Value {
        serde_json::to_value(self).expect("a cursor has text keys and no fallible serialisers")
    }
}
