//! The pages of a plan's ranges: each is a stretch of the range's listing, in the order of the keys,
//! and its cursor is the last key.

use crate::IndexImagesError;
use crate::earlier::{self, EarlierLines};
use crate::labels::{Labels, Sidecars};
use crate::line::{Known, MakeLines};
use crate::pace::Pace;
use crate::rows::{Basis, Row};
use contract::{ErrorName, Named, ServiceError, chain};
use definition::ImagesSource;
use lake::records::{ImagesPlan, KeyRange, Listing, SourceRead};
use lake::{ObjectMeta, StoreError, TaggedStore};
use raw_export::{Page, ReadSegments, SegmentRequest, now_ms};
use serde_json::{Value, json};
use source::{PageBuffer, PageEnd, ReadItems};
use std::collections::VecDeque;
use tokio::sync::Mutex;

/// Keys of one page of a listing: S3's most.
const LISTED: u32 = 1000;
/// Objects, bytes to read and seconds of reading at most of a page, which is read whole or not at
/// all.
const OBJECTS: usize = 1000;
const BYTES: u64 = 64 * 1024 * 1024;
const SECONDS: u32 = 20;

/// A bucket of images that is read range by range.
pub struct Images<'p, S, T, L> {
    pub(crate) lake: &'p S,
    pub(crate) bucket: S,
    pub(crate) tables: &'p T,
    source: &'p ImagesSource,
    plan: &'p ImagesPlan,
    pub(crate) lines: L,
    pub(crate) labels: Labels,
    pub(crate) pace: Pace,
    /// Requests that are made for one page, at most.
    page_reads: u32,
    /// The range that is being read. It only moves on when a page is whole.
    session: Mutex<Option<Session>>,
}

/// A range that is being read.
pub(crate) struct Session {
    segment: u32,
    /// The last key that was read.
    at: Option<String>,
    /// What the listing has behind it.
    pub(crate) listed: VecDeque<ObjectMeta>,
    /// The sidecars of these images.
    pub(crate) sidecars: Sidecars,
    /// What the earlier index has behind it, read with the first page: a range that is adopted
    /// needs none of its lines.
    pub(crate) earlier: EarlierLines,
    has_earlier: bool,
    /// Counts since the last commit.
    counts: Listing,
}

impl<'p, S: TaggedStore, T: ReadItems, L: MakeLines> Images<'p, S, T, L> {
    pub fn new(
        lake: &'p S,
        tables: &'p T,
        source: &'p ImagesSource,
        plan: &'p ImagesPlan,
        lines: L,
        labels: Labels,
    ) -> Self {
        Self {
            lake,
            bucket: lake.other(&plan.bucket),
            tables,
            source,
            plan,
            lines,
            labels,
            pace: Pace::new(plan.reads_per_second),
            page_reads: plan.reads_per_second.max(1).saturating_mul(SECONDS),
            session: Mutex::new(None),
        }
    }

    /// Whether the labels of all images are looked up, although nothing else changed.
    pub fn looks_up_all_labels(&self) -> bool {
        self.source.looks_up_all_labels()
    }

    /// What the bucket says of a range now. What was listed is kept for reading it.
    pub async fn list(&self, segment: u32) -> Result<Listing, IndexImagesError> {
        let session = self.open(segment, None).await?;
        let range = self.range(segment);
        let mut listing = Listing::default();
        for object in &session.listed {
            count(&mut listing, object);
            session.sidecars.count(&mut listing, range, &object.key);
        }
        *self.session.lock().await = Some(session);
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
        let listed = listed.map_err(IndexImagesError::Listing)?;
        let sidecars = match &self.labels {
            Labels::Sidecar(labels) => {
                let (bucket, source) = (&self.bucket, self.source);
                let found = Sidecars::of(bucket, source, labels, range, at, listed.iter()).await;
                found.map_err(IndexImagesError::Listing)?
            }
            _ => Sidecars::default(),
        };
        Ok(Session {
            segment,
            at: at.map(str::to_owned),
            listed,
            sidecars,
            earlier: EarlierLines::new(),
            has_earlier: false,
            counts: Listing::default(),
        })
    }

    /// What is known of an object before anything is read.
    pub(crate) fn known(&self, session: &Session, object: &ObjectMeta) -> Known {
        let sidecar = session.sidecars.get(&object.key);
        let sidecar = sidecar.and_then(|sidecar| sidecar.etag.as_deref());
        let earlier = session.earlier.get(&object.key);
        earlier.map_or(Known::Nothing, |line| {
            self.lines.known(object, line, sidecar)
        })
    }

    /// How many of the next objects make a page.
    fn page_length(&self, session: &Session) -> usize {
        let (mut bytes, mut requests) = (0, 0);
        for (length, object) in session.listed.iter().take(OBJECTS).enumerate() {
            if self.lines.includes(&object.key) {
                let known = self.known(session, object);
                if known == Known::Nothing {
                    bytes += object.size;
                    requests += 1;
                }
                if matches!(known, Known::Nothing | Known::Image) {
                    let sidecar = session.sidecars.get(&object.key);
                    requests += u32::from(self.labels.asks_for(sidecar));
                }
            }
            if bytes > BYTES || requests > self.page_reads {
                // One image is read however large it is.
                return length.max(1);
            }
        }
        session.listed.len().min(OBJECTS)
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

/// Counts a page of rows, and of objects that have none.
fn count_page<L: MakeLines>(
    lines: &L,
    session: &mut Session,
    range: &KeyRange,
    length: usize,
    rows: &[Row],
) {
    let counts = &mut session.counts;
    for object in session.listed.iter().take(length) {
        count(counts, object);
        session.sidecars.count(counts, range, &object.key);
        counts.not_included += u64::from(!lines.includes(&object.key));
    }
    for row in rows {
        counts.quarantined += u64::from(row.quarantined);
        counts.read += u64::from(row.basis == Basis::Image);
        counts.absent += u64::from(row.basis == Basis::Absence);
        counts.label_reads += row.label_reads;
        session.earlier.remove(&row.object.key);
    }
}

impl<S: TaggedStore, T: ReadItems, L: MakeLines> ReadSegments for Images<'_, S, T, L> {
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
        let range = self.range(request.segment);
        if !session.has_earlier {
            let lines = earlier::lines(self.lake, self.plan, range, at).await;
            session.earlier = lines.map_err(failed)?;
            session.has_earlier = true;
        }
        let length = self.page_length(session);
        let (rows, read_units) = self.rows(session, length, request.throttles).await?;

        // From here on nothing is awaited: the session moves on together with the page.
        count_page(&self.lines, session, range, length, &rows);
        for row in &rows {
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
            session.counts.vanished += 1;
        }
        let cursor: Option<Value> = (!is_over).then(|| json!({"key": session.at}));
        let end = PageEnd {
            cursor,
            scanned: length as u64,
            read_units,
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
    use crate::labels::Labelled;
    use crate::line::RowOutcome;
    use bytes::Bytes;
    use lake::memory::poll_at_most;
    use lake::records::{Checksum, IndexBasis};
    use lake::{MemoryStore, ObjectStore};
    use source::MemoryItems;
    use std::collections::BTreeMap;

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
            _: &Labelled,
            line: &mut Vec<u8>,
        ) -> RowOutcome {
            line.extend_from_slice(content.unwrap());
            RowOutcome::default()
        }

        fn known(&self, _: &ObjectMeta, _: &[u8], _: Option<&str>) -> Known {
            Known::Nothing
        }

        fn rewrite(&self, _: &ObjectMeta, _: &[u8], _: &Labelled, _: &mut Vec<u8>) -> RowOutcome {
            RowOutcome::default()
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
            label_keys_are_numbers: false,
            unlisted: 0,
            sizes: Vec::new(),
            earlier: None,
            warnings: Vec::new(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_conforms() {
        static NO_TABLE: MemoryItems = MemoryItems {
            items: BTreeMap::new(),
        };
        let plan: &'static ImagesPlan = Box::leak(Box::new(plan()));
        let source = serde_json::from_value(json!({"keys": "i/{name}.{ext}"})).unwrap();
        let source: &'static ImagesSource = Box::leak(Box::new(source));
        raw_export::conformance::holds(move |lines| {
            let store = MemoryStore::new();
            for (number, line) in lines.into_iter().enumerate() {
                let key = format!("i/{number:05}");
                let put = store.put(&key, Bytes::from(line));
                poll_at_most(10, put).unwrap().unwrap();
            }
            Images {
                page_reads: 3,
                ..Images::new(
                    Box::leak(Box::new(store)),
                    &NO_TABLE,
                    source,
                    plan,
                    Verbatim,
                    Labels::None,
                )
            }
        })
        .await;
    }
}
