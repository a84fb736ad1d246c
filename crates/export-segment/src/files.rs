//! A task of files: the lines of its ranges become raw parts.

use crate::ExportSegmentError;
use contract::states::ExportTask;
use definition::FilesSource;
use file_source::FileReader;
use lake::records::FilesPlan;
use lake::{PagedStore, RunKeys};
use raw_export::{SegmentEnd, Settings, TaskEnd, TaskExport, TimeLimit};

/// What reading a task's files needs.
pub struct Reading<'a, S> {
    pub store: &'a S,
    pub keys: &'a RunKeys,
    pub source: &'a FilesSource,
    pub plan: &'a FilesPlan,
    /// Paths that the profile keeps apart whatever else there is.
    pub declared: &'a [String],
    pub attempt: &'a str,
    pub settings: Settings,
    pub time: TimeLimit,
}

impl<S: PagedStore> Reading<'_, S> {
    /// Reads until the task's ranges are whole or the time is over, and commits.
    pub async fn run(&self, task: &ExportTask) -> Result<Vec<SegmentEnd>, ExportSegmentError> {
        let bucket = self.store.other(&self.plan.bucket);
        let reader = FileReader::new(bucket, self.source, self.plan);
        let export = TaskExport {
            store: self.store,
            reader: &reader,
            keys: self.keys,
            source_name: &self.source.uri,
            total_segments: u32::try_from(self.plan.ranges.len()).unwrap_or(u32::MAX),
            declared: self.declared,
            attempt: self.attempt,
            settings: self.settings,
            time: self.time,
            max_units: None,
        };
        let TaskEnd { segments, held_up } = export.run(task).await?;
        match held_up {
            Some(error) => Err(error.into()),
            None => Ok(segments),
        }
    }
}

/// Logs and counts what this invocation did.
pub fn report(pipeline: &str, task: &ExportTask, ends: &[SegmentEnd]) {
    let items: u64 = ends.iter().map(|end| end.new_items).sum();
    tracing::info!(
        task = task.index,
        ranges = ends.len(),
        whole = ends.iter().filter(|end| end.whole).count(),
        items,
        "read files"
    );
    let items = ("ItemsExported", items as f64, lambda_shell::Unit::Count);
    lambda_shell::emit_metrics(pipeline, &[items]);
}
