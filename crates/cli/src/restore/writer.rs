//! Puts the items of a run's parts into the table: in batches, at a pace, until the table has taken
//! each.

use super::pace::Pace;
use super::state::State;
use super::{GIVE_UP, Request, RestoreError, item};
use crate::progress::Step;
use aws::dynamodb::Tables;
use aws::dynamodb_restore::{BATCH, BatchWritten, TargetTable};
use contract::ErrorName;
use dynamodb_json::Kind;
use futures::{StreamExt, TryStreamExt, stream};
use lake::ObjectStore;
use lake::part::{self, LineCount};
use lake::records::Part;
use profile::canonical;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// Requests at a time, and the items of a step: what is repeated if the program is killed.
const AT_ONCE: usize = 16;
const STEP: usize = AT_ONCE * BATCH;
/// Pauses after a request of which items were left, doubling, with jitter.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

/// Puts items into one table.
pub struct Writer<'a> {
    tables: &'a Tables,
    request: &'a Request,
    target: &'a TargetTable,
    pace: Pace,
    bucket: &'a str,
    total: u64,
    step: &'a Step,
    /// Items that the table has taken, by all requests.
    taken: AtomicU64,
}

/// An item to put, and what it takes.
struct Put {
    item: Value,
    line: u64,
    /// The canonical bytes of its key.
    key: Vec<u8>,
    units: u64,
    checksum: u64,
}

/// How long the table has taken nothing, apart from the time that a request waits for its turn.
#[derive(Debug, Default)]
struct Patience {
    without: Duration,
    taken: u64,
}

impl Patience {
    /// Counts a time of which none of a request's items was taken; `taken` is what all requests
    /// together have put. Whether it is over.
    fn is_over(&mut self, time: Duration, taken: u64) -> bool {
        if taken > self.taken {
            *self = Self {
                without: Duration::ZERO,
                taken,
            };
            return false;
        }
        self.without += time;
        self.without > GIVE_UP
    }
}

impl<'a> Writer<'a> {
    /// Into `target`, which is the request's table, at the request's pace.
    pub fn new(
        tables: &'a Tables,
        request: &'a Request,
        target: &'a TargetTable,
        (bucket, total): (&'a str, u64),
        step: &'a Step,
    ) -> Self {
        Self {
            tables,
            request,
            target,
            pace: Pace::new(request.wcu),
            bucket,
            total,
            step,
            taken: AtomicU64::new(0),
        }
    }

    /// Writes what is left of a part. Returns the write units that it consumed.
    pub async fn part(
        &self,
        store: &impl ObjectStore,
        part: &Part,
        state: &mut State,
    ) -> Result<f64, RestoreError> {
        let mut reader = part::open(store, part).await?;
        let mut lines = LineCount::default();
        let (mut pending, mut units) = (Vec::with_capacity(STEP), 0.0);
        while let Some(batch) = reader.next().await? {
            lines.raw_bytes += batch.len() as u64;
            let mut read = Vec::new();
            for text in part::lines(batch) {
                lines.add_line(text);
                if lines.items > state.lines {
                    read.push(self.put(part, lines.items, text)?);
                }
            }
            for put in read {
                pending.push(put);
                if pending.len() == STEP {
                    units += self.write(part, &mut pending, state).await?;
                    state.lines += STEP as u64;
                    state.write(&self.request.state)?;
                }
            }
        }
        units += self.write(part, &mut pending, state).await?;
        lines.check(self.bucket, part)?;
        Ok(units)
    }

    fn refused(&self, part: &Part, line: u64, message: String) -> RestoreError {
        RestoreError::Item {
            bucket: self.bucket.to_owned(),
            part: part.key.clone(),
            line,
            message,
        }
    }

    fn put(&self, part: &Part, line: u64, text: &[u8]) -> Result<Put, RestoreError> {
        let refuse = |message| self.refused(part, line, message);
        let map = dynamodb_json::parse_line(text).map_err(|error| refuse(error.to_string()))?;
        let mut key = Vec::new();
        for (name, kind) in &self.target.key {
            let value = map.get(name);
            let found = value.as_ref().map(dynamodb_json::Value::kind);
            if found != Some(*kind) {
                let found = found.map_or("nothing", Kind::as_str);
                return Err(refuse(format!(
                    "the key attribute {} is {found}, and {kind} in the table",
                    contract::short_name(name)
                )));
            }
            canonical::write(value.as_ref(), &mut key);
        }
        let item = serde_json::from_slice(map.raw()).map_err(|error| refuse(error.to_string()))?;
        Ok(Put {
            item,
            line,
            key,
            units: item::write_units(&map),
            checksum: item::checksum(&map),
        })
    }

    /// Writes the items of a part, all of them when it returns, and counts them.
    async fn write(
        &self,
        part: &Part,
        puts: &mut Vec<Put>,
        state: &mut State,
    ) -> Result<f64, RestoreError> {
        let batches = batches(&self.last_of_each_key(part, puts)?);
        let units = stream::iter(batches)
            .map(|(items, units)| self.batch(items, units))
            .buffer_unordered(AT_ONCE)
            .try_fold(0.0, async |sum, units| Ok(sum + units))
            .await?;
        state.items += puts.len() as u64;
        for put in puts.drain(..) {
            state.checksum = state.checksum.wrapping_add(put.checksum);
        }
        self.step.count(state.items, self.total, "items");
        Ok(units)
    }

    /// The items of a step that stay: a request may hold no key twice, and of requests that are on
    /// their way together none is the last. Two items with one key are refused, unless the last may
    /// replace the others.
    fn last_of_each_key<'p>(
        &self,
        part: &Part,
        puts: &'p [Put],
    ) -> Result<Vec<&'p Put>, RestoreError> {
        let mut last = BTreeMap::new();
        for put in puts {
            let before: Option<&Put> = last.insert(put.key.as_slice(), put);
            if let Some(before) = before.filter(|_| !self.request.overwrite) {
                let message = format!(
                    "has the key of line {}, and the table holds one of them: restore with --overwrite to keep the last",
                    before.line
                );
                return Err(self.refused(part, put.line, message));
            }
        }
        let is_last = |put: &&Put| last.get(put.key.as_slice()).map(|it| it.line) == Some(put.line);
        Ok(puts.iter().filter(is_last).collect())
    }

    /// Writes a batch until nothing of it is left.
    async fn batch(&self, mut left: Vec<Value>, units: u64) -> Result<f64, RestoreError> {
        let mut consumed = 0.0;
        let (mut pause, mut patience) = (FIRST_PAUSE, Patience::default());
        let per_item = units as f64 / left.len().max(1) as f64;
        loop {
            let expected = per_item * left.len() as f64;
            self.pace.wait(expected).await;
            let asked = Instant::now();
            match self.tables.write_batch(&self.request.table, &left).await {
                Ok(BatchWritten {
                    unprocessed,
                    write_units,
                }) => {
                    if let Some(units) = write_units {
                        consumed += units;
                        self.pace.add(units - expected);
                    }
                    let taken = left.len().saturating_sub(unprocessed.len());
                    self.taken.fetch_add(taken as u64, Ordering::Relaxed);
                    if unprocessed.is_empty() {
                        return Ok(consumed);
                    }
                    if taken > 0 {
                        pause = FIRST_PAUSE;
                    }
                    left = unprocessed;
                }
                Err(error) if error.name == ErrorName::Throttled => {}
                Err(error) => return Err(error.into()),
            }
            tokio::time::sleep(pause.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            if patience.is_over(asked.elapsed(), self.taken.load(Ordering::Relaxed)) {
                return Err(RestoreError::Throttled {
                    table: self.request.table.clone(),
                    minutes: GIVE_UP.as_secs() / 60,
                });
            }
        }
    }
}

/// The items in batches, each with the units that it takes.
fn batches(puts: &[&Put]) -> Vec<(Vec<Value>, u64)> {
    puts.chunks(BATCH)
        .map(|some| {
            let items = some.iter().map(|put| put.item.clone()).collect();
            (items, some.iter().map(|put| put.units).sum())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_ends_by_the_time_in_which_the_table_takes_nothing() {
        let mut patience = Patience::default();
        let half = GIVE_UP / 2;
        assert!(!patience.is_over(half, 0));
        assert!(!patience.is_over(half, 0));
        // Another request put an item meanwhile.
        assert!(!patience.is_over(half, 1));
        assert!(!patience.is_over(half, 1));
        assert!(!patience.is_over(half, 1));
        assert!(patience.is_over(Duration::from_millis(1), 1));
    }
}
