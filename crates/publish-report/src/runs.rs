//! A pipeline's runs, read from their `run.json`.

use crate::{PublishReportError, RunDocument};
use contract::states::Outcome;
use contract::{RunId, chain};
use futures::{StreamExt, TryStreamExt, stream};
use lake::{DocumentError, ObjectStore, documents, keys};
use serde::Deserialize;

/// Runs that the table of runs lists.
pub const LISTED: usize = 60;

/// Pages that are read at once.
const AT_ONCE: usize = 8;

/// What the page of a run says, as far as other pages show it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Past {
    /// The run.
    pub run: RunId,
    /// How it ended, if well.
    pub outcome: Option<Outcome>,
    /// Why it failed.
    pub failure: Option<PastFailure>,
    /// When it started, RFC 3339.
    pub started: String,
    /// Seconds that it took.
    pub seconds: u64,
    /// What it cost, in US dollars.
    pub dollars: Option<f64>,
    /// Its items.
    pub rows: Option<PastRows>,
    /// Its model.
    pub model: Option<PastModel>,
}

/// Where a run failed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PastFailure {
    /// The step.
    pub step: Option<String>,
    /// The error's name.
    pub error: String,
}

/// A run's items.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PastRows {
    /// Items exported.
    pub items: u64,
}

/// A run's model.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PastModel {
    /// The metric that decides.
    pub metric: Option<String>,
    /// Its value.
    pub value: Option<f64>,
    /// Seconds of training that were billed.
    pub billable_seconds: Option<u64>,
}

impl Past {
    /// What the page of this run says.
    pub fn of(document: &RunDocument) -> Self {
        let document = serde_json::to_value(document);
        let past = document.and_then(serde_json::from_value);
        past.expect("it is read from the same document in the lake")
    }
}

/// The pipeline's newest runs that have a page, oldest first.
pub async fn newest(
    store: &impl ObjectStore,
    pipeline: &str,
) -> Result<Vec<Past>, PublishReportError> {
    let objects = store.list(&keys::reports(pipeline)).await?;
    let mut found: Vec<String> = objects.into_iter().map(|object| object.key).collect();
    found.retain(|key| key.ends_with("/run.json"));
    let older = found.len().saturating_sub(LISTED);
    let reads = found.into_iter().skip(older).map(|key| async move {
        match documents::read_if_there::<Past>(store, &key, "a run's page").await {
            // No run fails because an earlier one's page was damaged.
            Err(error @ DocumentError::Malformed { .. }) => {
                tracing::warn!(key, error = chain(&error), "left out of the runs");
                Ok(None)
            }
            read => read.map_err(PublishReportError::from),
        }
    });
    let read: Vec<Option<Past>> = stream::iter(reads).buffered(AT_ONCE).try_collect().await?;
    Ok(read.into_iter().flatten().collect())
}
