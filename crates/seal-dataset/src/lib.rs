//! Reconciles what the shards wrote with what was exported, and commits the dataset.
//!
//! It reads the shards' manifests, never their files. Training does not start without the document
//! that it writes last.

mod error;
mod fitness;
mod images;
mod quality;

pub use error::SealDatasetError;

use contract::Invocation;
use contract::states::{RowCounts, RunInput, SealDatasetOutput, Then};
use dataset::{Columns, FeatureColumn};
use futures::{StreamExt, TryStreamExt, stream};
use lake::records::{
    ChannelFile, DatasetPlan, DatasetRecord, Plan, RowContent, Sample, ShardRecord,
};
use lake::{CopyingUpload, ObjectStore, RunKeys, documents};

const MANIFESTS_AT_ONCE: usize = 16;
const TRAIN: &str = "train";
const VALIDATION: &str = "validation";
const TEST: &str = "test";

/// Seals the dataset of a run. Idempotent.
///
/// # Errors
/// If a shard is not whole, if items are lost or duplicated, or if there is nothing to train on.
pub async fn handle<S>(
    store: &S,
    input: RunInput,
    _invocation: Invocation,
) -> Result<SealDatasetOutput, SealDatasetError>
where
    S: ObjectStore<Upload: CopyingUpload>,
{
    let keys = RunKeys::new(&input.pipeline, &input.run);
    let run: Plan = documents::read(store, &keys.plan(), "the run's plan").await?;
    let existing: Option<DatasetRecord> =
        documents::read_if_there(store, &keys.dataset(), "the dataset").await?;
    let rows = match existing {
        Some(dataset) => dataset.rows,
        None => seal(store, &keys, &run).await?,
    };
    tracing::info!(
        rows.train,
        rows.validation,
        rows.test,
        rows.rejected,
        rows.filtered,
        rows.duplicates,
        rows.unsampled,
        "sealed"
    );
    Ok(SealDatasetOutput {
        pipeline: input.pipeline,
        run: input.run,
        rows,
        then: Then::if_any(run.definition.training.as_ref()),
    })
}

async fn seal<S>(store: &S, keys: &RunKeys, run: &Plan) -> Result<RowCounts, SealDatasetError>
where
    S: ObjectStore<Upload: CopyingUpload>,
{
    let plan: DatasetPlan<Columns> =
        documents::read(store, &keys.dataset_plan(), "the dataset's plan").await?;
    let Merged {
        rows,
        files,
        sample,
        content,
    } = gather(store, keys, plan.shards.len()).await?;
    if rows.total() != plan.exported.items {
        return Err(SealDatasetError::NotReconciled {
            exported: plan.exported.items,
            rows,
        });
    }
    if rows.train == 0 {
        let went = fitness::where_items_went(&plan.columns, rows, &content);
        let items = rows.total();
        return Err(SealDatasetError::NothingToTrainOn { items, went });
    }
    let notes = fitness::notes(&plan.columns, rows, &content);
    let dataset = run.definition.dataset()?;
    quality::check_rows(store, keys, &dataset.gate, (rows, &content), notes).await?;
    fitness::check(&run.definition, dataset, &plan.columns, rows, &content)?;
    let files = match plan.format.images() {
        Some(_) => images::into_channels(store, keys, &plan.format, files).await?,
        None => files,
    };
    let classes = match plan.format.images() {
        Some(_) => Some(images::write_classes(store, keys, &plan.columns).await?),
        None => None,
    };
    reconcile_files(rows, &files, plan.minimum_files)?;
    let has_file = |channel: &&str| files.iter().any(|file| file.channel == **channel);
    let channels = [TEST, TRAIN, VALIDATION].into_iter().filter(has_file);
    let columns = serde_json::to_value(&plan.columns)
        .expect("columns have text keys and no fallible serialisers");
    let widths = plan.columns.columns.iter().map(FeatureColumn::width);
    let features: usize = widths.sum();
    let dataset = DatasetRecord {
        run: run.run.clone(),
        rows,
        channels: channels.map(str::to_owned).collect(),
        content_type: plan.format.content_type().to_owned(),
        columns,
        features: classes.is_none().then_some(features as u64),
        classes,
        vocabularies: plan.vocabularies,
        files,
        sample,
        rejected: content.rejected,
    };
    // Another attempt that seals this run writes the same document.
    documents::commit(store, &keys.dataset(), &dataset).await?;
    Ok(rows)
}

/// What all shards made.
#[derive(Default)]
struct Merged {
    rows: RowCounts,
    files: Vec<ChannelFile>,
    sample: Option<Sample>,
    content: RowContent,
}

/// The files must hold the rows that the shards count, and be enough for who reads a share of them.
fn reconcile_files(
    rows: RowCounts,
    files: &[ChannelFile],
    minimum: u32,
) -> Result<(), SealDatasetError> {
    for (channel, counted) in [
        (TRAIN, rows.train),
        (VALIDATION, rows.validation),
        (TEST, rows.test),
    ] {
        let of_channel = files.iter().filter(|file| file.channel == channel);
        let held: u64 = of_channel.map(|file| file.rows).sum();
        if held != counted {
            return Err(SealDatasetError::FilesNotReconciled {
                channel,
                held,
                counted,
            });
        }
    }
    let training = files.iter().filter(|file| file.channel == TRAIN);
    let training: u64 = training.map(ChannelFile::object_count).sum();
    if training < minimum.into() {
        return Err(SealDatasetError::TooFewFiles {
            files: training,
            instances: minimum,
        });
    }
    Ok(())
}

/// What all shards' manifests say together.
async fn gather(
    store: &impl ObjectStore,
    keys: &RunKeys,
    shards: usize,
) -> Result<Merged, SealDatasetError> {
    let numbers: Vec<u32> = (0..).take(shards).collect();
    stream::iter(numbers)
        .map(|shard| async move {
            let manifest: Option<ShardRecord> =
                documents::read_if_there(store, &keys.shard_manifest(shard), "a shard's manifest")
                    .await?;
            manifest.ok_or(SealDatasetError::ShardMissing { shard })
        })
        .buffered(MANIFESTS_AT_ONCE)
        .try_fold(Merged::default(), async |mut all, shard| {
            let (has_rows, others) = (all.rows.train > 0, shard.rows.train > 0);
            all.content.add(shard.content, has_rows, others);
            all.rows += shard.rows;
            all.files.extend(shard.files);
            all.sample = all.sample.or(shard.sample);
            Ok(all)
        })
        .await
}
