//! When the next image may be read: a rate that halves when S3 asks to slow down, and grows back.

use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

/// By how much of the full rate an image that was read raises it again.
const GROWTH: f64 = 1.0 / 200.0;
/// How much of the full rate is always left, and how much it begins with.
const LEAST: f64 = 1.0 / 100.0;
const FIRST: f64 = 1.0 / 10.0;

/// What a timer is not finer than.
const TIMER: Duration = Duration::from_millis(1);

/// The pace of one task.
#[derive(Debug)]
pub struct Pace {
    most: f64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    per_second: f64,
    next: Instant,
}

impl Pace {
    /// At most so many images per second.
    pub fn new(reads_per_second: u32) -> Self {
        let most = f64::from(reads_per_second.max(1));
        let state = State {
            per_second: (most * FIRST).max(1.0),
            next: Instant::now(),
        };
        Self {
            most,
            state: Mutex::new(state),
        }
    }

    /// Waits until the next image may be read. Time that was not used is not made up for.
    pub async fn turn(&self) {
        let at = {
            let mut state = self.state.lock().await;
            let at = state.next.max(Instant::now());
            state.next = at + Duration::from_secs_f64(1.0 / state.per_second);
            at
        };
        if at > Instant::now() + TIMER {
            sleep_until(at).await;
        }
    }

    /// An image was read.
    pub async fn served(&self) {
        let mut state = self.state.lock().await;
        state.per_second = (state.per_second + self.most * GROWTH).min(self.most);
    }

    /// S3 asked to slow down.
    pub async fn throttled(&self) {
        let mut state = self.state.lock().await;
        state.per_second = (state.per_second / 2.0).max(self.most * LEAST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn seconds(pace: &Pace, images: u32) -> f64 {
        let start = Instant::now();
        for _ in 0..images {
            pace.turn().await;
            pace.served().await;
        }
        start.elapsed().as_secs_f64()
    }

    #[tokio::test(start_paused = true)]
    async fn it_keeps_to_the_rate_gives_way_and_comes_back() {
        let pace = Pace::new(100);
        let first = seconds(&pace, 300).await;
        assert!((3.0..6.0).contains(&first), "{first} s for 300");
        let full = seconds(&pace, 300).await;
        assert!(
            (2.9..3.1).contains(&full),
            "{full} s for 300 at the full rate"
        );
        for _ in 0..10 {
            pace.throttled().await;
        }
        let slow = seconds(&pace, 2).await;
        assert!(slow > 0.6, "{slow} s for 2 after throttles");
        seconds(&pace, 300).await;
        let again = seconds(&pace, 300).await;
        assert!((2.9..3.1).contains(&again), "{again} s for 300");
    }
}
