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
    /// Its item is one of these, by their places in a list of states; the last of them is the item
    /// that the changes end with.
    OneOf {
        /// The first place.
        from: u32,
        /// How many.
        count: u32,
        /// Whether it can be none of the others. If not, the base may be ahead of the changes.
        is_sure: bool,
    },
}

/// The hash of a key's item; `None` where it has none.
pub type State = Option<u64>;

/// Bytes of a key: its hash, a tag, the hash of the item that was replaced, or where its states are.
const WIDTH: usize = 16 + 1 + 8;
/// Bytes of a state behind the keys: a tag and a hash.
const STATE_WIDTH: usize = 1 + 8;
/// Most bits of a hash by which keys are found directly.
const MOST_BITS: u32 = 24;

/// The hashes of the keys that changed: 29 bytes each.
#[derive(Debug, Clone)]
pub struct ChangedKeys {
    /// In the order of their hashes; the states behind them.
    bytes: Bytes,
    length: usize,
    /// By the first bits of a hash, the first key that has them or more.
    starts: Vec<u32>,
    shift: u32,
}

impl ChangedKeys {
    /// These keys, each once, in any order.
    pub fn new(keys: Vec<(u128, Before)>) -> Self {
        Self::with_states(keys, &[])
    }

    /// The same, with the states that some of them name.
    pub fn with_states(mut keys: Vec<(u128, Before)>, states: &[State]) -> Self {
        keys.sort_unstable_by_key(|(hash, _)| *hash);
        let length = keys.len();
        let mut bytes = BytesMut::with_capacity(length * WIDTH + states.len() * STATE_WIDTH);
        for (hash, before) in keys {
            bytes.put_u128(hash);
            let (tag, state) = match before {
                Before::Unknown => (0, 0),
                Before::Absent => (1, 0),
                Before::Item(state) => (2, state),
                Before::OneOf {
                    from,
                    count,
                    is_sure,
                } => (
                    3 + u8::from(is_sure),
                    u64::from(from) << 32 | u64::from(count),
                ),
            };
            bytes.put_u8(tag);
            bytes.put_u64(state);
        }
        for state in states {
            bytes.put_u8(u8::from(state.is_some()));
            bytes.put_u64(state.unwrap_or_default());
        }
        Self::of(bytes.freeze(), length)
    }

    fn of(bytes: Bytes, length: usize) -> Self {
        let bits = length.next_power_of_two().trailing_zeros();
        let bits = bits.clamp(1, MOST_BITS);
        let mut keys = Self {
            bytes,
            length,
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
    pub const fn len(&self) -> usize {
        self.length
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.length == 0
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
        let state = u64::from_be_bytes(rest[1..].try_into().unwrap_or_default());
        Some(match rest[0] {
            0 => Before::Unknown,
            1 => Before::Absent,
            2 => Before::Item(state),
            tag => Before::OneOf {
                is_sure: tag == 4,
                from: u32::try_from(state >> 32).unwrap_or(u32::MAX),
                count: u32::try_from(state & u64::from(u32::MAX)).unwrap_or(u32::MAX),
            },
        })
    }

    /// Whether the base may have an item with this hash, by what a key's changes say.
    pub fn allows(&self, before: Before, found: u64) -> bool {
        match before {
            Before::Unknown | Before::OneOf { is_sure: false, .. } => true,
            Before::Absent => false,
            Before::Item(state) => state == found,
            Before::OneOf { from, count, .. } => {
                let mut places = (from as usize..).take(count as usize);
                places.any(|place| self.state(place) == Some(found))
            }
        }
    }

    /// Whether the changes end with an item that has this hash, as far as they say.
    pub fn ends_with(&self, before: Before, found: u64) -> bool {
        match before {
            Before::OneOf { from, count, .. } => {
                self.state((from + count) as usize - 1) == Some(found)
            }
            Before::Unknown | Before::Absent | Before::Item(_) => false,
        }
    }

    fn state(&self, place: usize) -> State {
        let states = &self.bytes[self.length * WIDTH..];
        let state = &states[place * STATE_WIDTH..(place + 1) * STATE_WIDTH];
        let hash = u64::from_be_bytes(state[1..].try_into().unwrap_or_default());
        (state[0] == 1).then_some(hash)
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
        let length = usize::try_from(record.keys).unwrap_or(usize::MAX);
        let is_long_enough = bytes.len() >= length.saturating_mul(WIDTH);
        if digest.finish() != record.checksum || !is_long_enough {
            return Err(ChangesError::KeysDiffer {
                key: format!("s3://{}/{}", store.bucket(), record.key),
            });
        }
        Ok((record, Self::of(bytes, length)))
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

    #[test]
    fn an_item_is_one_of_the_states_of_its_key_alone() {
        let of = |from, count, is_sure| Before::OneOf {
            from,
            count,
            is_sure,
        };
        let (one, two) = (of(0, 2, true), of(2, 1, true));
        let states = [None, Some(0), Some(7)];
        let keys = ChangedKeys::with_states(vec![(9, two), (5, one)], &states);
        assert_eq!((keys.find(5), keys.find(9)), (Some(one), Some(two)));
        assert!(keys.allows(one, 0) && !keys.allows(one, 7));
        assert!(keys.allows(two, 7) && !keys.allows(two, 0));
        assert!(keys.ends_with(one, 0) && !keys.ends_with(one, 7) && keys.ends_with(two, 7));
        let ahead = of(0, 2, false);
        let keys = ChangedKeys::with_states(vec![(5, ahead)], &states);
        assert_eq!(keys.find(5), Some(ahead));
        assert!(keys.allows(ahead, 7) && keys.ends_with(ahead, 0) && !keys.ends_with(ahead, 7));
    }
}
