//! A source in memory: lines in pages, cut into segments. It shows what the traits ask for, and is a
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
    /// A source of these lines, read so many at a time.
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
            source: None,
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
            read_units: 0.0,
        };
        Ok(Page::Read { end, asked_ms: 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_conforms() {
        crate::conformance::holds(|lines| MemorySource::new(lines, 3)).await;
    }
}
