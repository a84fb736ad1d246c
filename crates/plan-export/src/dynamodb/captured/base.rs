//! The run that captured changes are merged into.

use super::Gap;
use super::gaps::{self, Capture};
use super::listing::Listing;
use crate::PlanExportError;
use crate::dynamodb::changes::{Base, FIRST, NoBase, SECONDS_PER_DAY, Table, time};
use ::changes::{MOST_CAPTURED, captured_since, settles};
use lake::records::{
    CaptureSource, CapturedFile, ChangedRecord, ExportRecord, Latest, Part, Plan, SnapshotRecord,
};
use lake::{DocumentError, PagedStore, RunKeys, documents, keys};
use source::DescribeCapture;
use std::collections::BTreeSet;

/// Days for which captured objects are surely kept; they expire after 40.
const MOST_DAYS: i64 = 35;
/// Compressed bytes of captured changes that are merged in any case.
const ALWAYS_MERGED: u64 = 4 * 1024 * 1024;
/// Images of a change.
const IMAGES: f64 = 2.0;

/// What changes are merged into, and which.
#[derive(Debug)]
pub struct Found {
    pub base: Base,
    /// The parts of its items.
    pub parts: Vec<Part>,
    pub objects: Vec<CapturedFile>,
    /// Whether all changes are listed that were made until the base had been read.
    pub settles: bool,
    pub source: CaptureSource,
}

/// The search for it.
pub struct Search<'a, L, C> {
    pub table: Table<'a>,
    pub lake: &'a L,
    pub captures: &'a C,
    pub capture: &'a Capture,
    /// When the search began, in seconds since 1970.
    pub now: i64,
}

impl<L: PagedStore, C: DescribeCapture> Search<'_, L, C> {
    /// Finds the last run that ended well, and what was captured since; or why changes cannot be merged
    /// into its items.
    pub async fn find(&self) -> Result<Result<Found, NoBase>, PlanExportError> {
        let (base, export) = match self.base().await? {
            Ok(found) => found,
            Err(why) if why == FIRST => return Ok(Err(NoBase::expected(FIRST))),
            Err(why) => return Ok(Err(why.into())),
        };
        let snapshot = &base.snapshot;
        if let Some(why) = self.too_old(snapshot) {
            return Ok(Err(NoBase::expected(&why)));
        }
        let (lake, captures, capture) = (self.lake, self.captures, self.capture);
        // Objects that are listed later than the batches that were given up hold those, too.
        let since = captured_since(snapshot);
        let lag = match gaps::lag(captures, capture, since, self.now).await? {
            Ok(lag) => lag,
            Err(why) => return Ok(Err(why.into())),
        };
        let listing = Listing::since(lake, &capture.stream, since).await?;
        let left = gaps::left(lake, capture, snapshot.as_of).await?;
        let probed = match left {
            Some(why) => Some(why),
            None => gaps::probe(captures, lake, capture, snapshot.as_of, self.now).await?,
        };
        if let Some(why) = probed {
            return Ok(Err(why.into()));
        }
        if let Some(why) = self.too_many(snapshot, &export, &listing) {
            return Ok(Err(NoBase::expected(&why)));
        }
        Ok(Ok(Found {
            settles: lag.is_some_and(|lag| settles(snapshot, self.now, lag))
                || snapshot.kind == lake::records::SnapshotKind::Exact,
            source: CaptureSource {
                stream_arn: capture.stream_arn.clone(),
                mapping: capture.mapping.clone(),
                listed_at: self.now,
            },
            parts: export.parts,
            objects: listing.objects,
            base,
        }))
    }

    /// The last run that ended well.
    async fn base(&self) -> Result<Result<(Base, ExportRecord), Gap>, PlanExportError> {
        let (lake, definition) = (self.lake, self.table.definition);
        let pipeline = &definition.pipeline;
        let key = keys::latest(pipeline);
        let latest: Option<Latest> =
            documents::read_if_there(lake, &key, "the record of the newest data").await?;
        let Some(Latest { run, .. }) = latest else {
            return Ok(Err(FIRST.to_owned()));
        };
        let keys = RunKeys::new(pipeline, &run);
        let plan: Option<Plan> =
            documents::read_if_there(lake, &keys.plan(), "a run's plan").await?;
        let export: Option<ExportRecord> =
            documents::read_if_there(lake, &keys.export(), "the record of an export").await?;
        let snapshot: Option<SnapshotRecord> =
            documents::read_if_there(lake, &keys.snapshot(), "a snapshot").await?;
        let (Some(plan), Some(export)) = (plan, export) else {
            return Ok(Err(format!("the records of run {run} are gone")));
        };
        if let Some(why) = self.table.difference(&plan) {
            return Ok(Err(format!("since run {run} {why}")));
        }
        let capture = snapshot.as_ref().and_then(|it| it.capture.as_ref());
        let (Some(snapshot), Some(captured)) = (&snapshot, capture) else {
            return Ok(Err(format!(
                "the items of run {run} were not read while their changes were captured"
            )));
        };
        if captured.stream_arn != self.capture.stream_arn {
            return Ok(Err(format!(
                "the stream was enabled anew since run {run}: it was {}",
                captured.stream_arn
            )));
        }
        if captured.mapping != self.capture.mapping {
            return Ok(Err(format!(
                "the event source mapping is another one since run {run}: it was {}",
                captured.mapping
            )));
        }
        if let Some(why) = self.lacks(&keys, &export, snapshot).await? {
            return Ok(Err(why));
        }
        let base = Base {
            snapshot: snapshot.clone(),
            same_definition: plan.definition == *definition,
        };
        Ok(Ok((base, export)))
    }

    /// What is gone of the base.
    async fn lacks(
        &self,
        base: &RunKeys,
        export: &ExportRecord,
        snapshot: &SnapshotRecord,
    ) -> Result<Option<Gap>, PlanExportError> {
        let listed = self.lake.list(&base.raw()).await;
        let listed = listed.map_err(DocumentError::from)?;
        let listed: BTreeSet<_> = listed.iter().map(|object| object.key.as_str()).collect();
        let run = base.run();
        if !export
            .parts
            .iter()
            .all(|part| listed.contains(part.key.as_str()))
        {
            return Ok(Some(format!("items of run {run} are gone from the lake")));
        }
        if snapshot.generation == 0 {
            return Ok(None);
        }
        let changed: Option<ChangedRecord> =
            documents::read_if_there(self.lake, &base.changed(), "the changed keys").await?;
        let applied = changed.and_then(|changed| changed.applied);
        let is_there = applied.is_some_and(|applied| listed.contains(applied.key.as_str()));
        Ok((!is_there).then(|| format!("what run {run} merged last is gone from the lake")))
    }

    /// Why the base is too old, if it is.
    fn too_old(&self, base: &SnapshotRecord) -> Option<Gap> {
        let days = i64::from(self.table.how.full_every_days);
        if self.now - base.full_as_of >= days * SECONDS_PER_DAY {
            return Some(format!(
                "the whole table was last read {days} days ago, as of {} (source.dynamodb.changes.fullEveryDays)",
                time(base.full_as_of)
            ));
        }
        (self.now - base.as_of >= MOST_DAYS * SECONDS_PER_DAY).then(|| {
            format!(
                "the items of run {} are as of {}, and captured changes are kept for some more than {MOST_DAYS} days",
                base.run,
                time(base.as_of)
            )
        })
    }

    /// Why there are too many changes, by what they take beside the base's items. What was captured
    /// before the base is read as well, and is in its items already: it counts for the memory alone.
    fn too_many(
        &self,
        base: &SnapshotRecord,
        export: &ExportRecord,
        listing: &Listing,
    ) -> Option<Gap> {
        let stored: u64 = export.parts.iter().map(|part| part.bytes).sum();
        if listing.bytes() <= ALWAYS_MERGED || stored == 0 {
            return None;
        }
        let items = export.totals.items as f64;
        let changes = |bytes: u64| bytes as f64 / (stored as f64 / items.max(1.0) * IMAGES);
        let all = changes(listing.bytes());
        if all > MOST_CAPTURED as f64 {
            return Some(format!(
                "about {all:.0} changes were captured, by their bytes, and one function can hold {MOST_CAPTURED}"
            ));
        }
        let bytes = listing.bytes_since(base.as_of);
        let new = changes(bytes);
        let share = self.table.how.maximum_share;
        (bytes > ALWAYS_MERGED && new > items * share).then(|| {
            format!(
                "about {new:.0} changes of {items:.0} items were captured since run {}, by their bytes, which is more \
                 than source.dynamodb.changes.maximumShare of {share}",
                base.run
            )
        })
    }
}
