//! A task of events: the objects that a delivery stream wrote become raw parts where they lie, once
//! each of their lines is found right. What was read is kept, so that later runs do not read it again.

use crate::{ExportSegmentError, whole};
use contract::states::ExportTask;
use dynamodb_json::Lines;
use futures::stream::{self, StreamExt, TryStreamExt};
use lake::part::{LineCount, LineReader};
use lake::records::{
    EventsPlan, EventsSegment, KeptObjects, Part, ScanTotals, SegmentRecord, SourceFile,
};
use lake::{HashedStream, PagedStore, PartError, RunKeys, documents, events, segment};
use profile::{Profile, Vocabularies};
use raw_export::SegmentEnd;
use tokio::time::Instant;

/// Objects of a segment that are read side by side.
const AT_ONCE: usize = 4;

/// Bytes of the longest line: an event has at most 400 KB, and its line a few times as many.
const LONGEST_LINE: usize = 8 * 1024 * 1024;

const MANIFEST: &str = "a kept manifest of events";

/// What reading a task's events needs.
pub struct Collection<'a, S> {
    pub store: &'a S,
    pub keys: &'a RunKeys,
    pub plan: &'a EventsPlan,
    pub vocabularies: &'a Vocabularies,
    /// Paths that the profile keeps apart whatever else there is.
    pub declared: &'a [String],
    pub stop: Instant,
}

impl<S: PagedStore> Collection<'_, S> {
    /// Reads the task's new objects, takes over the others, and commits, until the task is done or the
    /// time is over.
    pub async fn run(&self, task: ExportTask) -> Result<Vec<SegmentEnd>, ExportSegmentError> {
        whole::side_by_side(task, self.stop, |segment| self.segment(segment)).await
    }

    async fn segment(&self, number: u32) -> Result<SegmentEnd, ExportSegmentError> {
        let whole: Option<SegmentRecord<Profile>> =
            segment::manifest(self.store, self.keys, number).await?;
        if let Some(record) = whole {
            return Ok(SegmentEnd::whole(record.totals.items, 0));
        }
        let planned = self.plan.segments.get(number as usize);
        let planned = planned.ok_or(ExportSegmentError::UnknownFile { segment: number })?;
        let id = planned.id(self.plan.basis);
        let key = events::manifest(self.keys.pipeline(), &id);
        let kept: Option<SegmentRecord<Profile>> =
            documents::read_if_there(self.store, &key, MANIFEST).await?;
        let (record, new_items) = match kept {
            Some(kept) => {
                let record = SegmentRecord {
                    adopted: Some(key),
                    ..self.taken_over(number, kept)
                };
                (record, 0)
            }
            None => self.read(number, planned, &id).await?,
        };
        // No part is given: the one who loses must not remove what the winner took over.
        segment::commit(self.store, self.keys, 0, &record, None).await?;
        Ok(SegmentEnd::whole(record.totals.items, new_items))
    }

    /// A kept manifest as this run's.
    fn taken_over(&self, number: u32, kept: SegmentRecord<Profile>) -> SegmentRecord<Profile> {
        let mut profile = kept.profile.share(self.vocabularies);
        profile.declare(self.declared.iter().map(String::as_str));
        let mut record = self.empty(number, profile);
        for part in kept.parts {
            record.totals.add_part(&part);
            record.parts.push(part);
        }
        record
    }

    fn empty(&self, number: u32, profile: Profile) -> SegmentRecord<Profile> {
        let total = u32::try_from(self.plan.segments.len()).unwrap_or(u32::MAX);
        SegmentRecord::new(number, total, profile)
    }

    /// Reads the new objects, adds them to what is kept of the others, and keeps both. Returns the
    /// items that were read, too.
    async fn read(
        &self,
        number: u32,
        planned: &EventsSegment,
        id: &str,
    ) -> Result<(SegmentRecord<Profile>, u64), ExportSegmentError> {
        let pipeline = self.keys.pipeline();
        let (mut record, mut objects) = if let Some(kept) = &planned.kept {
            let key = events::manifest(pipeline, kept);
            let record = documents::read(self.store, &key, MANIFEST).await?;
            let key = events::objects(pipeline, kept);
            let list: KeptObjects = documents::read(self.store, &key, "a list of events").await?;
            (self.taken_over(number, record), list.objects)
        } else {
            let mut profile = Profile::sharing(self.vocabularies);
            profile.declare(self.declared.iter().map(String::as_str));
            (self.empty(number, profile), Vec::new())
        };
        let before = record.totals.items;
        let read = stream::iter(&planned.objects).map(|object| self.object(object));
        let mut read = read.buffered(AT_ONCE);
        while let Some((part, profile)) = read.try_next().await? {
            if part.items > 0 {
                record.totals.add_part(&part);
                record.parts.push(part);
                record.profile.merge(profile);
            }
        }
        drop(read);
        let ScanTotals {
            items, raw_bytes, ..
        } = record.totals;
        objects.extend(planned.objects.iter().cloned());
        let list = KeptObjects {
            objects,
            items,
            raw_bytes,
        };
        // The list is written first: a reader that finds the manifest finds the list, too.
        documents::commit(self.store, &events::objects(pipeline, id), &list).await?;
        documents::commit(self.store, &events::manifest(pipeline, id), &record).await?;
        Ok((record, items - before))
    }

    /// Reads an object as it was planned, and says what it holds.
    async fn object(&self, object: &SourceFile) -> Result<(Part, Profile), ExportSegmentError> {
        let key = self.plan.key(object);
        let bucket = self.store.bucket();
        let file = || format!("s3://{bucket}/{key}");
        let damaged = |source: PartError| match source {
            PartError::Store(error) => PartError::Store(error).into(),
            source => ExportSegmentError::EventsDamaged {
                file: file(),
                source,
            },
        };
        let stream = self.store.stream_if_match(&key, &object.etag, 0).await;
        let Some(stream) = stream.map_err(PartError::from)? else {
            return Err(ExportSegmentError::EventsChanged { file: file() });
        };
        let mut stream = HashedStream::new(stream);
        let encoding = stream.encoding().await.map_err(PartError::from)?;
        let reader = LineReader::new(stream, encoding, bucket, &key)?;
        let mut reader = reader.with_longest_line(LONGEST_LINE);
        let mut profile = Profile::sharing(self.vocabularies);
        profile.declare(self.declared.iter().map(String::as_str));
        let mut count = LineCount::default();
        let mut items = Lines::new();
        while let Some(batch) = reader.next().await.map_err(damaged)? {
            items.clear();
            for line in lake::part::lines(batch) {
                let hash = count.add_line(line);
                items
                    .push_line(line)
                    .map_err(|source| ExportSegmentError::EventsLine {
                        file: file(),
                        line: count.items,
                        source,
                    })?;
                profile.sample(hash, line);
            }
            count.raw_bytes += batch.len() as u64;
            profile.observe_lines(&items);
        }
        let part = Part {
            key: key.clone(),
            items: count.items,
            raw_bytes: count.raw_bytes,
            bytes: reader.into_stream().bytes(),
            checksum: count.checksum,
            encoding,
        };
        Ok((part, profile))
    }
}

/// Logs and counts what this invocation did.
pub fn report(pipeline: &str, task: &ExportTask, ends: &[SegmentEnd]) {
    let items: u64 = ends.iter().map(|end| end.new_items).sum();
    tracing::info!(
        task = task.index,
        segments = ends.len(),
        whole = ends.iter().filter(|end| end.whole).count(),
        items,
        "read events"
    );
    let items = ("ItemsExported", items as f64, lambda_shell::Unit::Count);
    lambda_shell::emit_metrics(pipeline, &[items]);
}
