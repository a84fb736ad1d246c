//! The route that a run's items took, which only shows after the plan where changes are merged.

use jiff::Timestamp;
use lake::records::{Audit, ChangedRecord, Plan, SnapshotRecord, WholeExport};
use lake::{DocumentError, ObjectStore, RunKeys, documents, native};
use serde::{Deserialize, Serialize};

/// What a run of an incremental table came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangesReport {
    /// The moment whose items these are, exclusive, in seconds since 1970; absent if they are of no
    /// one moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<i64>,
    /// Keys that changed since the run that they were merged into; 0 where the whole table was
    /// exported.
    pub changed_keys: u64,
    /// Whether changes could not be merged, or were missing.
    pub gap: bool,
    /// How merged changes compare with an export of the whole table, where both were made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<Audit>,
}

impl ChangesReport {
    /// Reads it, if the run's table is incremental.
    pub async fn read(
        store: &impl ObjectStore,
        run: &RunKeys,
        plan: &Plan,
    ) -> Result<Option<Self>, DocumentError> {
        let Some((source, of_table)) = plan.dynamodb() else {
            return Ok(None);
        };
        if source.incremental().is_none() {
            return Ok(None);
        }
        let whole = whole_export(store, run).await?;
        let snapshot = snapshot(store, run).await?;
        let audit = snapshot.as_ref().and_then(|snapshot| snapshot.audit);
        let is_lost = audit.is_some_and(|audit| !audit.is_equal());
        Ok(Some(Self {
            as_of: snapshot.as_ref().map(|snapshot| snapshot.as_of),
            changed_keys: snapshot.map_or(0, |snapshot| snapshot.changed_keys),
            gap: of_table.gap || whole.is_some_and(|whole| whole.gap) || is_lost,
            audit,
        }))
    }

    /// Hours from that moment to another one.
    pub fn age_hours(&self, now: Timestamp) -> Option<f64> {
        let seconds = now.as_second() - self.as_of?;
        Some(seconds as f64 / 3600.0)
    }

    /// What a person has to know, in one sentence.
    pub fn warning(&self) -> Option<String> {
        let audit = self.audit.filter(|audit| !audit.is_equal())?;
        let finding = audit.finding();
        Some(format!(
            "{finding}; this run has the exported items, and earlier models may have learned others"
        ))
    }
}

/// The plan with the route that was taken; where changes were merged, its reason says how many.
pub async fn route(
    store: &impl ObjectStore,
    run: &RunKeys,
    mut plan: Plan,
) -> Result<Plan, DocumentError> {
    if !plan.route.merges() {
        return Ok(plan);
    }
    if let Some(whole) = whole_export(store, run).await? {
        plan.route = plan.whole_route();
        if whole.merged.is_none() {
            let why = whole.reason;
            plan.reason = format!("the whole table is read, not its changes: {why}");
        } else if let Some(audit) = snapshot(store, run).await?.and_then(|it| it.audit) {
            plan.reason = format!("{}; {}", plan.reason, audit.finding());
        }
        return Ok(plan);
    }
    let changed: Option<ChangedRecord> =
        documents::read_if_there(store, &run.changed(), "the record of the changed keys").await?;
    if let Some(ChangedRecord { keys, removed, .. }) = changed {
        // A scan may have read some of them as their changes left them.
        let keys = snapshot(store, run)
            .await?
            .map_or(keys, |snapshot| snapshot.changed_keys);
        plan.reason = format!(
            "{}; {keys} items changed, of which {removed} are gone",
            plan.reason
        );
    }
    Ok(plan)
}

async fn whole_export(
    store: &impl ObjectStore,
    run: &RunKeys,
) -> Result<Option<WholeExport>, DocumentError> {
    documents::read_if_there(store, &run.whole_export(), native::WHY_WHOLE).await
}

async fn snapshot(
    store: &impl ObjectStore,
    run: &RunKeys,
) -> Result<Option<SnapshotRecord>, DocumentError> {
    documents::read_if_there(store, &run.snapshot(), "a snapshot").await
}
