//! The rate a task reads at: its share of the budget, less after throttles.

use std::time::Duration;
use tokio::time::Instant;

/// Throttles that come within this time are one sign, not many.
const CUT_EVERY: Duration = Duration::from_secs(1);
const RECLAIM_EVERY: Duration = Duration::from_secs(5);
/// What is reclaimed at a time, as a part of the share.
const STEP: f64 = 0.05;
/// The least that is left, as a part of a step.
const LEAST_STEP: f64 = 0.2;
/// What is presumed of a table that throttles before anything could be measured: one partition's.
const PRESUMED: f64 = 3000.0;

/// Read capacity units per second: halved by throttles, reclaimed step by step.
#[derive(Debug)]
pub struct Rate {
    /// The most it may be.
    share: Option<f64>,
    /// What it is; `None` as long as neither a share nor a throttle limits it.
    current: Option<f64>,
    /// What is added at a time.
    step: f64,
    cut_at: Option<Instant>,
    reclaim_at: Instant,
}

impl Rate {
    pub fn new(share: Option<f64>, now: Instant) -> Self {
        Self {
            share,
            current: share,
            step: share.unwrap_or(0.0) * STEP,
            cut_at: None,
            reclaim_at: now,
        }
    }

    /// Another share; the rate follows at once unless throttles hold it down.
    pub fn set_share(&mut self, share: Option<f64>) {
        let is_free = self.current == self.share;
        self.share = share;
        self.step = share.map_or(self.step, |share| share * STEP);
        self.current = match (self.current, share) {
            (Some(rate), Some(share)) if !is_free => Some(rate.min(share)),
            (Some(rate), None) if !is_free => Some(rate),
            _ => share,
        };
    }

    /// Takes note of throttles. Without a rate, half of what was `measured` becomes it.
    pub fn throttled(&mut self, now: Instant, measured: Option<f64>) {
        if self.cut_at.is_some_and(|at| now < at + CUT_EVERY) {
            return;
        }
        let rate = self.current.or(measured).unwrap_or(PRESUMED);
        if self.current.is_none() {
            self.step = rate * STEP;
        }
        self.current = Some((rate / 2.0).max(self.step * LEAST_STEP));
        self.cut_at = Some(now);
        self.reclaim_at = now + RECLAIM_EVERY;
    }

    /// What may be read per second now; `None`: anything.
    pub fn at(&mut self, now: Instant) -> Option<f64> {
        if let (Some(rate), Some(_)) = (&mut self.current, self.cut_at) {
            while now >= self.reclaim_at {
                self.reclaim_at += RECLAIM_EVERY;
                *rate += self.step;
            }
            if let Some(share) = self.share {
                *rate = rate.min(share);
            }
        }
        self.current
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(rate: Option<f64>, wanted: f64) {
        let rate = rate.unwrap();
        assert!((rate - wanted).abs() < 1e-6, "{rate} and not {wanted}");
    }

    #[test]
    fn throttles_halve_it_once_a_second_and_it_comes_back_step_by_step() {
        let begun = Instant::now();
        let at = |seconds| begun + Duration::from_secs_f64(seconds);
        let mut rate = Rate::new(Some(100.0), begun);
        rate.throttled(at(10.0), Some(90.0));
        rate.throttled(at(10.9), Some(90.0));
        close(rate.at(at(14.9)), 50.0);
        rate.throttled(at(11.0), Some(90.0));
        close(rate.at(at(15.9)), 25.0);
        close(rate.at(at(16.0)), 30.0);
        close(rate.at(at(26.0)), 40.0);
        close(rate.at(at(1000.0)), 100.0);
        for second in 0..20 {
            rate.throttled(at(2000.0 + f64::from(second)), None);
        }
        close(rate.at(at(2020.0)), 1.0);
    }

    #[test]
    fn a_larger_share_counts_at_once_unless_throttles_hold_the_rate_down() {
        let begun = Instant::now();
        let mut rate = Rate::new(Some(100.0), begun);
        rate.set_share(Some(200.0));
        close(rate.at(begun), 200.0);
        rate.throttled(begun, Some(200.0));
        rate.set_share(Some(400.0));
        close(rate.at(begun), 100.0);
        close(rate.at(begun + RECLAIM_EVERY), 120.0);
    }

    #[test]
    fn without_a_share_the_measured_rate_counts_after_a_throttle() {
        let begun = Instant::now();
        let mut rate = Rate::new(None, begun);
        assert_eq!(rate.at(begun), None);
        rate.throttled(begun, Some(1000.0));
        close(rate.at(begun), 500.0);
        close(rate.at(begun + RECLAIM_EVERY * 20), 1500.0);
        let mut rate = Rate::new(None, begun);
        rate.throttled(begun, None);
        close(rate.at(begun), 1500.0);
    }
}
