//! One trial: a table, a lake, proxies, a plan, the tasks, and at the end a comparison of every raw
//! item with the table's. Every tested part is the real one.

use super::driver::{Attempt, Pace, Retries};
use super::event::{Event, EventCounts, Service};
use super::items::{self, KEY, Size};
use super::proxy::Proxy;
use super::schedule::Schedule;
use crate::pipeline::canonical;
use crate::workspace;
use aws::s3::S3Store;
use contract::states::{ExportTask, PlanExportOutput};
use fastrand::Rng;
use futures::future::try_join_all;
use lake::records::{Checksum, SegmentRecord};
use lake::{ObjectStore, RunKeys, documents, part, segment};
use local_servers::dynamodb::DynamoDb;
use local_servers::runtime_api::Function;
use local_servers::s3::S3;
use profile::Profile;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

const LAKE: &str = "lake";
const TABLE: &str = "interactions";
const PIPELINE: &str = "default";
/// At most this share of requests meets a fault.
const RATE: f64 = 0.15;
/// A trial that is not over by then has lost its way.
const TIME: Duration = Duration::from_mins(5);

/// The functions' programs.
#[derive(Debug, Clone)]
pub struct Programs {
    /// `plan-export`.
    pub plan_export: PathBuf,
    /// `export-segment`.
    pub export_segment: PathBuf,
}

/// What a trial was.
#[derive(Debug)]
pub struct Report {
    /// The table's items.
    pub items: usize,
    /// The scan's segments.
    pub segments: u32,
    /// The tasks.
    pub tasks: usize,
    /// How long it took.
    pub took: Duration,
    /// What happened.
    pub events: Arc<EventCounts>,
}

/// What is drawn from the seed.
struct Draw {
    items: Vec<Value>,
    page_items: usize,
    segments: u32,
    segments_per_task: u32,
    dynamodb_rate: f64,
    /// Milliseconds that a page takes.
    dynamodb_latency: u64,
    s3_rate: f64,
    pace: Pace,
    rng: Rng,
}

impl Draw {
    fn from(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        match rng.u32(0..10) {
            0 => Self::small(rng.usize(1..6), rng),
            1 | 2 => Self::large(rng),
            3..6 => Self::hurried(rng),
            _ => Self::small(rng.usize(20..900), rng),
        }
    }

    fn small(count: usize, mut rng: Rng) -> Self {
        let segments = rng.u32(1..13);
        Self {
            // Some ten pages a segment at most.
            page_items: count / segments as usize / rng.usize(1..10) + 1,
            segments,
            segments_per_task: rng.u32(1..7),
            dynamodb_rate: rng.f64() * RATE,
            dynamodb_latency: if rng.bool() { rng.u64(50..500) } else { 0 },
            s3_rate: rng.f64() * RATE,
            pace: Pace::Killed,
            items: some(count, Size::Small, &mut rng),
            rng,
        }
    }

    /// A part of this one has several pieces.
    fn large(mut rng: Rng) -> Self {
        let count = rng.usize(35..60);
        Self {
            page_items: count,
            segments: 1,
            items: some(count, Size::Large, &mut rng),
            ..Self::small(1, rng)
        }
    }

    /// Segments of this one are committed bit by bit.
    fn hurried(mut rng: Rng) -> Self {
        let (segments, pages) = (rng.u32(1..5), rng.usize(15..30));
        let count = rng.usize(100..400);
        Self {
            page_items: count / segments as usize / pages + 1,
            segments,
            dynamodb_rate: rng.f64() * RATE / 8.0,
            dynamodb_latency: rng.u64(60..250),
            s3_rate: rng.f64() * RATE / 4.0,
            pace: Pace::Hurried,
            ..Self::small(count, rng)
        }
    }
}

fn some(count: usize, size: Size, rng: &mut Rng) -> Vec<Value> {
    (0..count)
        .map(|number| items::item(number, size, rng))
        .collect()
}

/// Runs the trial of a seed. What the functions print is added to files in `logs`.
///
/// # Errors
/// What is wrong with the export, in words.
pub async fn run(seed: u64, programs: &Programs, logs: &Path) -> Result<Report, String> {
    tokio::time::timeout(TIME, whole(seed, programs, logs))
        .await
        .map_err(|_| format!("the trial is not over after {TIME:?}"))?
}

async fn whole(seed: u64, programs: &Programs, logs: &Path) -> Result<Report, String> {
    let begun = Instant::now();
    let mut draw = Draw::from(seed);
    let events = Arc::new(EventCounts::default());
    let table = DynamoDb::start(draw.page_items).await;
    table.fill(TABLE, KEY, draw.items.iter().cloned());
    let bucket = S3::start(&[LAKE]).await;
    let store = S3Store::new(&aws::local(bucket.url()).await, LAKE);
    let planned = plan(&draw, &store, programs, table.url(), bucket.url(), logs).await?;
    let keys = RunKeys::new(PIPELINE, &planned.run);
    let tasks = documents::read(&store, &planned.tasks_key, "the tasks").await;
    let tasks: Vec<ExportTask> = tasks.map_err(|error| error.to_string())?;

    let schedule = Schedule::new(
        Service::DynamoDb,
        draw.dynamodb_rate,
        Duration::from_millis(draw.dynamodb_latency),
        draw.rng.fork(),
    );
    let table_proxy = Proxy::start(table.url(), schedule, events.clone()).await;
    let schedule = Schedule::new(Service::S3, draw.s3_rate, Duration::ZERO, draw.rng.fork());
    let bucket_proxy = Proxy::start(bucket.url(), schedule, events.clone()).await;
    let retries = Retries::of_export_segment(&workspace::state_machine());
    let mut attempts = Vec::new();
    for task in &tasks {
        let is_alone = draw.pace == Pace::Killed && draw.rng.u8(0..3) > 0;
        let at_once = if is_alone { 1 } else { 2 };
        if at_once == 2 {
            events.note(Event::Overlapped);
        }
        for number in 0..at_once {
            let log = logs.join(format!("task-{}-{number}.log", task.index));
            let attempt = Attempt {
                function: function(
                    &programs.export_segment,
                    table_proxy.url(),
                    bucket_proxy.url(),
                    &log,
                ),
                input: json!({ "pipeline": PIPELINE, "run": planned.run, "task": task }),
                retries: retries.clone(),
                pace: draw.pace,
                rng: draw.rng.fork(),
                events: &events,
            };
            attempts.push(attempt.run());
        }
    }
    try_join_all(attempts).await?;
    check(&store, &keys, planned.segments, &draw.items).await?;
    Ok(Report {
        items: draw.items.len(),
        segments: planned.segments,
        tasks: tasks.len(),
        took: begun.elapsed(),
        events,
    })
}

fn function(program: &Path, dynamodb: &str, s3: &str, log: &Path) -> Function {
    let credentials = local_servers::environment().into_iter();
    let environment = [
        ("LAKE_BUCKET", LAKE),
        ("INPUT_MAY_OVERRIDE", "all"),
        ("CAPTURE_MAPPING", ""),
        ("MAP_CONCURRENCY", "40"),
        ("STACK_NAME", "millrace"),
        ("AWS_ENDPOINT_URL_DYNAMODB", dynamodb),
        ("AWS_ENDPOINT_URL_S3", s3),
    ];
    let environment = credentials.chain(environment);
    let owned = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Function::new(program, owned, log)
}

/// Plans by the function that plans.
async fn plan(
    draw: &Draw,
    store: &S3Store,
    programs: &Programs,
    dynamodb: &str,
    s3: &str,
    logs: &Path,
) -> Result<PlanExportOutput, String> {
    let definition = json!({
        "source": { "dynamodb": {
            "table": TABLE,
            "read": { "unlimited": true },
            "segments": draw.segments,
            "segmentsPerTask": draw.segments_per_task,
        } },
        "dataset": { "label": "n" },
        "training": { "image": "none" },
        "promotion": { "metric": "none", "goal": "minimize" },
    });
    let key = lake::keys::definition(PIPELINE);
    let put = store.put(&key, definition.to_string().into()).await;
    put.map_err(|error| error.to_string())?;
    let mut function = function(&programs.plan_export, dynamodb, s3, &logs.join("plan.log"));
    let execution = json!({
        "id": "arn:aws:states:us-east-1:000000000000:execution:retrain:trial",
        "startTime": "2026-11-20T17:30:00Z",
    });
    let input = json!({ "execution": execution, "input": {} });
    let output = function.invoke(input, Duration::from_mins(1)).await;
    let output = output.map_err(|error| format!("planning: {error:?}"))?;
    contract::read::from_value(output).map_err(|error| error.to_string())
}

/// Compares the parts that the manifests list with the table.
async fn check(
    store: &S3Store,
    keys: &RunKeys,
    segments: u32,
    table: &[Value],
) -> Result<(), String> {
    let mut exported = Vec::new();
    let mut listed = BTreeSet::new();
    for number in 0..segments {
        let manifest = segment::manifest(store, keys, number).await;
        let manifest: Option<SegmentRecord<Profile>> =
            manifest.map_err(|error| format!("the manifest of segment {number}: {error}"))?;
        let manifest = manifest.ok_or(format!("segment {number} has no manifest"))?;
        let (mut items, mut raw_bytes, mut checksum) = (0, 0, Checksum::default());
        for part in &manifest.parts {
            if !listed.insert(part.key.clone()) {
                return Err(format!("{} is listed twice", part.key));
            }
            let read = part::read_lines(store, part, |line| {
                items += 1;
                raw_bytes += line.len() as u64 + 1;
                checksum.add_line(line);
                let line: Value = serde_json::from_slice(line).expect("a line is JSON");
                exported.push(canonical(&line["Item"]));
            });
            read.await.map_err(|error| error.to_string())?;
        }
        let totals = &manifest.totals;
        let said = (totals.items, totals.raw_bytes, totals.checksum);
        if said != (items, raw_bytes, checksum) || manifest.profile.items() != items {
            return Err(format!(
                "segment {number} says {said:?} and {} profiled, its parts hold {:?}",
                manifest.profile.items(),
                (items, raw_bytes, checksum)
            ));
        }
        if manifest.cursor.is_some() || manifest.segment != number {
            return Err(format!("the manifest of segment {number} is of another"));
        }
    }
    compare(exported, table.iter().map(canonical).collect())
}

fn compare(mut exported: Vec<String>, mut table: Vec<String>) -> Result<(), String> {
    exported.sort_unstable();
    table.sort_unstable();
    if exported == table {
        return Ok(());
    }
    let doubled = exported
        .windows(2)
        .filter(|pair| pair[0] == pair[1])
        .count();
    let missing = table
        .iter()
        .filter(|item| exported.binary_search(item).is_err())
        .count();
    let strange = exported
        .iter()
        .filter(|item| table.binary_search(item).is_err())
        .count();
    Err(format!(
        "{} items instead of {}: {doubled} doubled, {missing} missing, {strange} that the table does not hold",
        exported.len(),
        table.len()
    ))
}
