//! What only an incremental run has: the record of the moment that its items are a state of, and the
//! end of a run of which too little changed.

use crate::PlanDatasetError;
use changes::{Sealed as Merged, seal_changes, seal_full};
use contract::states::Route;
use lake::records::{Plan, SnapshotRecord, WholeExport};
use lake::{ObjectStore, RunKeys, documents, native};

/// What the exported items are.
pub enum Sealed {
    /// The definition does not ask for changes, or the items are no state of one moment.
    Not,
    /// The state of the table at one moment.
    Exact(SnapshotRecord),
    /// No state of the table: the changes do not fit. The whole table has to be exported.
    Disagree,
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
        Route::Changes => {
            let changes = native::changes(store, plan).await?;
            let reason = match seal_changes(store, keys, &changes).await? {
                Merged::Whole(snapshot) => return Ok(Sealed::Exact(snapshot)),
                Merged::Disagree(reason) => reason,
            };
            let planned = of_table.changes.as_ref();
            if let Some(refused) = planned.and_then(|planned| planned.whole_refused.clone()) {
                return Err(PlanDatasetError::ChangesIncomplete { reason, refused });
            }
            tracing::warn!(reason, "the whole table is exported");
            documents::commit(store, &keys.whole_export(), &WholeExport { reason }).await?;
            Ok(Sealed::Disagree)
        }
        Route::Export => {
            let key = keys.native_export();
            let export = documents::read_if_there(store, &key, "a table's export").await?;
            // An earlier call found that the changes do not fit, and its answer was lost.
            let Some(export) = export else {
                return Ok(Sealed::Disagree);
            };
            let started: jiff::Timestamp =
                plan.started
                    .parse()
                    .map_err(|source| PlanDatasetError::Started {
                        started: plan.started.clone(),
                        source,
                    })?;
            let sealed = seal_full(store, keys, &export, started.as_second());
            Ok(Sealed::Exact(sealed.await?))
        }
        Route::Scan | Route::Sql | Route::Images | Route::Files => Ok(Sealed::Not),
    }
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
