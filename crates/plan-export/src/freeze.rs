//! Freezes the listing of captured changes that a run merges.

use crate::PlanExportError;
use contract::states::ExportTask;
use lake::records::{ChangesRecord, Plan, SourcePlan};
use lake::{ObjectStore, PutOutcome, documents};

/// Commits what the plan merges. If an attempt has committed a listing before, the plan follows that
/// one.
pub async fn changes(
    store: &impl ObjectStore,
    plan: &mut Plan,
    changes: ChangesRecord,
) -> Result<(), PlanExportError> {
    let key = plan.keys().changes();
    if documents::commit(store, &key, &changes).await? == PutOutcome::Created {
        return Ok(());
    }
    let changes: ChangesRecord = documents::read(store, &key, "the changes of a run").await?;
    let tasks = u32::try_from(plan.tasks.len()).unwrap_or(u32::MAX);
    plan.segments = changes.changed_segment();
    plan.tasks = ExportTask::share(plan.segments, tasks.min(plan.segments));
    let Some(SourcePlan::DynamoDb(of_table)) = &mut plan.source else {
        return Ok(());
    };
    of_table.capture = changes.captured.as_ref().map(|it| it.source.clone());
    let Some(planned) = &mut of_table.changes else {
        return Ok(());
    };
    planned.base = changes.base.clone();
    if let Some(whole) = &mut planned.whole {
        let first_segment = changes.total_segments();
        for task in &mut whole.tasks {
            task.first_segment = task.first_segment - whole.first_segment + first_segment;
        }
        whole.first_segment = first_segment;
    }
    Ok(())
}
