//! The pages of a plan's ranges: each is a stretch of the range's listing, in the order of the keys,
//! and its cursor is the last key.

use crate::IndexImagesError;
use crate::earlier::{self, EarlierLines};
use crate::line::MakeLines;
use crate::pace::Pace;
use crate::read::{Fetched, fetch};
use contract::{ErrorName, Named, ServiceError, chain};
use futures::{StreamExt, TryStreamExt, stream};
use lake::records::{ImagesPlan, KeyRange, Listing, SourceRead};
use lake::{ObjectMeta, PagedStore, StoreError};
use raw_export::{Page, ReadSegments, SegmentRequest, now_ms};
use serde_json::{Value, json};
use source::{PageBuffer, PageEnd, Throttles};
use std::collections::VecDeque;
use tokio::sync::Mutex;

/// Keys of one page of a listing: S3's most.
const LISTED: u32 = 1000;
/// Objects, bytes to read and seconds of reading at most of a page, which is read whole or not at
/// all.
const OBJECTS: usize = 1000;
const BYTES: u64 = 64 * 1024 * 1024;
const SECONDS: u32 = 20;
/// Images that are read at once. Each is in memory, whole.
const AT_ONCE: usize = 16;

/// A bucket of images that is read range by range.
pub struct Images<'p, S, L> {
    lake: &'p S,
    bucket: S,
    plan: &'p ImagesPlan,
    lines: L,
    pace: Pace,
    /// Images that are read for one page, at most.
    page_reads: u32,
    /// The range that is being read. It only moves on when a page is whole.
    session: Mutex<Option<Session>>,
}

/// A range that is being read.
struct Session {
    segment: u32,
    /// The last key that was read.
    at: Option<String>,
    /// What the listing has behind it.
    listed: VecDeque<ObjectMeta>,
    /// What the earlier index has behind it, read with the first page: a range that is adopted
    /// needs none of its lines.
    earlier: EarlierLines,
    has_earlier: bool,
    /// Counts since the last commit.
    counts: Listing,
}

/// What a line is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Basis {
    /// The listing alone.
    Listing,
    /// An earlier index's line.
    Earlier,
    /// The image.
    Image,
    /// The reason why there is no image to read.
    Absence,
}

/// An object of a page, and its line.
struct Row {
    object: ObjectMeta,
    line: Vec<u8>,
    quarantined: bool,
    basis: Basis,
    denied: Option<Box<ServiceError>>,
}

impl<'p, S: PagedStore, L: MakeLines> Images<'p, S, L> {
    pub fn new(lake: &'p S, plan: &'p ImagesPlan, lines: L) -> Self {
        Self {
            lake,
            bucket: lake.other(&plan.bucket),
            plan,
            lines,
            pace: Pace::new(plan.reads_per_second),
            page_reads: plan.reads_per_second.max(1).saturating_mul(SECONDS),
            session: Mutex::new(None),
        }
    }

    /// What the bucket says of a range now. What was listed is kept for reading it.
    pub async fn list(&self, segment: u32) -> Result<Listing, IndexImagesError> {
        let range = self.range(segment);
        let listed = self.listed(range, None).await;
        let listed = listed.map_err(IndexImagesError::Listing)?;
        let mut listing = Listing::default();
        for object in &listed {
            count(&mut listing, object);
        }
        let mut session = self.session.lock().await;
        *session = Some(Session {
            segment,
            at: None,
            listed,
            earlier: EarlierLines::new(),
            has_earlier: false,
            counts: Listing::default(),
        });
        Ok(listing)
    }

    fn range(&self, segment: u32) -> &'p KeyRange {
        let range = self.plan.ranges.get(segment as usize);
        range.expect("the plan has a range for each segment")
    }

    /// The objects of a range behind a key.
    async fn listed(
        &self,
        range: &KeyRange,
        after: Option<&str>,
    ) -> Result<VecDeque<ObjectMeta>, StoreError> {
        let mut listed = VecDeque::new();
        let mut after = after.or(range.after.as_deref()).map(str::to_owned);
        loop {
            let prefix = &self.plan.prefix;
            let page = self
                .bucket
                .list_page(prefix, after.as_deref(), LISTED)
                .await?;
            let is_over = !page.more || page.objects.is_empty();
            after = page.objects.last().map(|object| object.key.clone());
            let within = page
                .objects
                .into_iter()
                .filter(|object| range.holds(&object.key));
            listed.extend(within);
            let is_behind = after.as_deref().is_some_and(|last| !range.holds(last));
            if is_over || is_behind {
                return Ok(listed);
            }
        }
    }

    /// The range as it stands behind the cursor.
    async fn open(&self, segment: u32, at: Option<&str>) -> Result<Session, IndexImagesError> {
        let range = self.range(segment);
        let listed = self.listed(range, at).await;
        Ok(Session {
            segment,
            at: at.map(str::to_owned),
            listed: listed.map_err(IndexImagesError::Listing)?,
            earlier: EarlierLines::new(),
            has_earlier: false,
            counts: Listing::default(),
        })
    }

    /// How many of the next objects make a page.
    fn page_length(&self, session: &Session) -> usize {
        let (mut bytes, mut reads) = (0, 0);
        for (length, object) in session.listed.iter().take(OBJECTS).enumerate() {
            let earlier = session.earlier.get(&object.key);
            if self.lines.includes(&object.key)
                && !earlier.is_some_and(|line| self.lines.is_unchanged(object, line))
            {
                bytes += object.size;
                reads += 1;
            }
            if bytes > BYTES || reads > self.page_reads {
                // One image is read however large it is.
                return length.max(1);
            }
        }
        session.listed.len().min(OBJECTS)
    }

    async fn row(
        &self,
        object: ObjectMeta,
        earlier: Option<Vec<u8>>,
        throttles: &Throttles,
    ) -> Result<Row, ServiceError> {
        let mut row = Row {
            object,
            line: Vec::new(),
            quarantined: false,
            basis: Basis::Listing,
            denied: None,
        };
        let (object, line) = (&row.object, &mut row.line);
        let copied = earlier.and_then(|earlier| self.lines.copy(object, &earlier, line));
        let outcome = match (copied, self.lines.refuse(object)) {
            (Some(outcome), _) => {
                row.basis = Basis::Earlier;
                outcome
            }
            (None, Some(reason)) => self.lines.write(object, Err(reason), line),
            (None, None) => match fetch(&self.bucket, object, &self.pace, throttles).await? {
                Fetched::Whole(bytes) => {
                    row.basis = Basis::Image;
                    self.lines.write(object, Ok(&bytes), line)
                }
                Fetched::Absent(absent, denied) => {
                    row.basis = Basis::Absence;
                    row.denied = denied;
                    self.lines.write(object, Err(absent.as_str()), line)
                }
            },
        };
        row.quarantined = outcome.quarantined;
        Ok(row)
    }

    /// The rows of the next objects, in their order.
    async fn rows(
        &self,
        session: &Session,
        length: usize,
        throttles: &Throttles,
    ) -> Result<Vec<Row>, ServiceError> {
        let mut included = Vec::with_capacity(length);
        for object in session.listed.iter().take(length) {
            if self.lines.includes(&object.key) {
                included.push((object.clone(), session.earlier.get(&object.key).cloned()));
            }
        }
        let rows = stream::iter(included)
            .map(|(object, earlier)| self.row(object, earlier, throttles))
            .buffered(AT_ONCE);
        let mut rows: Vec<Row> = rows.try_collect().await?;
        // Where not a single image can be read, the role is wrong, and not the images.
        let has_read = rows.iter().any(|row| row.basis == Basis::Image);
        let denied = rows.iter_mut().find_map(|row| row.denied.take());
        let Some(error) = denied.filter(|_| !has_read) else {
            return Ok(rows);
        };
        // Of a page that was otherwise copied, nothing else was read: an image that an earlier run
        // read says whether the role may still read.
        if let Some(known) = rows
            .iter()
            .find(|row| row.basis == Basis::Earlier && !row.quarantined)
            && let Fetched::Whole(_) =
                fetch(&self.bucket, &known.object, &self.pace, throttles).await?
        {
            return Ok(rows);
        }
        Err(*error)
    }
}

fn count(listing: &mut Listing, object: &ObjectMeta) {
    listing.add(
        &object.key,
        object.etag.as_deref().unwrap_or_default(),
        object.size,
    );
}

/// An error of the lake in a page.
fn failed(error: IndexImagesError) -> ServiceError {
    match error {
        IndexImagesError::Listing(StoreError::Service(error)) => *error,
        other => ServiceError {
            name: match other.name() {
                // Throttled and retried as a page.
                ErrorName::NotFound => ErrorName::DatasetInvalid,
                name => name,
            },
            service: "S3",
            operation: "GetObject",
            subject: "the images' index".to_owned(),
            code: other.name().to_string(),
            message: chain(&other),
            source: None,
        },
    }
}

impl<S: PagedStore, L: MakeLines> ReadSegments for Images<'_, S, L> {
    async fn page(
        &self,
        request: &SegmentRequest<'_>,
        buffer: &mut PageBuffer,
    ) -> Result<Page, ServiceError> {
        buffer.clear();
        let asked_ms = now_ms();
        let at = request.cursor.and_then(|cursor| cursor["key"].as_str());
        let mut held = self.session.lock().await;
        let stands = held.as_ref().is_some_and(|session| {
            session.segment == request.segment && session.at.as_deref() == at
        });
        if !stands {
            *held = Some(self.open(request.segment, at).await.map_err(failed)?);
        }
        let session = held.as_mut().expect("it was opened");
        if !session.has_earlier {
            let range = self.range(request.segment);
            let lines = earlier::lines(self.lake, self.plan, range, at).await;
            session.earlier = lines.map_err(failed)?;
            session.has_earlier = true;
        }
        let length = self.page_length(session);
        let rows = self.rows(session, length, request.throttles).await?;

        // From here on nothing is awaited: the session moves on together with the page.
        let counts = &mut session.counts;
        for object in session.listed.iter().take(length) {
            count(counts, object);
            counts.not_included += u64::from(!self.lines.includes(&object.key));
        }
        for row in &rows {
            counts.quarantined += u64::from(row.quarantined);
            counts.read += u64::from(row.basis == Basis::Image);
            counts.absent += u64::from(row.basis == Basis::Absence);
            session.earlier.remove(&row.object.key);
            buffer.push_with(|out| out.extend_from_slice(&row.line));
        }
        let last = session.listed.drain(..length).next_back();
        session.at = last
            .map(|object| object.key)
            .or_else(|| at.map(str::to_owned));
        let is_over = session.listed.is_empty();
        // Images of the earlier index that the listing passed over, or never came to, are gone.
        while let Some(first) = session.earlier.first_entry()
            && (is_over || session.at.as_ref().is_some_and(|at| first.key() <= at))
        {
            first.remove();
            counts.vanished += 1;
        }
        let cursor: Option<Value> = (!is_over).then(|| json!({"key": session.at}));
        let end = PageEnd {
            cursor,
            scanned: length as u64,
            read_units: 0.0,
        };
        Ok(Page::Read { end, asked_ms })
    }

    async fn before_commit(&self, segment: u32) -> Result<SourceRead, ServiceError> {
        let mut held = self.session.lock().await;
        let session = held.as_mut().filter(|session| session.segment == segment);
        Ok(session.map_or(SourceRead::Nothing, |session| {
            SourceRead::Listing(std::mem::take(&mut session.counts))
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::RowOutcome;
    use bytes::Bytes;
    use lake::memory::poll_at_most;
    use lake::records::{Checksum, IndexBasis};
    use lake::{MemoryStore, ObjectStore};

    /// Objects that are lines themselves.
    struct Verbatim;

    impl MakeLines for Verbatim {
        fn includes(&self, _: &str) -> bool {
            true
        }

        fn refuse(&self, _: &ObjectMeta) -> Option<&'static str> {
            None
        }

        fn write(
            &self,
            _: &ObjectMeta,
            content: Result<&[u8], &str>,
            line: &mut Vec<u8>,
        ) -> RowOutcome {
            line.extend_from_slice(content.unwrap());
            RowOutcome::default()
        }

        fn is_unchanged(&self, _: &ObjectMeta, _: &[u8]) -> bool {
            false
        }

        fn copy(&self, _: &ObjectMeta, _: &[u8], _: &mut Vec<u8>) -> Option<RowOutcome> {
            None
        }
    }

    fn plan() -> ImagesPlan {
        let key = |number: u32| Some(format!("i/{number:05}"));
        let range = |after, up_to| KeyRange { after, up_to };
        ImagesPlan {
            bucket: "memory".to_owned(),
            prefix: "i/".to_owned(),
            ranges: vec![
                range(None, key(19)),
                range(key(19), key(40)),
                range(key(40), None),
            ],
            basis: IndexBasis {
                reading: Checksum(0),
                labelling: Checksum(0),
                labels_etag: None,
            },
            // As fast as it goes: the suite polls without a clock.
            reads_per_second: u32::MAX,
            pace: String::new(),
            objects: 0,
            bytes: 0,
            sizes: Vec::new(),
            earlier: None,
            warnings: Vec::new(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_conforms() {
        let plan: &'static ImagesPlan = Box::leak(Box::new(plan()));
        raw_export::conformance::holds(move |lines| {
            let store = MemoryStore::new();
            for (number, line) in lines.into_iter().enumerate() {
                let key = format!("i/{number:05}");
                let put = store.put(&key, Bytes::from(line));
                poll_at_most(10, put).unwrap().unwrap();
            }
            Images {
                page_reads: 3,
                ..Images::new(Box::leak(Box::new(store)), plan, Verbatim)
            }
        })
        .await;
    }
}
