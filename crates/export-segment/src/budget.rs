//! Keeps a task to its share of the table's read capacity, by what each page says it consumed, and
//! slows it down where the table throttles.
//!
//! Pages take turns: each is sent when those before it are paid for, by what they are expected to
//! consume, and corrected when they are there. So as many as the rate needs are in flight, and the
//! task is ahead of its rate by one page at most.

use crate::page_size::PageSize;
use crate::rate::Rate;
use source::Throttles;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// Time that went by unused is not saved up for a burst, but for what timers are late by.
const LATENESS: Duration = Duration::from_millis(40);
/// A rate that was measured is of at least this time.
const MEASURED: Duration = Duration::from_secs(1);

/// Read capacity that all segments of a task share.
#[derive(Debug)]
pub struct ReadBudget {
    throttles: Throttles,
    // Segments wait in line, in the order of their coming; only the first looks at the clock.
    line: tokio::sync::Mutex<()>,
    changed: Notify,
    // A std mutex: it is never held across an await.
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    rate: Rate,
    pages: PageSize,
    /// Units that are read or about to be, and not yet paid for by time.
    debt: f64,
    /// When the debt was that.
    at: Instant,
    throttles_seen: u64,
    began: Instant,
    units: f64,
}

/// A page that may be read now.
#[derive(Debug)]
#[must_use]
pub struct Turn {
    /// Items that it may look at.
    pub limit: Option<u32>,
    expected: f64,
}

impl ReadBudget {
    /// `share` in read capacity units per second; `None` limits nothing but after throttles.
    /// `item_units` is what an item consumes on average, if that is known.
    pub fn new(share: Option<f64>, consistent: bool, item_units: Option<f64>) -> Self {
        let now = Instant::now();
        Self {
            throttles: Throttles::new(),
            line: tokio::sync::Mutex::default(),
            changed: Notify::new(),
            state: Mutex::new(State {
                rate: Rate::new(share, now),
                pages: PageSize::new(consistent, item_units),
                debt: 0.0,
                at: now,
                throttles_seen: 0,
                began: now,
                units: 0.0,
            }),
        }
    }

    /// Throttled attempts of all segments.
    pub const fn throttles(&self) -> &Throttles {
        &self.throttles
    }

    /// Units that were consumed, and in how many seconds.
    pub fn measured(&self) -> (f64, f64) {
        let state = self.state();
        (state.units, state.began.elapsed().as_secs_f64())
    }

    /// Another share: see [`Rate::set_share`].
    pub fn set_share(&self, share: Option<f64>) {
        self.state().rate.set_share(share);
        self.changed.notify_one();
    }

    /// Waits until a page may be read; `None` if that is not before `stop`.
    pub async fn turn(&self, stop: Instant) -> Option<Turn> {
        let _first = self.line.lock().await;
        loop {
            let now = Instant::now();
            let free_at = match self.state().take(now, self.throttles.count()) {
                Ok(turn) => return Some(turn),
                Err(free_at) => free_at,
            };
            if now >= stop {
                return None;
            }
            tokio::select! {
                () = sleep_until(free_at.min(stop)) => {}
                () = self.changed.notified() => {}
            }
        }
    }

    /// The page of this turn is there.
    pub fn consumed(&self, turn: &Turn, scanned: u64, units: f64) {
        let mut state = self.state();
        state.pages.learn(scanned, units);
        state.units += units;
        state.debt += units - turn.expected;
        self.changed.notify_one();
    }

    /// The page of this turn was refused, and consumed nothing.
    pub fn refused(&self, turn: &Turn) {
        self.state().debt -= turn.expected;
        self.changed.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The turn, or when it is time to ask again.
    fn take(&mut self, now: Instant, throttles: u64) -> Result<Turn, Instant> {
        if throttles > self.throttles_seen {
            self.throttles_seen = throttles;
            let passed = now - self.began;
            let is_measured = passed >= MEASURED && self.units > 0.0;
            let measured = is_measured.then(|| self.units / passed.as_secs_f64());
            self.rate.throttled(now, measured);
        }
        let passed = (now - self.at).as_secs_f64();
        self.at = now;
        let Some(rate) = self.rate.at(now) else {
            self.debt = 0.0;
            let (limit, expected) = (None, 0.0);
            return Ok(Turn { limit, expected });
        };
        self.debt = (self.debt - passed * rate).max(-LATENESS.as_secs_f64() * rate);
        // Less than a millionth of a second: rounding.
        if self.debt > rate * 1e-6 {
            let wait = Duration::try_from_secs_f64(self.debt / rate).unwrap_or(Duration::MAX);
            // A slow rate is waited for in steps: it may change on the way.
            return Err(now + wait.min(Duration::from_secs(1)));
        }
        let (limit, expected) = self.pages.next(rate);
        self.debt += expected;
        Ok(Turn { limit, expected })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    /// Reads pages of `units` one after the other; returns the seconds until all are paid for.
    async fn read(budget: &ReadBudget, pages: u32, units: f64) -> f64 {
        let begun = Instant::now();
        for _ in 0..pages {
            let turn = budget.turn(begun + HOUR).await.unwrap();
            budget.consumed(&turn, 100, units);
        }
        let last = budget.turn(begun + HOUR).await.unwrap();
        budget.refused(&last);
        begun.elapsed().as_secs_f64()
    }

    #[tokio::test(start_paused = true)]
    async fn the_share_is_kept_and_nothing_is_saved_up() {
        let budget = ReadBudget::new(Some(1000.0), false, None);
        tokio::time::advance(Duration::from_mins(1)).await;
        let seconds = read(&budget, 100, 50.0).await;
        assert!((seconds - 5.0).abs() < 0.05, "{seconds}");
        tokio::time::advance(Duration::from_mins(1)).await;
        let seconds = read(&budget, 100, 50.0).await;
        assert!((seconds - 5.0).abs() < 0.05, "{seconds}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_expected_is_corrected_by_what_was_consumed() {
        let budget = ReadBudget::new(Some(2000.0), false, None);
        // Many in flight, of which nothing is known: 128 each are reserved.
        let stop = Instant::now() + Duration::from_millis(450);
        let mut turns = Vec::new();
        while let Some(turn) = budget.turn(stop).await {
            turns.push(turn);
        }
        assert_eq!(turns.len(), 8, "900 units in pages of 128");
        for turn in &turns {
            budget.consumed(turn, 100, 0.5);
        }
        assert!(
            budget.turn(stop).await.is_some(),
            "they consumed next to nothing"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_reaches_a_waiting_scan() {
        let budget = ReadBudget::new(Some(1.0), false, Some(100.0));
        let stop = Instant::now() + HOUR;
        let first = budget.turn(stop).await.unwrap();
        let begun = Instant::now();
        let (turn, ()) = tokio::join!(budget.turn(stop), async {
            tokio::time::sleep(Duration::from_secs(2)).await;
            budget.refused(&first);
        });
        assert!(turn.is_some());
        assert_eq!(begun.elapsed().as_secs(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_share_throttles_bring_a_rate() {
        let budget = ReadBudget::new(None, false, None);
        let begun = Instant::now();
        for _ in 0..100 {
            let turn = budget.turn(begun + HOUR).await.unwrap();
            budget.consumed(&turn, 100, 128.0);
        }
        assert!(begun.elapsed().is_zero());
        tokio::time::advance(Duration::from_secs(10)).await;
        budget.throttles().add();
        let seconds = read(&budget, 50, 128.0).await;
        // Half of 1,280 a second, and 64 a second more every five seconds.
        assert!((9.0..10.0).contains(&seconds), "{seconds}");
    }
}
