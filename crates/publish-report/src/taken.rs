//! The route that a run's items took, which only shows after the plan where changes are merged.

use contract::states::Route;
use lake::records::{ChangedRecord, Plan, WholeExport};
use lake::{DocumentError, ObjectStore, RunKeys, documents, native};

/// The plan with the route that was taken; where changes were merged, its reason says how many.
pub async fn route(
    store: &impl ObjectStore,
    run: &RunKeys,
    mut plan: Plan,
) -> Result<Plan, DocumentError> {
    if plan.route != Route::Changes {
        return Ok(plan);
    }
    let whole: Option<WholeExport> =
        documents::read_if_there(store, &run.whole_export(), native::WHY_WHOLE).await?;
    if let Some(WholeExport { reason }) = whole {
        plan.route = Route::Export;
        plan.reason = format!("the whole table is exported, not its changes: {reason}");
        return Ok(plan);
    }
    let changed: Option<ChangedRecord> =
        documents::read_if_there(store, &run.changed(), "the record of the changed keys").await?;
    if let Some(ChangedRecord { keys, removed, .. }) = changed {
        plan.reason = format!(
            "{}; {keys} items changed, of which {removed} are gone",
            plan.reason
        );
    }
    Ok(plan)
}
