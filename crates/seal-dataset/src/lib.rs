//! Reconciles what the shards wrote with what was exported, and commits the dataset.
//!
//! It must not look into a file: the shards' manifests say what is in them. Without the document
//! that it writes last, no training is started.

mod error;
mod quality;

pub use error::SealDatasetError;

use contract::Invocation;
use contract::states::{RowCounts, RunInput, SealDatasetOutput};
use dataset::Columns;
use futures::{StreamExt, TryStreamExt, stream};
use lake::records::{CsvFile, DatasetPlan, DatasetRecord, ShardRecord};
use lake::{ObjectStore, RunKeys, documents};

const MANIFESTS_AT_ONCE: usize = 16;
const CONTENT_TYPE: &str = "text/csv";

/// Seals the dataset of a run. Called again it answers the same.
///
/// # Errors
/// If a shard is not whole, if items are missing or doubled, or if there is nothing to train on.
pub async fn handle(
    store: &impl ObjectStore,
    input: RunInput,
    _invocation: Invocation,
) -> Result<SealDatasetOutput, SealDatasetError> {
    let keys = RunKeys::new(&input.pipeline, &input.run);
    let existing: Option<DatasetRecord> =
        documents::read_if_there(store, &keys.dataset(), "the dataset").await?;
    let rows = match existing {
        Some(dataset) => dataset.rows,
        None => seal(store, &keys, &input).await?,
    };
    tracing::info!(rows.train, rows.validation, rows.rejected, "sealed");
    Ok(SealDatasetOutput {
        pipeline: input.pipeline,
        run: input.run,
        rows,
    })
}

async fn seal(
    store: &impl ObjectStore,
    keys: &RunKeys,
    input: &RunInput,
) -> Result<RowCounts, SealDatasetError> {
    let plan: DatasetPlan<Columns> =
        documents::read(store, &keys.dataset_plan(), "the dataset's plan").await?;
    let (rows, files) = gather(store, keys, plan.shards.len()).await?;
    if rows.total() != plan.exported.items {
        return Err(SealDatasetError::NotReconciled {
            exported: plan.exported.items,
            rows,
        });
    }
    if rows.train == 0 {
        return Err(SealDatasetError::NothingToTrainOn { rows });
    }
    quality::check_rejected(store, keys, rows).await?;
    let mut channels: Vec<String> = files.iter().map(|file| file.channel.clone()).collect();
    channels.sort_unstable();
    channels.dedup();
    let columns = serde_json::to_value(&plan.columns)
        .expect("columns have text keys and no fallible serialisers");
    let dataset = DatasetRecord {
        run: input.run.clone(),
        rows,
        channels,
        content_type: CONTENT_TYPE.to_owned(),
        columns,
        files,
    };
    // Whoever else seals this run writes the same document.
    documents::commit(store, &keys.dataset(), &dataset).await?;
    Ok(rows)
}

/// The counts and the files of all shards.
async fn gather(
    store: &impl ObjectStore,
    keys: &RunKeys,
    shards: usize,
) -> Result<(RowCounts, Vec<CsvFile>), SealDatasetError> {
    let numbers: Vec<u32> = (0..).take(shards).collect();
    stream::iter(numbers)
        .map(|shard| async move {
            let manifest: Option<ShardRecord> =
                documents::read_if_there(store, &keys.shard_manifest(shard), "a shard's manifest")
                    .await?;
            manifest.ok_or(SealDatasetError::ShardMissing { shard })
        })
        .buffered(MANIFESTS_AT_ONCE)
        .try_fold(
            (RowCounts::default(), Vec::new()),
            async |(mut rows, mut files), shard| {
                rows += shard.rows;
                files.extend(shard.files);
                Ok((rows, files))
            },
        )
        .await
}
