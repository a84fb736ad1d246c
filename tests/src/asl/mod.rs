//! Checks a state machine's definition against the contract. Each check is a function from the
//! definition's JSON to findings, so that tests can show that it finds a defective copy.

mod features;
mod flow;
pub mod history;
mod path;
mod retries;
mod routes;
mod scope;
mod shape;
mod structure;
pub mod substitutions;

use crate::Finding;
use crate::schema::Schemas;
use serde_json::Value;
use std::collections::BTreeSet;

pub use scope::{State, states};

/// Everything that is wrong with a definition by itself and against the contract.
pub fn findings(machine: &Value, schemas: &Schemas) -> Vec<Finding> {
    let mut all = BTreeSet::new();
    all.extend(structure::findings(machine));
    all.extend(features::findings(machine));
    all.extend(retries::findings(machine));
    all.extend(routes::findings(machine));
    all.extend(flow::findings(machine, schemas));
    all.into_iter().collect()
}

/// Whether a task waits until a token that it hands out comes back.
pub fn is_callback(state: &Value) -> bool {
    let resource = state["Resource"].as_str().unwrap_or_default();
    resource.ends_with(".waitForTaskToken")
}

/// Seconds by which a task outlasts its function at least. A state's clock starts before its
/// function's: with equal limits the state ends first, as `States.Timeout`, and `Sandbox.Timedout`
/// never comes.
pub const TASK_MARGIN: u64 = 30;

/// The crate behind a task: `plan-export` for `${PlanExportFunctionArn}`.
pub fn verb(state: &Value) -> Option<String> {
    let name = state["Parameters"]["FunctionName"].as_str()?;
    let camel = name.strip_prefix("${")?.strip_suffix("FunctionArn}")?;
    Some(substitutions::kebab(camel))
}
