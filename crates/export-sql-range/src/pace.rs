//! Rows per second, of one of the connections that read a table.

use std::time::Duration;
use tokio::time::Instant;

/// When the next page may be read.
#[derive(Debug)]
pub struct Pace {
    seconds_per_row: f64,
    next: Instant,
}

impl Pace {
    /// The pace of one of `connections` that share `rows_per_second`; none is as fast as it goes.
    pub fn new(rows_per_second: Option<u32>, connections: usize) -> Self {
        let share = |rows: u32| connections.max(1) as f64 / f64::from(rows.max(1));
        Self {
            seconds_per_row: rows_per_second.map_or(0.0, share),
            next: Instant::now(),
        }
    }

    /// When the next page may be read.
    pub const fn next(&self) -> Instant {
        self.next
    }

    /// Counts the rows of a page. Time that was not used is not made up for.
    pub fn read(&mut self, rows: u32) {
        let pause = Duration::from_secs_f64(self.seconds_per_row * f64::from(rows));
        self.next = self.next.max(Instant::now()) + pause;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn connections_share_the_rate() {
        let start = Instant::now();
        let mut pace = Pace::new(Some(1000), 4);
        pace.read(500);
        assert_eq!(pace.next() - start, Duration::from_secs(2));
        tokio::time::advance(Duration::from_secs(10)).await;
        pace.read(250);
        assert_eq!(pace.next() - start, Duration::from_secs(11));
        let mut free = Pace::new(None, 4);
        free.read(1_000_000);
        assert!(free.next() <= Instant::now());
    }
}
