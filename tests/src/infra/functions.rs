//! Checks the functions' sizes: enough memory, time and disk for their work, no more than Lambda
//! would use, on the architecture that they are built for.

use super::stack::{Stack, number};
use crate::{Finding, asl, template};
use serde_json::Value;

/// Memory that comes with one whole virtual processor. Source: AWS Lambda Developer Guide,
/// "Memory".
const ONE_PROCESSOR: f64 = 1769.0;

/// What a function does, and so what it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    /// A handful of requests.
    Asks,
    /// Answers a service that waits, with a megabyte at a time: quickly, and with a part of a processor.
    Answers,
    /// Joins small records of many tasks.
    Gathers,
    /// Works on rows, bound by the processor: a part of one would be paid for longer, a second one
    /// would idle.
    Reads,
    /// The same, and sorts on disk what memory does not hold.
    Sorts,
}

/// Each function's work.
const WORK: [(&str, Work); 17] = [
    ("plan-export", Work::Asks),
    ("request-export", Work::Asks),
    ("compact-changes", Work::Reads),
    ("capture-changes", Work::Asks),
    ("export-segment", Work::Reads),
    ("export-sql-range", Work::Reads),
    ("index-images", Work::Reads),
    ("plan-dataset", Work::Reads),
    ("merge-to-csv", Work::Sorts),
    ("pack-images", Work::Reads),
    ("seal-dataset", Work::Gathers),
    ("start-training", Work::Asks),
    ("judge-model", Work::Reads),
    ("deploy-endpoint", Work::Asks),
    ("publish-report", Work::Asks),
    ("transform-records", Work::Answers),
    ("score-changes", Work::Asks),
];

/// Everything that is too small or too large. `parameters` are those of the stack.
pub fn findings(stack: &Stack, machine: &Value, architecture: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    for (name, function) in stack.functions() {
        let mut say = |problem: String| found.push(Finding::new(name, problem));
        let own = WORK
            .iter()
            .find(|(binary, _)| template::resource_name(binary) == **name);
        let Some((binary, work)) = own else {
            say("does work that is not stated".to_owned());
            continue;
        };
        let memory = number(&function["MemorySize"]).unwrap_or_default();
        let seconds = number(&function["Timeout"]).unwrap_or_default();
        let disk = number(&function["EphemeralStorage"]["Size"]).unwrap_or(512.0);
        let (enough, time) = match work {
            Work::Asks => (256.0..=512.0, 60.0),
            Work::Answers => (512.0..=512.0, 60.0),
            Work::Gathers => (512.0..=1024.0, 240.0),
            Work::Reads | Work::Sorts => (ONE_PROCESSOR..=ONE_PROCESSOR, 240.0),
        };
        if !enough.contains(&memory) {
            say(format!("has {memory} MB of memory, not {enough:?}"));
        }
        // A child of a Map runs until its deadline and is called again; the time limit makes that
        // rare.
        let in_map = is_in_map(machine, binary);
        let time = if in_map { 600.0 } else { time };
        // A reservation is a limit too: as many as the Map starts, or children are throttled.
        let is_reserved = in_map && stack.parameter("ReserveConcurrency") == "yes";
        let executions = number(&function["ReservedConcurrentExecutions"]);
        let wanted = is_reserved.then(|| stack.parameter("MapConcurrency").parse().ok());
        if executions != wanted.flatten() {
            say(format!("reserves {executions:?} executions"));
        }
        if seconds < time {
            say(format!("has {seconds} s, which is less than {time}"));
        }
        let room = if *work == Work::Sorts {
            4096.0..=10240.0
        } else {
            512.0..=512.0
        };
        if !room.contains(&disk) {
            say(format!("has {disk} MB of disk, not {room:?}"));
        }
        if function["Architectures"] != serde_json::json!([architecture]) {
            say(format!(
                "runs on {}, not on {architecture}",
                function["Architectures"]
            ));
        }
        if function["Runtime"] != "provided.al2023" || function["Handler"] != "bootstrap" {
            say(format!(
                "is started as {} {}",
                function["Runtime"], function["Handler"]
            ));
        }
    }
    found
}

fn is_in_map(machine: &Value, binary: &str) -> bool {
    let states = asl::states(machine);
    let mut children = states.iter().filter(|it| it.place.contains('/'));
    children.any(|it| asl::verb(it.json).as_deref() == Some(binary))
}
