//! The index under faults of S3, kills, twins and near deadlines: whatever happens, it has every
//! image once, as an index without faults has it.
//!
//! More seeds: `MILLRACE_IMAGE_FAULT_SEEDS=10000 cargo test --test images -- --nocapture faults`; a
//! failed seed again: `MILLRACE_IMAGE_FAULT_FIRST_SEED=… MILLRACE_IMAGE_FAULT_SEEDS=1`.

use crate::bucket::{Bucket, jpeg, png};
use crate::run::{collect, definition, plan, run};
use crate::unlucky::{Events, Luck, Unlucky};
use contract::states::{ExportSegmentInput, ExportTask, PlanExportOutput, Status};
use contract::{ErrorName, Invocation, Named, chain};
use end_to_end::seeds;
use fastrand::Rng;
use index_images::Settings;
use lake::{ObjectStore, documents};
use serde_json::{Value, json};
use std::time::{Duration, SystemTime};

const SEEDS: u64 = 60;
/// Attempts at a task that have bad luck. Later ones have none, so that a trial ends.
const UNLUCKY: u32 = 8;

/// One call of the function, with its own luck. `None` if it was killed.
async fn attempt(
    bucket: &Bucket,
    input: &ExportSegmentInput,
    name: &str,
    lucky: bool,
    rng: &mut Rng,
    events: &Events,
) -> Result<Option<Status>, String> {
    let luck = if lucky {
        Luck::good(events)
    } else {
        Luck::bad(rng, events)
    };
    let is_hurried = !lucky && rng.u8(0..2) == 0;
    let seconds = if is_hurried { rng.u64(20..70) } else { 3600 };
    let invocation = Invocation {
        attempt: name.to_owned(),
        deadline: SystemTime::now() + Duration::from_secs(seconds),
    };
    let store = Unlucky::new(bucket.clone(), luck.clone());
    let items = bucket.items();
    let outcome = tokio::select! {
        outcome = index_images::handle(&store, &items, Settings::default(), input.clone(), invocation) => outcome,
        () = luck.killed() => {
            events.note("killed");
            return Ok(None);
        }
    };
    match outcome {
        Ok(output) => {
            if output.status == Status::InProgress {
                events.note("resumed");
            }
            Ok(Some(output.status))
        }
        Err(error)
            if [ErrorName::Throttled, ErrorName::ServiceUnavailable].contains(&error.name()) =>
        {
            events.note("tried again");
            Ok(None)
        }
        Err(error) => Err(format!("{}: {}", error.name(), chain(&error))),
    }
}

/// Indexes a plan as the state machine does, with all its faults.
async fn index(
    bucket: &Bucket,
    planned: &PlanExportOutput,
    rng: &mut Rng,
    events: &Events,
) -> Result<(), String> {
    let tasks = documents::read(bucket, &planned.tasks_key, "tasks").await;
    let tasks: Vec<ExportTask> = tasks.map_err(|error| chain(&error))?;
    for task in tasks {
        let input = ExportSegmentInput {
            pipeline: planned.pipeline.clone(),
            run: planned.run.clone(),
            task,
        };
        for number in 0.. {
            let lucky = number >= UNLUCKY;
            let (one, other) = (format!("a{number}"), format!("b{number}"));
            let status = if rng.u8(0..3) == 0 {
                events.note("twins");
                let mut twin = rng.fork();
                let (one, other) = tokio::join!(
                    attempt(bucket, &input, &one, lucky, rng, events),
                    attempt(bucket, &input, &other, lucky, &mut twin, events),
                );
                // The state machine knows one of them.
                other?;
                one?
            } else {
                attempt(bucket, &input, &one, lucky, rng, events).await?
            };
            if status == Some(Status::Done) {
                break;
            }
            if number > UNLUCKY + 20 {
                return Err("it does not end without faults".to_owned());
            }
        }
    }
    Ok(())
}

fn key(number: u32) -> String {
    format!(
        "images/{}/trip={}/{number:03}.jpg",
        ["cat", "dog"][number as usize % 2],
        number % 3
    )
}

async fn fill(bucket: &Bucket, numbers: std::ops::Range<u32>, rng: &mut Rng) {
    for number in numbers {
        let bytes = match rng.u8(0..12) {
            0 => Vec::new(),
            1 => b"<html>".to_vec(),
            2 => jpeg(number)[..200].to_vec(),
            3 => png(number),
            _ => jpeg(number),
        };
        bucket.put_image(&key(number), bytes).await;
        label(bucket, number, rng).await;
    }
}

/// A tag and a sidecar for most images, which one definition or another reads.
async fn label(bucket: &Bucket, number: u32, rng: &mut Rng) {
    let label = format!("label-{}", rng.u8(0..3));
    if rng.u8(0..6) > 0 {
        bucket.set_tag(&key(number), "label", &label);
    }
    if rng.u8(0..6) > 0 {
        let sidecar = key(number).replace(".jpg", ".txt");
        bucket.put_image(&sidecar, label.into_bytes()).await;
    }
}

fn labels(rng: &mut Rng) -> Value {
    match rng.u8(0..4) {
        0 => json!({"tag": "label"}),
        1 => json!({"sidecar": {"suffix": ".txt"}}),
        _ => json!({"key": "class"}),
    }
}

/// What the run has is what a fresh index without faults has.
async fn compare(
    bucket: &Bucket,
    definition: &Value,
    planned: PlanExportOutput,
    fresh: &str,
) -> Result<usize, String> {
    let found = collect(bucket, planned).await;
    let expected = run(bucket, definition, fresh).await;
    if found.rows != expected.rows {
        let (found, expected) = (found.rows.len(), expected.rows.len());
        return Err(format!(
            "{found} lines are not the {expected} of an index without faults"
        ));
    }
    if !found.listing.lists_as(&expected.listing)
        || found.listing.quarantined != expected.listing.quarantined
    {
        return Err(format!("{:?} is not {:?}", found.listing, expected.listing));
    }
    Ok(found.rows.len())
}

/// A first index, and a second one of a bucket that has changed. Returns the lines of both.
async fn trial(seed: u64, events: &Events) -> Result<usize, String> {
    let mut rng = Rng::with_seed(seed);
    let bucket = Bucket::new();
    // Slowly read, a page is twenty images.
    let is_slow = rng.u8(0..4) == 0;
    let count = if is_slow {
        rng.u32(30..60)
    } else {
        rng.u32(4..24)
    };
    fill(&bucket, 0..count, &mut rng).await;
    // An image without a label is no error, and one has a label for sure.
    bucket.set_tag(&key(0), "label", "first");
    let sidecar = key(0).replace(".jpg", ".txt");
    bucket.put_image(&sidecar, b"first".to_vec()).await;
    bucket.put_image(&key(0), jpeg(0)).await;
    let definition = definition(&json!({
        "labels": labels(&mut rng),
        "ranges": rng.u32(1..if is_slow { 3 } else { 5 }),
        "read": {"requestsPerSecond": if is_slow { 1 } else { 2000 }},
    }));
    let first = plan(&bucket, &definition, "1")
        .await
        .map_err(|error| chain(&error))?;
    index(&bucket, &first, &mut rng, events).await?;
    let mut lines = Box::pin(compare(&bucket, &definition, first, "2-fresh")).await?;

    let more = rng.u32(0..6);
    fill(&bucket, count..count + more, &mut rng).await;
    for number in 1..count {
        match rng.u8(0..8) {
            0 => bucket
                .delete(&key(number))
                .await
                .map_err(|error| chain(&error))?,
            1 => bucket.put_image(&key(number), jpeg(number + 500)).await,
            // The tag of an image that is not read again is another one, and nobody sees it.
            2 => {
                let sidecar = key(number).replace(".jpg", ".txt");
                bucket.put_image(&sidecar, b"changed".to_vec()).await;
            }
            _ => {}
        }
    }
    // Without an image there is nothing to plan.
    bucket
        .put_image("images/cat/trip=9/last.jpg", jpeg(400))
        .await;
    let second = plan(&bucket, &definition, "3")
        .await
        .map_err(|error| chain(&error))?;
    index(&bucket, &second, &mut rng, events).await?;
    lines += Box::pin(compare(&bucket, &definition, second, "4-again")).await?;
    Ok(lines)
}

#[tokio::test(start_paused = true)]
async fn whatever_fails_every_image_is_indexed_once() {
    let events = Events::default();
    let trials = seeds::one_by_one("MILLRACE_IMAGE_FAULT", SEEDS, "lines", async |seed| {
        Box::pin(trial(seed, &events)).await
    });
    let (seeds, _) = trials.await;
    for (event, count) in events.counts() {
        println!("{count:>8} {event}");
    }
    if seeds >= SEEDS {
        for event in [
            "throttled",
            "unavailable",
            "answer lost",
            "body cut",
            "delayed",
            "killed",
            "twins",
            "resumed",
            "tried again",
        ] {
            assert!(
                events.counts().contains_key(event),
                "{event} never happened"
            );
        }
    }
}
