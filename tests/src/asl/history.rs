//! The events of an execution's history, of which it holds 25,000: what one turn of each loop adds. A
//! loop may turn for as long as the execution lasts.
//!
//! Source of the events of a state: Step Functions API reference, `HistoryEvent`.

use super::is_callback;
use super::scope::{Scope, State, followers, scopes};
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};

/// Events that an execution's history holds.
pub const MOST_EVENTS: u64 = 25_000;

/// States that lead back to the first of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loop {
    /// The place of its first state, which decides how long a turn lasts.
    pub place: String,
    /// The place of the Map whose children turn in it; empty for the machine itself.
    pub scope: String,
    /// How long a turn lasts.
    pub turn: Turn,
    /// Events of one turn.
    pub events: u64,
}

/// How long a turn lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// As long as the step before answered, by `contract::wait_seconds`.
    Paced,
    /// So many seconds, by the state machine.
    Seconds(u64),
    /// As long as a task that answers when its time, so many seconds, is nearly over.
    Works(u64),
}

/// Every loop of a definition: of each state that lets time pass, the shortest way back to it.
pub fn loops(machine: &Value) -> Vec<Loop> {
    let mut all = Vec::new();
    for scope in scopes(machine) {
        let states: BTreeMap<&str, State<'_>> = scope
            .states()
            .into_iter()
            .map(|state| (state.name, state))
            .collect();
        for head in states.values() {
            let turn = match head.kind() {
                "Wait" => match head.json["Seconds"].as_u64() {
                    Some(seconds) => Turn::Seconds(seconds),
                    None => Turn::Paced,
                },
                "Task" => {
                    let seconds = head.json["TimeoutSeconds"].as_u64().unwrap_or(0);
                    if is_callback(head.json) {
                        Turn::Seconds(seconds)
                    } else {
                        Turn::Works(seconds)
                    }
                }
                _ => continue,
            };
            // The way past another state that waits is that one's loop.
            let passes = |state: &State<'_>| {
                !matches!(turn, Turn::Works(_))
                    || !(state.kind() == "Wait" || is_callback(state.json))
            };
            if let Some(events) = way_back(head, &states, passes) {
                all.push(Loop {
                    place: head.place.clone(),
                    scope: scope.place.clone(),
                    turn,
                    events,
                });
            }
        }
        all.extend(idle_loop(&scope, &states));
    }
    all
}

/// A loop in which no time passes at all.
fn idle_loop(scope: &Scope<'_>, states: &BTreeMap<&str, State<'_>>) -> Option<Loop> {
    let is_idle = |state: &State<'_>| matches!(state.kind(), "Choice" | "Pass");
    let mut idle = states.values().filter(|state| is_idle(state));
    idle.find_map(|head| {
        let events = way_back(head, states, is_idle)?;
        Some(Loop {
            place: head.place.clone(),
            scope: scope.place.clone(),
            turn: Turn::Seconds(0),
            events,
        })
    })
}

/// The events of the way from a state back to it with the fewest states, through those that it may pass.
fn way_back(
    head: &State<'_>,
    states: &BTreeMap<&str, State<'_>>,
    passes: impl Fn(&State<'_>) -> bool,
) -> Option<u64> {
    let mut seen = BTreeMap::from([(head.name, events(head))]);
    let mut queue = VecDeque::from([head]);
    while let Some(state) = queue.pop_front() {
        for (_, name) in followers(state) {
            if name == head.name {
                return Some(seen[state.name]);
            }
            let Some(next) = states.get(name).filter(|next| passes(next)) else {
                continue;
            };
            if !seen.contains_key(next.name) {
                seen.insert(next.name, seen[state.name] + events(next));
                queue.push_back(next);
            }
        }
    }
    None
}

/// Events that a state adds when it is passed without a retry.
fn events(state: &State<'_>) -> u64 {
    match state.kind() {
        // Entered, scheduled, started, submitted, succeeded or timed out, exited.
        "Task" if is_callback(state.json) => 6,
        // Entered, scheduled, started, succeeded, exited; a Map's children have a history of their own.
        "Task" | "Map" => 5,
        _ => 2,
    }
}
