//! The port to a table whose rows are replaced only by newer ones.

use contract::{ErrorName, ServiceError};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Mutex, PoisonError};

/// The result of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// The row is as it was asked for.
    Done,
    /// The table has a row of this key that is as new or newer, or that has no version: it stays.
    Outdated,
}

/// A row's key and its version.
#[derive(Debug, Clone, Copy)]
pub struct Version<'v> {
    /// The row's key, in DynamoDB JSON: an object from key attribute to typed value.
    pub key: &'v Value,
    /// The name of the text attribute that holds the version.
    pub attribute: &'v str,
    /// The version; of two, the greater text is newer.
    pub text: &'v str,
}

/// Replaces and deletes rows by their versions.
pub trait WriteNewer: Send + Sync {
    /// Puts a row, in DynamoDB JSON with its key and its version, if there is none of this key or an
    /// older one.
    fn put_newer(
        &self,
        table: &str,
        row: &Value,
        version: Version<'_>,
    ) -> impl Future<Output = Result<Written, ServiceError>> + Send;

    /// Deletes the row of this key if there is an older one.
    fn delete_older(
        &self,
        table: &str,
        version: Version<'_>,
    ) -> impl Future<Output = Result<Written, ServiceError>> + Send;
}

/// Tables in memory.
#[derive(Debug, Default)]
pub struct MemoryRows {
    // A std mutex: it is never held across an await.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    rows: BTreeMap<(String, String), Value>,
    passing: u32,
    failing: u32,
}

impl MemoryRows {
    /// No rows.
    pub fn new() -> Self {
        Self::default()
    }

    /// The rows of a table, in the order of their keys' text.
    pub fn rows(&self, table: &str) -> Vec<Value> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let rows = state.rows.iter();
        rows.filter(|((of, _), _)| of == table)
            .map(|(_, row)| row.clone())
            .collect()
    }

    /// Puts a row, whatever is there.
    pub fn plant(&self, table: &str, key: &Value, row: Value) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.rows.insert((table.to_owned(), key.to_string()), row);
    }

    /// Lets `writes` writes fail as throttled after `passing` more that do not.
    pub fn throttle_after(&self, passing: u32, writes: u32) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.passing = passing;
        state.failing = writes;
    }

    /// Writes or deletes a row; `None` if the write is throttled.
    fn write(&self, table: &str, version: Version<'_>, row: Option<&Value>) -> Option<Written> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.passing > 0 {
            state.passing -= 1;
        } else if state.failing > 0 {
            state.failing -= 1;
            return None;
        }
        let place = (table.to_owned(), version.key.to_string());
        let is_allowed = match state.rows.get(&place) {
            Some(found) => found[version.attribute]["S"]
                .as_str()
                .is_some_and(|found| found < version.text),
            None => row.is_some(),
        };
        if !is_allowed {
            return Some(Written::Outdated);
        }
        match row {
            Some(row) => state.rows.insert(place, row.clone()),
            None => state.rows.remove(&place),
        };
        Some(Written::Done)
    }
}

impl WriteNewer for MemoryRows {
    async fn put_newer(
        &self,
        table: &str,
        row: &Value,
        version: Version<'_>,
    ) -> Result<Written, ServiceError> {
        let written = self.write(table, version, Some(row));
        written.ok_or_else(|| throttled("PutItem", table))
    }

    async fn delete_older(
        &self,
        table: &str,
        version: Version<'_>,
    ) -> Result<Written, ServiceError> {
        let written = self.write(table, version, None);
        written.ok_or_else(|| throttled("DeleteItem", table))
    }
}

fn throttled(operation: &'static str, table: &str) -> ServiceError {
    ServiceError {
        name: ErrorName::Throttled,
        service: "DynamoDB",
        operation,
        subject: table.to_owned(),
        code: "ThrottlingException".to_owned(),
        message: "slow down".to_owned(),
        source: None,
    }
}

/// What every adapter must do with an empty table whose only key attribute is the text `id`.
///
/// # Panics
/// If it does something else.
pub async fn conformance(rows: &impl WriteNewer, table: &str) {
    let put = async |text: &str| put_a(rows, table, text).await;
    let delete = async |text: &str| delete_a(rows, table, text).await;
    assert_eq!(delete("1").await, Written::Outdated, "nothing is there");
    assert_eq!(put("2").await, Written::Done);
    for as_old in ["2", "1"] {
        assert_eq!(put(as_old).await, Written::Outdated);
        assert_eq!(delete(as_old).await, Written::Outdated);
    }
    assert_eq!(put("3").await, Written::Done);
    assert_eq!(put("2").await, Written::Outdated, "an older one comes late");
    assert_eq!(delete("4").await, Written::Done);
    assert_eq!(delete("5").await, Written::Outdated);
    assert_eq!(put("1").await, Written::Done, "the key is free again");
}

async fn put_a(rows: &impl WriteNewer, table: &str, text: &str) -> Written {
    let row = json!({"id": {"S": "a"}, "version": {"S": text}, "n": {"N": "0.5"}});
    let key = json!({"id": {"S": "a"}});
    let written = rows.put_newer(table, &row, version_of(&key, text)).await;
    written.expect("a row can be put")
}

async fn delete_a(rows: &impl WriteNewer, table: &str, text: &str) -> Written {
    let key = json!({"id": {"S": "a"}});
    let written = rows.delete_older(table, version_of(&key, text)).await;
    written.expect("a row can be deleted")
}

const fn version_of<'v>(key: &'v Value, text: &'v str) -> Version<'v> {
    Version {
        key,
        attribute: "version",
        text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_table_in_memory_conforms() {
        conformance(&MemoryRows::new(), "scores").await;
    }

    #[tokio::test]
    async fn a_row_without_a_version_stays() {
        let rows = MemoryRows::new();
        let key = json!({"id": {"S": "a"}});
        rows.plant("t", &key, json!({"id": {"S": "a"}, "mine": {"BOOL": true}}));
        let version = version_of(&key, "1");
        let row = json!({"id": {"S": "a"}, "version": {"S": "1"}});
        let put = rows.put_newer("t", &row, version).await.unwrap();
        let deleted = rows.delete_older("t", version).await.unwrap();
        assert_eq!((put, deleted), (Written::Outdated, Written::Outdated));
        assert_eq!(rows.rows("t").len(), 1);
    }
}
