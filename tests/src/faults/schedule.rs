//! Which request gets which fault: generated from a seed, in the order of the requests.

use super::event::{Fault, Service};
use fastrand::Rng;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

const DELAY_MILLIS: std::ops::Range<u64> = 5..1500;
/// Requests in a row that are refused when a service is in trouble: at times more than the SDK
/// tries.
const BURST: std::ops::Range<u32> = 1..10;

const OF_READS: [Fault; 13] = [
    Fault::Throttled,
    Fault::Throttled,
    Fault::Failed,
    Fault::Unavailable,
    Fault::RequestLost,
    Fault::RequestCut,
    Fault::AnswerLost,
    Fault::AnswerCut,
    Fault::BitFlipped,
    Fault::BitFlipped,
    Fault::BitFlipped,
    Fault::Delayed,
    Fault::PageEmpty,
];
const OF_WRITES: [Fault; 10] = [
    Fault::Throttled,
    Fault::Failed,
    Fault::Unavailable,
    Fault::RequestLost,
    Fault::RequestCut,
    Fault::RequestCut,
    Fault::AnswerLost,
    Fault::AnswerLost,
    Fault::AnswerLost,
    Fault::Delayed,
];

/// The faults of one service in one trial.
#[derive(Debug)]
pub struct Schedule {
    service: Service,
    rate: f64,
    latency: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    rng: Rng,
    /// What the next requests meet as well.
    burst: Option<(Fault, u32)>,
}

impl Schedule {
    /// Of a service that takes `latency` for each answer, and whose requests meet a fault with the
    /// probability `rate`.
    pub fn new(service: Service, rate: f64, latency: Duration, rng: Rng) -> Self {
        Self {
            service,
            rate,
            latency,
            state: Mutex::new(State { rng, burst: None }),
        }
    }

    /// The service.
    pub const fn service(&self) -> Service {
        self.service
    }

    /// What every answer takes.
    pub const fn latency(&self) -> Duration {
        self.latency
    }

    /// What the next request meets. Writes are fewer than reads and meet more: what becomes of one
    /// whose answer gets lost is what commits have to get right.
    pub fn draw(&self, is_write: bool) -> Option<Fault> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((fault, left)) = state.burst.take() {
            state.burst = (left > 1).then_some((fault, left - 1));
            return Some(fault);
        }
        let rate = if is_write { 2.0 * self.rate } else { self.rate };
        if state.rng.f64() >= rate {
            return None;
        }
        let faults: &[Fault] = if is_write { &OF_WRITES } else { &OF_READS };
        let fault = faults[state.rng.usize(..faults.len())];
        let is_refusal = matches!(fault, Fault::Throttled | Fault::Failed | Fault::Unavailable);
        if is_refusal && state.rng.u8(0..4) == 0 {
            state.burst = Some((fault, state.rng.u32(BURST)));
        }
        Some(fault)
    }

    /// A number below `end`, for what the fault leaves open.
    pub fn below(&self, end: usize) -> usize {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.rng.usize(..end.max(1))
    }

    /// How long a delayed request waits.
    pub fn delay(&self) -> Duration {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        Duration::from_millis(state.rng.u64(DELAY_MILLIS))
    }
}
