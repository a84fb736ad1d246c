//! Which of several items with the same key becomes the row. All items are seen once before the first
//! row, so that the greatest wins and not the first: what wins is the same in every run, whatever
//! order the export has. It must not know where items come from.
//!
//! It keeps 48 bytes for each key of the shard.

use crate::encode::canonical;
use crate::encode::moment::Moment;
use definition::TimeUnit;
use dynamodb_json::Value;
use foldhash::fast::FixedState;
use std::collections::HashMap;
use twox_hash::XxHash3_128;

/// What of an item decides: the value that is to be greatest, then the hash of the table's key.
type Rank = (i64, u128);

/// The winners so far, by the hash of what makes items the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Duplicates {
    winners: HashMap<u128, Rank, FixedState>,
}

type Values<'v, 'a> = &'v [Option<Value<'a>>];

impl Duplicates {
    /// Sees an item before any is asked for.
    pub(crate) fn see(&mut self, by: Values<'_, '_>, latest: Values<'_, '_>, key: Values<'_, '_>) {
        let rank = rank(latest, key);
        self.winners
            .entry(hash(by))
            .and_modify(|winner| *winner = rank.max(*winner))
            .or_insert(rank);
    }

    /// Whether the item is the one among its like that becomes a row.
    pub(crate) fn wins(
        &self,
        by: Values<'_, '_>,
        latest: Values<'_, '_>,
        key: Values<'_, '_>,
    ) -> bool {
        self.winners.get(&hash(by)) == Some(&rank(latest, key))
    }
}

fn rank(latest: Values<'_, '_>, key: Values<'_, '_>) -> Rank {
    let latest = latest.first().and_then(Option::as_ref);
    (latest.map_or(i64::MIN, order), hash(key))
}

/// A number in the order of its value, or a moment. Texts that are no moment, and other types, are
/// below all.
fn order(value: &Value<'_>) -> i64 {
    match value {
        Value::N(raw) => {
            let bits = raw.parse::<f64>().unwrap_or(0.0).to_bits().cast_signed();
            // Of negative numbers the greater has the lesser bits.
            if bits < 0 { bits ^ i64::MAX } else { bits }
        }
        Value::S(_) => Moment::of(value, TimeUnit::Seconds).map_or(i64::MIN, Moment::milliseconds),
        _ => i64::MIN,
    }
}

fn hash(values: Values<'_, '_>) -> u128 {
    let mut bytes = Vec::with_capacity(64);
    for value in values {
        canonical::write(value.as_ref(), &mut bytes);
    }
    XxHash3_128::oneshot(&bytes)
}
