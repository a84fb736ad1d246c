//! Reads a table back, to compare it with the run that was written into it.

use super::{RestoreError, item};
use crate::progress::{Step, count};
use aws::dynamodb::Tables;
use contract::ErrorName;
use source::{PageBuffer, PageRequest, ScanPages, Throttles};
use std::time::Duration;
use tokio::time::Instant;

/// The pause after a throttled page.
const PAUSE: Duration = Duration::from_secs(1);

/// What a table or a run holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Held {
    /// Items.
    pub items: u64,
    /// The sum of their canonical hashes, modulo 2^64.
    pub checksum: u64,
}

impl std::fmt::Display for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} items, checksum {:016x}",
            count(self.items),
            self.checksum
        )
    }
}

/// Reads all of the table, strongly consistent.
///
/// # Errors
/// If the table cannot be read.
pub async fn read(
    tables: &Tables,
    table: &str,
    total: u64,
    step: &Step,
) -> Result<Held, RestoreError> {
    let throttles = Throttles::new();
    let mut buffer = PageBuffer::new();
    let (mut held, mut cursor) = (Held::default(), None);
    let mut last = Instant::now();
    loop {
        let request = PageRequest {
            table,
            segment: 0,
            total_segments: 1,
            cursor: cursor.as_ref(),
            consistent: true,
            selection: None,
            limit: None,
            throttles: &throttles,
        };
        let end = match tables.page(&request, &mut buffer).await {
            Ok(end) => end,
            Err(error) if error.name == ErrorName::Throttled && last.elapsed() < super::GIVE_UP => {
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        last = Instant::now();
        let unreadable = |message: String| RestoreError::Unreadable {
            table: table.to_owned(),
            message,
        };
        let lines = buffer
            .lines()
            .map_err(|error| unreadable(error.to_string()))?;
        for line in lines.lines() {
            let map = dynamodb_json::parse_line(line.as_bytes())
                .map_err(|error| unreadable(error.to_string()))?;
            held.items += 1;
            held.checksum = held.checksum.wrapping_add(item::checksum(&map));
        }
        step.count(held.items, total, "items");
        cursor = end.cursor;
        if cursor.is_none() {
            return Ok(held);
        }
    }
}
