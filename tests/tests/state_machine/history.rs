//! No loop of the state machine fills the history of an execution, however long it turns.

use super::set;
use end_to_end::asl::history::{Loop, MOST_EVENTS, Turn};
use end_to_end::{asl, workspace};
use serde_json::json;
use std::collections::BTreeMap;

/// Turns of a loop that polls for `seconds`: jobs that live for `life` seconds each, until they end for want
/// of machines, and the waits between them.
fn polls(seconds: u64, life: u64) -> u64 {
    let (mut turns, mut now, mut waited, mut refusals) = (0, 0, 0, 0);
    while now < seconds {
        let begun = now;
        while now < seconds && now - begun < life {
            // As `start-training` paces them.
            now += u64::from(contract::wait_seconds((now - begun).max(waited)));
            turns += 1;
        }
        refusals += 1;
        let wait = u64::from(sagemaker_ports::retry_seconds(refusals, "")).max(1);
        now += wait;
        waited += wait;
        turns += 1;
    }
    turns
}

/// Turns of a loop in so many seconds, at most.
fn turns(found: &Loop, seconds: u64) -> u64 {
    match found.turn {
        // Only training continues with another job.
        Turn::Paced if found.place == "WaitForTraining" => {
            let lives = [0, 1, 10, 60, 300, 1800, 3600, 36_000, seconds];
            lives
                .map(|life| polls(seconds, life))
                .into_iter()
                .max()
                .unwrap()
        }
        Turn::Paced => polls(seconds, seconds),
        Turn::Seconds(each) => seconds.div_ceil(each),
        // A step that comes back for more time has worked through half of it at least.
        Turn::Works(limit) => seconds.div_ceil(limit / 2),
    }
}

/// Into so many parts the time of an execution is shared out to its loops, in every way.
const PARTS: u64 = 16;

fn most_events(loops: &[Loop], parts: u64) -> u64 {
    let Some((first, rest)) = loops.split_first() else {
        return 0;
    };
    let of = |taken: u64| {
        // A part more: a share that lies between two is no larger.
        let seconds = (taken + 1) * definition::EXECUTION_SECONDS / PARTS;
        turns(first, seconds) * first.events + most_events(rest, parts - taken)
    };
    (0..=parts).map(of).max().unwrap_or(0)
}

/// The loop that turns once: an export of the whole table, which follows changes that do not fit, has
/// nothing that it could not fit.
const ONCE: [&str; 2] = ["PlanDataset", "RequestExport"];

#[test]
fn no_loop_fills_the_history_however_long_it_turns() {
    let loops = asl::history::loops(&workspace::state_machine());
    let places: Vec<&str> = loops.iter().map(|found| found.place.as_str()).collect();
    assert_eq!(
        places,
        [
            "AwaitApproval",
            "CompactChanges",
            "PlanDataset",
            "RequestExport",
            "WaitForComparison",
            "WaitForEndpoint",
            "WaitForExport",
            "WaitForTraining",
            "WaitUntilReady",
            "ExportSegments/ExportSegment",
            "ExportSegments/ExportSqlRange",
            "ExportSegments/IndexImages",
            "MergeShards/MergeToCsv",
            "MergeShards/PackImages"
        ]
    );
    let mut by_scope: BTreeMap<&str, Vec<Loop>> = BTreeMap::new();
    for found in loops
        .iter()
        .filter(|found| !ONCE.contains(&found.place.as_str()))
    {
        by_scope
            .entry(&found.scope)
            .or_default()
            .push(found.clone());
    }
    for (scope, loops) in by_scope {
        let events = most_events(&loops, PARTS);
        println!("{scope:?}: {events} events");
        // A fifth is left to the other states, to the loops that turn once and to retries.
        assert!(
            events <= MOST_EVENTS / 5 * 4,
            "{scope:?}: {events} events of {MOST_EVENTS}"
        );
    }
}

#[test]
fn a_loop_that_turns_too_fast_is_seen() {
    let mut machine = workspace::state_machine();
    set(
        &mut machine,
        "/States/WaitForTraining",
        json!({"Type": "Wait", "Seconds": 30, "Next": "StartTraining"}),
    );
    let loops = asl::history::loops(&machine);
    let found = loops
        .iter()
        .find(|it| it.place == "WaitForTraining")
        .unwrap();
    assert_eq!((found.turn, found.events), (Turn::Seconds(30), 9));
    set(
        &mut machine,
        "/States/WaitForTraining",
        json!({"Type": "Pass", "Next": "IsTrainingDone"}),
    );
    let loops = asl::history::loops(&machine);
    assert!(
        loops.iter().any(|it| it.turn == Turn::Seconds(0)),
        "{loops:?}"
    );
}
