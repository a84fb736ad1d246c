//! Exporting a table in memory to a lake in memory: that the parts hold exactly the table, whatever
//! stops, fails or overlaps.
#![allow(clippy::unwrap_used)] // helpers of tests may unwrap as the tests do

use contract::states::{ExportSegmentInput, ExportSegmentOutput, ExportTask, Route, Status};
use contract::{ErrorName, Invocation, Named, RunId};
use export_segment::{ExportSegmentError, Settings, handle};
use lake::records::{
    Plan, PlannedChanges, SegmentRecord, SnapshotKind, SnapshotRecord, SourcePlan, WholeExport,
    WholePlan,
};
use lake::{MemoryStore, ObjectStore, RunKeys, documents, native, part, sample, segment};
use profile::Profile;
use serde_json::json;
use source::memory::MemoryTable;
use std::time::{Duration, SystemTime};

const TASK: ExportTask = ExportTask {
    index: 0,
    first_segment: 0,
    segment_count: 3,
};

fn lines(count: u32) -> Vec<Vec<u8>> {
    let line = |n| format!("{{\"Item\":{{\"id\":{{\"S\":\"é{n}\"}},\"n\":{{\"N\":\"{n}\"}}}}}}\n");
    (0..count).map(|n| line(n).into_bytes()).collect()
}

fn run() -> RunId {
    RunId::parse("20261120-173000-1a2b3c4d").unwrap()
}

async fn planned() -> (MemoryStore, RunKeys) {
    let store = MemoryStore::new();
    let definition = json!({
        "source": {"dynamodb": {"table": "t"}},
        "dataset": {"label": "n"},
        "training": {"image": "i"},
        "promotion": {"metric": "m", "goal": "minimize"},
    });
    let plan = Plan {
        segments: 3,
        tasks: vec![TASK],
        ..sample::plan(definition)
    };
    let keys = plan.keys();
    documents::write(&store, &keys.plan(), &plan).await.unwrap();
    (store, keys)
}

async fn export(
    store: &MemoryStore,
    table: &MemoryTable,
    attempt: &str,
    left: Duration,
    part_bytes: u64,
) -> Result<ExportSegmentOutput, ExportSegmentError> {
    let input = ExportSegmentInput {
        pipeline: "default".to_owned(),
        run: run(),
        task: TASK,
    };
    let invocation = Invocation {
        attempt: attempt.to_owned(),
        deadline: SystemTime::now() + left,
    };
    let settings = Settings {
        part_bytes,
        ..Settings::default()
    };
    handle(store, table, settings, input, invocation).await
}

/// Reads back everything that the manifests list, sorted, and checks the counts by it.
async fn exported(store: &MemoryStore, keys: &RunKeys) -> Vec<Vec<u8>> {
    let mut lines = Vec::new();
    for number in 0..3 {
        let manifest: SegmentRecord<Profile> = segment::manifest(store, keys, number)
            .await
            .unwrap()
            .expect("the segment is whole");
        let before = lines.len();
        for listed in &manifest.parts {
            part::read_lines(store, listed, |line| lines.push([line, b"\n"].concat()))
                .await
                .unwrap();
        }
        let items = (lines.len() - before) as u64;
        assert_eq!(manifest.totals.items, items);
        assert_eq!(
            manifest.profile.items(),
            items,
            "every item was profiled once"
        );
    }
    lines.sort_unstable();
    lines
}

/// Objects that are parts, listed by a manifest or not.
async fn parts_in(store: &MemoryStore) -> usize {
    let objects = store.list("raw/default/").await.unwrap();
    objects
        .iter()
        .filter(|object| object.key.contains("/part-"))
        .count()
}

fn sorted(mut lines: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    lines.sort_unstable();
    lines
}

const AGES: Duration = Duration::from_hours(1);

#[tokio::test]
async fn a_table_is_exported_whole_in_parts() {
    let (store, keys) = planned().await;
    let table = MemoryTable::new("t", lines(500), 7);
    let output = export(&store, &table, "a", AGES, 2000).await.unwrap();
    assert_eq!(
        (output.status, output.segments_done, output.items),
        (Status::Done, 3, 500)
    );
    assert_eq!(exported(&store, &keys).await, sorted(lines(500)));
    let parts = parts_in(&store).await;
    assert!(parts > 6, "parts end at 2,000 bytes: {parts}");
}

#[tokio::test]
async fn a_table_with_fewer_items_than_segments_is_exported_whole() {
    let (store, keys) = planned().await;
    let table = MemoryTable::new("t", lines(1), 7);
    assert_eq!(
        export(&store, &table, "a", AGES, 2000)
            .await
            .unwrap()
            .status,
        Status::Done
    );
    assert_eq!(exported(&store, &keys).await, lines(1));
}

#[tokio::test]
async fn without_time_each_call_moves_on_and_nothing_is_lost_or_doubled() {
    let (store, keys) = planned().await;
    let table = MemoryTable::new("t", lines(100), 5);
    let mut calls = 0;
    let mut items = 0;
    loop {
        calls += 1;
        let attempt = format!("attempt{calls}");
        let output = export(&store, &table, &attempt, Duration::ZERO, u64::MAX)
            .await
            .unwrap();
        assert!(output.items >= items, "progress is never lost");
        items = output.items;
        if output.status == Status::Done {
            break;
        }
    }
    assert!(calls > 5, "a page or so a call: {calls}");
    assert_eq!(exported(&store, &keys).await, sorted(lines(100)));
    // And once more: nothing changes.
    let before = store.list("").await.unwrap();
    let output = export(&store, &table, "late", AGES, u64::MAX)
        .await
        .unwrap();
    assert_eq!((output.status, output.items), (Status::Done, 100));
    assert_eq!(store.list("").await.unwrap(), before);
}

#[tokio::test(start_paused = true)]
async fn throttled_pages_cost_time_and_nothing_else() {
    let (store, keys) = planned().await;
    let table = MemoryTable::new("t", lines(300), 5);
    table.throttle(20);
    let output = export(&store, &table, "a", AGES, 500).await.unwrap();
    assert_eq!(output.status, Status::Done);
    assert_eq!(exported(&store, &keys).await, sorted(lines(300)));
    let mut throttles = 0;
    for number in 0..3 {
        let manifest: SegmentRecord<Profile> = segment::manifest(&store, &keys, number)
            .await
            .unwrap()
            .unwrap();
        throttles += manifest.totals.throttles;
        assert!(manifest.totals.first_read_ms <= manifest.totals.last_read_ms);
        assert!(manifest.totals.first_read_ms.is_some());
    }
    assert_eq!(throttles, 20, "the manifests count them");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_throttled_to_its_end_commits_what_it_has() {
    let (store, keys) = planned().await;
    let table = MemoryTable::new("t", lines(300), 5);
    let minute = Duration::from_mins(1);
    table.throttle(u32::MAX);
    let error = export(&store, &table, "first", minute, 500)
        .await
        .unwrap_err();
    assert_eq!(
        error.name(),
        ErrorName::Throttled,
        "not one page could be read"
    );
    table.throttle_after(10, u32::MAX);
    let output = export(&store, &table, "second", minute, 500).await.unwrap();
    assert_eq!(output.status, Status::InProgress);
    assert!((20..=50).contains(&output.items), "{}", output.items);
    table.throttle(0);
    export(&store, &table, "last", AGES, 500).await.unwrap();
    assert_eq!(exported(&store, &keys).await, sorted(lines(300)));
}

#[tokio::test]
async fn two_attempts_at_once_export_every_item_once() {
    let (store, keys) = planned().await;
    let table = MemoryTable::new("t", lines(400), 3);
    let (one, two) = tokio::join!(
        export(&store, &table, "one", AGES, 700),
        export(&store, &table, "two", AGES, 900),
    );
    assert_eq!(
        (one.unwrap().status, two.unwrap().status),
        (Status::Done, Status::Done)
    );
    assert_eq!(exported(&store, &keys).await, sorted(lines(400)));
    let mut listed = 0;
    for number in 0..3 {
        let manifest: SegmentRecord<Profile> = segment::manifest(&store, &keys, number)
            .await
            .unwrap()
            .unwrap();
        listed += manifest.parts.len();
    }
    let parts = parts_in(&store).await;
    assert_eq!(parts, listed, "the loser's parts are gone");
}

#[tokio::test]
async fn a_task_of_another_plan_is_refused() {
    let (store, _) = planned().await;
    let task = ExportTask {
        segment_count: 2,
        ..TASK
    };
    let input = ExportSegmentInput {
        pipeline: "default".to_owned(),
        run: run(),
        task,
    };
    let invocation = Invocation {
        attempt: "a".to_owned(),
        deadline: SystemTime::now() + AGES,
    };
    let table = MemoryTable::new("t", lines(1), 1);
    let error = handle(&store, &table, Settings::default(), input, invocation)
        .await
        .unwrap_err();
    assert_eq!(error.name(), ErrorName::InvalidRequest);
}

#[tokio::test]
async fn a_scan_in_place_of_changes_has_segments_of_its_own() {
    let (store, keys) = planned().await;
    let mut plan: Plan = documents::read(&store, &keys.plan(), "plan").await.unwrap();
    let definition = json!({
        "source": {"dynamodb": {
            "table": "t", "mode": "incremental", "changes": {"from": "stream"},
        }},
    });
    plan.definition = serde_json::from_value(definition).unwrap();
    plan.route = Route::Stream;
    // Two segments are merged, and the changed items are a third one.
    plan.segments = 2;
    plan.tasks = ExportTask::share(2, 1);
    let task = ExportTask {
        index: 0,
        first_segment: 3,
        segment_count: 4,
    };
    let base = SnapshotRecord {
        run: run(),
        as_of: 0,
        items: 0,
        segments: 2,
        full_as_of: 0,
        generation: 0,
        changed_keys: 0,
        kind: SnapshotKind::Exact,
        capture: None,
        audit: None,
    };
    let Some(SourcePlan::DynamoDb(of_table)) = &mut plan.source else {
        panic!("a plan of a table");
    };
    of_table.changes = Some(PlannedChanges {
        base,
        windows: Vec::new(),
        whole_refused: None,
        whole: Some(WholePlan {
            route: Route::Scan,
            first_segment: 3,
            segments: 4,
            tasks: vec![task],
            read: None,
        }),
        audit: false,
    });
    documents::write(&store, &keys.plan(), &plan).await.unwrap();
    let why = WholeExport {
        reason: "changes are missing".to_owned(),
        gap: true,
        merged: None,
    };
    documents::write(&store, &keys.whole_export(), &why)
        .await
        .unwrap();
    assert_eq!(native::route(&store, &plan).await.unwrap(), Route::Scan);
    assert_eq!(native::segments(&store, &plan).await.unwrap(), 3..7);

    let table = MemoryTable::new("t", lines(50), 3);
    let input = ExportSegmentInput {
        pipeline: "default".to_owned(),
        run: plan.run.clone(),
        task,
    };
    let invocation = Invocation {
        attempt: "a".to_owned(),
        deadline: SystemTime::now() + Duration::from_mins(15),
    };
    let output = handle(&store, &table, Settings::default(), input, invocation).await;
    assert_eq!(output.unwrap().status, Status::Done);
    let mut scanned = Vec::new();
    for number in 3..7 {
        let manifest: Option<SegmentRecord<Profile>> =
            segment::manifest(&store, &keys, number).await.unwrap();
        for listed in &manifest.unwrap().parts {
            part::read_lines(&store, listed, |line| scanned.push([line, b"\n"].concat()))
                .await
                .unwrap();
        }
    }
    assert_eq!(sorted(scanned), sorted(lines(50)));
    // A task of the merged segments is none of the scan.
    let input = ExportSegmentInput {
        pipeline: "default".to_owned(),
        run: plan.run.clone(),
        task: plan.tasks[0],
    };
    let invocation = Invocation {
        attempt: "b".to_owned(),
        deadline: SystemTime::now() + Duration::from_mins(15),
    };
    let error = handle(&store, &table, Settings::default(), input, invocation).await;
    assert_eq!(error.unwrap_err().name(), ErrorName::InvalidRequest);
}
