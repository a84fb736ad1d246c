//! Keeps a task to its share of the table's read capacity, by what each page says it consumed.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Read capacity units per second that all segments of a task share.
#[derive(Debug)]
pub struct ReadBudget {
    rate: Option<f64>,
    // A std mutex: it is never held across an await.
    free_at: Mutex<Instant>,
}

impl ReadBudget {
    /// `rate` in read capacity units per second; `None` limits nothing.
    pub fn new(rate: Option<f64>) -> Self {
        Self {
            rate,
            free_at: Mutex::new(Instant::now()),
        }
    }

    /// Waits until what was consumed before is paid for.
    pub async fn wait(&self, stop: Instant) {
        if self.rate.is_some() {
            let free_at = *self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
            tokio::time::sleep_until(free_at.min(stop)).await;
        }
    }

    /// Takes note of what a page consumed.
    pub fn consumed(&self, read_units: f64) {
        if let Some(rate) = self.rate {
            let mut free_at = self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
            // Time that went by unused is not saved up for a burst.
            *free_at = (*free_at).max(Instant::now()) + Duration::from_secs_f64(read_units / rate);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_rate_is_kept_and_nothing_is_saved_up() {
        let budget = ReadBudget::new(Some(100.0));
        tokio::time::advance(Duration::from_mins(1)).await;
        let begun = Instant::now();
        let stop = begun + Duration::from_hours(1);
        for _ in 0..10 {
            budget.wait(stop).await;
            budget.consumed(50.0);
        }
        budget.wait(stop).await;
        assert_eq!(
            begun.elapsed().as_millis() / 10,
            500,
            "500 units at 100 a second"
        );
    }
}
