//! Decides which of several items with the same key becomes the row. All items that can become rows
//! are seen once before the first row, so that the greatest wins and not the first: the result is the
//! same in every run, whatever order the export has.
//!
//! Of items that are equal in all that decides, such as events that were delivered twice, the first that
//! is encoded becomes the row.
//!
//! It keeps 48 bytes for each key of the shard.

use crate::columns::Latest;
use crate::encode::exact_order::ExactOrder;
use dynamodb_json::Value;
use foldhash::fast::FixedState;
use profile::canonical;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use twox_hash::{XxHash3_64, XxHash3_128};

/// The rank of an item: the value that must be greatest, then the hash of the table's key.
type Rank = (ExactOrder, u64);

/// The winners so far, by the hash of their equal values.
#[derive(Debug, Clone)]
pub(crate) struct Duplicates {
    latest: Latest,
    winners: HashMap<u128, Rank, FixedState>,
    /// Those that several items equal, and whether one of these has become the row.
    ties: HashMap<u128, bool, FixedState>,
}

/// The item's result among those with the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ranking {
    /// It becomes the row, or is rejected for a value of its own.
    First,
    /// Another item becomes the row.
    Behind,
    /// The deciding value is unreadable.
    Unreadable,
}

type Values<'v, 'a> = &'v [Option<Value<'a>>];

impl Duplicates {
    pub(crate) fn new(latest: Latest) -> Self {
        Self {
            latest,
            winners: HashMap::default(),
            ties: HashMap::default(),
        }
    }

    /// Sees an item that can become a row, before any result is requested.
    pub(crate) fn see(&mut self, by: Values<'_, '_>, latest: Values<'_, '_>, key: Values<'_, '_>) {
        let Some(rank) = self.rank(latest, key) else {
            return;
        };
        let by = hash(by);
        let winner = match self.winners.entry(by) {
            Entry::Vacant(place) => {
                place.insert(rank);
                return;
            }
            Entry::Occupied(winner) => winner.into_mut(),
        };
        match rank.cmp(winner) {
            Ordering::Less => {}
            Ordering::Equal => {
                self.ties.insert(by, false);
            }
            Ordering::Greater => {
                *winner = rank;
                self.ties.remove(&by);
            }
        }
    }

    /// The item's result among those with the same key.
    pub(crate) fn ranking(
        &mut self,
        by: Values<'_, '_>,
        latest: Values<'_, '_>,
        key: Values<'_, '_>,
    ) -> Ranking {
        match self.rank(latest, key) {
            None => Ranking::Unreadable,
            Some(rank) => {
                let by = hash(by);
                match self.winners.get(&by).map(|winner| rank.cmp(winner)) {
                    Some(Ordering::Less) => Ranking::Behind,
                    Some(Ordering::Equal) => match self.ties.get_mut(&by) {
                        Some(is_taken) if *is_taken => Ranking::Behind,
                        Some(is_taken) => {
                            *is_taken = true;
                            Ranking::First
                        }
                        None => Ranking::First,
                    },
                    // What is above the winner did not compete: it becomes no row.
                    Some(Ordering::Greater) | None => Ranking::First,
                }
            }
        }
    }

    fn rank(&self, latest: Values<'_, '_>, key: Values<'_, '_>) -> Option<Rank> {
        let latest = latest.first().and_then(Option::as_ref);
        let latest = latest.filter(|value| !matches!(value, Value::Null));
        let order = match latest {
            None => ExactOrder::LEAST,
            Some(value) => ExactOrder::of(value, self.latest)?,
        };
        Some((order, XxHash3_64::oneshot(&bytes(key))))
    }
}

fn hash(values: Values<'_, '_>) -> u128 {
    XxHash3_128::oneshot(&bytes(values))
}

fn bytes(values: Values<'_, '_>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(64);
    for value in values {
        canonical::write(value.as_ref(), &mut bytes);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_items_that_are_equal_in_all_that_decides_one_becomes_the_row() {
        let text = |text: &'static str| {
            let value = dynamodb_json::parse_value(text.as_bytes()).unwrap();
            [Some(value)]
        };
        let (id, other) = (text(r#"{"S":"e-1"}"#), text(r#"{"S":"e-2"}"#));
        let (early, late) = (text(r#"{"N":"1"}"#), text(r#"{"N":"2"}"#));
        let mut duplicates = Duplicates::new(Latest::Numbers);
        let items = [
            (&id, &early),
            (&id, &early),
            (&id, &late),
            (&other, &early),
            (&id, &late),
            (&id, &early),
        ];
        for (by, at) in items {
            duplicates.see(by, at, by);
        }
        let ranked = items.map(|(by, at)| duplicates.ranking(by, at, by));
        let expected = [false, false, true, true, false, false];
        assert_eq!(ranked.map(|ranking| ranking == Ranking::First), expected);
    }
}
