//! Streams the raw parts of one shard into CSV that SageMaker accepts.
//!
//! It must not decide what a row is (that is `dataset`'s) nor which parts make a shard. What it
//! writes is a function of the dataset's plan alone, so that an attempt that is repeated or that
//! overlaps another writes the same bytes under the same keys.

mod error;
mod look_ahead;
mod sink;

pub use error::MergeToCsvError;

use contract::Invocation;
use contract::states::{MergeToCsvInput, MergeToCsvOutput, RowCounts, Status};
use dataset::{Columns, CsvRows, Encoder, Fate, Side};
use lake::part::LineCount;
use lake::records::{DatasetPlan, Part, ShardRecord};
use lake::{ObjectStore, RunKeys, documents, part};
use sink::{CsvSink, RejectedSink};

/// The channel of the rows to train on.
pub const TRAIN: &str = "train";
/// The channel of the rows to validate on.
pub const VALIDATION: &str = "validation";
/// The channel of the rows that training does not see.
pub const TEST: &str = "test";

/// Turns a shard into CSV and commits it. Called again it answers the same.
///
/// Memory: a batch of lines and a piece for each file, however large a part is.
///
/// # Errors
/// If a part is not what was committed, or the lake fails.
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
        let record = merge(store, &keys, input.shard).await?;
        documents::commit(store, &manifest, &record).await?;
        record
    };
    let rows = record.rows;
    tracing::info!(
        shard = input.shard,
        train = rows.train,
        validation = rows.validation,
        rejected = rows.rejected,
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

async fn merge<S: ObjectStore>(
    store: &S,
    keys: &RunKeys,
    shard: u32,
) -> Result<ShardRecord, MergeToCsvError> {
    let plan: DatasetPlan<Columns> =
        documents::read(store, &keys.dataset_plan(), "the dataset's plan").await?;
    let parts = plan
        .shards
        .get(shard as usize)
        .ok_or_else(|| MergeToCsvError::UnknownShard {
            shard,
            shards: plan.shards.len(),
        })?;
    let mut encoder = Encoder::new(&plan.columns)?;
    if encoder.looks_ahead() {
        look_ahead::look_ahead(store, parts, &mut encoder).await?;
    }
    let mut sinks = Sinks {
        train: CsvSink::new(store, TRAIN, keys.csv(TRAIN, shard)),
        validation: CsvSink::new(store, VALIDATION, keys.csv(VALIDATION, shard)),
        test: CsvSink::new(store, TEST, keys.csv(TEST, shard)),
        rejected: RejectedSink::new(store, keys.rejected(shard), &plan.key_attributes),
        left_out: RowCounts::default(),
    };
    for part in parts {
        if let Err(error) = sinks.take(store, part, &mut encoder).await {
            // An upload that nobody completes is paid for until its lifecycle rule finds it.
            sinks.abandon().await?;
            return Err(error);
        }
    }
    sinks.finish(shard).await
}

/// Where a shard's items go.
struct Sinks<'s, S: ObjectStore> {
    train: CsvSink<'s, S>,
    validation: CsvSink<'s, S>,
    test: CsvSink<'s, S>,
    rejected: RejectedSink<'s, S>,
    /// Items without a row that are counted only.
    left_out: RowCounts,
}

impl<S: ObjectStore> Sinks<'_, S> {
    async fn take(
        &mut self,
        store: &S,
        part: &Part,
        encoder: &mut Encoder,
    ) -> Result<(), MergeToCsvError> {
        let mut row = CsvRows::new();
        let mut count = LineCount::default();
        let mut reader = part::open(store, part).await?;
        while let Some(batch) = reader.next().await? {
            count.raw_bytes += batch.len() as u64;
            for line in part::lines(batch) {
                count.add_line(line);
                let item = item::parse_line(line).map_err(|source| MergeToCsvError::Item {
                    key: part.key.clone(),
                    source,
                })?;
                row.clear();
                match encoder.encode(&item, &mut row) {
                    Fate::Row(Side::Train) => self.train.push(row.as_bytes()),
                    Fate::Row(Side::Validation) => self.validation.push(row.as_bytes()),
                    Fate::Row(Side::Test) => self.test.push(row.as_bytes()),
                    Fate::Rejected(reject) => self.rejected.push(&item, &reject),
                    Fate::Filtered => self.left_out.filtered += 1,
                    Fate::Duplicate => self.left_out.duplicates += 1,
                    Fate::Refused(source) => {
                        let key = part.key.clone();
                        return Err(MergeToCsvError::Refused { key, source });
                    }
                }
            }
            self.train.send().await?;
            self.validation.send().await?;
            self.test.send().await?;
            self.rejected.send().await?;
        }
        // What was pushed counts only now: an error gives the shard's files up.
        Ok(count.check(store.bucket(), part)?)
    }

    async fn abandon(self) -> Result<(), MergeToCsvError> {
        self.train.abandon().await?;
        self.validation.abandon().await?;
        self.test.abandon().await?;
        self.rejected.abandon().await
    }

    async fn finish(self, shard: u32) -> Result<ShardRecord, MergeToCsvError> {
        let rejected = self.rejected.finish().await?;
        let train = self.train.finish().await?;
        let validation = self.validation.finish().await?;
        let test = self.test.finish().await?;
        let rows = |file: &Option<lake::records::CsvFile>| file.as_ref().map_or(0, |f| f.rows);
        Ok(ShardRecord {
            shard,
            rows: RowCounts {
                train: rows(&train),
                validation: rows(&validation),
                test: rows(&test),
                rejected,
                ..self.left_out
            },
            files: train.into_iter().chain(validation).chain(test).collect(),
        })
    }
}
