//! The port to items of a table that are read by their keys.

use contract::ServiceError;
use std::collections::BTreeMap;
use std::future::Future;

/// One attribute of some items.
#[derive(Debug, Clone, Copy)]
pub struct AttributeRequest<'r> {
    /// The table.
    pub table: &'r str,
    /// The name of its key attribute, the only one.
    pub key: &'r str,
    /// Whether the key is a number.
    pub is_number: bool,
    /// The name of the attribute.
    pub attribute: &'r str,
    /// The items' keys, each once. Numbers are whole and have no leading zeros.
    pub keys: &'r [&'r str],
}

/// What items have.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Attributes {
    /// The attribute of each item that has it, by its key; `None` if it is neither text, a number
    /// nor a boolean.
    pub values: BTreeMap<String, Option<String>>,
    /// Read request units that were consumed.
    pub read_units: f64,
}

/// Reads items by their keys.
pub trait ReadItems: Send + Sync {
    /// The attribute of these items, at about the same time: reads are not consistent.
    fn read_attribute(
        &self,
        request: AttributeRequest<'_>,
    ) -> impl Future<Output = Result<Attributes, ServiceError>> + Send;
}

/// A table in memory: the attribute that is asked for, by the key.
#[derive(Debug, Clone, Default)]
pub struct MemoryItems {
    /// The attribute of each key.
    pub items: BTreeMap<String, Option<String>>,
}

impl ReadItems for MemoryItems {
    async fn read_attribute(
        &self,
        request: AttributeRequest<'_>,
    ) -> Result<Attributes, ServiceError> {
        let keys = request.keys.iter();
        let items = keys.filter_map(|key| Some(((*key).to_owned(), self.items.get(*key)?.clone())));
        Ok(Attributes {
            values: items.collect(),
            read_units: request.keys.len() as f64 / 2.0,
        })
    }
}
