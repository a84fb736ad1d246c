//! Puts a run's raw lines back into a table: paced, resumable, and compared at the end.

mod cost;
mod error;
mod item;
mod pace;
mod read_back;
mod state;

pub use cost::{Costs, Import, Writing};
pub use error::RestoreError;
pub use state::default_file;

use crate::progress::{Progress, Step, count};
use aws::dynamodb::Tables;
use aws::dynamodb_restore::{BATCH, BatchWritten, TargetTable};
use contract::{ErrorName, RunId};
use dynamodb_json::Kind;
use futures::{StreamExt, TryStreamExt, stream};
use lake::part::{self, LineCount};
use lake::records::{Part, Plan, ScanTotals, SegmentRecord};
use lake::{DocumentError, ObjectStore, RunKeys, documents, native, segment};
use pace::Pace;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use source::DescribeTable;
use state::State;
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::Instant;

/// Requests at a time, and the items of a step: what is repeated if the program is killed.
const AT_ONCE: usize = 16;
const STEP: usize = AT_ONCE * BATCH;
/// Pauses after a request of which items were left, doubling, with jitter.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(20);
/// The time without a written item after which the table is given up.
const GIVE_UP: Duration = Duration::from_mins(10);

/// What is restored, and where.
#[derive(Debug, Clone)]
pub struct Request {
    /// The pipeline.
    pub pipeline: String,
    /// The run.
    pub run: RunId,
    /// The table to write into.
    pub table: String,
    /// Write units per second.
    pub wcu: u32,
    /// Whether a table that holds items is written into.
    pub overwrite: bool,
    /// Where progress is kept.
    pub state: PathBuf,
}

/// A run that was exported whole.
#[derive(Debug)]
pub struct Exported {
    /// Its plan.
    pub plan: Plan,
    /// Its parts, in the order of the segments.
    pub parts: Vec<Part>,
    /// The counts of its manifests.
    pub totals: ScanTotals,
}

/// What a restore did.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Document {
    /// The run.
    pub run: RunId,
    /// Its pipeline.
    pub pipeline: String,
    /// The table.
    pub table: String,
    /// What it takes and costs.
    pub costs: Costs,
    /// What was written; absent with `--dry-run`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restored: Option<Restored>,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Restored {
    /// Items of the run, all of which are in the table.
    pub items: u64,
    /// Items that an earlier start had written.
    pub continued: u64,
    /// Write units that this start consumed, as DynamoDB counted them.
    pub write_units: f64,
    /// Whether the table was read back and compared; not if it held other items before.
    pub compared: bool,
    /// The checksum of the items, of whatever order, 16 hexadecimal digits.
    pub checksum: String,
}

/// Reads what a run has exported.
///
/// # Errors
/// If it has not ended, or the lake cannot be read.
pub async fn exported(
    store: &impl ObjectStore,
    pipeline: &str,
    run: &RunId,
) -> Result<Exported, RestoreError> {
    let keys = RunKeys::new(pipeline, run);
    let lake = |source: DocumentError| RestoreError::Lake {
        pipeline: pipeline.to_owned(),
        run: run.clone(),
        source: Box::new(source),
    };
    let plan: Plan = documents::read(store, &keys.plan(), "the run's plan")
        .await
        .map_err(lake)?;
    let segments = native::segments(store, &plan).await.map_err(lake)?;
    let (mut parts, mut totals) = (Vec::new(), ScanTotals::default());
    for number in segments {
        let record: Option<SegmentRecord<IgnoredAny>> = segment::manifest(store, &keys, number)
            .await
            .map_err(lake)?;
        let Some(record) = record else {
            return Err(RestoreError::NotWhole {
                run: run.clone(),
                segment: number,
            });
        };
        totals += record.totals;
        parts.extend(record.parts);
    }
    Ok(Exported {
        plan,
        parts,
        totals,
    })
}

/// The table to write into, with the key of the run's items.
///
/// # Errors
/// If there is none, or it has another key.
pub async fn target(
    tables: &Tables,
    table: &str,
    plan: &Plan,
) -> Result<TargetTable, RestoreError> {
    let expected = plan.key_attributes.join(" and ");
    let Some(target) = tables.target(table).await? else {
        return Err(RestoreError::TableMissing {
            table: table.to_owned(),
            key: if expected.is_empty() {
                "that you want".to_owned()
            } else {
                expected
            },
        });
    };
    let found: Vec<_> = target.key.iter().map(|(name, _)| name.as_str()).collect();
    // Files may name no key, and each item is checked.
    if !plan.key_attributes.is_empty() && found != plan.key_attributes {
        return Err(RestoreError::OtherKey {
            table: table.to_owned(),
            found: found.join(" and "),
            expected,
        });
    }
    Ok(target)
}

/// What the run's items were exported of that an item of the table may have more of.
pub fn left_out(plan: &Plan) -> Option<&'static str> {
    let source = plan.definition.source.dynamodb()?;
    if !source.projection.is_empty() {
        Some("source.dynamodb.projection: the run's items have only these attributes")
    } else if source.index.is_some() {
        Some("source.dynamodb.index: the run's items have what the index holds")
    } else if source.filter.is_some() {
        Some("source.dynamodb.filter: the run has only the items that it lets through")
    } else {
        None
    }
}

/// Writes the run's items, from where an earlier start stopped, and compares.
///
/// # Errors
/// If the table is not empty, an item cannot be put, the lake or the table fails, or the table holds
/// something else in the end. What was written stays, and another start continues.
pub async fn restore(
    store: &impl ObjectStore,
    tables: &Tables,
    request: &Request,
    exported: &Exported,
    target: &TargetTable,
    progress: &Progress,
) -> Result<Restored, RestoreError> {
    let begun = State {
        bucket: store.bucket().to_owned(),
        pipeline: request.pipeline.clone(),
        run: request.run.clone(),
        table: target.arn.clone(),
        was_empty: true,
        parts: 0,
        lines: 0,
        items: 0,
        checksum: 0,
    };
    let (mut state, is_continued) = begun.continued(&request.state)?;
    if !is_continued {
        state.was_empty = !tables.holds_an_item(&request.table, None).await?;
        if !state.was_empty && !request.overwrite {
            return Err(RestoreError::NotEmpty {
                table: request.table.clone(),
            });
        }
        // From now on the table is ours: a second start finds items in it.
        state.write(&request.state)?;
    }
    let continued = state.items;
    let step = progress.step(format!("Writing {}", request.table));
    let writer = Writer {
        tables,
        request,
        target,
        pace: Pace::new(request.wcu),
        bucket: store.bucket(),
        total: exported.totals.items,
        step: &step,
    };
    let mut write_units = 0.0;
    for (number, part) in exported.parts.iter().enumerate().skip(state.parts) {
        write_units += writer.part(store, part, &mut state).await?;
        state.parts = number + 1;
        state.lines = 0;
        state.write(&request.state)?;
    }
    step.done(&format!("{} items", count(state.items)));
    let expected = read_back::Held {
        items: state.items,
        checksum: state.checksum,
    };
    if expected.items != exported.totals.items {
        return Err(differs(
            request,
            expected,
            format!("{} items", exported.totals.items),
        ));
    }
    if state.was_empty {
        let step = progress.step(format!("Reading {} back", request.table));
        let found = read_back::read(tables, &request.table, expected.items, &step).await?;
        if found != expected {
            return Err(differs(request, found, expected.to_string()));
        }
        step.done(&format!("{} items, as in the run", count(found.items)));
    }
    State::remove(&request.state)?;
    Ok(Restored {
        items: state.items,
        continued,
        write_units,
        compared: state.was_empty,
        checksum: format!("{:016x}", state.checksum),
    })
}

fn differs(request: &Request, found: read_back::Held, expected: String) -> RestoreError {
    RestoreError::Differs {
        table: request.table.clone(),
        found: found.to_string(),
        expected,
    }
}

struct Writer<'a> {
    tables: &'a Tables,
    request: &'a Request,
    target: &'a TargetTable,
    pace: Pace,
    bucket: &'a str,
    total: u64,
    step: &'a Step,
}

/// An item to put, and what it takes.
struct Put {
    item: Value,
    units: u64,
    checksum: u64,
}

impl Writer<'_> {
    /// Writes what is left of a part. Returns the write units that it consumed.
    async fn part(
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
                    units += self.write(&mut pending, state).await?;
                    state.lines += STEP as u64;
                    state.write(&self.request.state)?;
                }
            }
        }
        units += self.write(&mut pending, state).await?;
        lines.check(self.bucket, part)?;
        Ok(units)
    }

    fn put(&self, part: &Part, line: u64, text: &[u8]) -> Result<Put, RestoreError> {
        let refuse = |message: String| RestoreError::Item {
            bucket: self.bucket.to_owned(),
            part: part.key.clone(),
            line,
            message,
        };
        let map = dynamodb_json::parse_line(text).map_err(|error| refuse(error.to_string()))?;
        for (name, kind) in &self.target.key {
            let found = map.get(name).map(|value| value.kind());
            if found != Some(*kind) {
                let found = found.map_or("nothing", Kind::as_str);
                return Err(refuse(format!(
                    "the key attribute {} is {found}, and {kind} in the table",
                    contract::short_name(name)
                )));
            }
        }
        let item = serde_json::from_slice(map.raw()).map_err(|error| refuse(error.to_string()))?;
        Ok(Put {
            item,
            units: item::write_units(&map),
            checksum: item::checksum(&map),
        })
    }

    /// Writes the items, all of them when it returns, and counts them.
    async fn write(&self, puts: &mut Vec<Put>, state: &mut State) -> Result<f64, RestoreError> {
        let batches = batches(puts);
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

    /// Writes a batch until nothing of it is left.
    async fn batch(&self, mut left: Vec<Value>, units: u64) -> Result<f64, RestoreError> {
        let mut consumed = 0.0;
        let (mut pause, mut last) = (FIRST_PAUSE, Instant::now());
        let per_item = units as f64 / left.len().max(1) as f64;
        loop {
            let expected = per_item * left.len() as f64;
            self.pace.wait(expected).await;
            match self.tables.write_batch(&self.request.table, &left).await {
                Ok(BatchWritten {
                    unprocessed,
                    write_units,
                }) => {
                    if let Some(units) = write_units {
                        consumed += units;
                        self.pace.add(units - expected);
                    }
                    if unprocessed.is_empty() {
                        return Ok(consumed);
                    }
                    if unprocessed.len() < left.len() {
                        (pause, last) = (FIRST_PAUSE, Instant::now());
                    }
                    left = unprocessed;
                }
                Err(error) if error.name == ErrorName::Throttled => {}
                Err(error) => return Err(error.into()),
            }
            if last.elapsed() > GIVE_UP {
                return Err(RestoreError::Throttled {
                    table: self.request.table.clone(),
                    minutes: GIVE_UP.as_secs() / 60,
                });
            }
            tokio::time::sleep(pause.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

/// The items in batches, each with the units that it takes.
fn batches(puts: &[Put]) -> Vec<(Vec<Value>, u64)> {
    puts.chunks(BATCH)
        .map(|some| {
            let items = some.iter().map(|put| put.item.clone()).collect();
            (items, some.iter().map(|put| put.units).sum())
        })
        .collect()
}

/// The summary for people.
pub fn summary(document: &Document) -> String {
    let Document {
        run,
        pipeline,
        table,
        costs,
        restored,
    } = document;
    match restored {
        None => costs.text(),
        Some(restored) => {
            let compared = if restored.compared {
                "read back, item for item as in the run"
            } else {
                "not read back: the table held other items before"
            };
            format!(
                "run {run} of pipeline `{pipeline}` is restored into {table}\n  items     {}, checksum {}\n  table     \
                 {compared}\n",
                count(restored.items),
                restored.checksum,
            )
        }
    }
}
