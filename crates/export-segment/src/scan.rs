//! One segment, from its last commit to its end or to the deadline.

use crate::budget::ReadBudget;
use crate::{ExportSegmentError, Settings};
use dataset::{Profile, Vocabularies};
use lake::part::PartWriter;
use lake::records::{Plan, ScanTotals, SegmentRecord};
use lake::segment::{self, Commit, Progress};
use lake::{ObjectStore, RunKeys};
use std::future::poll_fn;
use std::pin::pin;
use table::{PageBuffer, PageRequest, ScanPages, Selection};
use tokio::time::Instant;

/// How far a segment has come when an invocation ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SegmentEnd {
    /// Whether its manifest is there.
    pub whole: bool,
    /// Items committed by all invocations.
    pub items: u64,
    /// Items read by this one.
    pub new_items: u64,
    /// Read capacity units that this one consumed.
    pub read_units: f64,
}

/// What scanning a segment needs.
pub struct SegmentScan<'a, S, T> {
    pub store: &'a S,
    pub pages: &'a T,
    pub keys: &'a RunKeys,
    pub plan: &'a Plan,
    pub selection: &'a Selection,
    pub budget: &'a ReadBudget,
    pub attempt: &'a str,
    pub settings: Settings,
    pub vocabularies: &'a Vocabularies,
    pub stop: Instant,
    pub segment: u32,
}

/// What has been read, the committed part of it and what is in the open part.
struct State<'a, S: ObjectStore> {
    checkpoints: u32,
    record: SegmentRecord<Profile>,
    part: PartWriter<'a, S>,
}

/// What this invocation has read, committed or not.
#[derive(Default)]
struct Read {
    pages: u64,
    items: u64,
    units: f64,
}

impl<'a, S: ObjectStore, T: ScanPages> SegmentScan<'a, S, T> {
    pub async fn run(self) -> Result<SegmentEnd, ExportSegmentError> {
        let mut read = Read::default();
        let mut buffer = PageBuffer::new();
        let mut progress = self.resume().await?;
        // One turn for every commit: to its own next part, or to another attempt's progress.
        loop {
            let (whole, checkpoints, record) = match progress {
                Progress::Whole(record) => (true, 0, record),
                Progress::At {
                    checkpoints,
                    record,
                } => {
                    let record = record.unwrap_or_else(|| self.fresh());
                    (false, checkpoints, record)
                }
            };
            if whole || self.is_time_over(&read) {
                return Ok(SegmentEnd {
                    whole,
                    items: record.totals.items,
                    new_items: read.items,
                    read_units: read.units,
                });
            }
            let mut state = State {
                checkpoints,
                part: self.part(&record)?,
                record,
            };
            let before = read.pages;
            let failure = match self.fill(&mut state, &mut buffer, &mut read).await {
                Ok(()) => None,
                // What was read before is committed all the same; then the error counts.
                Err(error @ ExportSegmentError::Scan { .. }) => Some(error),
                Err(error) => return Err(error),
            };
            if read.pages > before {
                progress = self.commit(state).await?;
            } else {
                state.part.abandon().await?;
                progress = self.resume().await?;
            }
            if let Some(error) = failure {
                return Err(error);
            }
        }
    }

    /// Reads pages until the part is full, the segment at its end, or the time over.
    async fn fill(
        &self,
        state: &mut State<'a, S>,
        buffer: &mut PageBuffer,
        read: &mut Read,
    ) -> Result<(), ExportSegmentError> {
        loop {
            self.page(state, buffer, read).await?;
            if state.record.cursor.is_none()
                || state.part.raw_bytes() >= self.settings.part_bytes
                || self.is_time_over(read)
            {
                return Ok(());
            }
        }
    }

    /// How far the segment is, by what is committed.
    async fn resume(&self) -> Result<Progress<Profile>, ExportSegmentError> {
        let mut progress: Progress<Profile> =
            segment::progress(self.store, self.keys, self.segment).await?;
        if let Progress::At {
            record: Some(record),
            ..
        } = &mut progress
        {
            record.profile = record.profile.share(self.vocabularies);
        }
        Ok(progress)
    }

    fn fresh(&self) -> SegmentRecord<Profile> {
        SegmentRecord {
            segment: self.segment,
            total_segments: self.plan.segments,
            cursor: None,
            parts: Vec::new(),
            totals: ScanTotals::default(),
            profile: Profile::sharing(self.vocabularies),
        }
    }

    fn part(
        &self,
        record: &SegmentRecord<Profile>,
    ) -> Result<PartWriter<'a, S>, ExportSegmentError> {
        let number = u32::try_from(record.parts.len()).unwrap_or(u32::MAX);
        let key = self.keys.part(self.segment, number, self.attempt);
        let level = self.settings.compression_level;
        Ok(PartWriter::with_level(self.store, key, level)?)
    }

    /// Every invocation reads at least one page of each segment, so that a task always moves on.
    fn is_time_over(&self, read: &Read) -> bool {
        read.pages > 0 && Instant::now() >= self.stop
    }

    async fn page(
        &self,
        state: &mut State<'a, S>,
        buffer: &mut PageBuffer,
        read: &mut Read,
    ) -> Result<(), ExportSegmentError> {
        let table = &self.plan.definition.source.dynamodb.table;
        self.budget.wait(self.stop).await;
        let State { record, part, .. } = state;
        let request = PageRequest {
            table,
            segment: self.segment,
            total_segments: self.plan.segments,
            cursor: record.cursor.as_ref(),
            consistent: self.plan.definition.source.dynamodb.consistent_read,
            selection: Some(self.selection),
        };
        let end = {
            let mut page = pin!(self.pages.page(&request, buffer));
            // The part's last piece travels while the page is on its way.
            poll_fn(|context| {
                part.poll_sending(context);
                page.as_mut().poll(context)
            })
            .await
        };
        let end = end.map_err(|source| ExportSegmentError::Scan {
            table: table.clone(),
            segment: self.segment,
            items: record.totals.items,
            source: Box::new(source),
        })?;
        self.budget.consumed(end.read_units);
        // The page is whole: only now does anything of it count.
        let lines = buffer.lines().map_err(|source| ExportSegmentError::Item {
            table: table.clone(),
            segment: self.segment,
            source,
        })?;
        record.profile.observe_lines(lines);
        let text = lines.text().as_bytes();
        part.append(text, lines.lines().map(str::as_bytes)).await?;
        record.totals.pages += 1;
        record.totals.read_units += end.read_units;
        record.cursor = end.cursor;
        read.pages += 1;
        read.items += lines.len() as u64;
        read.units += end.read_units;
        Ok(())
    }

    /// Ends the part and commits. Returns how far the segment then is: where this attempt brought it,
    /// or, if another one committed first, where that did.
    async fn commit(&self, state: State<'a, S>) -> Result<Progress<Profile>, ExportSegmentError> {
        let State {
            checkpoints,
            mut record,
            part,
        } = state;
        let part = part.finish().await?;
        if let Some(part) = &part {
            record.totals.add_part(part);
            record.parts.push(part.clone());
        }
        let commit =
            segment::commit(self.store, self.keys, checkpoints, &record, part.as_ref()).await?;
        if commit == Commit::Lost {
            tracing::warn!(segment = self.segment, "another attempt committed first");
            return self.resume().await;
        }
        Ok(if record.cursor.is_none() {
            Progress::Whole(record)
        } else {
            Progress::At {
                checkpoints: checkpoints + 1,
                record: Some(record),
            }
        })
    }
}
