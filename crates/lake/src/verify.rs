//! Reads a run's data again and compares it with what was committed: every part of every segment,
//! and every file of the dataset. It repairs nothing.

use crate::records::{
    ChannelFile, Checksum, DatasetPlan, DatasetRecord, Part, ScanTotals, SegmentRecord,
};
use crate::records::{FileDigest, FilePiece};
use crate::store::{ByteStream, ObjectStore, StoreError};
use crate::{DocumentError, PartError, RunKeys, documents, part, segment, verify_objects};
use contract::states::{ExportTask, RowCounts};
use futures::{StreamExt, stream};
use serde::de::IgnoredAny;
use std::fmt;

/// Objects that are read at once.
const AT_ONCE: usize = 8;

/// What a run's data turned out to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Verification {
    /// Segments with their manifests.
    pub segments: u32,
    /// Their parts.
    pub parts: usize,
    /// What was found in the parts; pages and read units as the manifests say.
    pub exported: ScanTotals,
    /// The rows of the dataset, if there is one by now.
    pub rows: Option<RowCounts>,
    /// Files of the dataset.
    pub files: usize,
    /// Objects of attempts that lost or were killed; no manifest lists them, and nothing reads
    /// them.
    pub unlisted: Vec<String>,
    /// What is not as committed, in one line each.
    pub findings: Vec<Finding>,
}

impl Verification {
    /// Whether all is as committed.
    pub const fn is_sound(&self) -> bool {
        self.findings.is_empty()
    }
}

/// Something that is not as committed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// A segment has no manifest: the export did not end.
    #[error("segment {segment} has no manifest: its export has not ended")]
    SegmentNotWhole {
        /// The segment.
        segment: u32,
    },
    /// A part or a file cannot be read, or holds something else than its record says.
    #[error("{message}")]
    Damaged {
        /// Which one, and what is wrong with it.
        message: String,
    },
    /// Two records contradict each other.
    #[error("{what}: {one} and {other}")]
    Contradiction {
        /// The records.
        what: String,
        /// What the first says.
        one: String,
        /// What the second says.
        other: String,
    },
}

/// Progress of a verification: bytes of objects read, of all.
pub type Progress<'p> = dyn Fn(u64, u64) + Sync + 'p;

/// Reads all data of a run again. `progress` gets bytes as stored: read, and in all.
///
/// # Errors
/// If the run has no plan, or the store fails. Whatever is not as committed is no error but a
/// [`Finding`].
pub async fn verify(
    store: &impl ObjectStore,
    keys: &RunKeys,
    progress: &Progress<'_>,
) -> Result<Verification, DocumentError> {
    let tasks: Vec<ExportTask> = documents::read(store, &keys.tasks(), "the run's tasks").await?;
    let mut found = Found::default();
    let mut records = Vec::new();
    let numbers = tasks
        .iter()
        .flat_map(|task| task.first_segment..task.first_segment + task.segment_count);
    let mut manifests = stream::iter(numbers)
        .map(|number| async move {
            let record = segment::manifest::<IgnoredAny>(store, keys, number).await;
            record.map(|record| (number, record))
        })
        .buffered(AT_ONCE);
    while let Some(manifest) = manifests.next().await {
        match manifest? {
            (_, Some(record)) => records.push(record),
            (segment, None) => found.add(Finding::SegmentNotWhole { segment }),
        }
    }
    drop(manifests);
    let dataset: Option<DatasetRecord> =
        documents::read_if_there(store, &keys.dataset(), "the dataset").await?;
    let files = dataset.as_ref().map_or(&[][..], |dataset| &dataset.files);
    let parts: Vec<&Part> = records.iter().flat_map(|record| &record.parts).collect();

    let vocabularies = dataset
        .iter()
        .flat_map(|dataset| dataset.vocabularies.values());
    let compressed: Vec<&Part> = parts.iter().copied().chain(vocabularies).collect();
    let sizes = compressed.iter().map(|part| part.bytes);
    let of_objects = |file: &ChannelFile| file.objects.as_ref().map_or(0, |it| it.bytes);
    let of_file = |file: &ChannelFile| file.bytes + of_objects(file);
    let total = sizes.chain(files.iter().map(of_file)).sum();
    let mut done = 0;
    progress(done, total);
    let mut reading = stream::iter(&compressed)
        .map(|part| async move { (part.bytes, read_part(store, part).await) })
        .buffer_unordered(AT_ONCE);
    while let Some((bytes, outcome)) = reading.next().await {
        found.take(outcome?);
        done += bytes;
        progress(done, total);
    }
    drop(reading);
    let mut reading = stream::iter(files)
        .map(|file| async move { (file.bytes, read_file(store, file).await) })
        .buffer_unordered(AT_ONCE);
    while let Some((bytes, outcome)) = reading.next().await {
        found.take(outcome?);
        done += bytes;
        progress(done, total);
    }
    drop(reading);
    for file in files {
        if let Some(objects) = &file.objects {
            let findings = verify_objects::compare(store, file, objects).await?;
            found.findings.extend(findings);
            done += objects.bytes;
            progress(done, total);
        }
    }

    let mut exported = ScanTotals::default();
    for record in &records {
        found.sum_up(record);
        exported += record.totals;
    }
    let planned: Option<DatasetPlan<IgnoredAny>> =
        documents::read_if_there(store, &keys.dataset_plan(), "the dataset's plan").await?;
    found.reconcile(&exported, planned.as_ref(), dataset.as_ref());
    let unlisted = unlisted(store, keys, &parts).await?;
    Ok(Verification {
        segments: u32::try_from(records.len()).unwrap_or(u32::MAX),
        parts: parts.len(),
        exported,
        rows: dataset.as_ref().map(|dataset| dataset.rows),
        files: files.len(),
        unlisted,
        findings: found.findings,
    })
}

#[derive(Default)]
struct Found {
    findings: Vec<Finding>,
}

impl Found {
    fn add(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    fn take(&mut self, finding: Option<Finding>) {
        self.findings.extend(finding);
    }

    /// What a segment's parts hold together must be what its manifest counts.
    fn sum_up<P>(&mut self, record: &SegmentRecord<P>) {
        let mut sum = ScanTotals::default();
        for part in &record.parts {
            sum.add_part(part);
        }
        let what = format!(
            "segment {}, its parts together and its manifest",
            record.segment
        );
        self.compare(what, &said(&sum), &said(&record.totals));
        if let Some(cursor) = &record.cursor {
            let what = format!("segment {}, its manifest and its cursor", record.segment);
            self.compare(what, &"the end".to_owned(), &cursor.to_string());
        }
    }

    fn reconcile<C>(
        &mut self,
        exported: &ScanTotals,
        planned: Option<&DatasetPlan<C>>,
        dataset: Option<&DatasetRecord>,
    ) {
        if let Some(plan) = planned {
            let what = "the segments together and the dataset's plan".to_owned();
            self.compare(what, &said(exported), &said(&plan.exported));
        }
        if let Some(dataset) = dataset {
            let what = "items exported and rows of the dataset, rejected ones included".to_owned();
            self.compare(what, &exported.items, &dataset.rows.total());
            for channel in &dataset.channels {
                let files = dataset.files.iter();
                let rows: u64 = files
                    .filter(|file| file.channel == *channel)
                    .map(|file| file.rows)
                    .sum();
                let said = match channel.as_str() {
                    "train" => dataset.rows.train,
                    "test" => dataset.rows.test,
                    "validation" => dataset.rows.validation,
                    _ => continue,
                };
                let what = format!("rows of the files in `{channel}` and of the dataset");
                self.compare(what, &rows, &said);
            }
        }
    }

    fn compare<T: fmt::Display + PartialEq>(&mut self, what: String, one: &T, other: &T) {
        if one != other {
            self.add(Finding::Contradiction {
                what,
                one: one.to_string(),
                other: other.to_string(),
            });
        }
    }
}

fn said(totals: &ScanTotals) -> String {
    let ScanTotals {
        items, raw_bytes, ..
    } = totals;
    format!(
        "{items} items, {raw_bytes} bytes, checksum {:016x}",
        totals.checksum.0
    )
}

async fn read_part(store: &impl ObjectStore, part: &Part) -> Result<Option<Finding>, StoreError> {
    match part::read_lines(store, part, |_| ()).await {
        Ok(()) => Ok(None),
        Err(PartError::Store(error)) => missing(error).map(Some),
        Err(error) => Ok(Some(damaged(&error))),
    }
}

/// A damaged object is a finding; that the store cannot be asked is not.
fn missing(error: StoreError) -> Result<Finding, StoreError> {
    match error {
        StoreError::NotFound { .. } => Ok(damaged(&error)),
        StoreError::Service(_) => Err(error),
    }
}

fn damaged(error: &dyn std::error::Error) -> Finding {
    let message = contract::chain(error);
    Finding::Damaged { message }
}

async fn read_file(
    store: &impl ObjectStore,
    file: &ChannelFile,
) -> Result<Option<Finding>, StoreError> {
    let mut stream = match store.stream(&file.key).await {
        Ok(stream) => stream,
        Err(error) => return missing(error).map(Some),
    };
    let (mut rows, mut bytes, mut checksum) = (0, 0, Checksum::default());
    let mut open = Vec::new();
    let mut digest = FileDigest::default();
    let mut pieces = Pieces::new(&file.pieces);
    while let Some(frame) = stream.next().await? {
        bytes += frame.len() as u64;
        digest.add(&frame);
        pieces.add(&frame);
        if file.digest.is_some() || !file.pieces.is_empty() {
            continue;
        }
        let mut rest = &frame[..];
        while let Some(end) = memchr::memchr(b'\n', rest) {
            open.extend_from_slice(&rest[..end]);
            checksum.add_line(&open);
            rows += 1;
            open.clear();
            rest = &rest[end + 1..];
        }
        open.extend_from_slice(rest);
    }
    let say = |rows: u64, bytes: u64, checksum: Checksum| {
        format!("{rows} rows, {bytes} bytes, checksum {:016x}", checksum.0)
    };
    let (said, found) = if let Some(said) = file.digest {
        // Its rows were counted before they were written: whatever the format, the same bytes are
        // the same rows.
        let (rows, digest) = (file.rows, digest.finish());
        (say(rows, file.bytes, said), say(rows, bytes, digest))
    } else if !file.pieces.is_empty() {
        let rows = file.rows;
        (
            say(rows, file.bytes, sum_of(&file.pieces)),
            say(rows, bytes, sum_of(&pieces.finish())),
        )
    } else {
        let said = file.checksum.unwrap_or_default();
        (say(file.rows, file.bytes, said), say(rows, bytes, checksum))
    };
    if said == found && open.is_empty() {
        return Ok(None);
    }
    let (bucket, key) = (store.bucket(), &file.key);
    Ok(Some(Finding::Damaged {
        message: format!(
            "s3://{bucket}/{key} does not hold what the dataset says: {found} instead of {said}"
        ),
    }))
}

/// The hashes of a file's pieces, while it is read.
struct Pieces<'p> {
    said: &'p [FilePiece],
    found: Vec<FilePiece>,
    digest: FileDigest,
    bytes: u64,
}

impl<'p> Pieces<'p> {
    fn new(said: &'p [FilePiece]) -> Self {
        Self {
            said,
            found: Vec::new(),
            digest: FileDigest::default(),
            bytes: 0,
        }
    }

    fn add(&mut self, mut frame: &[u8]) {
        while let Some(piece) = self.said.get(self.found.len()) {
            let left = piece.bytes - self.bytes;
            let here = usize::try_from(left).map_or(frame.len(), |left| left.min(frame.len()));
            let (own, rest) = frame.split_at(here);
            self.digest.add(own);
            self.bytes += own.len() as u64;
            frame = rest;
            if self.bytes < piece.bytes {
                return;
            }
            self.end();
        }
    }

    fn end(&mut self) {
        let digest = std::mem::take(&mut self.digest).finish();
        let bytes = std::mem::take(&mut self.bytes);
        self.found.push(FilePiece { bytes, digest });
    }

    fn finish(mut self) -> Vec<FilePiece> {
        if self.bytes > 0 {
            self.end();
        }
        self.found
    }
}

/// One number for the hashes of pieces, in their order.
fn sum_of(pieces: &[FilePiece]) -> Checksum {
    let mut digest = FileDigest::default();
    for piece in pieces {
        digest.add(&piece.digest.0.to_le_bytes());
    }
    digest.finish()
}

/// Parts that no manifest lists.
async fn unlisted(
    store: &impl ObjectStore,
    keys: &RunKeys,
    parts: &[&Part],
) -> Result<Vec<String>, StoreError> {
    let mut listed: Vec<&str> = parts.iter().map(|part| part.key.as_str()).collect();
    listed.sort_unstable();
    let objects = store.list(&keys.segments()).await?;
    let of_attempts = objects.into_iter().map(|object| object.key);
    Ok(of_attempts
        .filter(|key| RunKeys::is_part(key) && listed.binary_search(&key.as_str()).is_err())
        .collect())
}
