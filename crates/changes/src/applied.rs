//! The last change that was merged of each key that changed lately: an object that is written late,
//! or read again, brings back no older state.

use crate::ChangesError;
use crate::captured_change::Sequence;
use bytes::{BufMut, Bytes, BytesMut};
use lake::records::{AppliedSequences, ChangedRecord, FileDigest};
use lake::{DocumentError, ObjectStore, RunKeys, documents};

/// Bytes of a key: its hash, the sequence number, and when the change was listed that has it.
const WIDTH: usize = 16 + Sequence::WIDTH + 8;

/// Seconds for which a key's last change is remembered, at least: a function that captures is dead
/// long before, and the base's own changes are remembered in any case.
pub const REMEMBERED: i64 = 25 * 60 * 60;

/// The keys, in the order of their hashes.
#[derive(Debug, Clone, Default)]
pub struct Applied(Bytes);

/// A key that changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AppliedKey {
    pub key: u128,
    pub sequence: Sequence,
    /// When the change was listed, in seconds since 1970.
    pub listed_at: i64,
}

impl Applied {
    /// What the run `base` remembers; nothing if it merged no captured changes.
    pub async fn load(store: &impl ObjectStore, base: &RunKeys) -> Result<Self, ChangesError> {
        const WHAT: &str = "the record of the base's changed keys";
        let record: Option<ChangedRecord> =
            documents::read_if_there(store, &base.changed(), WHAT).await?;
        let Some(applied) = record.and_then(|record| record.applied) else {
            return Ok(Self::default());
        };
        let bytes = store.get(&applied.key).await.map_err(DocumentError::from)?;
        let mut digest = FileDigest::default();
        digest.add(&bytes);
        let length = applied.keys * WIDTH as u64;
        if digest.finish() != applied.checksum || bytes.len() as u64 != length {
            return Err(ChangesError::KeysDiffer {
                key: format!("s3://{}/{}", store.bucket(), applied.key),
            });
        }
        Ok(Self(bytes))
    }

    /// These keys, and those of before that are remembered since `keep_from`. Both in the order of
    /// their hashes.
    pub fn and(&self, new: impl Iterator<Item = AppliedKey>, keep_from: i64) -> Self {
        let mut bytes = BytesMut::new();
        let mut put = |key: AppliedKey| {
            bytes.put_u128(key.key);
            bytes.put_slice(&key.sequence.0);
            bytes.put_i64(key.listed_at);
        };
        let mut old = self.keys().filter(|old| old.listed_at >= keep_from);
        let mut next = old.next();
        for key in new {
            while let Some(before) = next
                && before.key <= key.key
            {
                // A key that changed again is newer.
                if before.key < key.key {
                    put(before);
                }
                next = old.next();
            }
            put(key);
        }
        next.into_iter().chain(old).for_each(put);
        Self(bytes.freeze())
    }

    fn keys(&self) -> impl Iterator<Item = AppliedKey> {
        (0..self.len()).map(|at| self.at(at))
    }

    const fn len(&self) -> usize {
        self.0.len() / WIDTH
    }

    fn hash(&self, at: usize) -> u128 {
        let hash = &self.0[at * WIDTH..at * WIDTH + 16];
        u128::from_be_bytes(hash.try_into().unwrap_or_default())
    }

    fn at(&self, at: usize) -> AppliedKey {
        let rest = &self.0[at * WIDTH + 16..(at + 1) * WIDTH];
        let (sequence, listed_at) = rest.split_at(Sequence::WIDTH);
        AppliedKey {
            key: self.hash(at),
            sequence: Sequence(sequence.try_into().unwrap_or_default()),
            listed_at: i64::from_be_bytes(listed_at.try_into().unwrap_or_default()),
        }
    }

    /// Whether this change of the key, or a later one, is merged already.
    pub fn covers(&self, key: u128, sequence: Sequence) -> bool {
        let (mut from, mut to) = (0, self.len());
        while from < to {
            let middle = usize::midpoint(from, to);
            if self.hash(middle) < key {
                from = middle + 1;
            } else {
                to = middle;
            }
        }
        from < self.len() && self.hash(from) == key && sequence <= self.at(from).sequence
    }

    /// Writes the object, and says what it is.
    pub async fn write(
        &self,
        store: &impl ObjectStore,
        key: String,
    ) -> Result<AppliedSequences, ChangesError> {
        let mut digest = FileDigest::default();
        digest.add(&self.0);
        let put = store.put(&key, self.0.clone()).await;
        put.map_err(DocumentError::from)?;
        Ok(AppliedSequences {
            key,
            keys: self.len() as u64,
            checksum: digest.finish(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn sequence(number: u32) -> Sequence {
        Sequence::from(&number.to_string().parse().unwrap())
    }

    #[test]
    fn the_newest_change_of_each_key_is_remembered_for_its_time() {
        let mut random = fastrand::Rng::with_seed(3);
        let mut expected: BTreeMap<u128, (u32, i64)> = BTreeMap::new();
        let mut applied = Applied::default();
        let mut next = 0;
        for listed_at in (0..400).step_by(10) {
            let mut new: Vec<u128> = (0..random.usize(..30)).map(|_| random.u128(..60)).collect();
            new.sort_unstable();
            new.dedup();
            let keys: Vec<_> = new
                .iter()
                .map(|key| {
                    next += 1;
                    AppliedKey {
                        key: *key,
                        sequence: sequence(next),
                        listed_at,
                    }
                })
                .collect();
            let keep_from = listed_at - 30;
            expected.retain(|_, (_, listed)| *listed >= keep_from);
            for key in &keys {
                let number = keys.iter().position(|other| other == key).unwrap();
                let number = next - u32::try_from(keys.len() - 1 - number).unwrap();
                expected.insert(key.key, (number, listed_at));
            }
            applied = applied.and(keys.into_iter(), keep_from);
            assert_eq!(applied.len(), expected.len());
            for key in 0..60 {
                let newest = expected.get(&key).map(|(number, _)| *number);
                assert!(!applied.covers(key, sequence(next + 1)));
                let is_covered = newest.is_some_and(|newest| applied.covers(key, sequence(newest)));
                assert_eq!(is_covered, newest.is_some());
                assert_eq!(applied.covers(key, sequence(0)), newest.is_some());
                if let Some(newest) = newest {
                    assert!(!applied.covers(key, sequence(newest + 1)));
                }
            }
        }
    }
}
