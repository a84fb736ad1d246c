//! Write units per second, for all requests together.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Lets requests begin as their units become available.
#[derive(Debug)]
pub struct Pace {
    per_second: f64,
    // A std mutex: it is never held across an await.
    next: Mutex<Instant>,
}

impl Pace {
    /// So many units per second, from now on.
    pub fn new(per_second: u32) -> Self {
        Self {
            per_second: f64::from(per_second.max(1)),
            next: Mutex::new(Instant::now()),
        }
    }

    /// Waits until these units may be consumed.
    pub async fn wait(&self, units: f64) {
        let start = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let start = (*next).max(Instant::now());
            *next = start + self.duration(units);
            start
        };
        tokio::time::sleep_until(start).await;
    }

    /// Counts units that were consumed beyond those that were waited for, as those of indexes.
    pub fn add(&self, units: f64) {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        *next += self.duration(units);
    }

    fn duration(&self, units: f64) -> Duration {
        Duration::from_secs_f64((units / self.per_second).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn units_take_their_time() {
        let pace = Pace::new(10);
        let begun = Instant::now();
        for _ in 0..5 {
            pace.wait(4.0).await;
        }
        assert_eq!(begun.elapsed().as_millis(), 1600);
        pace.add(20.0);
        pace.wait(1.0).await;
        assert_eq!(begun.elapsed().as_millis(), 4000);
    }
}
