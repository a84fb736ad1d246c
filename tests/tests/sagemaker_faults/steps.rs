//! Calls a step's function as the state machine does, until it is done or fails, and kills it
//! meanwhile.

use crate::gate::Gate;
use local_servers::runtime_api::Function;
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A step of the state machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Train,
    Judge,
    Deploy,
}

/// An error that the state machine does not try again.
#[derive(Debug)]
#[allow(dead_code, reason = "the message is for the reader of a failed row")]
pub struct Ending {
    pub at: Step,
    pub name: String,
    pub message: String,
}

/// What the state machine tries again (`statemachine/retrain.asl.json`).
const TRANSIENT: [&str; 4] = [
    "Throttled",
    "ServiceUnavailable",
    "Sandbox.Timedout",
    "Runtime.ExitError",
];
const PATIENCE: Duration = Duration::from_mins(5);
pub const INVOCATION: Duration = Duration::from_mins(1);
// The Wait state's seconds are for the cloud.
const BETWEEN_LOOKS: Duration = Duration::from_millis(300);

fn is_in_progress(output: &Value) -> bool {
    output["status"] == "InProgress" || output["verdict"] == "Compare"
}

/// Calls the function until it is done. If `killing`, it dies at its first call, then at its
/// second, and so on until an invocation comes to its end; and again from the first in each new
/// phase.
pub async fn drive(
    step: Step,
    function: &mut Function,
    gate: &Arc<Gate>,
    input: &Value,
    killing: bool,
    kills: &mut u32,
) -> Result<(), Ending> {
    let begun = Instant::now();
    let (mut dies_at, mut phase) = (1, Value::Null);
    loop {
        assert!(
            begun.elapsed() < PATIENCE,
            "{step:?} comes to no end: {phase}"
        );
        gate.arm(killing.then_some(dies_at));
        let outcome = tokio::select! {
            outcome = function.invoke(input.clone(), INVOCATION) => Some(outcome),
            () = gate.reached() => None,
        };
        match outcome {
            None => {
                function.kill().await;
                *kills += 1;
                dies_at += 1;
            }
            Some(Ok(output)) if is_in_progress(&output) => {
                // The judge's phase is text.
                let now = output.get("phase").unwrap_or(&output["reason"]);
                if *now != phase {
                    phase = now.clone();
                    dies_at = 1;
                }
                tokio::time::sleep(BETWEEN_LOOKS).await;
            }
            Some(Ok(_)) => return Ok(()),
            Some(Err(error)) if TRANSIENT.contains(&error.name.as_str()) => {
                tokio::time::sleep(BETWEEN_LOOKS).await;
            }
            Some(Err(error)) => {
                return Err(Ending {
                    at: step,
                    name: error.name,
                    message: error.message,
                });
            }
        }
    }
}
