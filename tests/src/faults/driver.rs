//! Calls the function for one task as the state machine does: until it is done, with the retries of
//! the state machine's definition.

use super::event::{Event, EventCounts};
use contract::states::{ExportSegmentOutput, Status};
use fastrand::Rng;
use local_servers::runtime_api::{Function, InvocationError};
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;

/// Pauses between retries are a hundredth of the state machine's.
const PAUSE_SCALE: f64 = 0.01;
/// What a task's invocations have to put up with, beside their services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Deadlines of 0.2 to 12 seconds, the shortest of which no function can meet, and kills. After a
    /// few invocations there are neither.
    Killed,
    /// Deadlines so near that a segment takes several invocations, and few kills. They grow after
    /// many.
    Hurried,
}

impl Pace {
    /// What an invocation of this number has for its answer.
    fn time(self, invocation: u32, rng: &mut Rng) -> Duration {
        match (self, invocation) {
            (Self::Killed, ..5) => Duration::from_millis(rng.u64(200..12_000)),
            (Self::Hurried, ..20) => Duration::from_millis(rng.u64(2_000..5_000)),
            _ => Duration::from_mins(5),
        }
    }

    /// When it is killed, if it is.
    fn killed_after(self, invocation: u32, rng: &mut Rng) -> Option<Duration> {
        let one_of = match (self, invocation) {
            (Self::Killed, ..5) => 3,
            (Self::Hurried, ..20) => 8,
            _ => return None,
        };
        let is_killed = rng.u8(0..one_of) == 0;
        is_killed.then(|| Duration::from_millis(rng.u64(20..4_000)))
    }
}

const REDRIVES: u32 = 20;

/// What the state that calls the function tries again.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Retrier {
    error_equals: Vec<String>,
    interval_seconds: f64,
    backoff_rate: f64,
    max_attempts: u32,
    max_delay_seconds: f64,
}

/// The retriers of a state, and how often each has been used since the state was entered.
#[derive(Debug, Clone)]
pub struct Retries(Vec<(Retrier, u32)>);

/// What the state machine does about an error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Next {
    /// Tries again after the pause.
    Retry(Duration),
    /// The execution fails. A redrive may help: the error is one that comes and goes.
    Exhausted,
    /// The execution fails, and would fail again.
    Fatal,
}

impl Retries {
    /// Of `ExportSegment`, as the state machine's definition has them.
    ///
    /// # Panics
    /// If the definition has no such state.
    pub fn of_export_segment(machine: &Value) -> Self {
        let states = &machine["States"]["ExportSegments"]["ItemProcessor"]["States"];
        let retriers = states["ExportSegment"]["Retry"].clone();
        let retriers: Vec<Retrier> =
            serde_json::from_value(retriers).expect("ExportSegment has retriers");
        Self(retriers.into_iter().map(|retrier| (retrier, 0)).collect())
    }

    /// What happens after this error.
    pub fn next(&mut self, error: &str, rng: &mut Rng) -> Next {
        let mut retriers = self.0.iter_mut();
        let matching =
            retriers.find(|(retrier, _)| retrier.error_equals.iter().any(|name| name == error));
        let Some((retrier, used)) = matching else {
            return Next::Fatal;
        };
        if *used == retrier.max_attempts {
            return Next::Exhausted;
        }
        let exponent = i32::try_from(*used).expect("few attempts");
        *used += 1;
        let seconds = retrier.interval_seconds * retrier.backoff_rate.powi(exponent);
        let seconds = seconds.min(retrier.max_delay_seconds) * rng.f64();
        Next::Retry(Duration::from_secs_f64(seconds * PAUSE_SCALE))
    }

    /// The state is entered anew.
    pub fn reset(&mut self) {
        for (_, used) in &mut self.0 {
            *used = 0;
        }
    }
}

/// One attempt at a task: a function's process, and the luck it has.
pub struct Attempt<'t> {
    /// The function.
    pub function: Function,
    /// What it is called with.
    pub input: Value,
    /// What is tried again.
    pub retries: Retries,
    /// What its invocations have to put up with.
    pub pace: Pace,
    /// The luck.
    pub rng: Rng,
    /// What happens is noted here.
    pub events: &'t EventCounts,
}

impl Attempt<'_> {
    /// Calls the function until it is done.
    ///
    /// # Errors
    /// What the state machine would not survive.
    pub async fn run(mut self) -> Result<ExportSegmentOutput, String> {
        let mut redrives = 0;
        for invocation in 0.. {
            let error = match self.invoke(invocation).await {
                Ok(output) => {
                    let output: ExportSegmentOutput = contract::read::from_value(output)
                        .map_err(|error| format!("the answer is not the contract's: {error}"))?;
                    if output.status == Status::Done {
                        return Ok(output);
                    }
                    self.events.note(Event::Resumed);
                    self.retries.reset();
                    continue;
                }
                Err(error) => error,
            };
            match self.retries.next(&error.name, &mut self.rng) {
                Next::Retry(pause) => tokio::time::sleep(pause).await,
                Next::Exhausted => {
                    self.events.note(Event::Redriven);
                    redrives += 1;
                    if redrives > REDRIVES {
                        return Err(format!("after {redrives} redrives: {error:?}"));
                    }
                    self.retries.reset();
                }
                Next::Fatal => return Err(format!("the state machine stops at {error:?}")),
            }
        }
        unreachable!("the loop ends by returning")
    }

    async fn invoke(&mut self, invocation: u32) -> Result<Value, InvocationError> {
        let time = self.pace.time(invocation, &mut self.rng);
        let killed_after = self.pace.killed_after(invocation, &mut self.rng);
        let killed_after = killed_after.unwrap_or(Duration::MAX);
        tokio::select! {
            outcome = self.function.invoke(self.input.clone(), time) => {
                if let Err(error) = &outcome {
                    self.events.note(match error.name.as_str() {
                        "Sandbox.Timedout" => Event::TimedOut,
                        _ => Event::Retried,
                    });
                }
                return outcome;
            }
            () = tokio::time::sleep(killed_after) => {}
        }
        self.function.kill().await;
        self.events.note(Event::Killed);
        Err(InvocationError {
            name: "Runtime.ExitError".to_owned(),
            message: "killed by the trial".to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace;

    #[test]
    fn retries_are_the_state_machines() {
        let mut rng = Rng::with_seed(7);
        let mut retries = Retries::of_export_segment(&workspace::state_machine());
        assert_eq!(retries.next("DatasetInvalid", &mut rng), Next::Fatal);
        let mut tried = 0;
        while let Next::Retry(pause) = retries.next("Throttled", &mut rng) {
            assert!(pause <= Duration::from_millis(600), "{pause:?}");
            tried += 1;
        }
        assert!(tried > 2, "{tried}");
        assert_eq!(retries.next("Throttled", &mut rng), Next::Exhausted);
        assert!(matches!(
            retries.next("Runtime.ExitError", &mut rng),
            Next::Retry(_)
        ));
        retries.reset();
        assert!(matches!(
            retries.next("Throttled", &mut rng),
            Next::Retry(_)
        ));
    }
}
