//! Captures a table's stream into the lake: a batch of records becomes one object of lines, which
//! later runs merge.
//!
//! An event source mapping of Lambda calls it, and no state. It takes a batch whole or fails: nothing
//! in a batch can fail for one record alone. A record of a shape that is not known is stored as it
//! came, counted and logged, and the rest of its batch is captured.

use changes::capture::{Batch, CaptureError};
use contract::Invocation;
use lake::ObjectStore;
use lake::captured::{CapturedStream, Hour};
use lambda_shell::Unit;
use serde::Serialize;
use std::time::SystemTime;

/// The answer: Lambda looks only at whether there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Captured {}

/// Captures a batch, which is the event of a DynamoDB stream's mapping, in valid JSON.
///
/// # Errors
/// If the event is no such batch, the stream has not both images, or the lake fails. Lambda then
/// hands the records over again.
pub async fn handle(
    store: &impl ObjectStore,
    event: &str,
    invocation: Invocation,
) -> Result<Captured, CaptureError> {
    let batch = Batch::read(event)?;
    let hour = Hour::of(SystemTime::now());
    let key = batch.store(store, &hour, &invocation.attempt).await?;
    let table = batch.origin().map_or("", CapturedStream::table);
    for unreadable in &batch.unreadable {
        tracing::error!(
            table,
            "a record cannot be read and is a gap: {}",
            unreadable.reason
        );
    }
    tracing::info!(
        table,
        changes = batch.changes,
        expired = batch.expired,
        unreadable = batch.unreadable.len(),
        key,
        "captured"
    );
    lambda_shell::emit_metrics_of_stack(&[
        ("ChangesCaptured", batch.changes as f64, Unit::Count),
        (
            "RecordsUnreadable",
            batch.unreadable.len() as f64,
            Unit::Count,
        ),
    ]);
    Ok(Captured {})
}
