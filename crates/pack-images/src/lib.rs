//! Packs the images of one shard into training files.
//!
//! The index says which images there are, and the dataset's plan which of them become rows and on
//! which side. Each image is read again, in the version that was indexed, and its digest is taken
//! again. What is not the image that was indexed is rejected, counted, and never packed.

mod chosen;
mod error;
mod files;
mod lake_images;
mod pack;
mod planned;
mod rejected;
mod shard;
mod source;

pub use error::PackImagesError;
pub use lake_images::LakeImages;
pub use pack::{IN_FLIGHT, PackFormat, Packed, SAMPLE, Shard, pack};
pub use planned::{PlannedImage, Rejection, Side};
pub use source::{Fetched, ImageSource};

use contract::Invocation;
use contract::states::{MergeToCsvInput, MergeToCsvOutput, Status};
use lake::records::ShardRecord;
use lake::{PagedStore, PutOutcome, RunKeys, documents};

/// Packs and commits a shard. Called again, it answers the same.
///
/// # Errors
/// If a part of the index differs from what was committed, an image cannot be read for a reason that
/// is not its own, or the lake fails.
pub async fn handle<S: PagedStore>(
    store: &S,
    input: MergeToCsvInput,
    invocation: Invocation,
) -> Result<MergeToCsvOutput, PackImagesError> {
    const WHAT: &str = "a shard's manifest";
    let keys = RunKeys::new(&input.pipeline, &input.run);
    let manifest = keys.shard_manifest(input.shard);
    let existing: Option<ShardRecord> = documents::read_if_there(store, &manifest, WHAT).await?;
    let record = if let Some(record) = existing {
        record
    } else {
        let packing = shard::pack_shard(store, &keys, input.shard, &invocation.attempt);
        let record = Box::pin(packing).await?;
        match documents::commit(store, &manifest, &record).await? {
            PutOutcome::Created => record,
            // Another attempt committed other files first, and may have found other images.
            PutOutcome::AlreadyThere => documents::read(store, &manifest, WHAT).await?,
        }
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
        "packed"
    );
    Ok(MergeToCsvOutput {
        status: Status::Done,
        pipeline: input.pipeline,
        run: input.run,
        shard: input.shard,
        rows,
    })
}

/// The examples of the README, compiled and run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
