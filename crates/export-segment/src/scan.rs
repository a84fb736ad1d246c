//! One segment, from its last commit to its end or to the deadline.

use crate::ExportSegmentError;
use crate::budget::ReadBudget;
use dataset::Profile;
use lake::part::PartWriter;
use lake::records::{Plan, ScanTotals, SegmentRecord};
use lake::segment::{self, Commit, Progress};
use lake::{ObjectStore, RunKeys};
use table::{PageBuffer, PageRequest, ScanPages};
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
    pub budget: &'a ReadBudget,
    pub attempt: &'a str,
    pub part_bytes: u64,
    pub stop: Instant,
    pub segment: u32,
}

/// What has been read, the committed part of it and what is in the open part.
struct State<'a, S: ObjectStore> {
    checkpoints: u32,
    record: SegmentRecord<Profile>,
    part: PartWriter<'a, S>,
}

impl<'a, S: ObjectStore, T: ScanPages> SegmentScan<'a, S, T> {
    pub async fn run(self) -> Result<SegmentEnd, ExportSegmentError> {
        let mut new_items = 0;
        let mut read_units = 0.0;
        let mut buffer = PageBuffer::new();
        // One turn for every commit: to its own next part, or to another attempt's progress.
        loop {
            let mut state = match self.resume().await? {
                Progress::Whole(record) => {
                    let items = record.totals.items;
                    return Ok(SegmentEnd {
                        whole: true,
                        items,
                        new_items,
                        read_units,
                    });
                }
                Progress::At {
                    checkpoints,
                    record,
                } => {
                    let record = record.unwrap_or_else(|| self.fresh());
                    State {
                        checkpoints,
                        part: self.part(&record)?,
                        record,
                    }
                }
            };
            let mut pages = 0;
            let mut failure = None;
            while state.part.raw_bytes() < self.part_bytes && !self.is_time_over(pages) {
                match self.page(&mut state, &mut buffer).await {
                    Ok(consumed) => {
                        pages += 1;
                        new_items += buffer.items() as u64;
                        read_units += consumed;
                        if state.record.cursor.is_none() {
                            break;
                        }
                    }
                    // What was read before is committed all the same; then the error counts.
                    Err(error @ ExportSegmentError::Scan { .. }) => {
                        failure = Some(error);
                        break;
                    }
                    Err(error) => return Err(error),
                }
            }
            let time_is_over = self.is_time_over(pages);
            if pages > 0 {
                let items = self.commit(state).await?;
                if failure.is_none() && time_is_over {
                    let whole = segment::manifest::<Profile>(self.store, self.keys, self.segment)
                        .await?
                        .is_some();
                    return Ok(SegmentEnd {
                        whole,
                        items,
                        new_items,
                        read_units,
                    });
                }
            } else if failure.is_none() {
                state.part.abandon().await?;
                let items = state.record.totals.items;
                return Ok(SegmentEnd {
                    whole: false,
                    items,
                    new_items,
                    read_units,
                });
            }
            if let Some(error) = failure {
                return Err(error);
            }
        }
    }

    async fn resume(&self) -> Result<Progress<Profile>, ExportSegmentError> {
        Ok(segment::progress(self.store, self.keys, self.segment).await?)
    }

    fn fresh(&self) -> SegmentRecord<Profile> {
        SegmentRecord {
            segment: self.segment,
            total_segments: self.plan.segments,
            cursor: None,
            parts: Vec::new(),
            totals: ScanTotals::default(),
            profile: Profile::new(),
        }
    }

    fn part(
        &self,
        record: &SegmentRecord<Profile>,
    ) -> Result<PartWriter<'a, S>, ExportSegmentError> {
        let number = u32::try_from(record.parts.len()).unwrap_or(u32::MAX);
        let key = self.keys.part(self.segment, number, self.attempt);
        Ok(PartWriter::new(self.store, key)?)
    }

    /// Every invocation reads at least one page of each segment, so that a task always moves on.
    fn is_time_over(&self, pages: u32) -> bool {
        pages > 0 && Instant::now() >= self.stop
    }

    async fn page(
        &self,
        state: &mut State<'a, S>,
        buffer: &mut PageBuffer,
    ) -> Result<f64, ExportSegmentError> {
        let table = &self.plan.definition.source.dynamodb.table;
        self.budget.wait(self.stop).await;
        let request = PageRequest {
            table,
            segment: self.segment,
            total_segments: self.plan.segments,
            cursor: state.record.cursor.as_ref(),
            consistent: self.plan.definition.source.dynamodb.consistent_read,
        };
        let end =
            self.pages
                .page(&request, buffer)
                .await
                .map_err(|source| ExportSegmentError::Scan {
                    table: table.clone(),
                    segment: self.segment,
                    items: state.record.totals.items,
                    source: Box::new(source),
                })?;
        self.budget.consumed(end.read_units);
        // The page is whole: only now does anything of it count.
        for line in buffer.lines() {
            let item = item::parse_line(line).map_err(|source| ExportSegmentError::Item {
                table: table.clone(),
                segment: self.segment,
                source,
            })?;
            state.record.profile.observe(&item);
        }
        state.part.append(buffer.bytes(), buffer.lines()).await?;
        state.record.totals.pages += 1;
        state.record.totals.read_units += end.read_units;
        state.record.cursor = end.cursor;
        Ok(end.read_units)
    }

    /// Ends the part and commits. Returns the items that are committed if this attempt won, and
    /// otherwise what it would have committed; the next look at the lake tells the truth.
    async fn commit(&self, state: State<'a, S>) -> Result<u64, ExportSegmentError> {
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
        }
        Ok(record.totals.items)
    }
}
