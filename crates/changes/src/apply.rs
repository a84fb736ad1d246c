//! Merges the changes into segments of the base.

use crate::ChangesError;
use crate::changed_keys::ChangedKeys;
use crate::merge::Merge;
use lake::part::{self, LineCount, PartWriter};
use lake::records::{ChangesRecord, Part, SegmentRecord};
use lake::segment::{self, Commit, Progress};
use lake::{ObjectStore, PartError, RunKeys, StoreError};
use profile::{Profile, Vocabularies};

/// Merges changes into segments, each whole or not at all. Called again, it finds what is done; of
/// attempts that overlap, one commits.
#[derive(Debug)]
pub struct Apply<'a, S> {
    /// The lake.
    pub store: &'a S,
    /// The run's keys.
    pub keys: &'a RunKeys,
    /// What the run merges.
    pub changes: &'a ChangesRecord,
    /// The keys that changed.
    pub changed: &'a ChangedKeys,
    /// Distinct values that the profiles of a task's segments share.
    pub vocabularies: &'a Vocabularies,
    /// Paths that the profile always records: all that the definition names.
    pub declared: &'a [String],
    /// The name of this attempt, unique among all attempts.
    pub attempt: &'a str,
}

/// A segment that is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MergedSegment {
    /// Its items.
    pub items: u64,
    /// Whether this call wrote it, and not another one before it or beside it.
    pub is_new: bool,
}

impl<S: ObjectStore> Apply<'_, S> {
    /// Writes the lines of a segment that still are the table's.
    ///
    /// # Errors
    /// If a part of the base is gone or damaged, or the lake fails.
    pub async fn segment(&self, number: u32) -> Result<MergedSegment, ChangesError> {
        let progress: Progress<Profile> = segment::progress(self.store, self.keys, number).await?;
        if let Progress::Whole(record) = progress {
            return Ok(MergedSegment {
                items: record.totals.items,
                is_new: false,
            });
        }
        if number == self.changes.changed_segment() {
            return Err(ChangesError::NotCompacted {
                run: self.keys.run().clone(),
            });
        }
        let parts = self.changes.segments.get(number as usize);
        let parts = parts.ok_or_else(|| ChangesError::UnknownSegment {
            run: self.keys.run().clone(),
            segment: number,
        })?;
        let mut profile = Profile::sharing(self.vocabularies);
        profile.declare(self.declared.iter().map(String::as_str));
        let mut record = SegmentRecord::new(number, self.changes.total_segments(), profile);
        let key = self.keys.part(number, 0, self.attempt);
        let mut writer = PartWriter::new(self.store, key)?;
        let mut merge = Merge::new(&self.changes.key_attributes, self.changed);
        if self.changes.audit {
            merge = merge.with_values();
        }
        for part in parts {
            let merged = self.part(part, &mut merge, &mut writer, &mut record.profile);
            if let Err(error) = merged.await {
                writer.abandon().await;
                return Err(error);
            }
        }
        let part = writer.finish().await?;
        if let Some(part) = &part {
            record.totals.add_part(part);
            record.parts.push(part.clone());
        }
        record.values = merge.values();
        record.applied = Some(merge.into_applied());
        let commit = segment::commit(self.store, self.keys, 0, &record, part.as_ref()).await?;
        Ok(MergedSegment {
            items: record.totals.items,
            is_new: commit == Commit::Won,
        })
    }

    async fn part(
        &self,
        part: &Part,
        merge: &mut Merge<'_>,
        writer: &mut PartWriter<'_, S>,
        profile: &mut Profile,
    ) -> Result<(), ChangesError> {
        let opened = part::open(self.store, part).await;
        let mut reader = opened.map_err(|error| match error {
            PartError::Store(StoreError::NotFound { .. }) => ChangesError::BaseGone {
                part: format!("s3://{}/{}", self.store.bucket(), part.key),
                base: self.changes.base.run.clone(),
            },
            other => other.into(),
        })?;
        let mut count = LineCount::default();
        while let Some(batch) = reader.next().await? {
            merge.clear();
            for line in part::lines(batch) {
                count.add_line(line);
                merge.push(line).map_err(|source| ChangesError::BaseLine {
                    part: format!("s3://{}/{}", self.store.bucket(), part.key),
                    line: count.items,
                    source,
                })?;
            }
            count.raw_bytes += batch.len() as u64;
            let lines = merge.lines();
            let (text, each) = (lines.text().as_bytes(), lines.lines().map(str::as_bytes));
            writer
                .append(text, each, |hash, line| profile.sample(hash, line))
                .await?;
            profile.observe_lines(lines);
        }
        Ok(count.check(self.store.bucket(), part)?)
    }
}
