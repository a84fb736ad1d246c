//! What only an incremental run has: the record of the moment that its items are a state of, and the
//! end of a run of which too little changed.

use crate::PlanDatasetError;
use changes::{Sealed as SealedChanges, seal_captured, seal_changes, seal_full};
use contract::states::Route;
use lake::records::{Merged, Plan, SegmentRecord, SnapshotRecord, WholeExport};
use lake::{ObjectStore, RunKeys, documents, native, segment};
use profile::Profile;

/// What the exported items are.
pub enum Sealed {
    /// The definition does not ask for changes, or the items are no state of one moment.
    Not,
    /// What later changes can be merged into.
    Exact(SnapshotRecord),
    /// The changes do not fit, or are compared with the whole table: that has to be exported.
    ExportWhole,
}

/// Checks that the items of an incremental run are a state of its table, and records it.
pub async fn seal(
    store: &impl ObjectStore,
    keys: &RunKeys,
    plan: &Plan,
) -> Result<Sealed, PlanDatasetError> {
    let Some((source, of_table)) = plan.dynamodb() else {
        return Ok(Sealed::Not);
    };
    if source.incremental().is_none() {
        return Ok(Sealed::Not);
    }
    match native::route(store, plan).await? {
        Route::Changes | Route::Stream => {
            let changes = native::changes(store, plan).await?;
            let whole = match seal_changes(store, keys, &changes).await? {
                SealedChanges::Whole(snapshot) => return Ok(Sealed::Exact(snapshot)),
                SealedChanges::Compare(merged) => WholeExport {
                    reason: "what the changes came to is compared with it".to_owned(),
                    gap: false,
                    merged: Some(merged),
                },
                SealedChanges::Disagree(reason) => {
                    let planned = of_table.changes.as_ref();
                    if let Some(refused) = planned.and_then(|it| it.whole_refused.clone()) {
                        return Err(PlanDatasetError::ChangesIncomplete { reason, refused });
                    }
                    WholeExport {
                        reason,
                        gap: true,
                        merged: None,
                    }
                }
            };
            tracing::warn!(reason = whole.reason, "the whole table is read");
            documents::commit(store, &keys.whole_export(), &whole).await?;
            Ok(Sealed::ExportWhole)
        }
        Route::Export | Route::Scan if of_table.capture.is_some() => {
            captured(store, keys, plan).await
        }
        Route::Export => {
            let key = keys.native_export();
            let export = documents::read_if_there(store, &key, "a table's export").await?;
            // An earlier call found that the whole table has to be exported, and its answer was lost.
            let Some(export) = export else {
                return Ok(Sealed::ExportWhole);
            };
            let whole = native::whole_export(store, plan).await?;
            let merged = whole.and_then(|whole| whole.merged);
            let as_of = match merged {
                Some(Merged { as_of, .. }) => as_of,
                None => started(plan)?,
            };
            let contents = merged.map(|merged| merged.contents);
            let sealed = seal_full(store, keys, &export, as_of, contents).await?;
            if let Some(audit) = sealed.audit.filter(|audit| !audit.is_equal()) {
                tracing::warn!(
                    ?audit,
                    "merged changes are not the table: changes were lost"
                );
            }
            Ok(Sealed::Exact(sealed))
        }
        Route::Scan | Route::Sql | Route::Images | Route::Files => Ok(Sealed::Not),
    }
}

/// When the run started, in seconds since 1970.
fn started(plan: &Plan) -> Result<i64, PlanDatasetError> {
    let started: Result<jiff::Timestamp, _> = plan.started.parse();
    let started = started.map_err(|source| PlanDatasetError::Started {
        started: plan.started.clone(),
        source,
    })?;
    Ok(started.as_second())
}

/// Records what a table is that was read while its changes were captured.
async fn captured(
    store: &impl ObjectStore,
    keys: &RunKeys,
    plan: &Plan,
) -> Result<Sealed, PlanDatasetError> {
    let capture = plan.dynamodb().and_then(|(_, plan)| plan.capture.as_ref());
    let Some(capture) = capture else {
        return Ok(Sealed::Not);
    };
    // An earlier call may have found that changes do not fit, and its answer was lost.
    if plan.route.merges() && !is_read(store, keys, plan).await? {
        return Ok(Sealed::ExportWhole);
    }
    let segments = native::segments(store, plan).await?;
    let now = jiff::Timestamp::now().as_second();
    let sealed = seal_captured(store, keys, capture, segments, now).await?;
    Ok(Sealed::Exact(sealed))
}

/// Whether the whole table is read that is read in place of changes.
async fn is_read(
    store: &impl ObjectStore,
    keys: &RunKeys,
    plan: &Plan,
) -> Result<bool, PlanDatasetError> {
    if plan.whole_route() == Route::Export {
        let key = keys.native_export();
        let export: Option<native::NativeExport> =
            documents::read_if_there(store, &key, "a table's export").await?;
        return Ok(export.is_some());
    }
    // The segments are scanned before this function is called again.
    let first = plan.own_segments().start;
    let manifest: Option<SegmentRecord<Profile>> = segment::manifest(store, keys, first).await?;
    Ok(manifest.is_some())
}

/// Whether so few items changed since the last run that ended well that none is to be trained.
pub async fn is_nothing_new(
    store: &impl ObjectStore,
    plan: &Plan,
    snapshot: &SnapshotRecord,
) -> Result<bool, PlanDatasetError> {
    let Some((source, of_table)) = plan.dynamodb() else {
        return Ok(false);
    };
    let (Some(how), Some(planned)) = (source.incremental(), &of_table.changes) else {
        return Ok(false);
    };
    if snapshot.generation == 0 {
        return Ok(false);
    }
    let enough = snapshot.items as f64 * how.retrain_at_share;
    if snapshot.changed_keys > 0 && snapshot.changed_keys as f64 >= enough {
        return Ok(false);
    }
    let base = RunKeys::new(&plan.definition.pipeline, &planned.base.run);
    let base: Option<Plan> =
        documents::read_if_there(store, &base.plan(), "the run's plan").await?;
    Ok(base.is_some_and(|base| base.definition == plan.definition))
}
