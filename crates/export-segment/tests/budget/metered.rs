//! A table that says of each page what it consumed, and remembers when; it throttles what is more than
//! it serves. On tokio's paused clock its figures are exact, whatever the machine.

use contract::{ErrorName, ServiceError};
use serde_json::json;
use source::{PageBuffer, PageEnd, PageRequest, ScanPages};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep};

const PAGE_BYTES: u64 = 1 << 20;

pub struct MeteredTable {
    /// Bytes of all items, by their segment. An item is of one size, so a segment is a number.
    pub items: Vec<u64>,
    pub item_bytes: u64,
    /// What it serves per second; anything if `None`.
    pub serves: Option<f64>,
    pub latency: Duration,
    state: Mutex<State>,
}

struct State {
    /// When a page was read, and what it consumed.
    reads: Vec<(Instant, f64)>,
    throttles: u64,
    /// What may be served at once: a second's worth at most.
    bucket: f64,
    bucket_at: Instant,
}

impl MeteredTable {
    pub fn new(items: Vec<u64>, item_bytes: u64) -> Self {
        Self {
            items,
            item_bytes,
            serves: None,
            latency: Duration::from_millis(20),
            state: Mutex::new(State {
                reads: Vec::new(),
                throttles: 0,
                bucket: 0.0,
                bucket_at: Instant::now(),
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn reads(&self) -> Vec<(Instant, f64)> {
        self.state().reads.clone()
    }

    pub fn throttles(&self) -> u64 {
        self.state().throttles
    }

    /// Half a unit for each 4 KB, eventually consistent.
    pub fn units(&self) -> f64 {
        let items: u64 = self.items.iter().sum();
        (items * self.item_bytes) as f64 / 8192.0
    }
}

impl ScanPages for MeteredTable {
    async fn page(
        &self,
        request: &PageRequest<'_>,
        buffer: &mut PageBuffer,
    ) -> Result<PageEnd, ServiceError> {
        buffer.clear();
        let from = request
            .cursor
            .and_then(|cursor| cursor["at"]["N"].as_str()?.parse().ok())
            .unwrap_or(0);
        let left = self.items[request.segment as usize] - from;
        let page = (PAGE_BYTES / self.item_bytes).max(1);
        let limit = request.limit.map_or(u64::MAX, u64::from);
        let scanned = left.min(page).min(limit);
        let units = (scanned * self.item_bytes).div_ceil(4096) as f64 / 2.0;
        // Not all pages take as long, and segments do not stay in step.
        let jitter = 0.5 + ((u64::from(request.segment) * 7 + from % 13) % 10) as f64 / 10.0;
        sleep(self.latency.mul_f64(jitter / 2.0)).await;
        let refused = {
            let mut state = self.state();
            let now = Instant::now();
            let passed = (now - state.bucket_at).as_secs_f64();
            state.bucket_at = now;
            if let Some(serves) = self.serves {
                state.bucket = (state.bucket + passed * serves).min(serves);
            }
            // A page is served while anything is left; what it consumes beyond that is owed.
            let refused = self.serves.is_some() && state.bucket <= 0.0;
            if refused {
                state.throttles += 1;
            } else {
                state.bucket -= units;
                state.reads.push((now, units));
            }
            refused
        };
        sleep(self.latency.mul_f64(jitter / 2.0)).await;
        if refused {
            request.throttles.add();
            return Err(ServiceError {
                name: ErrorName::Throttled,
                service: "DynamoDB",
                operation: "Scan",
                subject: request.table.to_owned(),
                code: "ProvisionedThroughputExceededException".to_owned(),
                message: "slow down".to_owned(),
                source: None,
            });
        }
        // The items' bytes do not matter: one line stands for the page.
        if scanned > 0 {
            buffer.push_with(|out| out.extend_from_slice(b"{\"Item\":{\"n\":{\"N\":\"1\"}}}\n"));
        }
        let next = from + scanned;
        Ok(PageEnd {
            cursor: (scanned < left).then(|| json!({"at": {"N": next.to_string()}})),
            scanned,
            read_units: units,
        })
    }
}
