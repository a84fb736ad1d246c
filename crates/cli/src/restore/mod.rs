//! Puts a run's raw lines back into a table: paced, resumable, and compared at the end.

mod cost;
mod error;
mod item;
mod pace;
mod read_back;
mod state;
mod writer;

pub use cost::{Costs, Import, Writing};
pub use error::RestoreError;
pub use state::default_file;

use crate::progress::{Progress, count};
use aws::dynamodb::Tables;
use aws::dynamodb_restore::TargetTable;
use contract::RunId;
use dynamodb_json::Kind;
use futures::{StreamExt, TryStreamExt, stream};
use lake::part;
use lake::records::{Part, Plan, ScanTotals, SegmentRecord};
use lake::{DocumentError, ObjectStore, RunKeys, documents, native, segment};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::IgnoredAny;
use source::DescribeTable;
use state::State;
use std::path::PathBuf;
use std::time::Duration;
use writer::Writer;

/// The time in which the table takes no item after which it is given up.
const GIVE_UP: Duration = Duration::from_mins(10);

/// Manifests that are read at once.
const MANIFESTS: usize = 64;

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
    /// Whether the table was read back and compared; not with `--overwrite`, where it may hold other
    /// items, or one of several with the same key.
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
    let manifest = async |segment| {
        let record: Option<SegmentRecord<IgnoredAny>> = segment::manifest(store, &keys, segment)
            .await
            .map_err(lake)?;
        record.ok_or_else(|| RestoreError::NotWhole {
            run: run.clone(),
            segment,
        })
    };
    let manifests = stream::iter(segments).map(manifest);
    let manifests: Vec<_> = manifests.buffered(MANIFESTS).try_collect().await?;
    let (mut parts, mut totals) = (Vec::new(), ScanTotals::default());
    for record in manifests {
        totals += record.totals;
        parts.extend(record.parts);
    }
    Ok(Exported {
        plan,
        parts,
        totals,
    })
}

impl Exported {
    /// The key of the run's items with its types, by the first item: a table that does not exist yet
    /// would have it. Empty if the run has no key or no items.
    ///
    /// # Errors
    /// If the item cannot be read, or lacks the key.
    pub async fn key(&self, store: &impl ObjectStore) -> Result<Vec<(String, Kind)>, RestoreError> {
        let Some(part) = self.parts.iter().find(|part| part.items > 0) else {
            return Ok(Vec::new());
        };
        let mut reader = part::open(store, part).await?;
        let batch = reader.next().await?.unwrap_or_default();
        let line = part::lines(batch).next().unwrap_or_default();
        let refuse = |message| RestoreError::Item {
            bucket: store.bucket().to_owned(),
            part: part.key.clone(),
            line: 1,
            message,
        };
        let item = dynamodb_json::parse_line(line).map_err(|error| refuse(error.to_string()))?;
        let names = self.plan.key_attributes.iter();
        let key = names.map(|name| match item.get(name) {
            Some(value) => Ok((name.clone(), value.kind())),
            None => Err(refuse(format!(
                "has no key attribute {}",
                contract::short_name(name)
            ))),
        });
        key.collect()
    }
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
    let place = (store.bucket(), exported.totals.items);
    let writer = Writer::new(tables, request, target, place, &step);
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
    let compared = state.was_empty && !request.overwrite;
    if compared {
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
        compared,
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
                "not read back: with --overwrite it may hold other items"
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
