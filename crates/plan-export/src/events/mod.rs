//! Plans reading the events that a delivery stream wrote into the lake: which objects, which of them
//! earlier runs have read, what the others cost.

mod estimate;
mod listing;
mod sample;
mod share;

use crate::PlanExportError;
use crate::files::{counted, size};
use contract::ErrorName;
use contract::states::{ExportTask, MOST_CHILDREN, Route};
use definition::{Definition, EventsSource};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use lake::records::{Checksum, EventsIndex, EventsPlan, SourceFile, SourcePlan};
use lake::{PagedStore, documents, events};
use listing::Listed;
use raw_export::{PlanSource, Planned};
use share::{Kept, Shared};
use std::collections::BTreeSet;

/// Changes whenever the same object would get another manifest: none of an older release is taken
/// over then.
const READING: u32 = 1;

/// Bytes as stored for which a function is worth starting.
const TASK: u64 = 8 * 1024 * 1024;

/// Objects that one run reads at most, without those of earlier runs: the plan lists them.
const MOST_FRESH: usize = 50_000;

/// The field that is wrong if the events are.
const FIELD: &str = "source.events";

/// Events, and the lake that they are in.
#[derive(Debug)]
pub struct Events<'a, L> {
    /// The definition's source.
    pub source: &'a EventsSource,
    /// The lake.
    pub lake: &'a L,
    /// Tasks that run at once, at most.
    pub concurrency: u32,
}

impl<L: PagedStore> PlanSource for Events<'_, L> {
    type Error = PlanExportError;

    async fn plan(&self, definition: &Definition) -> Result<Planned, PlanExportError> {
        let Self { source, lake, .. } = *self;
        let pipeline = &definition.pipeline;
        let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
        let Listed { objects, warnings } =
            listing::list(lake, pipeline, source.days, today).await?;
        let basis = basis(definition);
        let index: Option<EventsIndex> =
            documents::read_if_there(lake, &events::newest(pipeline), "the index of events")
                .await?;
        let kept = match &index {
            Some(index) if index.basis == basis => share::kept(lake, pipeline, index).await?,
            _ => Vec::new(),
        };
        let before = index.as_ref().map(|index| index.newest.as_str());
        let Shared {
            segments,
            newest,
            late,
            items,
            raw_bytes,
        } = share::share(objects, kept, before);
        let mut plan = EventsPlan {
            folder: events::delivered(pipeline),
            basis,
            newest,
            late,
            segments,
            pace: String::new(),
            warnings,
        };
        let fresh: Vec<&SourceFile> = plan.fresh().collect();
        check_count(lake, pipeline, fresh.len())?;
        let sample = sample::read(lake, definition, source, &plan, &fresh, items > 0).await?;
        let before = Kept { items, raw_bytes };
        let work = estimate::estimate(&definition.limits, &plan, before, &sample, self.concurrency);
        crate::dynamodb::check_limits(definition, &work.estimate)?;
        let segments = u32::try_from(plan.segments.len()).unwrap_or(u32::MAX);
        let reason = reason(&plan, source, fresh.len() as u64);
        plan.pace = format!(
            "reads {} of {}, by {} at once",
            counted(fresh.len() as u64, "new object"),
            size(fresh.iter().map(|object| object.bytes).sum()),
            counted(u64::from(work.at_once), "function"),
        );
        let read_sample = definition.dataset.is_some() && sample.items.items > 0;
        Ok(Planned {
            changes: None,
            key_attributes: source.id.clone(),
            route: Route::Files,
            reason,
            segments,
            tasks: ExportTask::share(segments, work.tasks),
            estimate: work.estimate,
            sample: read_sample.then_some(sample.items),
            source: Some(SourcePlan::Events(plan)),
        })
    }
}

/// A hash of what decides the manifest of an object: a profile has the paths that were named then.
fn basis(definition: &Definition) -> Checksum {
    let paths = definition.paths();
    let paths: BTreeSet<_> = paths.iter().map(|path| path.text).collect();
    let mut basis = Checksum::default();
    basis.add_line(format!("{READING} {paths:?}").as_bytes());
    basis
}

fn check_count(
    lake: &impl PagedStore,
    pipeline: &str,
    fresh: usize,
) -> Result<(), PlanExportError> {
    if fresh <= MOST_FRESH {
        return Ok(());
    }
    Err(at_field(
        ErrorName::LimitExceeded,
        format!(
            "{fresh} objects in s3://{}/{} were not read before, and a run lists {MOST_FRESH} at most: lower \
             source.events.days, and raise it again from run to run",
            lake.bucket(),
            events::delivered(pipeline)
        ),
    ))
}

fn reason(plan: &EventsPlan, source: &EventsSource, fresh: u64) -> String {
    let all = counted(plan.listing().objects, "object");
    let days = counted(u64::from(source.days), "day");
    let late = if plan.late == 0 {
        String::new()
    } else {
        format!(", of which {} late", plan.late)
    };
    format!("{all} of the last {days}, {fresh} of them new{late}")
}

fn at_field(name: ErrorName, message: String) -> PlanExportError {
    PlanExportError::at_field(name, FIELD, message)
}
