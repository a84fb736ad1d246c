//! Streams the raw parts of one shard into training files that SageMaker accepts.
//!
//! It must not decide what a row is (that is `dataset`'s), nor a format's bytes (`format`'s), nor
//! which parts make a shard. What it writes is a function of the dataset's plan alone, so that an
//! attempt that is repeated or that overlaps another writes the same bytes under the same keys.

mod channel;
mod content;
mod error;
mod look_ahead;
mod merge;
mod rejected;
mod samples;
mod shuffle;

pub use error::MergeToCsvError;

use contract::Invocation;
use contract::states::{MergeToCsvInput, MergeToCsvOutput, Status};
use lake::records::ShardRecord;
use lake::{ObjectStore, RunKeys, documents};

/// The channel of the rows to train on.
pub const TRAIN: &str = "train";
/// The channel of the rows to validate on.
pub const VALIDATION: &str = "validation";
/// The channel of the rows that neither training nor the choice of a model sees.
pub const TEST: &str = "test";

/// Turns a shard into training files and commits it. Called again it answers the same.
///
/// # Errors
/// If a part is not what was committed, the definition refuses an item, or the lake fails.
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
