//! Captured changes in memory: each key's last one, and what they say of the base.

use crate::applied::{Applied, AppliedKey};
use crate::captured_change::{CapturedChange, Sequence};
use crate::changed_keys::{Before, ChangedKeys, State};
use crate::compaction::EXAMPLES;
use crate::{ChangeError, KeyReader, state};
use dynamodb_json::Map;
use lake::captured::SequenceNumber;
use std::collections::BTreeSet;

/// Most captured changes: they take up to 300 bytes each, with what is made of them.
pub const MOST_CAPTURED: usize = 5_000_000;

/// What the base is, as far as changes can be compared with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BaseIs {
    /// Each item is as its last merged change left it.
    Exact,
    /// Each item is as one of its changes left it, or as the first one found it.
    OneOfItsStates,
    /// Items may be as changes left them that are not captured yet.
    Ahead,
}

/// A change without its images: 64 bytes.
#[derive(Debug, Clone, Copy)]
struct Seen {
    key: u128,
    sequence: Sequence,
    old: u64,
    new: u64,
    images: Images,
}

/// Which images a change has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Images {
    New,
    Both,
    Old,
    /// The old one, of an item whose time to live was over.
    Expired,
}

impl Seen {
    fn before(&self) -> State {
        (self.images != Images::New).then_some(self.old)
    }

    fn after(&self) -> State {
        matches!(self.images, Images::New | Images::Both).then_some(self.new)
    }
}

/// All changes that are not merged yet, in any order, some of them several times.
#[derive(Debug)]
pub struct Collected {
    reader: KeyReader,
    keep_expired: bool,
    seen: Vec<Seen>,
    most: usize,
    changes: u64,
    canonical: Vec<u8>,
}

impl Collected {
    /// No changes of a table with these key attributes. Items whose time to live was over stay if
    /// `keep_expired`.
    pub fn new(key_attributes: &[String], keep_expired: bool) -> Self {
        Self {
            reader: KeyReader::new(key_attributes),
            keep_expired,
            seen: Vec::new(),
            most: MOST_CAPTURED,
            changes: 0,
            canonical: Vec::new(),
        }
    }

    /// Refuses more than so many changes.
    #[cfg(test)]
    const fn with_most(mut self, most: usize) -> Self {
        self.most = most;
        self
    }

    /// Takes a line; what is `applied` already is left out. Returns its sequence number.
    ///
    /// # Errors
    /// If the line is no change of an item of the table, or there are too many.
    pub fn take(&mut self, line: &[u8], applied: &Applied) -> Result<SequenceNumber, ChangeError> {
        let CapturedChange {
            change,
            sequence: number,
            is_expiry,
        } = CapturedChange::parse(line, &mut self.reader)?;
        let sequence = Sequence::from(&number);
        if applied.covers(change.key, sequence) {
            return Ok(number);
        }
        let mut hash =
            |image: Option<Map<'_>>| image.map_or(0, |image| state::of(image, &mut self.canonical));
        let seen = Seen {
            key: change.key,
            sequence,
            old: hash(change.old_image),
            new: hash(change.new_image),
            images: match (change.old_image, change.new_image) {
                (None, _) => Images::New,
                (Some(_), Some(_)) => Images::Both,
                (Some(_), None) if is_expiry => Images::Expired,
                (Some(_), None) => Images::Old,
            },
        };
        self.changes += 1;
        if self.seen.len() >= self.most {
            // Many of them may be the same.
            self.put_in_order();
            if self.seen.len() >= self.most - self.most / 8 {
                return Err(ChangeError::TooMany { most: self.most });
            }
        }
        self.seen.push(seen);
        Ok(number)
    }

    /// By key and sequence number; each change once.
    fn put_in_order(&mut self) {
        let order = |seen: &Seen| (seen.key, seen.sequence);
        self.seen.sort_unstable_by_key(order);
        // The same change twice with other images stays: it does not follow from itself.
        self.seen.dedup_by(|one, two| {
            order(one) == order(two)
                && (one.before(), one.after(), one.images)
                    == (two.before(), two.after(), two.images)
        });
    }

    /// The last change of each key, and what all of them say of the base.
    pub fn into_latest(mut self, base: BaseIs) -> Latest {
        self.put_in_order();
        let mut latest = Latest {
            reader: self.reader,
            changes: self.changes,
            lasts: Vec::new(),
            written: Vec::new(),
            keys: Vec::new(),
            states: Vec::new(),
            most_found: 0,
            always: 0,
            removed: 0,
            disagreed: 0,
            unexplained: BTreeSet::new(),
            examples: Vec::new(),
        };
        for of_key in self.seen.chunk_by(|one, two| one.key == two.key) {
            latest.add(of_key, base, self.keep_expired);
        }
        latest
    }
}

/// The image that a key's item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kept {
    New,
    Old,
    Nothing,
}

#[derive(Debug, Clone, Copy)]
struct Last {
    key: u128,
    sequence: Sequence,
    kept: Kept,
}

/// The last change of each key.
#[derive(Debug)]
pub struct Latest {
    reader: KeyReader,
    /// In the order of their keys' hashes.
    lasts: Vec<Last>,
    /// Whether the item of each was given out.
    written: Vec<bool>,
    keys: Vec<(u128, Before)>,
    states: Vec<State>,
    /// Keys whose changes disagree, as far as they are to be named.
    unexplained: BTreeSet<u128>,
    /// Changes that were read and not merged before, some of them several times.
    pub changes: u64,
    /// Keys of which the base may have an item.
    pub most_found: u64,
    /// Keys of which the base must have one.
    pub always: u64,
    /// Keys that no longer have an item.
    pub removed: u64,
    /// Changes that do not follow from the one before.
    pub disagreed: u64,
    /// Some of their keys.
    pub examples: Vec<String>,
}

impl Latest {
    /// Adds a key by all its changes, in their order.
    fn add(&mut self, of_key: &[Seen], base: BaseIs, keep_expired: bool) {
        let [first, ..] = of_key else { return };
        let last = of_key.last().unwrap_or(first);
        for two in of_key.windows(2) {
            if two[0].sequence == two[1].sequence || two[1].before() != two[0].after() {
                self.disagreed += 1;
                if self.unexplained.len() < EXAMPLES {
                    self.unexplained.insert(first.key);
                }
            }
        }
        let kept = match last.images {
            Images::New | Images::Both => Kept::New,
            Images::Expired if keep_expired => Kept::Old,
            Images::Old | Images::Expired => Kept::Nothing,
        };
        let end = match kept {
            Kept::New => Some(last.new),
            Kept::Old => Some(last.old),
            Kept::Nothing => None,
        };
        let states = || std::iter::once(first.before()).chain(of_key.iter().map(Seen::after));
        let before = match (base, first.before()) {
            // An item may be there whose time to live was over.
            (BaseIs::Exact, None) if keep_expired => Before::Unknown,
            (BaseIs::Exact, None) => Before::Absent,
            (BaseIs::Exact, Some(state)) => Before::Item(state),
            (BaseIs::OneOfItsStates | BaseIs::Ahead, _) => {
                let from = self.states.len();
                self.states.extend(states().chain([end]));
                Before::OneOf {
                    from: u32::try_from(from).unwrap_or(u32::MAX),
                    count: u32::try_from(of_key.len() + 2).unwrap_or(u32::MAX),
                    is_sure: base == BaseIs::OneOfItsStates,
                }
            }
        };
        let (may, must) = match before {
            Before::Unknown | Before::OneOf { is_sure: false, .. } => (true, false),
            Before::Absent => (false, false),
            Before::Item(_) => (true, true),
            Before::OneOf { .. } => (
                states().any(|state| state.is_some()),
                states().all(|state| state.is_some()),
            ),
        };
        self.most_found += u64::from(may);
        self.always += u64::from(must);
        self.removed += u64::from(kept == Kept::Nothing);
        self.keys.push((first.key, before));
        self.written.push(false);
        self.lasts.push(Last {
            key: first.key,
            sequence: last.sequence,
            kept,
        });
    }

    /// Takes a line again. Returns the key's item if the change is its last one, and the item was not
    /// returned before.
    ///
    /// # Errors
    /// If the line is no change of an item of the table.
    pub fn take<'l>(
        &mut self,
        line: &'l [u8],
    ) -> Result<(SequenceNumber, Option<Map<'l>>), ChangeError> {
        let captured = CapturedChange::parse(line, &mut self.reader)?;
        let (change, number) = (captured.change, captured.sequence);
        if self.examples.len() < EXAMPLES && self.unexplained.remove(&change.key) {
            let keys = String::from_utf8_lossy(change.keys.raw());
            self.examples.push(keys.into_owned());
        }
        let found = self
            .lasts
            .binary_search_by_key(&change.key, |last| last.key);
        let Ok(at) = found else {
            return Ok((number, None));
        };
        let last = self.lasts[at];
        if last.sequence != Sequence::from(&number) || self.written[at] {
            return Ok((number, None));
        }
        self.written[at] = true;
        let image = match last.kept {
            Kept::New => change.new_image,
            Kept::Old => change.old_image,
            Kept::Nothing => None,
        };
        Ok((number, image))
    }

    /// The last change of each key, in the order of the keys' hashes.
    pub fn sequences(&self, listed_at: i64) -> impl Iterator<Item = AppliedKey> {
        self.lasts.iter().map(move |last| AppliedKey {
            key: last.key,
            sequence: last.sequence,
            listed_at,
        })
    }

    /// The keys.
    pub fn into_keys(self) -> ChangedKeys {
        ChangedKeys::with_states(self.keys, &self.states)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(id: u32, sequence: u32) -> String {
        format!(
            r#"{{"Metadata":{{"SequenceNumber":{{"S":"{sequence:021}"}},"EventName":{{"S":"INSERT"}}}},"Keys":{{"id":{{"N":"{id}"}}}},"NewImage":{{"id":{{"N":"{id}"}}}}}}"#
        )
    }

    #[test]
    fn what_is_captured_twice_is_held_once_and_too_many_are_refused() {
        assert_eq!(size_of::<Seen>(), 64);
        let applied = Applied::default();
        let mut collected = Collected::new(&["id".to_owned()], false).with_most(16);
        for _ in 0..4 {
            for id in 0..10 {
                collected.take(line(id, id).as_bytes(), &applied).unwrap();
            }
        }
        let error = (10..40).find_map(|id| {
            let taken = collected.take(line(id, id).as_bytes(), &applied);
            taken.err()
        });
        assert_eq!(error, Some(ChangeError::TooMany { most: 16 }));
    }
}
