//! Decides which of several items with the same key becomes the row. All items that can become rows
//! are seen once before the first row, so that the greatest wins and not the first: the result is the
//! same in every run, whatever order the export has.
//!
//! It keeps 48 bytes for each key of the shard.

use crate::columns::Latest;
use crate::encode::exact_order::ExactOrder;
use dynamodb_json::Value;
use foldhash::fast::FixedState;
use profile::canonical;
use std::collections::HashMap;
use twox_hash::{XxHash3_64, XxHash3_128};

/// The rank of an item: the value that must be greatest, then the hash of the table's key.
type Rank = (ExactOrder, u64);

/// The winners so far, by the hash of their equal values.
#[derive(Debug, Clone)]
pub(crate) struct Duplicates {
    latest: Latest,
    winners: HashMap<u128, Rank, FixedState>,
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
        }
    }

    /// Sees an item that can become a row, before any result is requested.
    pub(crate) fn see(&mut self, by: Values<'_, '_>, latest: Values<'_, '_>, key: Values<'_, '_>) {
        let Some(rank) = self.rank(latest, key) else {
            return;
        };
        self.winners
            .entry(hash(by))
            .and_modify(|winner| *winner = rank.max(*winner))
            .or_insert(rank);
    }

    /// The item's result among those with the same key.
    pub(crate) fn ranking(
        &self,
        by: Values<'_, '_>,
        latest: Values<'_, '_>,
        key: Values<'_, '_>,
    ) -> Ranking {
        match self.rank(latest, key) {
            None => Ranking::Unreadable,
            Some(rank) => match self.winners.get(&hash(by)) {
                Some(winner) if rank < *winner => Ranking::Behind,
                // What is above the winner did not compete: it becomes no row.
                _ => Ranking::First,
            },
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
