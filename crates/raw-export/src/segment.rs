//! One segment, from its last checkpoint to its end or to the deadline.

use crate::units::Units;
use crate::{Page, RawExportError, ReadSegments, SegmentRequest, TaskExport};
use contract::ErrorName;
use lake::ObjectStore;
use lake::part::PartWriter;
use lake::records::{SegmentRecord, SourceRead};
use lake::segment::{self, Commit, Progress};
use profile::{Profile, Vocabularies};
use source::{PageBuffer, Throttles};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::{Instant, sleep_until};

/// Progress of a segment when an invocation ends.
#[derive(Debug)]
pub struct SegmentEnd {
    /// Whether its manifest is written.
    pub whole: bool,
    /// Items committed by all invocations.
    pub items: u64,
    /// Items read by this invocation.
    pub new_items: u64,
    /// Why the last page could not be read, if the source refused it until the deadline.
    pub(crate) held_up: Option<RawExportError>,
}

impl SegmentEnd {
    /// The progress of a complete segment.
    pub const fn whole(items: u64, new_items: u64) -> Self {
        Self {
            whole: true,
            items,
            new_items,
            held_up: None,
        }
    }

    /// The progress of a segment that was not started.
    pub const NONE: Self = Self {
        whole: false,
        items: 0,
        new_items: 0,
        held_up: None,
    };
}

/// Result of one attempt to read a page.
enum Outcome {
    Read,
    Throttled(RawExportError),
    /// No page was read in time; the error if one was requested.
    TimeIsOver(Option<RawExportError>),
}

/// Maximum pause after a throttled page, with full jitter, doubling.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// The inputs of reading a segment.
pub struct SegmentExport<'a, S, R> {
    pub task: &'a TaskExport<'a, S, R>,
    pub vocabularies: &'a Vocabularies,
    /// Whether any segment of the task has read a page in this invocation.
    pub has_read: &'a AtomicBool,
    /// What all segments of the task have consumed.
    pub units: &'a Units,
    pub segment: u32,
}

/// The committed items, and the open part.
struct State<'a, S: ObjectStore> {
    checkpoints: u32,
    record: SegmentRecord<Profile>,
    part: PartWriter<'a, S>,
}

/// Everything that this invocation has read, committed or not.
struct Read {
    buffer: PageBuffer,
    pages: u64,
    items: u64,
    throttles: Throttles,
    throttles_recorded: u64,
    held_up: Option<RawExportError>,
}

impl<'a, S: ObjectStore, R: ReadSegments> SegmentExport<'a, S, R> {
    pub async fn run(self) -> Result<SegmentEnd, RawExportError> {
        let mut read = Read {
            buffer: PageBuffer::new(),
            pages: 0,
            items: 0,
            throttles: self.task.reader.throttles(),
            throttles_recorded: 0,
            held_up: None,
        };
        let mut is_time_over = false;
        let mut progress = self.resume().await?;
        // What earlier invocations consumed counts.
        if let Progress::Whole(record)
        | Progress::At {
            record: Some(record),
            ..
        } = &progress
        {
            self.units.add(record.totals.read_units);
        }
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
                    held_up: read.held_up.filter(|_| !whole),
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
                Err(error @ (RawExportError::Page { .. } | RawExportError::AboveLimit { .. })) => {
                    Some(error)
                }
                Err(error) => return Err(error),
            };
            if read.pages > before {
                match self.compared().await {
                    Ok(read) => state.record.add(read),
                    Err(error) => {
                        state.part.abandon().await;
                        return Err(error);
                    }
                }
                progress = self.commit(state).await?;
            } else {
                state.part.abandon().await;
                progress = self.resume().await?;
            }
            // A segment that another attempt has ended meanwhile needs nothing more of this one.
            if let Some(error) = failure
                && !matches!(progress, Progress::Whole(_))
            {
                return Err(error);
            }
        }
    }

    /// Reads pages until the part is full, the segment ends, or the time is over. Returns whether
    /// there may be time for more.
    async fn fill(
        &self,
        state: &mut State<'a, S>,
        read: &mut Read,
    ) -> Result<bool, RawExportError> {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.page(state, read).await? {
                Outcome::TimeIsOver(why) => {
                    if why.is_some() {
                        read.held_up = why;
                    }
                    return Ok(false);
                }
                Outcome::Read => {
                    read.held_up = None;
                    pause = FIRST_PAUSE;
                    if state.record.cursor.is_none()
                        || state.part.raw_bytes() >= self.task.settings.part_bytes
                    {
                        return Ok(true);
                    }
                }
                Outcome::Throttled(error) => {
                    let end = Instant::now() + pause.mul_f64(fastrand::f64());
                    sleep_until(end.min(self.task.time.stop)).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    read.held_up = Some(error);
                    if Instant::now() >= self.task.time.stop {
                        return Ok(false);
                    }
                }
            }
            if self.is_time_over() {
                return Ok(false);
            }
        }
    }

    /// The progress by what is committed.
    async fn resume(&self) -> Result<Progress<Profile>, RawExportError> {
        let mut progress: Progress<Profile> =
            segment::progress(self.task.store, self.task.keys, self.segment).await?;
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
        profile.declare(self.task.declared.iter().map(String::as_str));
    }

    fn fresh(&self) -> SegmentRecord<Profile> {
        let mut profile = Profile::sharing(self.vocabularies);
        self.declare(&mut profile);
        SegmentRecord::new(self.segment, self.task.total_segments, profile)
    }

    fn part(&self, record: &SegmentRecord<Profile>) -> Result<PartWriter<'a, S>, RawExportError> {
        let number = u32::try_from(record.parts.len()).unwrap_or(u32::MAX);
        let (keys, attempt) = (self.task.keys, self.task.attempt);
        let key = if self.task.settings.keep_parts {
            keys.index_part(self.segment, number, attempt)
        } else {
            keys.part(self.segment, number, attempt)
        };
        let level = self.task.settings.compression_level;
        Ok(PartWriter::with_level(self.task.store, key, level)?)
    }

    /// Every invocation reads at least one page, so a task always makes progress.
    fn is_time_over(&self) -> bool {
        self.has_read.load(Ordering::Relaxed) && Instant::now() >= self.task.time.stop
    }

    async fn page(
        &self,
        state: &mut State<'a, S>,
        read: &mut Read,
    ) -> Result<Outcome, RawExportError> {
        let name = || self.task.source_name.to_owned();
        if let Some((consumed, most)) = self.units.exceeded() {
            return Err(RawExportError::AboveLimit {
                source_name: name(),
                consumed,
                most,
            });
        }
        let State { record, part, .. } = state;
        let Read {
            buffer, throttles, ..
        } = read;
        let asked = Instant::now();
        let answer = {
            let request = SegmentRequest {
                segment: self.segment,
                total_segments: self.task.total_segments,
                cursor: record.cursor.as_ref(),
                stop: self.task.time.stop,
                throttles,
            };
            let mut asking = pin!(self.task.reader.page(&request, buffer));
            // A page that is requested at the end of the time still has a moment to arrive.
            let least = asked + Duration::from_secs(1);
            let mut late = pin!(sleep_until(self.task.time.give_up.max(least)));
            // The part's last piece is sent while the page is requested.
            poll_fn(|context| {
                part.poll_sending(context);
                match asking.as_mut().poll(context) {
                    Poll::Ready(answer) => Poll::Ready(Some(answer)),
                    Poll::Pending => late.as_mut().poll(context).map(|()| None),
                }
            })
            .await
        };
        record.totals.throttles += throttles.count() - read.throttles_recorded;
        read.throttles_recorded = throttles.count();
        let (end, asked_ms) = match answer {
            Some(Ok(Page::Read { end, asked_ms })) => (end, asked_ms),
            Some(Ok(Page::TimeIsOver)) => return Ok(Outcome::TimeIsOver(None)),
            Some(Err(source)) => {
                let is_throttled = source.name == ErrorName::Throttled;
                let error = RawExportError::Page {
                    source_name: name(),
                    segment: self.segment,
                    items: record.totals.items,
                    source: Box::new(source),
                };
                if is_throttled {
                    return Ok(Outcome::Throttled(error));
                }
                return Err(error);
            }
            None => {
                return Ok(Outcome::TimeIsOver(Some(RawExportError::NoAnswer {
                    source_name: name(),
                    segment: self.segment,
                    seconds: asked.elapsed().as_secs(),
                })));
            }
        };
        self.has_read.store(true, Ordering::Relaxed);
        // The page is complete: only now it is counted.
        let lines = buffer.lines().map_err(|source| RawExportError::Item {
            source_name: name(),
            segment: self.segment,
            source,
        })?;
        let (text, each) = (lines.text().as_bytes(), lines.lines().map(str::as_bytes));
        part.append(text, each, |hash, line| record.profile.sample(hash, line))
            .await?;
        record.profile.observe_lines(lines);
        record.totals.add_page(end.read_units, asked_ms, now_ms());
        self.units.add(end.read_units);
        record.cursor = end.cursor;
        read.pages += 1;
        read.items += lines.len() as u64;
        Ok(Outcome::Read)
    }

    /// What the source itself counts of the rows that are not committed yet.
    async fn compared(&self) -> Result<SourceRead, RawExportError> {
        let compared = self.task.reader.before_commit(self.segment).await;
        compared.map_err(|source| RawExportError::Page {
            source_name: self.task.source_name.to_owned(),
            segment: self.segment,
            items: 0,
            source: Box::new(source),
        })
    }

    /// Ends the part and commits. Returns the segment's progress: this attempt's, or, if another
    /// one committed first, that one's.
    async fn commit(&self, state: State<'a, S>) -> Result<Progress<Profile>, RawExportError> {
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
        let (store, keys) = (self.task.store, self.task.keys);
        let commit = segment::commit(store, keys, checkpoints, &record, part.as_ref()).await?;
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

/// The time in milliseconds since 1970, as [`Page::Read`] has it.
pub fn now_ms() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
