//! Streams the raw parts of one shard into training files that SageMaker accepts.
//!
//! `dataset` defines the rows, `format` the bytes, and plan-dataset the shards. The output is a
//! function of the dataset's plan alone, so an attempt that is repeated or overlaps another writes
//! the same bytes under the same keys.

mod channel;
mod content;
mod error;
mod first_pass;
mod merge;
mod rejected;
mod samples;
mod shuffle;

pub use error::MergeToCsvError;

use contract::Invocation;
use contract::states::{MergeToCsvInput, MergeToCsvOutput, Status};
use lake::records::ShardRecord;
use lake::{ObjectStore, RunKeys, documents};

/// The channel of the training rows.
pub const TRAIN: &str = "train";
/// The channel of the validation rows.
pub const VALIDATION: &str = "validation";
/// The channel of the rows that neither training nor the choice of a model uses.
pub const TEST: &str = "test";

/// Writes and commits a shard's training files. Called again, it answers the same.
///
/// # Errors
/// If a part differs from what was committed, the definition refuses an item, or the lake fails.
pub async fn handle(
    store: &impl ObjectStore,
    input: MergeToCsvInput,
    _invocation: Invocation,
) -> Result<MergeToCsvOutput, MergeToCsvError> {
    let keys = RunKeys::new(&input.pipeline, &input.run);
    let manifest = keys.shard_manifest(input.shard);
    let existing: Option<ShardRecord> =
        documents::read_if_there(store, &manifest, "a shard's manifest").await?;
    let record = if let Some(record) = existing {
        record
    } else {
        let record = Box::pin(merge::shard(store, &keys, input.shard)).await?;
        documents::commit(store, &manifest, &record).await?;
        record
    };
    let rows = record.rows;
    tracing::info!(
        shard = input.shard,
        train = rows.train,
        validation = rows.validation,
        test = rows.test,
        rejected = rows.rejected,
        filtered = rows.filtered,
        duplicates = rows.duplicates,
        unsampled = rows.unsampled,
        "merged"
    );
    Ok(MergeToCsvOutput {
        status: Status::Done,
        pipeline: input.pipeline,
        run: input.run,
        shard: input.shard,
        rows,
    })
}
