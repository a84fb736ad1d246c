//! Draws the sample of a dataset, where a number limits it: reads all items, and finds the hash up to
//! which rows are kept.

use crate::PlanDatasetError;
use crate::items::each_item;
use dataset::{Columns, DenseRow, Encoder, HashBound, RowOutcome};
use definition::Sample;
use dynamodb_json::Map;
use lake::ObjectStore;
use lake::records::Part;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::{Duration, SystemTime};

/// Time that is left for the rest of the function.
const RESERVE: Duration = Duration::from_mins(3);

/// The least hashes of some rows, at most so many.
#[derive(Debug)]
struct Least {
    most: usize,
    hashes: BinaryHeap<u64>,
}

impl Least {
    fn new(most: Option<u64>) -> Self {
        Self {
            most: most.map_or(usize::MAX, |most| {
                usize::try_from(most).unwrap_or(usize::MAX)
            }),
            hashes: BinaryHeap::new(),
        }
    }

    fn add(&mut self, hash: u64) {
        if self.hashes.len() < self.most {
            self.hashes.push(hash);
        } else if let Some(mut greatest) = self.hashes.peek_mut()
            && hash < *greatest
        {
            *greatest = hash;
        }
    }

    /// The greatest hash of what is kept; any, while there was room.
    fn bound(&self) -> HashBound {
        let greatest = self.hashes.peek().copied();
        HashBound(match greatest {
            Some(greatest) if self.hashes.len() >= self.most => greatest,
            _ => u64::MAX,
        })
    }
}

/// Sets the bounds of the columns' sample, and returns how many rows there will be, if the sample is
/// limited by numbers.
pub async fn draw(
    store: &impl ObjectStore,
    parts: &[Part],
    sample: Option<&Sample>,
    columns: &mut Columns,
    deadline: SystemTime,
) -> Result<Option<u64>, PlanDatasetError> {
    let Some(sample) = sample.filter(|sample| sample.is_counted()) else {
        return Ok(None);
    };
    let until = deadline.checked_sub(RESERVE).unwrap_or(deadline);
    let mut encoder = Encoder::new(columns)?;
    let no_time = |done| {
        if done {
            Ok(())
        } else {
            Err(PlanDatasetError::SampleTakesTooLong)
        }
    };
    if encoder.needs_first_pass() {
        let seen = each_item(store, parts, until, |_, item| {
            if !is_quarantined(item) {
                let values = encoder.values(item);
                encoder.see(&values);
            }
            true
        });
        no_time(seen.await?)?;
    }
    // A limit of each class is a limit of all, too: no more hashes than these are held.
    let mut classes: BTreeMap<usize, Least> = BTreeMap::new();
    let mut row = DenseRow::default();
    let mut held = 0_u64;
    let read = each_item(store, parts, until, |_, item| {
        if is_quarantined(item) {
            return true;
        }
        let values = encoder.values(item);
        if !matches!(encoder.encode(&values, &mut row), RowOutcome::Row(_)) {
            return true;
        }
        let class = encoder
            .label(&values)
            .filter(|_| sample.per_class.is_some());
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the number of a class, a whole number from 0"
        )]
        let class = class.map_or(0, |class| class as usize);
        if let Some(hash) = encoder.sample_hash(&values) {
            let most = sample.per_class.or(sample.maximum);
            let least = classes.entry(class).or_insert_with(|| Least::new(most));
            let before = least.hashes.len();
            least.add(hash);
            held += (least.hashes.len() - before) as u64;
        }
        held <= Sample::MOST
    })
    .await?;
    if held > Sample::MOST {
        return Err(PlanDatasetError::SampleTooLarge);
    }
    no_time(read)?;
    let Some(rule) = &mut columns.sample else {
        return Ok(None);
    };
    if sample.per_class.is_some() {
        let bound = |class| {
            classes
                .get(&class)
                .map_or(HashBound(u64::MAX), Least::bound)
        };
        rule.classes = (0..columns.label_classes.len()).map(bound).collect();
    }
    let mut all = Least::new(sample.maximum);
    for hash in classes.into_values().flat_map(|least| least.hashes) {
        all.add(hash);
    }
    rule.most = HashBound(all.bound().0.min(rule.most.0));
    let rows = all.hashes.len() as u64;
    tracing::info!(rows, "sampled");
    Ok(Some(rows))
}

/// An image that cannot be used must not take the place of one that can.
fn is_quarantined(item: &Map<'_>) -> bool {
    item.get("quarantined").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_are_kept_and_the_bound_is_the_greatest_of_them() {
        let mut least = Least::new(Some(3));
        assert_eq!(least.bound(), HashBound(u64::MAX));
        for hash in [50, 20, 40, 10, 30, 60] {
            least.add(hash);
        }
        assert_eq!(least.bound(), HashBound(30));
        assert_eq!(least.hashes.into_sorted_vec(), [10, 20, 30]);
        let mut all = Least::new(None);
        all.add(7);
        assert_eq!(all.bound(), HashBound(u64::MAX));
    }
}
