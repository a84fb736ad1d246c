//! Decides whether a run merges what changed into the items of the last run that ended well, or
//! exports the whole table.

use super::estimate;
use super::route::{self, Chosen};
use crate::PlanExportError;
use ::changes::{SHORTEST_WINDOW, windows};
use contract::states::{Estimate, Route};
use definition::{Definition, DynamoDbSource, TableChanges};
use jiff::Timestamp;
use lake::records::{ExportRecord, Latest, Plan, PlannedChanges, SnapshotRecord, Window};
use lake::{DocumentError, ObjectStore, RunKeys, documents, keys};
use source::{DescribeRecovery, Recoverable, TableInfo};
use std::collections::BTreeSet;

/// Why the first run of a pipeline merges nothing.
pub const FIRST: &str = "no run of the pipeline has ended well";
pub const SECONDS_PER_DAY: i64 = 24 * 60 * 60;
/// Days of its past that DynamoDB exports.
const MOST_DAYS: i64 = 35;

/// A table whose changes are merged.
#[derive(Debug, Clone, Copy)]
pub struct Table<'a> {
    /// The definition.
    pub definition: &'a Definition,
    /// Its source.
    pub source: &'a DynamoDbSource,
    /// How changes are merged.
    pub how: TableChanges,
    /// The table, as it is now.
    pub info: &'a TableInfo,
}

/// The run that changes are merged into.
#[derive(Debug)]
pub struct Base {
    /// What its items are a state of.
    pub snapshot: SnapshotRecord,
    /// Whether its definition is the one of now.
    pub same_definition: bool,
}

/// What is exported.
#[derive(Debug)]
pub struct Decision {
    /// The route, and why.
    pub chosen: Chosen,
    /// The base, and the changes that are merged into it; absent if the whole table is exported.
    pub changes: Option<(Base, PlannedChanges)>,
    /// Whether changes should be merged and cannot be.
    pub gap: bool,
}

/// Why changes are not merged into an earlier run.
#[derive(Debug)]
pub struct NoBase {
    pub why: String,
    /// Whether they should be: changes are missing, or what they are merged into is.
    pub gap: bool,
}

impl NoBase {
    /// Nothing is missing.
    pub fn expected(why: &str) -> Self {
        Self {
            why: why.to_owned(),
            gap: false,
        }
    }
}

impl From<String> for NoBase {
    fn from(why: String) -> Self {
        Self { why, gap: true }
    }
}

impl Table<'_> {
    /// Decides, by the lake and the table.
    ///
    /// # Errors
    /// If changes cannot be merged and the table cannot or may not be exported as a whole.
    pub async fn decide(
        self,
        tables: &impl DescribeRecovery,
        lake: Option<&impl ObjectStore>,
    ) -> Result<Decision, PlanExportError> {
        let limits = &self.definition.limits;
        let counted = estimate::uncounted(self.info);
        let scan = Estimate {
            bytes: self.info.bytes,
            ..counted
        };
        let whole = estimate::export(limits, &scan);
        let recoverable = route::recoverable(self.definition, self.source, tables).await?;
        let whole_refused = estimate::check_limits(self.definition, &whole).err();
        let now = Timestamp::now().as_second();
        let base = match lake {
            Some(lake) => self.base(lake, recoverable, now).await?,
            None => Err(NoBase::expected("the lake was not read")),
        };
        let base = match base {
            Ok(base) => base,
            Err(no_base) => return whole_table(no_base, whole, whole_refused),
        };
        let snapshot = &base.snapshot;
        let windows = windows_until(snapshot.as_of, recoverable.latest.unwrap_or(now).min(now));
        let audit = self.audit_is_due(snapshot, now);
        let mut estimate = estimate::changes(snapshot.items, &whole, self.how.maximum_share);
        if audit.is_some() {
            estimate = estimate::both(&estimate, &whole);
        }
        match (&audit, estimate::check_limits(self.definition, &estimate)) {
            (_, Ok(())) => {}
            // Where the limits do not allow both exports, the whole table is exported alone, as often.
            (Some(why), Err(_)) => {
                return whole_table(NoBase::expected(why), whole, whole_refused);
            }
            (None, Err(error)) => return Err(error),
        }
        let until = windows.last().map_or(snapshot.as_of, |last| last.to);
        let mut reason = format!(
            "what changed from {} to {} is merged into the {} items of run {}",
            time(snapshot.as_of),
            time(until),
            snapshot.items,
            snapshot.run
        );
        if let Some(why) = &audit {
            reason = format!("{reason}, and compared with an export of the whole table: {why}");
        }
        let changes = PlannedChanges {
            base: snapshot.clone(),
            windows,
            whole_refused: whole_refused.map(|error| error.to_string()),
            audit: audit.is_some(),
            whole: None,
        };
        Ok(Decision {
            chosen: Chosen {
                route: Route::Changes,
                reason,
                estimate,
            },
            changes: Some((base, changes)),
            gap: false,
        })
    }

    /// Why changes are compared with an export of the whole table this time, if they are.
    fn audit_is_due(self, base: &SnapshotRecord, now: i64) -> Option<String> {
        let days = self.how.full_every_days;
        let is_due = now - base.full_as_of >= i64::from(days) * SECONDS_PER_DAY;
        is_due.then(|| {
            format!(
                "the last export of it, as of {}, is {days} days old (source.dynamodb.changes.fullEveryDays)",
                time(base.full_as_of)
            )
        })
    }

    /// The last run that ended well; or why changes cannot be merged into its items.
    async fn base(
        self,
        lake: &impl ObjectStore,
        recoverable: Recoverable,
        now: i64,
    ) -> Result<Result<Base, NoBase>, PlanExportError> {
        let pipeline = &self.definition.pipeline;
        let key = keys::latest(pipeline);
        let latest: Option<Latest> =
            documents::read_if_there(lake, &key, "the record of the newest data").await?;
        let Some(Latest { run, .. }) = latest else {
            return Ok(Err(NoBase::expected(FIRST)));
        };
        let base = RunKeys::new(pipeline, &run);
        let plan: Option<Plan> =
            documents::read_if_there(lake, &base.plan(), "a run's plan").await?;
        let export: Option<ExportRecord> =
            documents::read_if_there(lake, &base.export(), "the record of an export").await?;
        let (Some(plan), Some(export)) = (plan, export) else {
            return Ok(Err(format!("the records of run {run} are gone").into()));
        };
        if let Some(why) = self.difference(&plan) {
            return Ok(Err(format!("since run {run} {why}").into()));
        }
        let snapshot: Option<SnapshotRecord> =
            documents::read_if_there(lake, &base.snapshot(), "a snapshot").await?;
        let Some(snapshot) = snapshot else {
            return Ok(Err(format!(
                "the items of run {run} were not all read as of one moment, as changes need it"
            )
            .into()));
        };
        if snapshot.capture.is_some() {
            return Ok(Err(format!(
                "the items of run {run} are followed by captured changes, not by exported ones"
            )
            .into()));
        }
        if let Some(why) = too_old(&snapshot, recoverable, now) {
            return Ok(Err(why.into()));
        }
        let listed = lake.list(&base.raw()).await.map_err(DocumentError::from)?;
        let listed: BTreeSet<_> = listed.iter().map(|object| object.key.as_str()).collect();
        let is_there = |key: &str| listed.contains(key);
        if !export.parts.iter().all(|part| is_there(&part.key)) {
            return Ok(Err(
                format!("items of run {run} are gone from the lake").into()
            ));
        }
        let same_definition = plan.definition == *self.definition;
        Ok(Ok(Base {
            snapshot,
            same_definition,
        }))
    }

    /// How the base's table is another one, if it is.
    pub fn difference(self, base: &Plan) -> Option<&'static str> {
        let Some((source, table)) = base.dynamodb() else {
            return Some("the source is another");
        };
        let info = self.info;
        if source.table != self.source.table || table.table_arn != info.arn {
            Some("the table is another")
        } else if table.table_id != info.id {
            Some("the table was created anew")
        } else if base.key_attributes != info.key_attributes {
            Some("the table's key is another")
        } else {
            None
        }
    }
}

/// The export of the whole table, unless a limit refuses it.
fn whole_table(
    no_base: NoBase,
    estimate: Estimate,
    refused: Option<PlanExportError>,
) -> Result<Decision, PlanExportError> {
    let NoBase { why, gap } = no_base;
    if let Some(source) = refused {
        return Err(PlanExportError::ChangesIncomplete {
            why,
            source: Box::new(source),
        });
    }
    Ok(Decision {
        chosen: Chosen {
            route: Route::Export,
            reason: format!("the whole table is exported, not its changes: {why}"),
            estimate,
        },
        changes: None,
        gap,
    })
}

/// Why the base is too old, if it is.
fn too_old(base: &SnapshotRecord, recoverable: Recoverable, now: i64) -> Option<String> {
    let (run, as_of) = (&base.run, time(base.as_of));
    if now - base.as_of >= MOST_DAYS * SECONDS_PER_DAY {
        return Some(format!(
            "the items of run {run} are as of {as_of}, and DynamoDB exports changes of {MOST_DAYS} days"
        ));
    }
    let earliest = recoverable.earliest.filter(|first| *first > base.as_of)?;
    Some(format!(
        "the table's point-in-time recovery reaches back to {}, and the items of run {run} are as of {as_of}: \
         it was off in between",
        time(earliest)
    ))
}

/// The windows from the base to a moment; if that is less than a window's shortest length ahead, one
/// that ends later: the run waits for it.
fn windows_until(from: i64, to: i64) -> Vec<Window> {
    windows(from, to.max(from + SHORTEST_WINDOW))
}

/// A moment for people.
pub fn time(seconds: i64) -> String {
    Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |time| time.to_string())
}
