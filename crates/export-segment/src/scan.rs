//! The pages of a table's segments, at the pace that the task's read budget allows.

use crate::budget::ReadBudget;
use contract::{ErrorName, ServiceError};
use definition::DynamoDbSource;
use raw_export::{Page, ReadSegments, SegmentRequest, now_ms};
use source::{PageBuffer, PageRequest, ScanPages, Selection, Throttles};

/// A table that is scanned.
#[derive(Debug)]
pub struct Scan<'a, T> {
    pub pages: &'a T,
    pub source: &'a DynamoDbSource,
    pub selection: &'a Selection,
    pub budget: &'a ReadBudget,
    /// The number of the run's segment that is the table's first one.
    pub first_segment: u32,
}

impl<T: ScanPages> ReadSegments for Scan<'_, T> {
    async fn page(
        &self,
        request: &SegmentRequest<'_>,
        buffer: &mut PageBuffer,
    ) -> Result<Page, ServiceError> {
        let Some(turn) = self.budget.turn(request.stop).await else {
            return Ok(Page::TimeIsOver);
        };
        let asked_ms = now_ms();
        let page = PageRequest {
            table: &self.source.table,
            segment: request.segment - self.first_segment,
            total_segments: request.total_segments,
            cursor: request.cursor,
            consistent: self.source.consistent_read,
            selection: Some(self.selection),
            limit: turn.limit,
            throttles: request.throttles,
        };
        match self.pages.page(&page, buffer).await {
            Ok(end) => {
                self.budget.consumed(&turn, end.scanned, end.read_units);
                Ok(Page::Read { end, asked_ms })
            }
            Err(error) => {
                if error.name == ErrorName::Throttled {
                    self.budget.refused(&turn);
                }
                Err(error)
            }
        }
    }

    fn throttles(&self) -> Throttles {
        Throttles::part_of(self.budget.throttles())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use source::memory::MemoryTable;

    struct Table {
        pages: MemoryTable,
        source: DynamoDbSource,
        selection: Selection,
        budget: ReadBudget,
    }

    impl ReadSegments for Table {
        async fn page(
            &self,
            request: &SegmentRequest<'_>,
            buffer: &mut PageBuffer,
        ) -> Result<Page, ServiceError> {
            let scan = Scan {
                pages: &self.pages,
                source: &self.source,
                selection: &self.selection,
                budget: &self.budget,
                first_segment: 0,
            };
            scan.page(request, buffer).await
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_table_conforms() {
        raw_export::conformance::holds(|lines| Table {
            pages: MemoryTable::new("t", lines, 3),
            source: serde_json::from_value(serde_json::json!({"table": "t"})).unwrap(),
            selection: Selection::default(),
            budget: ReadBudget::new(None, false, None),
        })
        .await;
    }
}
