//! The function that transforms events, driven as Firehose drives it.
//!
//! More seeds: `MILLRACE_FAULT_SEEDS=2000 cargo test -p end-to-end --test firehose -- --nocapture`; a
//! failed seed again: `MILLRACE_FAULT_FIRST_SEED=… MILLRACE_FAULT_SEEDS=1`.
#![allow(clippy::unwrap_used)] // helpers of tests may unwrap as the tests do

#[path = "firehose/bad_input.rs"]
mod bad_input;
#[path = "firehose/fixtures.rs"]
mod fixtures;

use aws::s3::S3Store;
use end_to_end::firehose::{stream::Counts, trial};
use end_to_end::seeds::setting;
use end_to_end::workspace;
use futures::StreamExt;
use local_servers::s3::S3;
use std::path::Path;
use std::time::Instant;

const SEEDS: u64 = 60;
const AT_ONCE: u64 = 8;
const LAKE: &str = "lake";

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_transform-records-under-test"))
}

async fn seed(seed: u64, store: S3Store) -> (u64, Result<trial::Report, String>) {
    let logs = workspace::target().join(format!("firehose/seed-{seed}"));
    let _ = std::fs::remove_dir_all(&logs);
    std::fs::create_dir_all(&logs).unwrap();
    let folder = logs.clone();
    // A task of its own: its panic is this seed's failure and no other's.
    let trial = tokio::spawn(async move { trial::run(seed, program(), &store, &folder).await });
    let outcome = trial.await.unwrap_or_else(|error| Err(error.to_string()));
    if outcome.is_ok() {
        std::fs::remove_dir_all(&logs).unwrap();
    }
    (seed, outcome)
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_fails_every_event_is_delivered_dropped_or_in_quarantine() {
    let first = setting("MILLRACE_FAULT_FIRST_SEED", 0);
    let seeds = setting("MILLRACE_FAULT_SEEDS", SEEDS);
    let at_once = usize::try_from(setting("MILLRACE_FAULT_AT_ONCE", AT_ONCE)).unwrap();
    let begun = Instant::now();
    let bucket = S3::start(&[LAKE]).await;
    let store = S3Store::new(&aws::local(bucket.url()).await, LAKE);
    let trials = (first..first + seeds).map(|number| seed(number, store.clone()));
    let mut trials = futures::stream::iter(trials).buffer_unordered(at_once);
    let (mut failed, mut all, mut events) = (Vec::new(), Counts::new(), 0);
    while let Some((seed, outcome)) = trials.next().await {
        match outcome {
            Ok(report) => {
                events += report.events;
                for (what, count) in report.counts {
                    *all.entry(what).or_default() += count;
                }
            }
            Err(error) => {
                println!("seed {seed} FAILED: {error}");
                failed.push(seed);
            }
        }
    }
    for (what, count) in &all {
        println!("{count:>8} {what}");
    }
    println!(
        "{events} events of {seeds} seeds in {:.1?}",
        begun.elapsed()
    );
    let logs = workspace::target().join("firehose");
    assert!(
        failed.is_empty(),
        "seeds {failed:?} failed; their logs are in {}; again: MILLRACE_FAULT_FIRST_SEED={} \
         MILLRACE_FAULT_SEEDS=1",
        logs.display(),
        failed[0]
    );
    // Everything that can go wrong did.
    for what in [
        "answers lost",
        "batches given up",
        "calls killed",
        "calls throttled",
        "objects late",
        "objects written twice",
        "records refused at a put",
        "records taken and refused",
        "Lambda.ProcessingFailedStatus",
    ] {
        assert!(seeds < SEEDS || all.contains_key(what), "no {what}");
    }
}
