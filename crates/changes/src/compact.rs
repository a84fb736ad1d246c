//! Compacts the changes of a run: writes the changed items as a segment, and the changed keys.

use crate::changed_keys::{ChangedKeys, WHAT};
use crate::compaction::Compaction;
use crate::files::{self, ChangeFile};
use crate::values::Values;
use crate::{ChangesError, plan};
use dynamodb_json::{ItemError, Lines, Map};
use lake::part::PartWriter;
use lake::records::{ChangedRecord, ChangesRecord, Checksum, FileDigest, SegmentRecord};
use lake::segment::{self, Commit, Progress};
use lake::{ByteStream, DocumentError, ObjectStore, PutOutcome, RunKeys, documents};
use profile::Profile;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

/// Compacts a run's changes. Called again, it continues; of attempts that overlap, one commits.
#[derive(Debug)]
pub struct Compact<'a, S> {
    /// The lake.
    pub store: &'a S,
    /// The run's keys.
    pub keys: &'a RunKeys,
    /// What the run merges.
    pub changes: &'a ChangesRecord,
    /// Paths that the profile always records: all that the definition names.
    pub declared: &'a [String],
    /// The name of this attempt, unique among all attempts.
    pub attempt: &'a str,
    /// Bytes of raw lines after which a part ends and the progress is committed.
    pub part_bytes: u64,
    /// When no more is read; what was read is committed then.
    pub stop: Instant,
}

/// How far the compaction has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compacted {
    /// All changes are compacted.
    Done(ChangedRecord),
    /// The time was over, or another attempt went ahead.
    InProgress {
        /// Changes whose items are committed.
        changes: u64,
    },
}

/// How many changes were read when a part was committed. The order of the changes is that of the
/// frozen list of files, from its end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Cursor {
    changes: u64,
}

/// The segment of the changed items, as long as it is not whole.
pub(crate) struct Writing<'a, S: ObjectStore> {
    checkpoints: u32,
    record: SegmentRecord<Profile>,
    pub part: PartWriter<'a, S>,
    lines: Lines,
    /// Of the items, where they are compared with another reading of the table.
    values: Option<Values>,
    /// Changes whose items are committed.
    pub committed: u64,
}

/// All that the compaction has read.
struct Reading<'a, S: ObjectStore> {
    compaction: Compaction,
    /// None once the segment is whole: then only the keys are read.
    writing: Option<Writing<'a, S>>,
    line: Vec<u8>,
}

impl<'a, S: ObjectStore> Compact<'a, S> {
    /// Reads changes until all are compacted or the time is over, and commits. Every call commits more
    /// than the one before, unless another attempt does.
    ///
    /// # Errors
    /// If a file is not what its export wrote, holds anything but changes of the table, or the lake
    /// fails.
    pub async fn run(&self) -> Result<Compacted, ChangesError> {
        plan::check(self.changes)?;
        let key = self.keys.changed();
        if let Some(done) = documents::read_if_there(self.store, &key, WHAT).await? {
            return Ok(Compacted::Done(done));
        }
        if let Some(captured) = &self.changes.captured {
            return self.run_captured(captured).await;
        }
        let mut reading = Reading {
            compaction: Compaction::new(&self.changes.key_attributes, self.changes.view),
            writing: self.resume().await?,
            line: Vec::new(),
        };
        match self.read_all(&mut reading).await {
            Ok(None) => {}
            Ok(Some(changes)) => return Ok(Compacted::InProgress { changes }),
            Err(error) => {
                if let Some(writing) = reading.writing {
                    writing.part.abandon().await;
                }
                return Err(error);
            }
        }
        let Reading {
            compaction,
            writing,
            ..
        } = reading;
        self.end(writing).await?;
        let (counts, replaced) = (compaction.counts().clone(), compaction.replaced());
        let keys = compaction.into_keys();
        let record = ChangedRecord {
            replaced,
            removed: counts.removed,
            changes: counts.changes,
            disagreed: counts.disagreed,
            examples: counts.examples,
            ..self.record()
        };
        self.commit_keys(&keys, record).await.map(Compacted::Done)
    }

    /// Ends the segment of the changed items.
    pub(crate) async fn end(&self, writing: Option<Writing<'a, S>>) -> Result<(), ChangesError> {
        if let Some(mut writing) = writing {
            writing.record.cursor = None;
            // If another attempt has ended the segment, it holds the same items.
            self.commit(writing).await?;
        }
        Ok(())
    }

    /// Reads all files. Returns how many changes are committed if it goes no further.
    async fn read_all(&self, reading: &mut Reading<'a, S>) -> Result<Option<u64>, ChangesError> {
        // From the end, so that the first change of a key is its last one.
        for window in self.changes.windows.iter().rev() {
            reading.compaction.begin_window();
            for file in &window.files {
                let open = files::open(self.store, file).await?;
                if let Some(changes) = self.read(open, reading).await? {
                    return Ok(Some(changes));
                }
            }
        }
        Ok(None)
    }

    /// The segment of the changed items, from its last checkpoint on.
    pub(crate) async fn resume(&self) -> Result<Option<Writing<'a, S>>, ChangesError> {
        let number = self.changes.changed_segment();
        let progress: Progress<Profile> = segment::progress(self.store, self.keys, number).await?;
        let Progress::At {
            checkpoints,
            record,
        } = progress
        else {
            return Ok(None);
        };
        let mut record = record.unwrap_or_else(|| {
            SegmentRecord::new(number, self.changes.total_segments(), Profile::new())
        });
        let declared = self.declared.iter();
        record.profile.declare(declared.map(String::as_str));
        let cursor = match &record.cursor {
            None => Cursor::default(),
            Some(cursor) => {
                let text = cursor.to_string();
                let cursor = contract::read::from_slice(text.as_bytes());
                cursor.map_err(|source| DocumentError::Malformed {
                    bucket: self.store.bucket().to_owned(),
                    key: self.keys.checkpoint(number, checkpoints),
                    what: "a checkpoint of changes",
                    source,
                })?
            }
        };
        Ok(Some(Writing {
            checkpoints,
            part: self.part(&record)?,
            values: (self.changes.audit).then(|| Values::after(record.values.unwrap_or_default())),
            record,
            lines: Lines::new(),
            committed: cursor.changes,
        }))
    }

    fn part(&self, record: &SegmentRecord<Profile>) -> Result<PartWriter<'a, S>, ChangesError> {
        let number = u32::try_from(record.parts.len()).unwrap_or(u32::MAX);
        let key = self.keys.part(record.segment, number, self.attempt);
        Ok(PartWriter::new(self.store, key)?)
    }

    /// Reads a file. Returns how many changes are committed if it goes no further.
    async fn read<B: ByteStream>(
        &self,
        mut file: ChangeFile<'_, B>,
        reading: &mut Reading<'a, S>,
    ) -> Result<Option<u64>, ChangesError> {
        loop {
            let batch = file.batch(|line| {
                let Reading {
                    compaction,
                    writing,
                    line: item,
                } = &mut *reading;
                let image = compaction.take(line)?;
                if let Some(writing) = writing
                    && compaction.counts().changes > writing.committed
                    && let Some(image) = image
                {
                    writing.push(image, item)?;
                }
                Ok(())
            });
            match batch.await {
                Ok(true) => {}
                Ok(false) => {
                    file.finish()?;
                    return Ok(None);
                }
                Err(failure) => return Err(file.explain(failure).await),
            }
            let changes = reading.compaction.counts().changes;
            if let Some(end) = self.write(&mut reading.writing, changes).await? {
                return Ok(Some(end));
            }
        }
    }

    /// Writes the items of all `changes` so far, and commits if the part is full or the time is over.
    /// Returns how many changes are committed if it goes no further.
    pub(crate) async fn write(
        &self,
        place: &mut Option<Writing<'a, S>>,
        changes: u64,
    ) -> Result<Option<u64>, ChangesError> {
        let Some(writing) = place else {
            return Ok(None);
        };
        writing.flush().await?;
        let is_time_over = Instant::now() >= self.stop;
        let is_full = writing.part.raw_bytes() >= self.part_bytes;
        let is_due = changes > writing.committed && (is_time_over || is_full);
        let Some(mut writing) = place.take_if(|_| is_due) else {
            return Ok(None);
        };
        writing.record.cursor = Some(serde_json::json!(Cursor { changes }));
        *place = self.commit(writing).await?;
        Ok((place.is_none() || is_time_over).then_some(changes))
    }

    /// Ends the part and commits. `None`: another attempt committed first, or the segment is whole.
    async fn commit(
        &self,
        writing: Writing<'a, S>,
    ) -> Result<Option<Writing<'a, S>>, ChangesError> {
        let Writing {
            checkpoints,
            mut record,
            part,
            lines,
            values,
            ..
        } = writing;
        record.values = values.as_ref().map(Values::sum);
        let part = part.finish().await?;
        if let Some(part) = &part {
            record.totals.add_part(part);
            record.parts.push(part.clone());
        }
        let (store, keys) = (self.store, self.keys);
        let commit = segment::commit(store, keys, checkpoints, &record, part.as_ref()).await?;
        if commit == Commit::Lost {
            tracing::warn!(segment = record.segment, "another attempt committed first");
        }
        let cursor = record.cursor.as_ref();
        let cursor = cursor.and_then(|cursor| cursor["changes"].as_u64());
        Ok(match (commit, cursor) {
            (Commit::Won, Some(committed)) => Some(Writing {
                checkpoints: checkpoints + 1,
                part: self.part(&record)?,
                record,
                lines,
                values,
                committed,
            }),
            _ => None,
        })
    }

    /// The record of this attempt's keys, of which nothing is counted.
    pub(crate) fn record(&self) -> ChangedRecord {
        ChangedRecord {
            key: self.keys.changed_keys(self.attempt),
            keys: 0,
            checksum: Checksum::default(),
            replaced: 0,
            removed: 0,
            changes: 0,
            disagreed: 0,
            examples: Vec::new(),
            always: None,
            applied: None,
        }
    }

    /// Writes the keys, and commits their record; the winner's, if another attempt came first.
    pub(crate) async fn commit_keys(
        &self,
        keys: &ChangedKeys,
        mut record: ChangedRecord,
    ) -> Result<ChangedRecord, ChangesError> {
        let mut digest = FileDigest::default();
        digest.add(keys.bytes());
        record.keys = keys.len() as u64;
        record.checksum = digest.finish();
        let put = self.store.put(&record.key, keys.bytes().clone()).await;
        put.map_err(DocumentError::from)?;
        let commit = documents::commit(self.store, &self.keys.changed(), &record).await?;
        if commit == PutOutcome::Created {
            return Ok(record);
        }
        let winner: ChangedRecord = documents::read(self.store, &self.keys.changed(), WHAT).await?;
        if winner.key != record.key {
            let applied = record.applied.map(|applied| applied.key);
            for key in applied.into_iter().chain([record.key]) {
                let deleted = self.store.delete(&key).await;
                deleted.map_err(DocumentError::from)?;
            }
        }
        Ok(winner)
    }
}

impl<S: ObjectStore> Writing<'_, S> {
    /// Adds an item; `line` is overwritten.
    pub(crate) fn push(&mut self, item: Map<'_>, line: &mut Vec<u8>) -> Result<(), ItemError> {
        if let Some(values) = &mut self.values {
            values.add(item);
        }
        line.clear();
        line.extend_from_slice(b"{\"Item\":");
        line.extend_from_slice(item.raw());
        line.extend_from_slice(b"}");
        self.lines.push_line(line)
    }

    /// Writes the lines to the part.
    async fn flush(&mut self) -> Result<(), ChangesError> {
        let Self {
            record,
            part,
            lines,
            ..
        } = self;
        let (text, each) = (lines.text().as_bytes(), lines.lines().map(str::as_bytes));
        part.append(text, each, |hash, line| record.profile.sample(hash, line))
            .await?;
        record.profile.observe_lines(lines);
        lines.clear();
        Ok(())
    }
}
