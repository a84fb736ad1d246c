//! Tables of records that survive a restart. Each record is a JSON file, which is written under
//! another name and then renamed.
//!
//! Old versions of a record stay in memory for a while, because the fault `stale` shows them.

use crate::error::Error;
use crate::protocol::refusal::Refusal;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// The time in seconds since 1970, to the millisecond, as the JSON protocol writes timestamps.
pub fn now() -> f64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    since.as_millis() as f64 / 1000.0
}

/// A type whose values a table stores.
pub trait Record: Clone + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The folder of the table, below the state directory's `records`.
    const FOLDER: &'static str;
}

// The age up to which old versions are remembered.
const KEPT_SECONDS: f64 = 300.0;

/// Records by name, in memory and on disk.
#[derive(Debug)]
pub struct Table<T> {
    folder: PathBuf,
    // A std Mutex: it is held over a small write and never over an await.
    records: Mutex<Records<T>>,
}

#[derive(Debug)]
struct Records<T> {
    now: BTreeMap<String, T>,
    /// Old versions by name, oldest first: the time of replacement, and the version.
    past: BTreeMap<String, VecDeque<(f64, Option<T>)>>,
}

impl<T: Clone> Records<T> {
    fn replace(&mut self, name: &str, record: Option<T>) {
        let time = now();
        let old = match record {
            Some(record) => self.now.insert(name.to_owned(), record),
            None => self.now.remove(name),
        };
        let past = self.past.entry(name.to_owned()).or_default();
        past.push_back((time, old));
        while past
            .front()
            .is_some_and(|(until, _)| *until < time - KEPT_SECONDS)
        {
            past.pop_front();
        }
    }
}

impl<T: Clone + Serialize + DeserializeOwned> Table<T> {
    /// Reads the records in `folder`, which is created if it is missing.
    pub fn open(folder: PathBuf) -> Result<Self, Error> {
        let failed = |action, path: &Path, source| Error::State {
            action,
            path: path.to_owned(),
            source,
        };
        std::fs::create_dir_all(&folder).map_err(|e| failed("make", &folder, e))?;
        let mut records = BTreeMap::new();
        for entry in std::fs::read_dir(&folder).map_err(|e| failed("list", &folder, e))? {
            let path = entry.map_err(|e| failed("list", &folder, e))?.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
                continue;
            };
            let Some(name) = name.strip_suffix(".json") else {
                continue;
            };
            let text = std::fs::read(&path).map_err(|e| failed("read", &path, e))?;
            let record = serde_json::from_slice(&text).map_err(|source| Error::Record {
                path: path.clone(),
                source,
            })?;
            records.insert(name.to_owned(), record);
        }
        Ok(Self {
            folder,
            records: Mutex::new(Records {
                now: records,
                past: BTreeMap::new(),
            }),
        })
    }

    pub fn get(&self, name: &str) -> Option<T> {
        self.lock().now.get(name).cloned()
    }

    /// The version of the record of `lag` seconds ago.
    pub fn get_old(&self, name: &str, lag: f64) -> Option<T> {
        let records = self.lock();
        let then = now() - lag;
        let past = records.past.get(name);
        let old = past.and_then(|past| past.iter().find(|(until, _)| *until > then));
        match old {
            Some((_, record)) => record.clone(),
            None => records.now.get(name).cloned(),
        }
    }

    /// All records, by name.
    pub fn all(&self) -> Vec<(String, T)> {
        self.lock()
            .now
            .iter()
            .map(|(name, record)| (name.clone(), record.clone()))
            .collect()
    }

    /// Adds a record, or returns the one that exists under this name.
    pub fn insert(&self, name: &str, record: T) -> Result<Option<T>, Refusal> {
        let mut records = self.lock();
        if let Some(existing) = records.now.get(name) {
            return Ok(Some(existing.clone()));
        }
        self.write(name, &record)?;
        records.replace(name, Some(record));
        Ok(None)
    }

    /// Writes a record, whether or not one of this name exists.
    pub fn put(&self, name: &str, record: T) -> Result<(), Refusal> {
        let mut records = self.lock();
        self.write(name, &record)?;
        records.replace(name, Some(record));
        Ok(())
    }

    /// Changes a record if it exists and `change` succeeds. Readers see it before or after the
    /// change.
    pub fn update<R>(
        &self,
        name: &str,
        change: impl FnOnce(&mut T) -> Result<R, Refusal>,
    ) -> Result<Option<R>, Refusal> {
        let mut records = self.lock();
        let Some(record) = records.now.get(name) else {
            return Ok(None);
        };
        let mut changed = record.clone();
        let answer = change(&mut changed)?;
        self.write(name, &changed)?;
        records.replace(name, Some(changed));
        Ok(Some(answer))
    }

    /// Removes a record, and returns whether it existed.
    pub fn remove(&self, name: &str) -> Result<bool, Refusal> {
        let mut records = self.lock();
        if !records.now.contains_key(name) {
            return Ok(false);
        }
        std::fs::remove_file(self.path(name)).map_err(|error| unwritable(name, &error))?;
        records.replace(name, None);
        Ok(true)
    }

    fn write(&self, name: &str, record: &T) -> Result<(), Refusal> {
        let temporary = self.folder.join(format!("{name}.json.new"));
        serde_json::to_vec_pretty(record)
            .map_err(std::io::Error::from)
            .and_then(|text| std::fs::write(&temporary, text))
            .and_then(|()| std::fs::rename(&temporary, self.path(name)))
            .map_err(|error| unwritable(name, &error))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.json"))
    }

    fn lock(&self) -> MutexGuard<'_, Records<T>> {
        // Every change ends with a single insert, so a panic cannot leave the map inconsistent.
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unwritable(name: &str, error: &std::io::Error) -> Refusal {
    Refusal::internal(format!("the record of {name} cannot be written: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(folder: &Path) -> Table<u32> {
        Table::open(folder.join("numbers")).unwrap()
    }

    #[test]
    fn records_survive_and_are_added_once() {
        let folder = tempfile::tempdir().unwrap();
        let numbers = table(folder.path());
        assert_eq!(numbers.insert("one", 1).unwrap(), None);
        assert_eq!(numbers.insert("one", 2).unwrap(), Some(1));
        numbers.insert("gone", 3).unwrap();
        assert!(numbers.remove("gone").unwrap());
        assert!(!numbers.remove("gone").unwrap());
        numbers
            .update("one", |number| {
                *number += 10;
                Ok(())
            })
            .unwrap();
        assert_eq!(table(folder.path()).all(), [("one".to_owned(), 11)]);
    }

    #[test]
    fn a_refused_change_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let numbers = table(folder.path());
        numbers.insert("one", 1).unwrap();
        let refused = numbers.update("one", |number| {
            *number = 2;
            Err::<(), _>(Refusal::validation("no"))
        });
        assert!(refused.is_err());
        assert_eq!(numbers.get("one"), Some(1));
        assert!(numbers.update("two", |_| Ok(())).unwrap().is_none());
    }

    #[test]
    fn old_versions_are_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let numbers = table(folder.path());
        numbers.insert("one", 1).unwrap();
        assert_eq!(numbers.get_old("one", 60.0), None);
        assert_eq!(numbers.get_old("one", -1.0), Some(1));
        std::thread::sleep(std::time::Duration::from_millis(300));
        numbers
            .update("one", |number| {
                *number = 2;
                Ok(())
            })
            .unwrap();
        assert_eq!(numbers.get_old("one", 0.2), Some(1));
        assert_eq!(numbers.get("one"), Some(2));
    }

    #[test]
    fn an_unfinished_write_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        table(folder.path()).insert("one", 1).unwrap();
        std::fs::write(folder.path().join("numbers/one.json.new"), "{").unwrap();
        assert_eq!(table(folder.path()).get("one"), Some(1));
    }
}
