//! Runs of events under faults of S3, kills and twins, while events are delivered late and twice:
//! whatever happens, the raw lines hold each event as often as the objects do.
//!
//! More seeds: `MILLRACE_EVENT_FAULT_SEEDS=2000 cargo test --test events -- --nocapture faults`; a
//! failed seed again: `MILLRACE_EVENT_FAULT_FIRST_SEED=… MILLRACE_EVENT_FAULT_SEEDS=1`.

use crate::run::{definition, key, object, of, plan, plan_dataset, raw, tasks};
use crate::unlucky::{Events, Luck, Unlucky};
use contract::states::{ExportSegmentInput, PlanExportOutput, Status};
use contract::{ErrorName, Named, chain};
use end_to_end::in_process::invocation;
use end_to_end::seeds;
use export_segment::Settings;
use fastrand::Rng;
use lake::{MemoryStore, ObjectStore};
use serde_json::{Value, json};
use source::memory::MemoryTable;
use std::collections::BTreeMap;

const SEEDS: u64 = 60;
/// Attempts that have bad luck. Later ones have none, so that a trial ends.
const UNLUCKY: u32 = 8;

/// What is in the lake: the numbers of each object's events.
type Delivered = BTreeMap<String, Vec<u32>>;

/// Whether a failed attempt is made again.
fn retried(error: &impl Named, events: &Events) -> Result<(), String> {
    let may_pass = [ErrorName::Throttled, ErrorName::ServiceUnavailable].contains(&error.name());
    if may_pass {
        events.note("tried again");
        return Ok(());
    }
    Err(format!("{}: {}", error.name(), chain(error)))
}

/// One call of the function, with its own luck. `None` if it has to be made again.
async fn attempt(
    lake: &MemoryStore,
    input: &ExportSegmentInput,
    lucky: bool,
    rng: &mut Rng,
    events: &Events,
) -> Result<Option<Status>, String> {
    let luck = if lucky {
        Luck::good(events)
    } else {
        Luck::bad(rng, events)
    };
    let store = Unlucky::new(lake.clone(), luck.clone());
    let table = MemoryTable::new("none", Vec::new(), 1);
    let settings = Settings::default();
    let outcome = tokio::select! {
        outcome = export_segment::handle(&store, &table, settings, input.clone(), invocation()) => outcome,
        () = luck.killed() => {
            events.note("killed");
            return Ok(None);
        }
    };
    match outcome {
        Ok(output) => Ok(Some(output.status)),
        Err(error) => retried(&error, events).map(|()| None),
    }
}

/// Exports as the state machine does, with all its faults.
async fn export(
    lake: &MemoryStore,
    planned: &PlanExportOutput,
    rng: &mut Rng,
    events: &Events,
) -> Result<(), String> {
    for input in tasks(lake, planned).await {
        for number in 0.. {
            let lucky = number >= UNLUCKY;
            let status = if rng.u8(0..3) == 0 {
                events.note("twins");
                let mut twin = rng.fork();
                let (one, other) = tokio::join!(
                    attempt(lake, &input, lucky, rng, events),
                    attempt(lake, &input, lucky, &mut twin, events),
                );
                // The state machine knows one of them.
                other?;
                one?
            } else {
                attempt(lake, &input, lucky, rng, events).await?
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

async fn planned(
    lake: &MemoryStore,
    definition: &Value,
    number: u32,
    rng: &mut Rng,
    events: &Events,
) -> Result<PlanExportOutput, String> {
    for attempt in 0.. {
        let luck = if attempt >= UNLUCKY {
            Luck::good(events)
        } else {
            Luck::bad(rng, events)
        };
        let store = Unlucky::new(lake.clone(), luck.clone());
        let outcome = tokio::select! {
            outcome = plan(&store, definition, number) => outcome,
            () = luck.killed() => {
                events.note("killed");
                continue;
            }
        };
        match outcome {
            Ok(planned) => return Ok(planned),
            Err(error) => retried(&error, events)?,
        }
    }
    unreachable!("an attempt without faults ends")
}

/// Delivers some objects: new ones, late ones, and some events once more.
async fn deliver(lake: &MemoryStore, delivered: &mut Delivered, next: &mut u32, rng: &mut Rng) {
    for _ in 0..rng.u32(0..6) {
        let mut numbers: Vec<u32> = (0..rng.u32(0..40)).map(|more| *next + more).collect();
        *next += u32::try_from(numbers.len()).unwrap();
        if *next > 0 && rng.u8(0..3) == 0 {
            numbers.push(rng.u32(0..*next));
        }
        let hours = rng.i64(0..96);
        let name = format!("stream-{}", rng.u64(..));
        put(lake, delivered, key(hours, &name), numbers).await;
    }
    // Events that failed at first, and were replayed.
    if rng.u8(0..4) == 0 {
        let key = format!("events/films/replayed/{:016x}.jsonl.gz", rng.u64(..));
        put(lake, delivered, key, vec![*next]).await;
        *next += 1;
    }
}

async fn put(lake: &MemoryStore, delivered: &mut Delivered, key: String, numbers: Vec<u32>) {
    let body = object(numbers.iter().copied());
    lake.put(&key, body.into()).await.unwrap();
    delivered.insert(key, numbers);
}

/// Some runs of a lake to which events are delivered in between. Returns the events of all.
async fn trial(seed: u64, events: &Events) -> Result<usize, String> {
    let mut rng = Rng::with_seed(seed);
    let lake = MemoryStore::new();
    let (mut delivered, mut next, mut all) = (Delivered::new(), 0, 0);
    put(&lake, &mut delivered, key(1, "first"), vec![1_000_000]).await;
    for number in 0..rng.u32(2..5) {
        deliver(&lake, &mut delivered, &mut next, &mut rng).await;
        if rng.u8(0..4) == 0 && delivered.len() > 1 {
            let gone = rng.usize(0..delivered.len());
            let gone = delivered.keys().nth(gone).unwrap().clone();
            if !gone.ends_with("first.gz") {
                lake.delete(&gone).await.unwrap();
                delivered.remove(&gone);
            }
        }
        // Another path makes another profile: everything is read again.
        let gate = json!({"attributes": {"rating": {"maximumMissing": 0.5}}});
        let change = if rng.u8(0..4) == 0 {
            json!({ "gate": gate })
        } else {
            json!({})
        };
        let definition = definition(&change);
        let planned = planned(&lake, &definition, number, &mut rng, events).await?;
        // What is delivered after the plan comes with the next run.
        let frozen = delivered.clone();
        deliver(&lake, &mut delivered, &mut next, &mut rng).await;
        export(&lake, &planned, &mut rng, events).await?;
        let (run, keys) = of(&planned);
        let (found, _) = raw(&lake, &keys).await;
        let mut wanted = BTreeMap::new();
        for number in frozen.values().flatten() {
            *wanted.entry(format!("e-{number}")).or_default() += 1;
        }
        if found != wanted {
            return Err(format!(
                "run {number}: {} events are not the {} that were delivered",
                found.len(),
                wanted.len()
            ));
        }
        plan_dataset(&lake, &run).await;
        all += found.len();
    }
    Ok(all)
}

#[tokio::test(start_paused = true)]
async fn whatever_fails_every_event_is_an_item() {
    let events = Events::default();
    let trials = seeds::one_by_one("MILLRACE_EVENT_FAULT", SEEDS, "events", async |seed| {
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
            "tried again",
        ] {
            assert!(
                events.counts().contains_key(event),
                "{event} never happened"
            );
        }
    }
}
