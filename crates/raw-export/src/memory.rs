//! A source in memory: lines in pages, divided into segments. It is an example of the traits, and a
//! source for tests.

use crate::{Page, PlanSource, Planned, ReadSegments, SegmentRequest};
use contract::ServiceError;
use contract::states::{Estimate, ExportTask, Route};
use definition::Definition;
use serde_json::{Value, json};
use source::{PageBuffer, PageEnd};

/// Raw lines, each with its line break.
#[derive(Debug, Clone, Default)]
pub struct MemorySource {
    lines: Vec<Vec<u8>>,
    lines_per_page: usize,
}

impl MemorySource {
    /// A source of these lines, with this many on a page.
    pub fn new(lines: Vec<Vec<u8>>, lines_per_page: usize) -> Self {
        Self {
            lines,
            lines_per_page: lines_per_page.max(1),
        }
    }
}

impl PlanSource for MemorySource {
    type Error = ServiceError;

    async fn plan(&self, _: &Definition) -> Result<Planned, ServiceError> {
        let segments = u32::try_from(self.lines.len())
            .unwrap_or(u32::MAX)
            .clamp(1, 3);
        Ok(Planned {
            key_attributes: vec!["id".to_owned()],
            route: Route::Scan,
            reason: "the lines are in memory".to_owned(),
            segments,
            tasks: ExportTask::share(segments, segments.div_ceil(2)),
            estimate: Estimate {
                items: self.lines.len() as u64,
                bytes: self.lines.iter().map(|line| line.len() as u64).sum(),
                read_units: 0,
                minutes: None,
                cost: None,
            },
            sample: None,
            source: None,
            changes: None,
        })
    }
}

impl ReadSegments for MemorySource {
    async fn page(
        &self,
        request: &SegmentRequest<'_>,
        buffer: &mut PageBuffer,
    ) -> Result<Page, ServiceError> {
        buffer.clear();
        let position = |cursor: &Value| cursor["line"].as_u64().and_then(|n| n.try_into().ok());
        let from: usize = request.cursor.and_then(position).unwrap_or(0);
        let segment = self.lines.iter().skip(request.segment as usize);
        let segment: Vec<_> = segment.step_by(request.total_segments as usize).collect();
        let to = segment.len().min(from + self.lines_per_page);
        for line in &segment[from.min(to)..to] {
            buffer.push_with(|out| out.extend_from_slice(line));
        }
        let end = PageEnd {
            cursor: (to < segment.len()).then(|| json!({ "line": to })),
            scanned: (to - from.min(to)) as u64,
            // A page is a unit.
            read_units: 1.0,
        };
        Ok(Page::Read { end, asked_ms: 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{RawExportError, Settings, TaskExport, TimeLimit};
    use contract::{ErrorName, Named, RunId};
    use lake::records::SegmentRecord;
    use lake::segment::{self, Progress};
    use lake::{MemoryStore, RunKeys};
    use profile::Profile;
    use std::time::Duration;

    #[tokio::test]
    async fn a_task_stops_at_its_read_units_and_leaves_nothing_that_looks_whole() {
        let store = MemoryStore::new();
        let keys = RunKeys::new("p", &RunId::parse("20261120-173000-1a2b3c4d").unwrap());
        let line = |n: u32| format!("{{\"Item\":{{\"id\":{{\"N\":\"{n}\"}}}}}}\n").into_bytes();
        // Three segments of five pages each.
        let source = MemorySource::new((0..60).map(line).collect(), 4);
        let task = TaskExport {
            store: &store,
            reader: &source,
            keys: &keys,
            source_name: "the source",
            total_segments: 3,
            declared: &[],
            attempt: "a",
            settings: Settings {
                side_by_side: 1,
                ..Settings::default()
            },
            time: TimeLimit::within(Duration::from_hours(1)),
            max_units: Some(7.0),
        };
        let all = ExportTask::share(3, 1)[0];
        // Called again it reads nothing more.
        for _ in 0..2 {
            let error = task.run(&all).await.unwrap_err();
            assert!(
                matches!(error, RawExportError::AboveLimit { .. }),
                "{error}"
            );
            assert_eq!(error.name(), ErrorName::LimitExceeded);
            let mut units = 0.0;
            let mut whole = 0;
            for number in 0..3 {
                let progress: Progress<Profile> =
                    segment::progress(&store, &keys, number).await.unwrap();
                let record: Option<SegmentRecord<Profile>> = match progress {
                    Progress::Whole(record) => {
                        whole += 1;
                        Some(record)
                    }
                    Progress::At { record, .. } => record,
                };
                units += record.map_or(0.0, |record| record.totals.read_units);
            }
            assert!((units - 7.0).abs() < 1e-9, "{units} units");
            assert_eq!(whole, 1, "whole segments");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_conforms() {
        crate::conformance::holds(|lines| MemorySource::new(lines, 3)).await;
    }
}
