//! Reads the ranges of planned files page by page.
//!
//! An object that goes on where the last page ended is kept open. Otherwise it is opened again: what
//! is not compressed at the cursor, what is compressed at its beginning, whose lines are skipped.

use crate::csv::Records;
use crate::page::{Cursor, Lines, Refused};
use contract::{ErrorName, ServiceError, chain};
use definition::{CsvFiles, FileFormat, FilesSource};
use lake::part::LineReader;
use lake::records::{Encoding, FileRange, FilesPlan, SourceFile};
use lake::{HashedStream, PagedStore, PartError, StoreError};
use raw_export::{Page, ReadSegments, SegmentRequest, now_ms};
use source::{PageBuffer, PageEnd};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Bytes of lines after which a page ends.
const PAGE: usize = 1024 * 1024;

/// Bytes of a line, at most: it is held in memory whole. DynamoDB's items have 400 KB, which JSON makes
/// up to six times as long.
const LONGEST_LINE: usize = 16 * 1024 * 1024;

/// Reads a plan's ranges: segment `n` is range `n`.
pub struct FileReader<'a, S: PagedStore> {
    bucket: S,
    source: &'a FilesSource,
    plan: &'a FilesPlan,
    page: usize,
    // A std mutex: it is never held across an await.
    state: Mutex<State<S::Body>>,
}

struct State<B> {
    open: BTreeMap<u32, Open<B>>,
    read: ReadSoFar,
}

/// What a reader has read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReadSoFar {
    /// Bytes of objects, as stored.
    pub stored: u64,
    /// Bytes of lines.
    pub text: u64,
    /// Items.
    pub items: u64,
}

/// A file that is being read.
struct Open<B> {
    lines: LineReader<HashedStream<B>>,
    /// The byte of the file that reading began with.
    from: u64,
    /// Bytes to pass over before the page begins.
    skip: u64,
    records: Option<Records>,
    cursor: Cursor,
}

impl<'a, S: PagedStore> FileReader<'a, S> {
    /// Reads the plan's files, from their bucket.
    pub fn new(bucket: S, source: &'a FilesSource, plan: &'a FilesPlan) -> Self {
        Self {
            bucket,
            source,
            plan,
            page: PAGE,
            state: Mutex::new(State {
                open: BTreeMap::new(),
                read: ReadSoFar::default(),
            }),
        }
    }

    /// Ends a page after so many bytes of lines.
    #[must_use]
    pub const fn with_page(mut self, bytes: usize) -> Self {
        self.page = bytes;
        self
    }

    /// What was read so far, by all pages.
    pub fn read_so_far(&self) -> ReadSoFar {
        self.state().read
    }

    fn state(&self) -> MutexGuard<'_, State<S::Body>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn error(
        &self,
        file: &SourceFile,
        name: ErrorName,
        code: &str,
        message: String,
    ) -> ServiceError {
        ServiceError {
            name,
            service: "S3",
            operation: "GetObject",
            subject: format!("s3://{}/{}", self.plan.bucket, self.plan.key(file)),
            code: code.to_owned(),
            message,
            source: None,
        }
    }

    fn store_error(&self, file: &SourceFile, error: StoreError) -> ServiceError {
        match error {
            StoreError::Service(error) => *error,
            StoreError::NotFound { .. } => self.changed(file),
        }
    }

    fn changed(&self, file: &SourceFile) -> ServiceError {
        let message = "it is not the object that the run was planned with: it was replaced or removed; start a new run";
        self.error(
            file,
            ErrorName::FilesIncomplete,
            "ObjectChanged",
            message.to_owned(),
        )
    }

    /// What became of reading the lines from byte `at` of the file on.
    fn part_error(&self, file: &SourceFile, at: u64, error: PartError) -> ServiceError {
        match error {
            PartError::Store(error) => self.store_error(file, error),
            PartError::LineTooLong { at: more, most, .. } => {
                let message = format!(
                    "the line at byte {} is longer than {most} bytes, and no item is: a line break may be missing, or \
                     the file of another format",
                    at + more
                );
                self.error(file, ErrorName::FileUnreadable, "LineTooLong", message)
            }
            other => {
                let message = format!(
                    "{}: it may be cut off; restore the whole file",
                    chain(&other)
                );
                self.error(file, ErrorName::FileUnreadable, "ObjectDamaged", message)
            }
        }
    }

    fn refused(&self, range: &FileRange, file: &SourceFile, refused: &Refused) -> ServiceError {
        // Lines are counted from the beginning of a range.
        let place = if range.start == 0 {
            format!("line {}", refused.line)
        } else {
            format!("the line at byte {}", refused.at)
        };
        let message = format!("{place}: {}", refused.message);
        self.error(file, ErrorName::FileUnreadable, "LineUnreadable", message)
    }

    /// The file's bytes from `from` on, if it is still the one that was planned.
    async fn stream(
        &self,
        file: &SourceFile,
        key: &str,
        from: u64,
    ) -> Result<S::Body, ServiceError> {
        match self.bucket.stream_if_match(key, &file.etag, from).await {
            Ok(Some(stream)) => Ok(stream),
            Ok(None) => Err(self.changed(file)),
            Err(error) => match self.store_error(file, error) {
                denied if denied.name == ErrorName::AccessDenied => {
                    Err(self.denied_or_gone(file, key, denied).await)
                }
                other => Err(other),
            },
        }
    }

    /// What a denied object is. S3 denies one that is gone as well, unless the role may list the
    /// bucket whatever the prefix: so the listing is asked.
    async fn denied_or_gone(
        &self,
        file: &SourceFile,
        key: &str,
        denied: ServiceError,
    ) -> ServiceError {
        match self.bucket.list_page(key, None, 1).await {
            Ok(page) if page.objects.iter().any(|object| object.key == key) => denied,
            Ok(_) => self.changed(file),
            Err(_) => ServiceError {
                message: format!(
                    "{}; or the object was removed, which S3 answers alike to a role without s3:ListBucket",
                    denied.message
                ),
                ..denied
            },
        }
    }

    /// Opens a file so that its next lines are those at the cursor.
    async fn open(
        &self,
        range: &FileRange,
        file: &SourceFile,
        cursor: Cursor,
    ) -> Result<Open<S::Body>, ServiceError> {
        let is_fresh = cursor.encoding.is_none();
        // A range begins behind the line that reaches into it, which ends at the byte before it or
        // later.
        let is_behind = is_fresh && range.start > 0;
        let from = match cursor.encoding {
            // What has an MD5 is always read from its beginning.
            Some(Encoding::Plain) if file.md5.is_none() => cursor.at,
            None if is_behind => range.start - 1,
            _ => 0,
        };
        let key = self.plan.key(file);
        let mut stream = HashedStream::new(self.stream(file, &key, from).await?);
        let encoding = match cursor.encoding {
            Some(encoding) => encoding,
            // Only files that are not compressed are read in ranges.
            None if is_behind => Encoding::Plain,
            None => stream
                .encoding()
                .await
                .map_err(|error| self.store_error(file, error))?,
        };
        let lines = LineReader::new(stream, encoding, &self.plan.bucket, &key)
            .map_err(|error| self.part_error(file, from, error))?
            .with_longest_line(LONGEST_LINE);
        let records = (self.source.format == FileFormat::Csv).then(|| {
            let default = CsvFiles::default();
            let settings = self.source.csv.as_ref().unwrap_or(&default);
            Records::new(settings, cursor.columns.clone(), cursor.lines)
        });
        // What lies between the stream's beginning and the cursor.
        let skip = if is_behind { 0 } else { cursor.at - from };
        let mut open = Open {
            lines,
            from,
            skip,
            records,
            cursor: Cursor {
                encoding: Some(encoding),
                ..cursor
            },
        };
        if is_behind {
            open.cursor.at = range.start - 1;
            let batch = open
                .lines
                .next()
                .await
                .map_err(|error| self.part_error(file, from, error))?;
            if let Some(batch) = batch {
                let end = memchr::memchr(b'\n', batch).map_or(batch.len(), |end| end + 1);
                open.cursor.at += end as u64;
                // The rest of the batch is read again from there.
                let again = open.cursor.clone();
                if again.at < file.bytes {
                    return Box::pin(self.open(range, file, again)).await;
                }
            }
        }
        Ok(open)
    }

    /// Reads lines until the page is full; whether the range has ended.
    async fn fill(
        &self,
        range: &FileRange,
        file: &SourceFile,
        open: &mut Open<S::Body>,
        buffer: &mut PageBuffer,
    ) -> Result<bool, ServiceError> {
        let mut page = Lines {
            format: self.source.format,
            end: range.end,
            buffer,
            line: Vec::new(),
        };
        let mut taken = 0;
        let from = open.from;
        while taken < self.page || open.records.as_ref().is_some_and(Records::is_within) {
            if range.end.is_some_and(|end| open.cursor.at >= end) {
                return Ok(true);
            }
            let batch = open
                .lines
                .next()
                .await
                .map_err(|error| self.part_error(file, from, error))?;
            let Some(mut batch) = batch else {
                if let Some(records) = &mut open.records {
                    page.finish(records, &mut open.cursor)
                        .map_err(|refused| self.refused(range, file, &refused))?;
                }
                return Ok(true);
            };
            let skipped = batch
                .len()
                .min(usize::try_from(open.skip).unwrap_or(usize::MAX));
            open.skip -= skipped as u64;
            batch = &batch[skipped..];
            // A page ends with a line, wherever the frames of the object do.
            let room = self.page.saturating_sub(taken);
            let used = match &mut open.records {
                Some(records) => page.records(batch, room, records, &mut open.cursor),
                None => page.lines(batch, room, &mut open.cursor),
            };
            let used = used.map_err(|refused| self.refused(range, file, &refused))?;
            taken += used;
            let left = batch.len() - used;
            open.lines.unread(left);
        }
        Ok(false)
    }

    /// Compares a file that was read to its end with its manifest.
    fn check(&self, file: &SourceFile, open: Open<S::Body>) -> Result<(), Box<ServiceError>> {
        let items = open.cursor.items;
        let differs = |what: &str, said: &str, found: &str| {
            let message = format!(
                "its {what} is {found}, and the manifest says {said}: restore the file, or export again"
            );
            let code = "ManifestDiffers";
            Err(Box::new(self.error(
                file,
                ErrorName::FilesIncomplete,
                code,
                message,
            )))
        };
        if let Some(said) = &file.md5 {
            let found = open.lines.into_stream().md5();
            if found != *said {
                return differs("MD5", said, &found);
            }
        }
        match file.items {
            Some(said) if said != items => {
                differs("number of items", &said.to_string(), &items.to_string())
            }
            _ => Ok(()),
        }
    }
}

impl<S: PagedStore> ReadSegments for FileReader<'_, S> {
    async fn page(
        &self,
        request: &SegmentRequest<'_>,
        buffer: &mut PageBuffer,
    ) -> Result<Page, ServiceError> {
        let asked_ms = now_ms();
        buffer.clear();
        let Some((range, file)) = self.plan.range(request.segment) else {
            return Err(self.unplanned(request.segment, "the plan has no such range"));
        };
        let cursor: Cursor = match request.cursor {
            Some(cursor) => serde_json::from_value(cursor.clone())
                .map_err(|error| self.unplanned(request.segment, &error.to_string()))?,
            None => Cursor {
                at: range.start,
                lines: 0,
                items: 0,
                encoding: None,
                columns: None,
            },
        };
        let kept = self.state().open.remove(&request.segment);
        let mut open = match kept.filter(|open| open.cursor == cursor) {
            Some(open) => open,
            // A page ended with the file's last byte.
            None if is_read(file, &cursor) => {
                return Ok(end(None, 0, asked_ms));
            }
            None => self.open(range, file, cursor.clone()).await?,
        };
        let (at, items) = (open.cursor.at, open.cursor.items);
        let stored = open.lines.stream().bytes();
        let has_ended = self.fill(range, file, &mut open, buffer).await?;
        let new_items = open.cursor.items - items;
        {
            let mut state = self.state();
            state.read.items += new_items;
            state.read.stored += open.lines.stream().bytes() - stored;
            state.read.text += open.cursor.at.saturating_sub(at);
        }
        let next = if has_ended {
            self.check(file, open).map_err(|error| *error)?;
            None
        } else {
            let next = serde_json::to_value(&open.cursor)
                .map_err(|error| self.unplanned(request.segment, &error.to_string()))?;
            self.state().open.insert(request.segment, open);
            Some(next)
        };
        Ok(end(next, new_items, asked_ms))
    }
}

impl<S: PagedStore> FileReader<'_, S> {
    /// The plan or the cursor is none of this reader's.
    fn unplanned(&self, segment: u32, message: &str) -> ServiceError {
        ServiceError {
            name: ErrorName::Bug,
            service: "S3",
            operation: "GetObject",
            subject: format!("segment {segment} of {}", self.source.uri),
            code: "Unplanned".to_owned(),
            message: message.to_owned(),
            source: None,
        }
    }
}

/// Whether nothing is left of a file that is read from its cursor on.
fn is_read(file: &SourceFile, cursor: &Cursor) -> bool {
    let is_plain = cursor.encoding == Some(Encoding::Plain) && file.md5.is_none();
    is_plain && cursor.at >= file.bytes
}

const fn end(cursor: Option<serde_json::Value>, scanned: u64, asked_ms: u64) -> Page {
    Page::Read {
        end: PageEnd {
            cursor,
            scanned,
            read_units: 0.0,
        },
        asked_ms,
    }
}
