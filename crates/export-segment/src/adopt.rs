//! A task of a native export: its files become raw parts where they lie, once their MD5, their
//! count and each of their lines are found right.

use crate::ExportSegmentError;
use crate::whole;
use changes::Values;
use contract::states::ExportTask;
use dynamodb_json::{ItemError, Lines};
use lake::native::{ExportFile, NativeExport};
use lake::part::{LineCount, LineReader};
use lake::records::{Encoding, Part, ScanTotals, SegmentRecord};
use lake::segment::{self, Progress};
use lake::{ByteStream, HashedStream, ObjectStore, PartError, RunKeys};
use profile::{Profile, Vocabularies};
use raw_export::SegmentEnd;
use tokio::time::Instant;

/// What adopting a task's files needs.
pub struct Adoption<'a, S> {
    pub store: &'a S,
    pub keys: &'a RunKeys,
    pub export: &'a NativeExport,
    pub vocabularies: &'a Vocabularies,
    /// Paths that the profile keeps apart whatever else there is.
    pub declared: &'a [String],
    /// Whether the items' values are hashed, for comparing with merged changes.
    pub hashed: bool,
    pub stop: Instant,
}

impl<S: ObjectStore> Adoption<'_, S> {
    /// Adopts the task's files until they are done or the time is over, but at least one. A file is
    /// adopted whole or not at all, so those under way when the time is over are begun again.
    pub async fn run(&self, task: ExportTask) -> Result<Vec<SegmentEnd>, ExportSegmentError> {
        whole::side_by_side(task, self.stop, |segment| self.segment(segment)).await
    }

    async fn segment(&self, number: u32) -> Result<SegmentEnd, ExportSegmentError> {
        let progress: Progress<Profile> = segment::progress(self.store, self.keys, number).await?;
        if let Progress::Whole(record) = progress {
            return Ok(end(&record, 0));
        }
        let file = self
            .export
            .file(number)
            .ok_or(ExportSegmentError::UnknownFile { segment: number })?;
        let record = self.adopt(number, file).await?;
        // No part is given: the one who loses must not remove what the winner adopted.
        segment::commit(self.store, self.keys, 0, &record, None).await?;
        let new_items = record.totals.items;
        Ok(end(&record, new_items))
    }

    /// Reads the file, and says what it holds if that is what the export says.
    async fn adopt(
        &self,
        segment: u32,
        file: &ExportFile,
    ) -> Result<SegmentRecord<Profile>, ExportSegmentError> {
        let stream = self.store.stream(&file.key).await;
        let stream = HashedStream::new(stream.map_err(PartError::from)?);
        let bucket = self.store.bucket();
        let mut reader = LineReader::new(stream, Encoding::Gzip, bucket, &file.key)?;
        let mut profile = Profile::sharing(self.vocabularies);
        profile.declare(self.declared.iter().map(String::as_str));
        let mut count = LineCount::default();
        let mut values = self.hashed.then(Values::default);
        let read = read(&mut reader, &mut count, &mut profile, values.as_mut()).await;
        let mut stream = reader.into_stream();
        match &read {
            Err(Unreadable::Part(PartError::Store(_))) | Ok(()) => {}
            // What is damaged on its way or at rest is said to be that, wherever it shows first.
            Err(_) => stream.drain().await.map_err(PartError::from)?,
        }
        let differs = |what, said: String, found: String| ExportSegmentError::FileDiffers {
            file: format!("s3://{bucket}/{}", file.key),
            what,
            said,
            found,
        };
        if !matches!(&read, Err(Unreadable::Part(PartError::Store(_)))) {
            let found = stream.md5();
            if found != file.md5 {
                return Err(differs("MD5", file.md5.clone(), found));
            }
        }
        read.map_err(|error| match error {
            Unreadable::Part(source) => source.into(),
            Unreadable::Item(source) => ExportSegmentError::FileItem {
                file: format!("s3://{bucket}/{}", file.key),
                line: count.items,
                source,
            },
        })?;
        if count.items != file.items {
            let (said, found) = (file.items.to_string(), count.items.to_string());
            return Err(differs("items", said, found));
        }
        let part = Part {
            key: file.key.clone(),
            items: count.items,
            raw_bytes: count.raw_bytes,
            bytes: stream.bytes(),
            checksum: count.checksum,
            encoding: Encoding::Gzip,
        };
        let mut totals = ScanTotals::default();
        totals.add_part(&part);
        let total_segments = u32::try_from(self.export.files.len()).unwrap_or(u32::MAX);
        Ok(SegmentRecord {
            parts: if part.items == 0 {
                Vec::new()
            } else {
                vec![part]
            },
            totals,
            values: values.as_ref().map(Values::sum),
            ..SegmentRecord::new(segment, total_segments, profile)
        })
    }
}

const fn end(record: &SegmentRecord<Profile>, new_items: u64) -> SegmentEnd {
    SegmentEnd::whole(record.totals.items, new_items)
}

/// Logs and counts what this invocation did.
pub fn report(pipeline: &str, task: &ExportTask, ends: &[SegmentEnd]) {
    let items: u64 = ends.iter().map(|end| end.new_items).sum();
    let whole = ends.iter().filter(|end| end.whole).count();
    tracing::info!(
        task = task.index,
        files = ends.len(),
        whole,
        items,
        "adopted"
    );
    let items = ("ItemsExported", items as f64, lambda_shell::Unit::Count);
    lambda_shell::emit_metrics(pipeline, &[items]);
}

enum Unreadable {
    Part(PartError),
    Item(ItemError),
}

async fn read<B: ByteStream>(
    reader: &mut LineReader<B>,
    count: &mut LineCount,
    profile: &mut Profile,
    mut values: Option<&mut Values>,
) -> Result<(), Unreadable> {
    let mut items = Lines::new();
    while let Some(batch) = reader.next().await.map_err(Unreadable::Part)? {
        items.clear();
        for line in lake::part::lines(batch) {
            let hash = count.add_line(line);
            items.push_line(line).map_err(Unreadable::Item)?;
            profile.sample(hash, line);
            if let Some(values) = values.as_deref_mut() {
                values.add_line(line).map_err(Unreadable::Item)?;
            }
        }
        count.raw_bytes += batch.len() as u64;
        profile.observe_lines(&items);
    }
    Ok(())
}
