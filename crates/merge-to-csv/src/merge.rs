//! Encodes a shard's parts, item by item, into its channels.

use crate::channel::{Channel, Files};
use crate::content::Content;
use crate::first_pass::first_pass;
use crate::rejected::RejectedSink;
use crate::samples::Samples;
use crate::{MergeToCsvError, TEST, TRAIN, VALIDATION};
use contract::states::RowCounts;
use dataset::{Columns, CsvRows, Encoder, RowOutcome, Side};
use definition::Format;
use dynamodb_json::{ItemError, Value};
use format::{FloatRow, FormatError, JsonRow, Layout, RecordRow, Row};
use lake::part::LineCount;
use lake::records::{DatasetPlan, Part, ShardRecord};
use lake::{ObjectStore, RunKeys, documents, part, vocabulary};
use twox_hash::XxHash3_64;

/// Writes a shard's files from its parts.
pub async fn shard<S: ObjectStore>(
    store: &S,
    keys: &RunKeys,
    shard: u32,
) -> Result<ShardRecord, MergeToCsvError> {
    let mut plan: DatasetPlan<Columns> =
        documents::read(store, &keys.dataset_plan(), "the dataset's plan").await?;
    let vocabularies = vocabulary::read(store, &plan.vocabularies).await?;
    plan.columns.set_vocabularies(vocabularies);
    let parts = plan
        .shards
        .get(shard as usize)
        .ok_or_else(|| MergeToCsvError::UnknownShard {
            shard,
            shards: plan.shards.len(),
        })?;
    let mut encoder = Encoder::new(&plan.columns)?;
    if encoder.needs_first_pass() {
        first_pass(store, parts, &mut encoder).await?;
    }
    let layout = Layout::of(&plan.columns, &encoder);
    let files = Files {
        keys,
        shard,
        format: &plan.format,
        layout: &layout,
        count: plan.files_per_shard,
    };
    let seed = plan.columns.split.seed;
    let content = Content::new(&encoder);
    let mut sides = Sides {
        encoder,
        layout: &layout,
        channels: [TRAIN, VALIDATION, TEST]
            .map(|name| Channel::new(name, seed_of(seed, shard, name))),
        rejected: RejectedSink::new(store, keys.rejected(shard), &plan.key_attributes),
        left_out: RowCounts::default(),
        samples: Samples::new(),
        content,
    };
    let taken = match &plan.format {
        Format::Csv | Format::CsvWithHeader => sides.take(store, parts, CsvRows::new()).await,
        Format::RecordIo => sides.take(store, parts, RecordRow::dense()).await,
        Format::RecordIoSparse => {
            let row = RecordRow::sparse(layout.slots.len());
            sides.take(store, parts, row).await
        }
        Format::JsonLines(lists) => {
            let row = JsonRow::new(lists, &layout)?;
            sides.take(store, parts, row).await
        }
        Format::Parquet => sides.take(store, parts, FloatRow::new()).await,
        format @ (Format::ImageRecordIo(_)
        | Format::WebDataset(_)
        | Format::AugmentedManifest
        | Format::ImageFolders(_)
        | Format::ImageList(_)) => {
            let format = format.as_str();
            return Err(FormatError::Images { format }.into());
        }
    };
    match taken {
        Ok(()) => sides.finish(store, files).await,
        Err(error) => {
            // An upload that is never completed is paid for until its lifecycle rule removes it.
            sides.rejected.abandon().await;
            Err(error)
        }
    }
}

/// Different for each shard and channel: one order for all would correlate them.
fn seed_of(seed: u64, shard: u32, channel: &str) -> u64 {
    let place = format!("{channel}/{shard}");
    XxHash3_64::oneshot_with_seed(seed, place.as_bytes())
}

/// A line of a part that is not an item.
pub fn unreadable(part: &Part, source: ItemError) -> MergeToCsvError {
    MergeToCsvError::Item {
        key: part.key.clone(),
        source,
    }
}

/// Where a shard's items go.
struct Sides<'s, S: ObjectStore> {
    encoder: Encoder,
    layout: &'s Layout,
    channels: [Channel; 3],
    rejected: RejectedSink<'s, S>,
    /// Items without a row that are only counted.
    left_out: RowCounts,
    samples: Samples,
    content: Content,
}

impl<S: ObjectStore> Sides<'_, S> {
    async fn take(
        &mut self,
        store: &S,
        parts: &[Part],
        mut row: impl Row + Send,
    ) -> Result<(), MergeToCsvError> {
        let mut projection = self.encoder.projection();
        for part in parts {
            let mut count = LineCount::default();
            let mut reader = part::open(store, part).await?;
            while let Some(batch) = reader.next().await? {
                count.raw_bytes += batch.len() as u64;
                projection.clear();
                for line in part::lines(batch) {
                    count.add_line(line);
                    let pushed = projection.push_line(line);
                    pushed.map_err(|source| unreadable(part, source))?;
                }
                let mut items = projection.rows();
                while let Some((line, values)) = items.next() {
                    self.encode(part, line, values, &mut row)?;
                }
                self.rejected.send().await?;
            }
            // Added to the totals only now: on an error the whole shard is discarded.
            count.check(store.bucket(), part)?;
        }
        Ok(())
    }

    #[inline]
    fn encode(
        &mut self,
        part: &Part,
        line: &str,
        values: &[Option<Value<'_>>],
        row: &mut impl Row,
    ) -> Result<(), MergeToCsvError> {
        row.clear();
        let channel = match self.encoder.encode(values, row) {
            RowOutcome::Row(Side::Train) => 0,
            RowOutcome::Row(Side::Validation) => 1,
            RowOutcome::Row(Side::Test) => 2,
            RowOutcome::Rejected(reject) => {
                self.content.reject(&reject);
                return self.reject(part, line, &reject.path, &reject.to_string());
            }
            RowOutcome::Filtered => {
                self.left_out.filtered += 1;
                return Ok(());
            }
            RowOutcome::Duplicate => {
                self.left_out.duplicates += 1;
                return Ok(());
            }
            RowOutcome::Unsampled => {
                self.left_out.unsampled += 1;
                return Ok(());
            }
            RowOutcome::Refused(source) => {
                let key = part.key.clone();
                return Err(MergeToCsvError::Refused { key, source });
            }
        };
        match row.bytes() {
            Ok(bytes) => {
                self.channels[channel].push(bytes)?;
                self.samples.offer(channel, &self.encoder, values);
                if let Some(label) = self.encoder.label(values) {
                    let channel = [TRAIN, VALIDATION, TEST][channel];
                    self.content.row(channel, label, &self.encoder, values);
                }
            }
            Err(unfit) => {
                let slot = unfit
                    .slot()
                    .and_then(|slot| self.layout.slots.get(slot as usize));
                let path = slot.map_or("", String::as_str);
                self.reject(part, line, path, &format!("`{path}`: {unfit}"))?;
            }
        }
        Ok(())
    }

    #[cold]
    fn reject(
        &mut self,
        part: &Part,
        line: &str,
        path: &str,
        reason: &str,
    ) -> Result<(), MergeToCsvError> {
        let item =
            dynamodb_json::parse_line(line.as_bytes()).map_err(|error| unreadable(part, error))?;
        self.rejected.push(&item, path, reason);
        Ok(())
    }

    async fn finish(self, store: &S, files: Files<'_>) -> Result<ShardRecord, MergeToCsvError> {
        let rejected = self.rejected.finish().await?;
        let [train, validation, test] = &self.channels;
        let rows = RowCounts {
            train: train.rows(),
            validation: validation.rows(),
            test: test.rows(),
            rejected,
            ..self.left_out
        };
        let mut written = Vec::new();
        for channel in self.channels {
            written.extend(channel.finish(store, files).await?);
        }
        Ok(ShardRecord {
            shard: files.shard,
            rows,
            files: written,
            sample: self.samples.into_sample(files.format, files.layout),
            content: self.content.finish(&self.encoder),
        })
    }
}
