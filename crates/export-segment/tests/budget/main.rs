//! The read budget, kept by all tasks of a run together: not more, and not much less, in every
//! window, at the start, when tasks end, and where the table throttles.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a helper's panic fails its test, and its figures are for people"
)]

mod metered;

use contract::Invocation;
use contract::states::{Estimate, ExportSegmentInput, ExportTask, Status};
use export_segment::{Settings, handle};
use futures::future::join_all;
use lake::records::{DynamoDbPlan, Plan, ReadPlan, ScanTotals, SegmentRecord, SourcePlan};
use lake::{MemoryStore, RunKeys, documents, sample, segment};
use metered::MeteredTable;
use profile::Profile;
use serde_json::json;
use std::time::{Duration, SystemTime};
use tokio::sync::Semaphore;
use tokio::time::Instant;

const KIB: u64 = 1024;

struct Run {
    table: MeteredTable,
    budget: f64,
    seconds: f64,
    totals: ScanTotals,
}

fn plan(table: &MeteredTable, per_task: u32, rcu: Option<f64>, is_counted: bool) -> Plan {
    let segments = u32::try_from(table.items.len()).unwrap();
    let definition = json!({
        "source": {"dynamodb": {"table": "t"}},
        "dataset": {"label": "n"},
        "training": {"image": "i"},
        "promotion": {"metric": "m", "goal": "minimize"},
    });
    let tasks = (0..segments.div_ceil(per_task)).map(|index| ExportTask {
        index,
        first_segment: index * per_task,
        segment_count: per_task.min(segments - index * per_task),
    });
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let read_units = if is_counted { table.units() as u64 } else { 0 };
    Plan {
        segments,
        tasks: tasks.collect(),
        source: Some(SourcePlan::DynamoDb(DynamoDbPlan {
            table_arn: None,
            table_id: None,
            changes: None,
            gap: false,
            capture: None,
            projection: Vec::new(),
            read: Some(ReadPlan {
                rcu,
                decision: String::new(),
                concurrency: 40,
                max_units: None,
            }),
        })),
        estimate: Estimate {
            items: table.items.iter().sum(),
            bytes: 0,
            read_units,
            minutes: None,
            cost: None,
        },
        ..sample::plan(definition)
    }
}

/// Calls a task until it is done, as the state machine does.
async fn task(store: &MemoryStore, table: &MeteredTable, plan: &Plan, task: ExportTask) {
    for call in 0.. {
        let input = ExportSegmentInput {
            pipeline: "default".to_owned(),
            run: plan.run.clone(),
            task,
        };
        let invocation = Invocation {
            attempt: format!("{}-{call}", task.index),
            deadline: SystemTime::now() + Duration::from_mins(15),
        };
        let output = handle(store, table, Settings::default(), input, invocation);
        if output.await.unwrap().status == Status::Done {
            return;
        }
    }
}

async fn totals(store: &MemoryStore, keys: &RunKeys, segments: u32) -> ScanTotals {
    let mut totals = ScanTotals::default();
    for number in 0..segments {
        let manifest: Option<SegmentRecord<Profile>> =
            segment::manifest(store, keys, number).await.unwrap();
        totals += manifest.unwrap().totals;
    }
    totals
}

/// Runs all tasks of a plan, as many at once as the plan says.
async fn run_plan(table: MeteredTable, plan: Plan) -> Run {
    let store = MemoryStore::new();
    let keys = plan.keys();
    documents::write(&store, &keys.plan(), &plan).await.unwrap();
    let read = plan.dynamodb().unwrap().1.read.clone().unwrap();
    let at_once = Semaphore::new(read.concurrency as usize);
    let begun = Instant::now();
    join_all(plan.tasks.iter().map(|one| {
        let (store, table, plan, at_once) = (&store, &table, &plan, &at_once);
        async move {
            let _place = at_once.acquire().await.unwrap();
            task(store, table, plan, *one).await;
        }
    }))
    .await;
    let seconds = table.reads().last().unwrap().0 - begun;
    Run {
        totals: totals(&store, &keys, plan.segments).await,
        budget: read.rcu.unwrap_or(f64::INFINITY),
        seconds: seconds.as_secs_f64(),
        table,
    }
}

async fn run(table: MeteredTable, per_task: u32, budget: f64) -> Run {
    let plan = plan(&table, per_task, Some(budget), true);
    run_plan(table, plan).await
}

impl Run {
    /// What was consumed per second, as a part of the budget.
    fn used(&self) -> f64 {
        self.totals.read_units / self.seconds / self.budget
    }

    /// The most that was consumed in any window of these seconds, as a part of the budget.
    fn most(&self, window: Duration) -> f64 {
        let mut reads = self.table.reads();
        reads.sort_unstable_by_key(|(at, _)| *at);
        let mut most: f64 = 0.0;
        let mut within = 0.0;
        let mut first = 0;
        for (at, units) in &reads {
            within += units;
            while *at - reads[first].0 >= window {
                within -= reads[first].1;
                first += 1;
            }
            most = most.max(within);
        }
        most / window.as_secs_f64() / self.budget
    }

    fn is_whole(&self) {
        let consumed: f64 = self.table.reads().iter().map(|(_, units)| units).sum();
        assert!(consumed >= self.table.units());
        assert!((consumed - self.totals.read_units).abs() < 1e-6);
    }

    fn keeps_the_budget(&self, what: &str) {
        self.is_whole();
        let (used, most) = (self.used(), self.most(Duration::from_secs(5)));
        println!(
            "{what}: {:.1} % of {} RCU/s in {:.0} s, {:.1} % in the busiest five seconds",
            used * 100.0,
            self.budget,
            self.seconds,
            most * 100.0
        );
        assert!((0.9..=1.05).contains(&used), "{what}: {used} of the budget");
        assert!(most <= 1.05, "{what}: {most} of the budget in five seconds");
    }
}

#[tokio::test(start_paused = true)]
async fn one_task_of_sixteen_segments_keeps_a_large_budget_and_a_small_one() {
    let items = |count| MeteredTable::new(vec![count; 16], 4 * KIB);
    run(items(30_000), 16, 4000.0)
        .await
        .keeps_the_budget("4,000");
    run(items(8000), 16, 750.0).await.keeps_the_budget("750");
    run(items(1500), 16, 100.0).await.keeps_the_budget("100");
    run(items(60), 16, 5.0).await.keeps_the_budget("5");
}

#[tokio::test(start_paused = true)]
async fn eight_tasks_share_one_budget() {
    let items = |count| MeteredTable::new(vec![count; 64], 4 * KIB);
    run(items(20_000), 8, 6000.0)
        .await
        .keeps_the_budget("6,000");
    run(items(1000), 8, 300.0).await.keeps_the_budget("300");
    run(items(200), 8, 40.0).await.keeps_the_budget("40");
}

#[tokio::test(start_paused = true)]
async fn shares_follow_when_tasks_end() {
    // Each task has twice the items of the one before it: half the time one is alone.
    let items = (0..6).flat_map(|task| [3000_u64 << task; 4]).collect();
    let run = run(MeteredTable::new(items, 4 * KIB), 4, 1000.0).await;
    run.keeps_the_budget("of unequal length");
}

#[tokio::test(start_paused = true)]
async fn a_budget_is_kept_while_more_tasks_wait() {
    let table = MeteredTable::new(vec![8000; 40], 4 * KIB);
    let mut plan = plan(&table, 4, Some(800.0), true);
    let Some(SourcePlan::DynamoDb(of_table)) = &mut plan.source else {
        panic!("the plan is of a table");
    };
    of_table.read.as_mut().unwrap().concurrency = 3;
    run_plan(table, plan)
        .await
        .keeps_the_budget("three at once");
}

#[tokio::test(start_paused = true)]
async fn a_table_that_nobody_has_counted_is_read_as_gently() {
    for (what, item_bytes, items) in [
        ("tiny items", 100, 60_000),
        ("items of 4 KB", 4 * KIB, 2000),
        ("items of 100 KB", 100 * KIB, 80),
    ] {
        let table = MeteredTable::new(vec![items; 16], item_bytes);
        let plan = plan(&table, 16, Some(100.0), false);
        run_plan(table, plan).await.keeps_the_budget(what);
    }
}

#[tokio::test(start_paused = true)]
async fn a_tiny_budget_is_not_lost_to_rounding() {
    // A page of any size consumes half a unit at least: one item at a time would take 40 times as much.
    for is_counted in [true, false] {
        let table = MeteredTable::new(vec![600; 4], 200);
        let plan = plan(&table, 4, Some(2.0), is_counted);
        let run = run_plan(table, plan).await;
        run.is_whole();
        let waste = run.totals.read_units / run.table.units();
        println!(
            "{waste:.2} times the units of whole pages in {:.0} s",
            run.seconds
        );
        assert!(waste < 1.5, "{waste}");
        assert!(run.used() <= 1.05, "{}", run.used());
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_table_is_read_side_by_side() {
    let mut table = MeteredTable::new(vec![4000; 16], 4 * KIB);
    table.latency = Duration::from_millis(300);
    run(table, 16, 500.0).await.keeps_the_budget("slow");
}

#[tokio::test(start_paused = true)]
async fn a_table_that_serves_half_the_budget_is_read_at_about_that() {
    let mut table = MeteredTable::new(vec![8000; 32], 4 * KIB);
    table.serves = Some(500.0);
    let run = run(table, 8, 1000.0).await;
    run.is_whole();
    let served = run.used() * 2.0;
    println!(
        "{:.1} % of what is served, {} throttles in {:.0} s",
        served * 100.0,
        run.table.throttles(),
        run.seconds
    );
    assert!((0.6..=1.02).contains(&served), "{served} of what is served");
    assert_eq!(
        run.totals.throttles,
        run.table.throttles(),
        "the manifests count them"
    );
    let pages = run.table.reads().len() as u64;
    assert!(
        run.table.throttles() * 5 < pages,
        "{} throttles of {pages} pages",
        run.table.throttles()
    );
}

#[tokio::test(start_paused = true)]
async fn without_a_limit_throttles_slow_the_export_down() {
    let mut table = MeteredTable::new(vec![16_000; 16], 4 * KIB);
    table.serves = Some(1000.0);
    let plan = plan(&table, 16, None, true);
    let run = run_plan(table, plan).await;
    run.is_whole();
    let served = run.totals.read_units / run.seconds / 1000.0;
    println!(
        "{:.1} %, {} throttles",
        served * 100.0,
        run.table.throttles()
    );
    assert!((0.6..=1.02).contains(&served), "{served} of what is served");
    let pages = run.table.reads().len() as u64;
    assert!(run.table.throttles() * 5 < pages);
}

#[tokio::test(start_paused = true)]
async fn no_five_seconds_exceed_the_budget_whatever_the_shape() {
    for seed in 0..24 {
        let mut draw = fastrand::Rng::with_seed(seed);
        let segments = draw.usize(1..40);
        let per_task = draw.u32(1..=20);
        let budget = 10.0_f64.powf(1.3 + 2.2 * draw.f64());
        // An item is a twentieth of the budget's second at most: it cannot be read in pieces.
        let largest = (budget * 0.05 * 8192.0).min(400.0 * 1024.0);
        let item_bytes = 50.0 + (largest - 50.0) * draw.f64().powi(3);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let item_bytes = item_bytes as u64;
        // About a minute's work, shared out by chance; some segments are empty.
        let items = (0..segments).map(|_| draw.f64() * draw.f64() - 0.05);
        let units = budget * 60.0 / segments as f64 * 8192.0 / item_bytes as f64;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let items: Vec<u64> = items
            .map(|part| (part.max(0.0) * units * 4.0) as u64)
            .collect();
        let mut table = MeteredTable::new(items, item_bytes);
        table.latency = Duration::from_millis(draw.u64(1..200));
        let is_counted = draw.bool();
        let plan = plan(&table, per_task, Some(budget), is_counted);
        let tasks = plan.tasks.len();
        let run = run_plan(table, plan).await;
        run.is_whole();
        let most = run.most(Duration::from_secs(5));
        println!(
            "{seed}: {:.1} % of {budget:.0}, {} tasks, items of {item_bytes}",
            most * 100.0,
            tasks
        );
        // Of a small budget the least page of a unit is much, and each task may be ahead by one.
        let pages = f64::from(u32::try_from(tasks).unwrap()) / 5.0 / budget;
        assert!(
            most <= 1.05_f64.max(1.01 + pages),
            "{most} with seed {seed}"
        );
    }
}
