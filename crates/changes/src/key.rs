//! The hash of an item's key.

use dynamodb_json::{Kind, Lines, Map, PathId, Value};
use profile::canonical;
use twox_hash::XxHash3_128;

/// An item whose key cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The item lacks an attribute of the table's key.
    #[error("the key attribute `{name}` is missing")]
    Missing {
        /// The attribute.
        name: String,
    },
    /// A key attribute is of a type that no key has.
    #[error("the key attribute `{name}` is of type {found}; keys are of type S, N or B")]
    Type {
        /// The attribute.
        name: String,
        /// Its type.
        found: Kind,
    },
}

/// Reads the keys of one table's items.
///
/// Two keys have the same hash if their values are equal, however they are written: `1` and `1.0`
/// are one. Two other keys have the same hash with a probability of 2^-128.
#[derive(Debug, Clone)]
pub struct KeyReader {
    names: Vec<String>,
    canonical: Vec<u8>,
}

impl KeyReader {
    /// The keys of a table with these key attributes.
    pub fn new(names: &[String]) -> Self {
        Self {
            names: names.to_vec(),
            canonical: Vec::new(),
        }
    }

    /// The names of the key attributes.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The hash of an item's key.
    ///
    /// # Errors
    /// If a key attribute is missing, or of another type than keys have.
    pub fn of_item(&mut self, item: &Map<'_>) -> Result<u128, KeyError> {
        self.hash(|_, name| item.get(name))
    }

    /// The hash of the key of the last of the lines, whose key attributes have these paths.
    ///
    /// # Errors
    /// If a key attribute is missing, or of another type than keys have.
    pub(crate) fn of_last(&mut self, lines: &Lines, paths: &[PathId]) -> Result<u128, KeyError> {
        self.hash(|at, _| lines.last_value(paths[at]))
    }

    fn hash<'v>(
        &mut self,
        mut value: impl FnMut(usize, &str) -> Option<Value<'v>>,
    ) -> Result<u128, KeyError> {
        let Self { names, canonical } = self;
        canonical.clear();
        for (at, name) in names.iter().enumerate() {
            let value = value(at, name);
            match value {
                Some(Value::S(_) | Value::N(_) | Value::B(_)) => {}
                Some(other) => {
                    return Err(KeyError::Type {
                        name: name.clone(),
                        found: other.kind(),
                    });
                }
                None => return Err(KeyError::Missing { name: name.clone() }),
            }
            canonical::write(value.as_ref(), canonical);
        }
        Ok(XxHash3_128::oneshot(canonical))
    }
}
