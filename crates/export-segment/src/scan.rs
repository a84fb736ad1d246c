//! One segment, from its last commit to its end or to the deadline.

use crate::budget::ReadBudget;
use crate::{ExportSegmentError, Settings};
use contract::ErrorName;
use definition::DynamoDbSource;
use lake::part::PartWriter;
use lake::records::{Plan, ScanTotals, SegmentRecord};
use lake::segment::{self, Commit, Progress};
use lake::{ObjectStore, RunKeys};
use profile::{Profile, Vocabularies};
use source::{PageBuffer, PageRequest, ScanPages, Selection, Throttles};
use std::future::poll_fn;
use std::pin::pin;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// How far a segment has come when an invocation ends.
#[derive(Debug)]
pub struct SegmentEnd {
    /// Whether its manifest is there.
    pub whole: bool,
    /// Items committed by all invocations.
    pub items: u64,
    /// Items read by this one.
    pub new_items: u64,
    /// What the table said to the last page, if it throttled until the time was over.
    pub throttled: Option<ExportSegmentError>,
}

impl SegmentEnd {
    /// Of a segment that was not begun.
    pub const NONE: Self = Self {
        whole: false,
        items: 0,
        new_items: 0,
        throttled: None,
    };
}

/// What became of the wish for a page.
enum Outcome {
    Read,
    Throttled(ExportSegmentError),
    /// Its turn does not come in time.
    TimeIsOver,
}

/// After a throttled page, which the SDK has tried several times: full jitter up to this, doubling.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// What scanning a segment needs.
pub struct SegmentScan<'a, S, T> {
    pub store: &'a S,
    pub pages: &'a T,
    pub keys: &'a RunKeys,
    pub plan: &'a Plan,
    pub source: &'a DynamoDbSource,
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
struct Read {
    buffer: PageBuffer,
    pages: u64,
    items: u64,
    throttles: Throttles,
    throttles_recorded: u64,
    throttled: Option<ExportSegmentError>,
}

impl<'a, S: ObjectStore, T: ScanPages> SegmentScan<'a, S, T> {
    pub async fn run(self) -> Result<SegmentEnd, ExportSegmentError> {
        let mut read = Read {
            buffer: PageBuffer::new(),
            pages: 0,
            items: 0,
            throttles: Throttles::part_of(self.budget.throttles()),
            throttles_recorded: 0,
            throttled: None,
        };
        let mut is_time_over = false;
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
            if whole || is_time_over || self.is_time_over() {
                return Ok(SegmentEnd {
                    whole,
                    items: record.totals.items,
                    new_items: read.items,
                    throttled: read.throttled.filter(|_| !whole),
                });
            }
            let mut state = State {
                checkpoints,
                part: self.part(&record)?,
                record,
            };
            let before = read.pages;
            let failure = match self.fill(&mut state, &mut read).await {
                Ok(has_time) => {
                    is_time_over = !has_time;
                    None
                }
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

    /// Reads pages until the part is full, the segment at its end, or the time over. Returns whether
    /// there may be time for more.
    async fn fill(
        &self,
        state: &mut State<'a, S>,
        read: &mut Read,
    ) -> Result<bool, ExportSegmentError> {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.page(state, read).await? {
                Outcome::TimeIsOver => return Ok(false),
                Outcome::Read => {
                    read.throttled = None;
                    pause = FIRST_PAUSE;
                    if state.record.cursor.is_none()
                        || state.part.raw_bytes() >= self.settings.part_bytes
                    {
                        return Ok(true);
                    }
                }
                Outcome::Throttled(error) => {
                    let end = Instant::now() + pause.mul_f64(fastrand::f64());
                    tokio::time::sleep_until(end.min(self.stop)).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    read.throttled = Some(error);
                    if Instant::now() >= self.stop {
                        return Ok(false);
                    }
                }
            }
            if self.is_time_over() {
                return Ok(false);
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
            self.declare(&mut record.profile);
        }
        Ok(progress)
    }

    fn declare(&self, profile: &mut Profile) {
        let paths = self.plan.definition.paths();
        profile.declare(paths.iter().map(|path| path.text));
    }

    fn fresh(&self) -> SegmentRecord<Profile> {
        let mut profile = Profile::sharing(self.vocabularies);
        self.declare(&mut profile);
        SegmentRecord {
            segment: self.segment,
            total_segments: self.plan.segments,
            cursor: None,
            parts: Vec::new(),
            totals: ScanTotals::default(),
            profile,
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

    /// Every invocation reads at least one page, so that a task always moves on.
    fn is_time_over(&self) -> bool {
        self.budget.has_read() && Instant::now() >= self.stop
    }

    async fn page(
        &self,
        state: &mut State<'a, S>,
        read: &mut Read,
    ) -> Result<Outcome, ExportSegmentError> {
        let table = &self.source.table;
        let State { record, part, .. } = state;
        let Read {
            buffer, throttles, ..
        } = read;
        let mut asked_ms = 0;
        let asked = {
            let mut asking = pin!(async {
                let turn = self.budget.turn(self.stop).await?;
                asked_ms = now_ms();
                let request = PageRequest {
                    table,
                    segment: self.segment,
                    total_segments: self.plan.segments,
                    cursor: record.cursor.as_ref(),
                    consistent: self.source.consistent_read,
                    selection: Some(self.selection),
                    limit: turn.limit,
                    throttles,
                };
                Some((turn, self.pages.page(&request, buffer).await))
            });
            // The part's last piece travels while the page is on its way.
            poll_fn(|context| {
                part.poll_sending(context);
                asking.as_mut().poll(context)
            })
            .await
        };
        let Some((turn, end)) = asked else {
            return Ok(Outcome::TimeIsOver);
        };
        record.totals.throttles += throttles.count() - read.throttles_recorded;
        read.throttles_recorded = throttles.count();
        let end = match end {
            Ok(end) => end,
            Err(source) => {
                let is_throttled = source.name == ErrorName::Throttled;
                let error = ExportSegmentError::Scan {
                    table: table.clone(),
                    segment: self.segment,
                    items: record.totals.items,
                    source: Box::new(source),
                };
                if is_throttled {
                    self.budget.refused(&turn);
                    return Ok(Outcome::Throttled(error));
                }
                return Err(error);
            }
        };
        self.budget.consumed(&turn, end.scanned, end.read_units);
        // The page is whole: only now does anything of it count.
        let no_item = |source| ExportSegmentError::Item {
            table: table.clone(),
            segment: self.segment,
            source,
        };
        let lines = buffer.lines().map_err(no_item)?;
        // Other pages were read while this one arrived, so that its lines are fetched from memory once,
        // one after the other, and then worked on where they are near.
        for batch in lines.batches() {
            let text = batch.text().as_bytes();
            part.append(text, batch.lines().map(str::as_bytes), |hash, line| {
                record.profile.sample(hash, line);
            })
            .await?;
            record.profile.observe_batch(&batch);
        }
        record.totals.add_page(end.read_units, asked_ms, now_ms());
        record.cursor = end.cursor;
        read.pages += 1;
        read.items += lines.len() as u64;
        Ok(Outcome::Read)
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

fn now_ms() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
