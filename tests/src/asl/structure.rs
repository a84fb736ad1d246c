//! Checks the graph: every state is reachable, leads to an existing state, and has a comment.

use super::scope::{Scope, State, followers, scopes};
use crate::Finding;
use serde_json::Value;
use std::collections::BTreeSet;

pub fn findings(machine: &Value) -> Vec<Finding> {
    let mut found = Vec::new();
    if !says(machine, "Comment") {
        found.push(Finding::new("state machine", "has no Comment"));
    }
    if machine["TimeoutSeconds"].as_u64().is_none() {
        found.push(Finding::new("state machine", "has no TimeoutSeconds"));
    }
    loops(&Scope::of_machine(machine), &mut found);
    let mut names = BTreeSet::new();
    for scope in scopes(machine) {
        graph(&scope, &mut found);
        for state in scope.states() {
            one(&state, &mut found);
            if !names.insert(state.name) {
                found.push(Finding::new(state.place, "another state has this name"));
            }
        }
    }
    found
}

fn graph(scope: &Scope<'_>, found: &mut Vec<Finding>) {
    let states = scope.states();
    let is_there = |name: &str| states.iter().any(|state| state.name == name);
    if !is_there(scope.start()) {
        let place = format!("{}.StartAt", scope.place);
        found.push(Finding::new(
            place.trim_start_matches('.'),
            format!("{:?} is no state beside it", scope.start()),
        ));
    }
    let mut reached = BTreeSet::new();
    let mut open = vec![scope.start()];
    while let Some(name) = open.pop() {
        if let Some(state) = scope.state(name)
            && reached.insert(name)
        {
            open.extend(followers(&state).into_iter().map(|(_, next)| next));
        }
    }
    for state in &states {
        for (field, next) in followers(state) {
            if !is_there(next) {
                found.push(Finding::new(
                    format!("{}.{field}", state.place),
                    format!("{next:?} is no state beside it"),
                ));
            }
        }
        if !reached.contains(state.name) {
            found.push(Finding::new(&state.place, "is never reached"));
        }
    }
}

/// A step that works until its deadline is called again at once; it lasts at least this long.
const UNTIL_DEADLINE: u64 = 600;

/// Every loop waits somewhere: an execution has 25,000 events.
fn loops(scope: &Scope<'_>, found: &mut Vec<Finding>) {
    let states = scope.states();
    let rests = |state: &State<'_>| {
        let limit = state.json["TimeoutSeconds"].as_u64();
        state.kind() == "Wait"
            || super::is_callback(state.json)
            || limit.is_some_and(|seconds| seconds >= UNTIL_DEADLINE)
    };
    for start in states.iter().filter(|state| !rests(state)) {
        let mut seen = BTreeSet::new();
        let mut open: Vec<&str> = followers(start).into_iter().map(|(_, next)| next).collect();
        while let Some(name) = open.pop() {
            let Some(state) = scope.state(name).filter(|state| !rests(state)) else {
                continue;
            };
            if name == start.name {
                found.push(Finding::new(
                    &start.place,
                    "is in a loop that waits nowhere",
                ));
                break;
            }
            if seen.insert(name) {
                open.extend(followers(&state).into_iter().map(|(_, next)| next));
            }
        }
    }
}

fn one(state: &State<'_>, found: &mut Vec<Finding>) {
    let json = state.json;
    let mut say = |problem: &str| found.push(Finding::new(&state.place, problem));
    if !says(json, "Comment") {
        say("has no Comment");
    }
    let has_next = json.get("Next").is_some();
    let ends = json.get("End") == Some(&Value::Bool(true));
    match state.kind() {
        "Choice" if json["Choices"].as_array().is_none_or(Vec::is_empty) => say("has no Choices"),
        "Choice" | "Succeed" => {}
        _ if has_next == ends => say("needs either Next or End"),
        _ => {}
    }
    if state.kind() == "Task" {
        if json["TimeoutSeconds"]
            .as_u64()
            .is_none_or(|seconds| seconds == 0)
        {
            say("has no TimeoutSeconds");
        }
        let is_notice = json["Parameters"].get("TopicArn").is_some();
        if super::verb(json).is_none() && !is_notice {
            say("Parameters.FunctionName is not ${<Verb>FunctionArn}");
        }
    }
}

fn says(json: &Value, field: &str) -> bool {
    json[field].as_str().is_some_and(|text| !text.is_empty())
}
