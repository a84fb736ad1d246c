//! Compacts what changed in a table since an earlier run: writes the changed items as a segment, and
//! the keys that changed, against which the earlier run's lines are then held.
//!
//! Progress lives in the lake: called again with the same input it continues from the last commit.

mod error;

pub use error::CompactChangesError;

use changes::{Compact, Compacted};
use contract::Invocation;
use contract::states::{CompactChangesOutput, RunInput, Status};
use lake::records::Plan;
use lake::{ObjectStore, RunKeys, documents, native};
use raw_export::{Settings, TimeLimit};

/// Compacts until all changes are read or the deadline is near, and commits. `concurrency` children
/// of the Distributed Map then merge at once.
///
/// # Errors
/// If a file is not what its export wrote, holds anything but changes of the table, or the lake
/// fails.
pub async fn handle(
    store: &impl ObjectStore,
    concurrency: u32,
    input: RunInput,
    invocation: Invocation,
) -> Result<CompactChangesOutput, CompactChangesError> {
    let keys = RunKeys::new(&input.pipeline, &input.run);
    let plan: Plan = documents::read(store, &keys.plan(), "the run's plan").await?;
    if !plan.route.merges() {
        return Err(CompactChangesError::NotPlanned { run: input.run });
    }
    let changes = native::changes(store, &plan).await?;
    let declared = plan.definition.paths();
    let declared: Vec<_> = declared.iter().map(|path| path.text.to_owned()).collect();
    let compact = Compact {
        store,
        keys: &keys,
        changes: &changes,
        declared: &declared,
        attempt: &invocation.attempt,
        part_bytes: Settings::default().part_bytes,
        stop: TimeLimit::within(invocation.remaining()).stop,
    };
    let (status, changes) = match Box::pin(compact.run()).await? {
        Compacted::Done(record) => {
            tracing::info!(
                changes = record.changes,
                keys = record.keys,
                removed = record.removed,
                "compacted"
            );
            let keys = ("KeysChanged", record.keys as f64, lambda_shell::Unit::Count);
            lambda_shell::emit_metrics(&input.pipeline, &[keys]);
            (Status::Done, record.changes)
        }
        Compacted::InProgress { changes } => (Status::InProgress, changes),
    };
    Ok(CompactChangesOutput {
        status,
        route: plan.route,
        changes,
        tasks_key: keys.tasks(),
        concurrency,
        pipeline: input.pipeline,
        run: input.run,
    })
}
