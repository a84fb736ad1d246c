//! Whether a run merges changes or exports the whole table, and the reason it gives.

use super::support::{Recovery, Tables, definition, lake_with, of_table, plan_in, plan_on};
use contract::states::{Outcome, PlanExportOutput, Route};
use contract::{ErrorName, Named};
use jiff::Timestamp;
use lake::records::{
    Checksum, Encoding, ExportRecord, Latest, LatestExport, Part, Plan, ScanTotals, SnapshotKind,
    SnapshotRecord,
};
use lake::{MemoryStore, ObjectStore, RunKeys, documents, keys};
use plan_export::PlanExportError;
use serde_json::{Value, json};
use source::Recoverable;

pub const DAY: i64 = 24 * 60 * 60;

pub fn now() -> i64 {
    Timestamp::now().as_second()
}

fn incremental() -> Value {
    let mut definition = definition();
    definition["source"]["dynamodb"]["mode"] = json!("incremental");
    definition
}

pub fn tables() -> Tables {
    Tables {
        bytes: 10 << 30,
        recovery: Recovery::On,
        lines: (0..600)
            .map(|n| format!("{{\"Item\":{{\"rating\":{{\"N\":\"{n}\"}}}}}}"))
            .collect(),
        ..Tables::default()
    }
}

/// A lake whose last run exported the whole table as of this many seconds ago.
async fn after_a_run(tables: &Tables, ago: i64) -> (MemoryStore, RunKeys) {
    let store = lake_with(&incremental()).await;
    let output = plan_on(&store, tables, "arn:first", json!({}))
        .await
        .unwrap();
    assert_eq!(output.route, Route::Export);
    let snapshot = SnapshotRecord {
        run: output.run.clone(),
        as_of: now() - ago,
        items: 1000,
        segments: 1,
        full_as_of: now() - ago,
        generation: 0,
        changed_keys: 0,
        kind: SnapshotKind::Exact,
        capture: None,
        audit: None,
    };
    let run = ended_well(&store, &output, &snapshot).await;
    (store, run)
}

/// Leaves what a planned run leaves that ends well, of which a snapshot says what it is.
pub async fn ended_well(
    store: &MemoryStore,
    output: &PlanExportOutput,
    snapshot: &SnapshotRecord,
) -> RunKeys {
    let run = RunKeys::new(&output.pipeline, &output.run);
    let part = Part {
        key: format!("{}part", run.raw()),
        items: 1000,
        raw_bytes: 1,
        bytes: 10 << 20,
        checksum: Checksum(0),
        encoding: Encoding::Gzip,
    };
    store.put(&part.key, "lines".into()).await.unwrap();
    let export = ExportRecord {
        run: output.run.clone(),
        segments: 1,
        totals: ScanTotals {
            items: 1000,
            ..ScanTotals::default()
        },
        snapshots: None,
        parts: vec![part],
    };
    documents::write(store, &run.export(), &export)
        .await
        .unwrap();
    documents::write(store, &run.snapshot(), snapshot)
        .await
        .unwrap();
    let latest = Latest {
        pipeline: output.pipeline.clone(),
        run: output.run.clone(),
        outcome: Outcome::Deployed,
        started: "2026-11-20T17:30:00Z".to_owned(),
        finished: "2026-11-20T17:40:00Z".to_owned(),
        report: "s3://memory/report.json".to_owned(),
        export: LatestExport {
            table: "interactions".to_owned(),
            items: 1000,
            raw_bytes: 1,
            prefix: "s3://memory/raw/".to_owned(),
            manifest: "s3://memory/export.json".to_owned(),
        },
        dataset: None,
        model: None,
    };
    documents::write(store, &keys::latest(&output.pipeline), &latest)
        .await
        .unwrap();
    run
}

pub async fn second(
    store: &MemoryStore,
    tables: &Tables,
    input: Value,
) -> Result<PlanExportOutput, PlanExportError> {
    tables.read.lock().unwrap().clear();
    plan_on(store, tables, "arn:second", input).await
}

#[tokio::test]
async fn changes_since_the_last_run_are_merged_without_reading_the_table() {
    let tables = tables();
    let (store, run) = after_a_run(&tables, 3 * DAY - 3600).await;
    let output = second(&store, &tables, json!({})).await.unwrap();
    assert_eq!(output.route, Route::Changes, "{}", output.reason);
    assert!(
        output.reason.contains("the 1000 items of run"),
        "{}",
        output.reason
    );
    assert_eq!(output.estimate.read_units, 0);
    assert!(tables.read.lock().unwrap().is_empty(), "no page was read");
    let plan = plan_in(&store, &output).await;
    let changes = of_table(&plan).changes.clone().unwrap();
    assert_eq!((&changes.base.run, changes.windows.len()), (run.run(), 3));
    assert_eq!(changes.windows[0].from, changes.base.as_of);
    assert!((now() - changes.windows[2].to).abs() < 60);
    assert_eq!(changes.whole_refused, None);
    assert!(
        store.get(&output.tasks_key).await.is_err(),
        "its tasks are not known yet"
    );
}

#[tokio::test]
async fn a_changed_definition_is_checked_on_a_sample() {
    let tables = tables();
    let (store, _) = after_a_run(&tables, DAY).await;
    let input = json!({"dataset": {"exclude": ["user_id"]}});
    let output = second(&store, &tables, input).await.unwrap();
    assert_eq!(output.route, Route::Changes);
    assert!(!tables.read.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_run_within_minutes_of_its_base_takes_a_window_that_ends_later() {
    let tables = tables();
    let (store, _) = after_a_run(&tables, 60).await;
    let output = second(&store, &tables, json!({})).await.unwrap();
    let plan = plan_in(&store, &output).await;
    let changes = of_table(&plan).changes.clone().unwrap();
    assert_eq!(changes.windows.len(), 1);
    assert_eq!(changes.windows[0].to - changes.windows[0].from, 900);
}

#[tokio::test]
async fn changes_are_not_taken_from_later_than_can_be_exported() {
    let latest = Some(now() - 1000);
    let tables = Tables {
        recoverable: Recoverable {
            earliest: None,
            latest,
        },
        ..tables()
    };
    let (store, _) = after_a_run(&tables, DAY).await;
    let output = second(&store, &tables, json!({})).await.unwrap();
    let plan = plan_in(&store, &output).await;
    let changes = of_table(&plan).changes.clone().unwrap();
    assert_eq!(changes.windows.last().map(|last| last.to), latest);
}

#[tokio::test]
async fn every_gap_is_filled_by_an_export_of_the_whole_table_that_says_why() {
    type Gap = fn(&mut Tables);
    let off_since: Gap = |tables| {
        tables.recoverable.earliest = Some(now() - 60);
    };
    let anew: Gap = |tables| tables.id = "id-2";
    for (says, ago, gap) in [
        ("was off in between", DAY, off_since),
        ("was created anew", DAY, anew),
        ("exports changes of 35 days", 35 * DAY, |_| {}),
    ] {
        let mut tables = tables();
        let (store, _) = after_a_run(&tables, ago).await;
        gap(&mut tables);
        let output = second(&store, &tables, json!({})).await.unwrap();
        assert_eq!(output.route, Route::Export, "{says}");
        assert!(output.reason.contains(says), "{}", output.reason);
        let plan = plan_in(&store, &output).await;
        assert!(of_table(&plan).changes.is_none() && of_table(&plan).gap);
    }
}

#[tokio::test]
async fn after_some_weeks_what_changes_come_to_is_compared_with_the_whole_table() {
    let tables = tables();
    for (days, due) in [(27, false), (28, true)] {
        let (store, _) = after_a_run(&tables, days * DAY + 60).await;
        let output = second(&store, &tables, json!({})).await.unwrap();
        assert_eq!(output.route, Route::Changes, "{}", output.reason);
        let says = "compared with an export of the whole table: the last export of it";
        assert_eq!(output.reason.contains(says), due, "{}", output.reason);
        let plan = plan_in(&store, &output).await;
        let of_table = of_table(&plan);
        assert_eq!(of_table.changes.as_ref().unwrap().audit, due);
        assert!(!of_table.gap);
        // It costs both.
        let cost = output.estimate.cost.unwrap().total;
        assert_eq!(cost > 1.0, due, "{cost}");
    }
    // Where the limits allow the whole table and not both, it is exported alone.
    let (store, _) = after_a_run(&tables, 28 * DAY + 60).await;
    let input = json!({"limits": {"maxCost": 1.2}});
    let output = second(&store, &tables, input).await.unwrap();
    assert_eq!(output.route, Route::Export, "{}", output.reason);
    assert!(
        output.reason.contains("is 28 days old"),
        "{}",
        output.reason
    );
    let (store, _) = after_a_run(&tables, 28 * DAY + 60).await;
    let input = json!({"limits": {"maxCost": 0.5}});
    let error = second(&store, &tables, input).await.unwrap_err();
    assert_eq!(error.name(), ErrorName::ChangesIncomplete);
}

#[tokio::test]
async fn what_is_gone_or_was_scanned_is_no_base() {
    for (says, remove) in [
        ("not all read as of one moment", "snapshot"),
        ("records of run", "export"),
        ("are gone from the lake", "part"),
        ("no run of the pipeline", "latest"),
    ] {
        let tables = tables();
        let (store, run) = after_a_run(&tables, DAY).await;
        let key = match remove {
            "snapshot" => run.snapshot(),
            "export" => run.export(),
            "part" => format!("{}part", run.raw()),
            _ => keys::latest("default"),
        };
        store.delete(&key).await.unwrap();
        let output = second(&store, &tables, json!({})).await.unwrap();
        assert_eq!(output.route, Route::Export, "{says}");
        assert!(output.reason.contains(says), "{}", output.reason);
        // The first run of a pipeline lacks nothing.
        let plan = plan_in(&store, &output).await;
        assert_eq!(of_table(&plan).gap, remove != "latest", "{says}");
    }
}

#[tokio::test]
async fn another_key_is_no_base() {
    let tables = tables();
    let (store, run) = after_a_run(&tables, DAY).await;
    let mut plan: Plan = documents::read(&store, &run.plan(), "plan").await.unwrap();
    plan.key_attributes = vec!["user_id".to_owned()];
    documents::write(&store, &run.plan(), &plan).await.unwrap();
    let output = second(&store, &tables, json!({})).await.unwrap();
    assert!(
        output.reason.contains("key is another"),
        "{}",
        output.reason
    );
}

#[tokio::test]
async fn a_gap_above_the_limits_is_refused_with_both_reasons() {
    let tables = Tables {
        id: "id-2",
        ..tables()
    };
    let (store, _) = after_a_run(&self::tables(), DAY).await;
    // The whole table costs a dollar.
    let input = json!({"limits": {"maxCost": 0.5}});
    let error = second(&store, &tables, input).await.unwrap_err();
    assert_eq!(error.name(), ErrorName::ChangesIncomplete);
    let words = contract::chain(&error);
    assert!(
        words.contains("created anew") && words.contains("limits.maxCost"),
        "{words}"
    );
    // Where changes can be merged, the plan keeps why the whole table may not be exported.
    let (store, _) = after_a_run(&self::tables(), DAY).await;
    let input = json!({"limits": {"maxCost": 0.5}});
    let output = second(&store, &self::tables(), input).await.unwrap();
    assert_eq!(output.route, Route::Changes);
    let plan = plan_in(&store, &output).await;
    let refused = of_table(&plan)
        .changes
        .clone()
        .unwrap()
        .whole_refused
        .unwrap();
    assert!(refused.contains("limits.maxCost"), "{refused}");
}

#[tokio::test]
async fn without_recovery_there_are_no_changes() {
    let tables = Tables {
        recovery: Recovery::Off,
        ..tables()
    };
    let store = lake_with(&incremental()).await;
    let error = plan_on(&store, &tables, "arn:first", json!({}))
        .await
        .unwrap_err();
    assert_eq!(error.name(), ErrorName::InvalidDefinition);
    let words = contract::chain(&error);
    assert!(words.contains("update-continuous-backups"), "{words}");
}
