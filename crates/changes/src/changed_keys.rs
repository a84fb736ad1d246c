//! The keys that changed, as an object of the lake and to be looked up.

use crate::ChangesError;
use bytes::{BufMut, Bytes, BytesMut};
use lake::records::{ChangedRecord, FileDigest};
use lake::{ObjectStore, RunKeys, documents};

/// What a changed key's first change says of the base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// Nothing: old images are not exported.
    Unknown,
    /// It has no item with this key.
    Absent,
    /// Its item has this hash.
    Item(u64),
}

/// Bytes of a key: its hash, a tag, the hash of the item that was replaced.
const WIDTH: usize = 16 + 1 + 8;
/// Most bits of a hash by which keys are found directly.
const MOST_BITS: u32 = 24;

/// The hashes of the keys that changed: 29 bytes each.
#[derive(Debug, Clone)]
pub struct ChangedKeys {
    /// In the order of their hashes.
    bytes: Bytes,
    /// By the first bits of a hash, the first key that has them or more.
    starts: Vec<u32>,
    shift: u32,
}

impl ChangedKeys {
    /// These keys, each once, in any order.
    pub fn new(mut keys: Vec<(u128, Before)>) -> Self {
        keys.sort_unstable_by_key(|(hash, _)| *hash);
        let mut bytes = BytesMut::with_capacity(keys.len() * WIDTH);
        for (hash, before) in keys {
            bytes.put_u128(hash);
            let (tag, state) = match before {
                Before::Unknown => (0, 0),
                Before::Absent => (1, 0),
                Before::Item(state) => (2, state),
            };
            bytes.put_u8(tag);
            bytes.put_u64(state);
        }
        Self::of(bytes.freeze())
    }

    fn of(bytes: Bytes) -> Self {
        let length = bytes.len() / WIDTH;
        let bits = length.next_power_of_two().trailing_zeros();
        let bits = bits.clamp(1, MOST_BITS);
        let mut keys = Self {
            bytes,
            starts: Vec::new(),
            shift: 128 - bits,
        };
        let mut starts = vec![0; (1 << bits) + 1];
        for at in 0..length {
            starts[keys.bucket(keys.hash(at)) + 1] += 1;
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        keys.starts = starts;
        keys
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.bytes.len() / WIDTH
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    fn bucket(&self, hash: u128) -> usize {
        // A few bits remain.
        usize::try_from(hash >> self.shift).unwrap_or(usize::MAX)
    }

    fn hash(&self, at: usize) -> u128 {
        let hash = &self.bytes[at * WIDTH..at * WIDTH + 16];
        u128::from_be_bytes(hash.try_into().unwrap_or_default())
    }

    /// What a key's first change says of the base; `None` if the key did not change.
    #[inline]
    pub fn find(&self, hash: u128) -> Option<Before> {
        let bucket = self.bucket(hash);
        let mut keys = self.starts[bucket] as usize..self.starts[bucket + 1] as usize;
        let at = keys.find(|at| self.hash(*at) == hash)?;
        let rest = &self.bytes[at * WIDTH + 16..(at + 1) * WIDTH];
        Some(match rest[0] {
            0 => Before::Unknown,
            1 => Before::Absent,
            _ => Before::Item(u64::from_be_bytes(rest[1..].try_into().unwrap_or_default())),
        })
    }

    /// The object that lists them.
    pub const fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The record of a run's changed keys.
    ///
    /// # Errors
    /// If the changes are not compacted yet.
    pub async fn record(
        store: &impl ObjectStore,
        keys: &RunKeys,
    ) -> Result<ChangedRecord, ChangesError> {
        let record = documents::read_if_there(store, &keys.changed(), WHAT).await?;
        record.ok_or_else(|| ChangesError::NotCompacted {
            run: keys.run().clone(),
        })
    }

    /// The changed keys of a run, and their record.
    ///
    /// # Errors
    /// If the changes are not compacted yet, or the object is not what was committed.
    pub async fn load(
        store: &impl ObjectStore,
        keys: &RunKeys,
    ) -> Result<(ChangedRecord, Self), ChangesError> {
        let record = Self::record(store, keys).await?;
        let bytes = store.get(&record.key).await;
        let bytes = bytes.map_err(lake::DocumentError::from)?;
        let mut digest = FileDigest::default();
        digest.add(&bytes);
        if digest.finish() != record.checksum || bytes.len() as u64 != record.keys * WIDTH as u64 {
            return Err(ChangesError::KeysDiffer {
                key: format!("s3://{}/{}", store.bucket(), record.key),
            });
        }
        Ok((record, Self::of(bytes)))
    }
}

/// What the record is called in messages.
pub const WHAT: &str = "the record of the changed keys";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_is_found_and_no_other() {
        let mut random = fastrand::Rng::with_seed(1);
        for length in [0, 1, 2, 3, 1000, 5000] {
            let mut keys = Vec::new();
            for number in 0..length {
                let before = match number % 3 {
                    0 => Before::Unknown,
                    1 => Before::Absent,
                    _ => Before::Item(number),
                };
                // Some share their first bits.
                let bits = random.u128(..) >> (random.u32(..3) * 32);
                keys.push((bits, before));
            }
            let all = ChangedKeys::new(keys.clone());
            assert_eq!(all.len() as u64, length);
            for (hash, before) in keys {
                assert_eq!(all.find(hash), Some(before));
                assert_eq!(all.find(hash ^ 1), None);
            }
            assert_eq!(all.find(u128::MAX), None);
        }
    }
}
