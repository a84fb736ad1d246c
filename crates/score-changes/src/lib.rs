//! Scores items as they change: encodes each new image as the champion's training did, asks the
//! endpoint, and keeps what it answers beside the item's key.

mod champion;
mod change;
mod error;
mod score;

pub use change::StreamEvent;
pub use error::ScoreChangesError;
pub use score::{CLASS, PREDICTION, PROBABILITY, RUN, SCORED_AT, SEQUENCE};

use champion::{Cache, Serving, is_settled};
use change::Change;
use contract::{Invocation, RunId};
use futures::{StreamExt, TryStreamExt, stream};
use lake::ObjectStore;
use lambda_shell::Unit;
use sagemaker_ports::{Endpoints, Invoke};
use score::Row;
use serde::Serialize;
use serde_json::Value;
use source::{Version, WriteNewer, Written};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Age of the champion's record at which it is read again: its change is seen within a minute.
const FRESH: Duration = Duration::from_secs(30);
/// Pause between two looks at an endpoint that is being updated.
const PAUSE: Duration = Duration::from_secs(5);
/// Time before the deadline at which no further look begins.
const RESERVE: Duration = Duration::from_secs(30);
/// Rows that are written at once.
const WRITES: usize = 16;

/// What is scored, and where the scores go.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The pipeline whose champion scores.
    pub pipeline: String,
    /// The table of scores.
    pub table: String,
    /// Age of the champion's record at which it is read again.
    pub fresh: Duration,
    /// Pause between two looks at an endpoint that is being updated.
    pub pause: Duration,
}

impl Settings {
    /// Of this pipeline and table.
    pub const fn new(pipeline: String, table: String) -> Self {
        Self {
            pipeline,
            table,
            fresh: FRESH,
            pause: PAUSE,
        }
    }
}

/// The settings, and the champion as it was last read. It outlives invocations.
#[derive(Debug)]
pub struct Scorer {
    settings: Settings,
    champion: Cache,
}

impl Scorer {
    /// With nothing read yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            champion: Cache::default(),
        }
    }
}

/// The result of a batch. The counts add up to its records.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScoreChangesOutput {
    /// The run whose model was asked; absent if nothing was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// Scores that were written.
    pub scored: u64,
    /// Scores of removed items that were deleted.
    pub removed: u64,
    /// Changes whose item has a score of the same change or of a newer one, or none to delete.
    pub outdated: u64,
    /// Changes that another one of the batch has superseded.
    pub superseded: u64,
    /// Why items were not scored, and how many.
    pub not_scored: BTreeMap<String, u64>,
}

/// Scores a batch with one model.
///
/// # Errors
/// If the batch must be delivered again: the endpoint, the table of scores or the lake cannot be
/// used, or no single model serves.
pub async fn handle(
    store: &impl ObjectStore,
    sagemaker: &(impl Endpoints + Invoke),
    rows: &impl WriteNewer,
    scorer: &Scorer,
    event: StreamEvent,
    invocation: Invocation,
) -> Result<ScoreChangesOutput, ScoreChangesError> {
    let Settings {
        pipeline, table, ..
    } = &scorer.settings;
    let changes = change::read(&event, table)?;
    let mut output = ScoreChangesOutput {
        superseded: changes.superseded,
        ..ScoreChangesOutput::default()
    };
    let unreadable = changes.unreadable.into_iter();
    output.not_scored = unreadable
        .map(|(why, items)| (why.to_owned(), items))
        .collect();
    if changes.last.iter().any(|change| change.image.is_some()) {
        let found = asked(store, sagemaker, scorer, &changes.last, &invocation).await?;
        count_also(&mut output.not_scored, found.without);
        let written = keep(rows, table, &found.rows).await?;
        output.scored = written.done;
        output.outdated = written.outdated;
        output.run = Some(found.run);
    }
    let removed: Vec<_> = changes
        .last
        .iter()
        .filter(|change| change.image.is_none())
        .collect();
    let removed = remove(rows, table, &removed).await?;
    output.removed = removed.done;
    output.outdated += removed.outdated;
    report(pipeline, &output);
    Ok(output)
}

/// The scores of a batch.
struct Scores<'c> {
    run: RunId,
    /// Rows of the table of scores, each with its change.
    rows: Vec<(&'c Change, Value)>,
    /// Why items have none, and how many.
    without: BTreeMap<String, u64>,
}

/// Asks the champion about all new images. While its endpoint goes to another model, waits.
async fn asked<'c>(
    store: &impl ObjectStore,
    sagemaker: &(impl Endpoints + Invoke),
    scorer: &Scorer,
    changes: &'c [Change],
    invocation: &Invocation,
) -> Result<Scores<'c>, ScoreChangesError> {
    let Settings {
        pipeline,
        fresh,
        pause,
        ..
    } = &scorer.settings;
    let mut fresh = *fresh;
    loop {
        let asking = Instant::now();
        let (serving, was_read) = scorer.champion.serving(store, pipeline, fresh).await?;
        let (rows, without) = score::rows(&serving, changes);
        let mut settled = if was_read && !rows.is_empty() {
            is_settled(sagemaker, &serving, asking).await?
        } else {
            Ok(())
        };
        if settled.is_ok() {
            let answers = score::ask(sagemaker, &serving, &rows).await?;
            if !rows.is_empty() {
                settled = is_settled(sagemaker, &serving, asking).await?;
            }
            if settled.is_ok() {
                return scores(&serving, &rows, &answers, without);
            }
        }
        if let Err(why) = settled {
            if invocation.remaining() < *pause + RESERVE {
                return Err(ScoreChangesError::Unsettled {
                    endpoint: serving.endpoint.clone(),
                    why,
                });
            }
            tracing::info!(endpoint = serving.endpoint, "waiting: the endpoint {why}");
        }
        tokio::time::sleep(*pause).await;
        // The record may be of the model before.
        fresh = Duration::ZERO;
    }
}

fn scores<'c>(
    serving: &Arc<Serving>,
    rows: &[Row<'c>],
    answers: &[Value],
    mut without: BTreeMap<String, u64>,
) -> Result<Scores<'c>, ScoreChangesError> {
    let time = jiff::Timestamp::now().to_string();
    let mut scored = Vec::with_capacity(rows.len());
    for (row, answer) in rows.iter().zip(answers) {
        if let Some(item) = score::scored(serving, row, answer, &time)? {
            scored.push((row.change(), item));
        } else {
            let why = "the prediction has a number that DynamoDB cannot hold".to_owned();
            *without.entry(why).or_default() += 1;
        }
    }
    Ok(Scores {
        run: serving.champion.run.clone(),
        rows: scored,
        without,
    })
}

/// How many writes had which outcome.
#[derive(Debug, Default)]
struct Counts {
    done: u64,
    outdated: u64,
}

impl Counts {
    const fn with(mut self, written: Written) -> Self {
        match written {
            Written::Done => self.done += 1,
            Written::Outdated => self.outdated += 1,
        }
        self
    }
}

async fn keep(
    rows: &impl WriteNewer,
    table: &str,
    scores: &[(&Change, Value)],
) -> Result<Counts, ScoreChangesError> {
    let writes = scores
        .iter()
        .map(|(change, row)| rows.put_newer(table, row, version(change)));
    let writes = stream::iter(writes).buffer_unordered(WRITES);
    let counts = writes.try_fold(Counts::default(), async |counts, it| Ok(counts.with(it)));
    Ok(counts.await?)
}

async fn remove(
    rows: &impl WriteNewer,
    table: &str,
    removed: &[&Change],
) -> Result<Counts, ScoreChangesError> {
    let writes = removed
        .iter()
        .map(|change| rows.delete_older(table, version(change)));
    let writes = stream::iter(writes).buffer_unordered(WRITES);
    let counts = writes.try_fold(Counts::default(), async |counts, it| Ok(counts.with(it)));
    Ok(counts.await?)
}

fn version(change: &Change) -> Version<'_> {
    Version {
        key: &change.key,
        attribute: SEQUENCE,
        text: &change.sequence,
    }
}

fn count_also(all: &mut BTreeMap<String, u64>, more: BTreeMap<String, u64>) {
    for (why, items) in more {
        *all.entry(why).or_default() += items;
    }
}

fn report(pipeline: &str, output: &ScoreChangesOutput) {
    for (why, items) in &output.not_scored {
        tracing::warn!(items, "not scored: {why}");
    }
    let not_scored: u64 = output.not_scored.values().sum();
    let count = |items: u64| items as f64;
    lambda_shell::emit_metrics(
        pipeline,
        &[
            ("ItemsScored", count(output.scored), Unit::Count),
            ("ItemsNotScored", count(not_scored), Unit::Count),
        ],
    );
}
