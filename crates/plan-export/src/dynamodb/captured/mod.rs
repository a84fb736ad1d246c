//! Plans a run that merges what was captured of a table's stream: into which run's items, and how the
//! whole table is read where that is not possible.

mod base;
mod gaps;
mod listing;

use super::changes::{Base, NoBase, Table, time};
use super::{DynamoDb, Selected, planned};
use crate::PlanExportError;
use ::changes::{SEGMENT_BYTES, bins};
use base::Found;
use contract::states::{Estimate, ExportTask, MOST_CHILDREN, Route};
use contract::{ErrorName, Named};
use definition::{Definition, TableChanges};
use jiff::Timestamp;
use lake::PagedStore;
use lake::records::{
    CaptureSource, CapturedChanges, ChangeView, ChangesRecord, PlannedChanges, SourcePlan,
    WholePlan,
};
use raw_export::Planned;
use source::{DescribeCapture, DescribeRecovery, DescribeTable, ScanPages};

/// Segments that one function merges in turn, by default: it reads the changed keys once.
const SEGMENTS_PER_TASK: u32 = 8;

/// Why changes cannot be merged, or the whole table has to be read: one sentence without its end.
type Gap = String;

/// What a run finds before it decides.
struct Situation {
    /// Where the table's changes are captured now; or why a later run will not be able to merge them.
    capture: Result<CaptureSource, Gap>,
    /// What they are merged into; or why they cannot be.
    found: Result<Found, NoBase>,
}

impl<T, L, C> DynamoDb<'_, T, L, C>
where
    T: DescribeTable + DescribeRecovery + ScanPages,
    L: PagedStore,
    C: DescribeCapture,
{
    /// Plans to merge captured changes, or to read the whole table.
    ///
    /// # Errors
    /// If changes cannot be merged, and the table cannot or may not be read as a whole.
    pub(super) async fn plan_captured(
        &self,
        definition: &Definition,
        how: TableChanges,
        selected: Selected,
    ) -> Result<Planned, PlanExportError> {
        let info = selected.info.clone();
        let table = Table {
            definition,
            source: self.source,
            how,
            info: &info,
        };
        let Situation { capture, found } = self.situation(table).await?;
        let whole = self.whole(definition, selected.clone(), None).await;
        let whole = match whole {
            Err(refused) if refused.name() == ErrorName::LimitExceeded => Err(refused),
            other => Ok(other?),
        };
        let found = match found {
            Ok(found) => found,
            Err(no_base) => {
                let sample = match &whole {
                    Ok(_) => self.sample(definition, &selected).await?,
                    Err(_) => None,
                };
                return read_whole(whole, capture.ok(), no_base, sample);
            }
        };
        let is_checked = found.base.same_definition && found.base.snapshot.items > 0;
        let sample = if is_checked {
            None
        } else {
            self.sample(definition, &selected).await?
        };
        let mut merged = merged(table, selected, whole, found);
        merged.sample = sample;
        Ok(merged)
    }

    async fn situation(&self, table: Table<'_>) -> Result<Situation, PlanExportError> {
        let listed_at = Timestamp::now().as_second();
        let capture = gaps::capture(self.captures, &table.source.table).await?;
        let capture = match capture {
            Ok(capture) => capture,
            Err(why) => {
                return Ok(Situation {
                    found: Err(why.clone().into()),
                    capture: Err(why),
                });
            }
        };
        let source = CaptureSource {
            stream_arn: capture.stream_arn.clone(),
            mapping: capture.mapping.clone(),
            listed_at,
        };
        let found = match self.lake {
            None => Err(NoBase::expected("the lake was not read")),
            Some(lake) => {
                let search = base::Search {
                    table,
                    lake,
                    captures: self.captures,
                    capture: &capture,
                    now: listed_at,
                };
                search.find().await?
            }
        };
        Ok(Situation {
            capture: Ok(source),
            found,
        })
    }
}

/// The plan that reads the whole table, from which on its changes are captured.
fn read_whole(
    whole: Result<Planned, PlanExportError>,
    capture: Option<CaptureSource>,
    no_base: NoBase,
    sample: Option<lake::records::ItemSample>,
) -> Result<Planned, PlanExportError> {
    let NoBase { why, gap } = no_base;
    let mut planned = match whole {
        Ok(planned) => planned,
        Err(source) => {
            return Err(PlanExportError::ChangesIncomplete {
                why,
                source: Box::new(source),
            });
        }
    };
    planned.reason = format!(
        "the whole table is read, not its changes: {why}; {}",
        planned.reason
    );
    planned.sample = sample;
    if let Some(SourcePlan::DynamoDb(of_table)) = &mut planned.source {
        of_table.capture = capture;
        of_table.gap = gap;
    }
    Ok(planned)
}

/// The plan that merges changes.
fn merged(
    table: Table<'_>,
    selected: Selected,
    whole: Result<Planned, PlanExportError>,
    found: Found,
) -> Planned {
    let Found {
        base: Base { snapshot, .. },
        parts,
        objects,
        settles,
        source,
    } = found;
    let changes = ChangesRecord {
        key_attributes: selected.key_attributes.clone(),
        view: ChangeView::NewAndOldImages,
        segments: bins(&parts, SEGMENT_BYTES),
        base: snapshot.clone(),
        windows: Vec::new(),
        captured: Some(CapturedChanges {
            source: source.clone(),
            objects,
            keep_expired: table.how.keep_expired,
            settles,
        }),
        audit: false,
    };
    let reason = format!(
        "what was captured until {} is merged into the {} items of run {}, which are as of {}",
        time(source.listed_at),
        snapshot.items,
        snapshot.run,
        time(snapshot.as_of)
    );
    let estimate = Estimate {
        items: snapshot.items,
        bytes: table.info.bytes,
        ..Estimate::default()
    };
    let (whole, whole_refused) = match whole {
        Ok(planned) => (Some(whole_plan(planned, changes.total_segments())), None),
        Err(refused) => (None, Some(contract::chain(&refused))),
    };
    let chosen = super::route::Chosen {
        route: Route::Stream,
        reason,
        estimate,
    };
    let segments = changes.changed_segment();
    let per_task = table.source.segments_per_task.unwrap_or(SEGMENTS_PER_TASK);
    let shape = super::estimate::Shape {
        segments,
        tasks: segments.div_ceil(per_task.max(1)).min(MOST_CHILDREN),
    };
    let planned_changes = PlannedChanges {
        base: snapshot,
        windows: Vec::new(),
        whole_refused,
        whole,
        audit: false,
    };
    let mut planned = planned(selected, chosen, shape, None, None, Some(planned_changes));
    if let Some(SourcePlan::DynamoDb(of_table)) = &mut planned.source {
        of_table.capture = Some(source);
    }
    planned.changes = Some(changes);
    planned
}

/// How the whole table is read where the changes do not fit: its segments come after the merged ones.
fn whole_plan(planned: Planned, first_segment: u32) -> WholePlan {
    let read = match planned.source {
        Some(SourcePlan::DynamoDb(of_table)) => of_table.read,
        _ => None,
    };
    let tasks = planned.tasks.into_iter().map(|task| ExportTask {
        first_segment: task.first_segment + first_segment,
        ..task
    });
    WholePlan {
        route: planned.route,
        first_segment,
        segments: planned.segments,
        tasks: tasks.collect(),
        read,
    }
}
