//! The keys of the rows of one chunk that changed, as hashes.

use contract::{ErrorName, Named, ServiceError};
use lake::records::SegmentRecord;
use lake::segment::{self, Progress};
use lake::{ObjectStore, RunKeys, part};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use sql_source::LineKeys;

/// Rows of one chunk that may have changed, at most: their hashes are held in memory.
pub const MOST: usize = 16_000_000;

/// The hashes of the keys that were read so far.
#[derive(Debug, Default)]
pub struct Changed {
    hashes: Vec<u128>,
    sum: u128,
    is_sorted: bool,
}

/// Identifies a set of keys. In a cursor, it names the changed rows that were read before, by this
/// attempt or another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangedDigest {
    /// Keys.
    pub rows: usize,
    /// The sum of their hashes, modulo 2^128, in hexadecimal.
    pub sum: String,
}

impl Changed {
    /// Adds a key.
    pub fn add(&mut self, hash: u128) {
        self.hashes.push(hash);
        self.sum = self.sum.wrapping_add(hash);
        self.is_sorted = false;
    }

    /// The digest of these keys.
    pub fn digest(&self) -> ChangedDigest {
        ChangedDigest {
            rows: self.hashes.len(),
            sum: format!("{:032x}", self.sum),
        }
    }

    /// Keys.
    pub const fn count(&self) -> usize {
        self.hashes.len()
    }

    /// Orders the keys, so that they can be searched.
    pub fn sort(&mut self) {
        if !self.is_sorted {
            self.hashes.sort_unstable();
            self.is_sorted = true;
        }
    }

    /// Whether a key is among them, once they are sorted.
    pub fn contains(&self, hash: u128) -> bool {
        self.hashes.binary_search(&hash).is_ok()
    }

    /// The keys that earlier attempts read of a segment: those of its first committed lines.
    pub async fn committed(
        store: &impl ObjectStore,
        keys: &RunKeys,
        line_keys: &LineKeys,
        segment: u32,
        digest: &ChangedDigest,
    ) -> Result<Self, ServiceError> {
        let mut all = Self::default();
        let progress: Progress<IgnoredAny> = segment::progress(store, keys, segment)
            .await
            .map_err(|error| unreadable("a segment's progress", &error))?;
        let (Progress::Whole(record)
        | Progress::At {
            record: Some(record),
            ..
        }) = progress
        else {
            return Err(not_as_committed(segment));
        };
        let SegmentRecord { parts, .. } = record;
        for listed in &parts {
            if all.hashes.len() >= digest.rows {
                break;
            }
            let mut is_known = true;
            part::read_lines(store, listed, |line| {
                if all.hashes.len() < digest.rows {
                    match line_keys.hash(line) {
                        Some(hash) => all.add(hash),
                        None => is_known = false,
                    }
                }
            })
            .await
            .map_err(|error| unreadable(&listed.key, &error))?;
            if !is_known {
                return Err(not_as_committed(segment));
            }
        }
        if all.digest() != *digest {
            return Err(not_as_committed(segment));
        }
        Ok(all)
    }
}

fn error(name: ErrorName, subject: &str, code: &str, message: String) -> ServiceError {
    ServiceError {
        name,
        service: "the lake",
        operation: "GetObject",
        subject: subject.to_owned(),
        code: code.to_owned(),
        message,
        source: None,
    }
}

/// The rows of this run's own segment are not those of its cursor.
fn not_as_committed(segment: u32) -> ServiceError {
    let message = "its parts do not hold the rows that its last commit names: start a new run";
    let subject = format!("segment {segment}");
    error(
        ErrorName::DatasetInvalid,
        &subject,
        "NotAsCommitted",
        message.to_owned(),
    )
}

/// An object of the base that holds other lines than the plan says.
pub fn not_a_row(key: &str) -> ServiceError {
    let message = "a line has not the columns of the plan: set source.sql.incremental to null for one run, which \
                   reads the whole table";
    error(
        ErrorName::DatasetInvalid,
        key,
        "OtherColumns",
        message.to_owned(),
    )
}

/// More rows of a chunk changed than can be held.
pub fn too_many(table: &str, segment: u32, most: usize) -> ServiceError {
    let message = format!(
        "more than {most} rows of chunk {segment} changed, whose keys are held in memory: set \
         source.sql.incremental to null for one run, which reads the whole table and splits it anew"
    );
    error(
        ErrorName::ResourceLimitExceeded,
        table,
        "TooManyChanges",
        message,
    )
}

/// An object of the lake that cannot be read.
pub fn unreadable(subject: &str, cause: &impl Named) -> ServiceError {
    error(cause.name(), subject, "Unreadable", contract::chain(cause))
}
