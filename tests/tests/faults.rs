//! The export under faults: however its services fail and whenever its processes die, its parts
//! hold exactly the table's items.
//!
//! More seeds: `MILLRACE_FAULT_SEEDS=2000 cargo test -p end-to-end --test faults -- --nocapture`; a
//! failed seed again: `MILLRACE_FAULT_FIRST_SEED=… MILLRACE_FAULT_SEEDS=1`.
#![allow(clippy::unwrap_used)] // helpers of tests may unwrap as the tests do

use end_to_end::faults::{self, EventCounts, Programs, Report};
use end_to_end::seeds::setting;
use end_to_end::workspace;
use futures::StreamExt;
use std::time::Instant;

const SEEDS: u64 = 40;
/// They mostly wait: for the SDK's pauses between its attempts.
const AT_ONCE: u64 = 16;

async fn trial(seed: u64) -> (u64, Result<Report, String>) {
    let programs = Programs {
        plan_export: env!("CARGO_BIN_EXE_plan-export-under-test").into(),
        export_segment: env!("CARGO_BIN_EXE_export-segment-under-test").into(),
    };
    let logs = workspace::target().join(format!("faults/seed-{seed}"));
    let _ = std::fs::remove_dir_all(&logs);
    std::fs::create_dir_all(&logs).unwrap();
    let folder = logs.clone();
    // A task of its own: its panic is this seed's failure and no other's.
    let trial = tokio::spawn(async move { faults::run(seed, &programs, &folder).await });
    let outcome = trial.await.unwrap_or_else(|error| Err(error.to_string()));
    if outcome.is_ok() {
        std::fs::remove_dir_all(&logs).unwrap();
    }
    (seed, outcome)
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_fails_the_export_is_the_table() {
    let first = setting("MILLRACE_FAULT_FIRST_SEED", 0);
    let seeds = setting("MILLRACE_FAULT_SEEDS", SEEDS);
    let at_once = usize::try_from(setting("MILLRACE_FAULT_AT_ONCE", AT_ONCE)).unwrap();
    let begun = Instant::now();
    let events = EventCounts::default();
    let mut failed = Vec::new();
    let mut trials =
        futures::stream::iter((first..first + seeds).map(trial)).buffer_unordered(at_once);
    let mut over = 0;
    while let Some((seed, outcome)) = trials.next().await {
        over += 1;
        match outcome {
            Ok(report) => {
                let Report {
                    items,
                    segments,
                    tasks,
                    took,
                    ..
                } = report;
                println!(
                    "{over:>5}/{seeds} seed {seed}: {items} items, {segments} segments, {tasks} tasks, {took:.1?}"
                );
                events.add_all(&report.events);
            }
            Err(error) => {
                println!("{over:>5}/{seeds} seed {seed} FAILED: {error}");
                failed.push(seed);
            }
        }
    }
    for (event, count) in events.counts() {
        println!("{count:>8} {event}");
    }
    println!("{seeds} seeds in {:.1?}", begun.elapsed());
    let logs = workspace::target().join("faults");
    assert!(
        failed.is_empty(),
        "seeds {failed:?} failed; their logs are in {}; \
         again: MILLRACE_FAULT_FIRST_SEED={} MILLRACE_FAULT_SEEDS=1",
        logs.display(),
        failed[0]
    );
    if seeds >= SEEDS {
        let missing = events.missing();
        assert!(missing.is_empty(), "never happened: {missing:?}");
    }
}
