//! A table in memory, for tests of whatever is written over the ports. It is split into segments
//! and pages as DynamoDB's are, has empty pages, and fails on demand.

use crate::{DescribeTable, PageBuffer, PageEnd, PageRequest, ReadCapacity, ScanPages, TableInfo};
use contract::{ErrorName, ServiceError};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Items of one table, as raw lines.
#[derive(Debug, Default)]
pub struct MemoryTable {
    name: String,
    lines: Vec<Vec<u8>>,
    items_per_page: usize,
    // A std mutex: it is never held across an await.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    pages_read: BTreeMap<u32, u32>,
    passing: u32,
    failing: u32,
}

impl MemoryTable {
    /// A table of these lines (each with its line break), read `items_per_page` at a time, whatever
    /// limit a request has; after every third page an empty one follows.
    pub fn new(name: &str, lines: Vec<Vec<u8>>, items_per_page: usize) -> Self {
        Self {
            name: name.to_owned(),
            lines,
            items_per_page: items_per_page.max(1),
            state: Mutex::default(),
        }
    }

    /// Lets the next `pages` reads fail as throttled.
    pub fn throttle(&self, pages: u32) {
        self.throttle_after(0, pages);
    }

    /// Lets `pages` reads fail as throttled after `passing` more that do not.
    pub fn throttle_after(&self, passing: u32, pages: u32) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.passing = passing;
        state.failing = pages;
    }

    /// How many pages were requested, segment by segment.
    pub fn pages_read(&self) -> BTreeMap<u32, u32> {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pages_read
            .clone()
    }
}

impl DescribeTable for MemoryTable {
    async fn describe(&self, table: &str) -> Result<Option<TableInfo>, ServiceError> {
        Ok((table == self.name).then(|| TableInfo {
            arn: Some(format!(
                "arn:aws:dynamodb:us-east-1:123456789012:table/{table}"
            )),
            id: Some("id-1".to_owned()),
            key_attributes: vec!["id".to_owned()],
            has_number_key: false,
            items: self.lines.len() as u64,
            bytes: self.lines.iter().map(|line| line.len() as u64).sum(),
            indexes: Vec::new(),
            capacity: ReadCapacity::Unknown,
        }))
    }

    async fn holds_an_item(&self, _: &str, _: Option<&str>) -> Result<bool, ServiceError> {
        Ok(!self.lines.is_empty())
    }
}

impl ScanPages for MemoryTable {
    async fn page(
        &self,
        request: &PageRequest<'_>,
        buffer: &mut PageBuffer,
    ) -> Result<PageEnd, ServiceError> {
        buffer.clear();
        {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            *state.pages_read.entry(request.segment).or_default() += 1;
            if state.passing > 0 {
                state.passing -= 1;
            } else if state.failing > 0 {
                state.failing -= 1;
                request.throttles.add();
                // A page that was cut off leaves lines behind that mean nothing.
                buffer.push_with(|out| out.extend_from_slice(b"half a page\n"));
                return Err(throttled(request.table));
            }
        }
        // A cursor is the number of the next page; every fourth page is an empty one.
        let number = request
            .cursor
            .and_then(|c| c["page"]["N"].as_str()?.parse().ok())
            .unwrap_or(0);
        let segment = self.lines.iter().skip(request.segment as usize);
        let mine: Vec<_> = segment.step_by(request.total_segments as usize).collect();
        let full_pages = mine.len().div_ceil(self.items_per_page);
        let full_before = number - number / 4;
        let mut scanned = 0;
        if number % 4 != 3 {
            let page = mine
                .chunks(self.items_per_page)
                .nth(full_before)
                .unwrap_or_default();
            scanned = page.len() as u64;
            for line in page {
                buffer.push_with(|out| out.extend_from_slice(line));
            }
        }
        let next = number + 1;
        let more = next - next / 4 < full_pages;
        Ok(PageEnd {
            cursor: more.then(|| cursor(next)),
            scanned,
            read_units: 0.5,
        })
    }
}

fn cursor(page: usize) -> Value {
    json!({"page": {"N": page.to_string()}})
}

fn throttled(table: &str) -> ServiceError {
    ServiceError {
        name: ErrorName::Throttled,
        service: "DynamoDB",
        operation: "Scan",
        subject: table.to_owned(),
        code: "ThrottlingException".to_owned(),
        message: "slow down".to_owned(),
        source: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Throttles;

    #[tokio::test]
    async fn every_line_comes_once_whatever_the_segments() {
        for (lines, segments, per_page) in
            [(0, 1, 3), (1, 4, 3), (100, 1, 3), (101, 7, 2), (64, 3, 1)]
        {
            let all: Vec<Vec<u8>> = (0..lines)
                .map(|n: u32| format!("{{\"Item\":{{\"n\":{{\"N\":\"{n:05}\"}}}}}}\n").into_bytes())
                .collect();
            let table = MemoryTable::new("t", all.clone(), per_page);
            let mut read = Vec::new();
            let mut buffer = PageBuffer::new();
            for segment in 0..segments {
                let mut at = None;
                loop {
                    let request = PageRequest {
                        table: "t",
                        segment,
                        total_segments: segments,
                        cursor: at.as_ref(),
                        consistent: false,
                        selection: None,
                        limit: None,
                        throttles: &Throttles::new(),
                    };
                    let end = table.page(&request, &mut buffer).await.unwrap();
                    let lines = buffer.lines().unwrap();
                    read.extend(lines.lines().map(|line| format!("{line}\n").into_bytes()));
                    at = end.cursor;
                    if at.is_none() {
                        break;
                    }
                }
            }
            read.sort_unstable();
            assert_eq!(read, all, "{lines} lines in {segments} segments");
        }
    }
}
