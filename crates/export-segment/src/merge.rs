//! A task of a run by changes: the lines of an earlier run whose keys did not change become segments.

use crate::ExportSegmentError;
use changes::{Apply, ChangedKeys, MergedSegment};
use contract::states::ExportTask;
use lake::records::Plan;
use lake::{ObjectStore, RunKeys, native};
use profile::Vocabularies;
use raw_export::SegmentEnd;
use tokio::time::Instant;

/// What merging a task's segments needs.
pub struct Merging<'a, S> {
    pub store: &'a S,
    pub keys: &'a RunKeys,
    /// Paths that the profile keeps apart whatever else there is.
    pub declared: &'a [String],
    /// The name of this attempt, unique among all attempts.
    pub attempt: &'a str,
    pub stop: Instant,
}

impl<S: ObjectStore> Merging<'_, S> {
    /// Merges into the task's segments, one after the other, until they are done or the time is over,
    /// but into at least one. A segment is merged whole or not at all.
    pub async fn run(
        &self,
        plan: &Plan,
        task: &ExportTask,
    ) -> Result<Vec<SegmentEnd>, ExportSegmentError> {
        let changes = native::changes(self.store, plan).await?;
        let segments = task.first_segment..task.first_segment + task.segment_count;
        if segments.end > changes.changed_segment() {
            return Err(ExportSegmentError::UnknownTask {
                index: task.index,
                run: self.keys.run().clone(),
            });
        }
        let (_, changed_keys) = ChangedKeys::load(self.store, self.keys).await?;
        let apply = Apply {
            store: self.store,
            keys: self.keys,
            changes: &changes,
            changed: &changed_keys,
            // The segments hold the same users and items: their distinct values are kept once.
            vocabularies: &Vocabularies::new(),
            declared: self.declared,
            attempt: self.attempt,
        };
        let mut ends = Vec::new();
        let mut new_segments = 0_u32;
        for segment in segments.clone() {
            if new_segments > 0 && Instant::now() >= self.stop {
                break;
            }
            let MergedSegment { items, is_new } = apply.segment(segment).await?;
            new_segments += u32::from(is_new);
            let new_items = if is_new { items } else { 0 };
            ends.push(SegmentEnd::whole(items, new_items));
        }
        let left = segments.count() - ends.len();
        ends.extend((0..left).map(|_| SegmentEnd::NONE));
        Ok(ends)
    }
}

/// Logs and counts what this invocation did.
pub fn report(pipeline: &str, task: &ExportTask, ends: &[SegmentEnd]) {
    let items: u64 = ends.iter().map(|end| end.new_items).sum();
    let whole = ends.iter().filter(|end| end.whole).count();
    let segments = ends.len();
    tracing::info!(task = task.index, segments, whole, items, "merged");
    let items = ("ItemsExported", items as f64, lambda_shell::Unit::Count);
    lambda_shell::emit_metrics(pipeline, &[items]);
}
