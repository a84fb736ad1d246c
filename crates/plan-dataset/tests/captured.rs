//! What a run says of its items whose table's changes are captured, and what follows if they do not
//! fit.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

use contract::states::{AfterExport, ExportTask, PlanDatasetOutput, Route, RunInput};
use contract::{ErrorName, Invocation, Named};
use lake::records::{
    CaptureSource, CapturedChanges, ChangeView, ChangedRecord, ChangesRecord, Checksum, Plan,
    PlannedChanges, SegmentRecord, SnapshotKind, SnapshotRecord, SourcePlan, WholeExport,
    WholePlan,
};
use lake::{MemoryStore, RunKeys, documents, sample, segment};
use plan_dataset::PlanDatasetError;
use profile::Profile;
use serde_json::json;
use std::time::{Duration, SystemTime};

fn capture() -> CaptureSource {
    CaptureSource {
        stream_arn: "arn:stream".to_owned(),
        mapping: "m-1".to_owned(),
        listed_at: 1_795_860_000,
    }
}

/// The plan of a run of two segments.
fn plan(route: Route, captured: bool) -> Plan {
    let definition = json!({
        "source": {"dynamodb": {
            "table": "t", "mode": "incremental", "changes": {"from": "stream"},
        }},
        // It ends with the export.
        "dataset": null, "training": null, "promotion": null,
    });
    let mut plan = Plan {
        route,
        segments: 2,
        tasks: ExportTask::share(2, 1),
        ..sample::plan(definition)
    };
    let Some(SourcePlan::DynamoDb(of_table)) = &mut plan.source else {
        panic!("a plan of a table");
    };
    of_table.capture = captured.then(capture);
    plan
}

async fn segments(store: &MemoryStore, keys: &RunKeys, numbers: std::ops::Range<u32>) {
    for number in numbers {
        let record = SegmentRecord::new(number, 2, Profile::new());
        segment::commit(store, keys, 0, &record, None)
            .await
            .unwrap();
    }
}

async fn call(store: &MemoryStore, plan: &Plan) -> Result<PlanDatasetOutput, PlanDatasetError> {
    let input = RunInput {
        pipeline: plan.definition.pipeline.clone(),
        run: plan.run.clone(),
    };
    let time = Invocation {
        attempt: "a".to_owned(),
        deadline: SystemTime::now() + Duration::from_mins(10),
    };
    plan_dataset::handle(store, 1, input, time).await
}

async fn snapshot(store: &MemoryStore, keys: &RunKeys) -> Option<SnapshotRecord> {
    documents::read_if_there(store, &keys.snapshot(), "snapshot")
        .await
        .unwrap()
}

#[tokio::test]
async fn a_scan_is_a_base_only_if_the_capture_was_there_before() {
    for captured in [true, false] {
        let (store, plan) = (MemoryStore::new(), plan(Route::Scan, captured));
        let keys = plan.keys();
        documents::write(&store, &keys.plan(), &plan).await.unwrap();
        segments(&store, &keys, 0..2).await;
        assert_eq!(call(&store, &plan).await.unwrap().then, AfterExport::End);
        let found = snapshot(&store, &keys).await;
        assert_eq!(found.is_some(), captured);
        let Some(found) = found else { continue };
        let SnapshotKind::Fuzzy(read) = found.kind else {
            panic!("{found:?}");
        };
        assert_eq!(read.from, capture().listed_at);
        assert!(read.to > read.from);
        assert_eq!((found.capture, found.segments), (Some(capture()), 2));
    }
}

/// A run whose captured changes do not follow from each other.
async fn disagreeing(whole: Option<WholePlan>) -> (MemoryStore, Plan, RunKeys) {
    let (store, mut plan) = (MemoryStore::new(), plan(Route::Stream, true));
    let keys = plan.keys();
    let base = SnapshotRecord {
        run: plan.run.clone(),
        as_of: 0,
        items: 0,
        segments: 2,
        full_as_of: 0,
        generation: 0,
        changed_keys: 0,
        kind: SnapshotKind::Exact,
        capture: Some(capture()),
        audit: None,
    };
    let Some(SourcePlan::DynamoDb(of_table)) = &mut plan.source else {
        panic!("a plan of a table");
    };
    let refused = whole
        .is_none()
        .then(|| "above limits.maxReadUnits".to_owned());
    of_table.changes = Some(PlannedChanges {
        base: base.clone(),
        windows: Vec::new(),
        whole_refused: refused,
        whole,
        audit: false,
    });
    documents::write(&store, &keys.plan(), &plan).await.unwrap();
    let changes = ChangesRecord {
        key_attributes: vec!["id".to_owned()],
        view: ChangeView::NewAndOldImages,
        base,
        segments: vec![Vec::new(), Vec::new()],
        windows: Vec::new(),
        captured: Some(CapturedChanges {
            source: capture(),
            objects: Vec::new(),
            keep_expired: false,
            settles: true,
        }),
        audit: false,
    };
    documents::write(&store, &keys.changes(), &changes)
        .await
        .unwrap();
    let compacted = ChangedRecord {
        key: keys.changed_keys("a"),
        keys: 1,
        checksum: Checksum(0),
        replaced: 0,
        removed: 1,
        changes: 2,
        disagreed: 1,
        examples: vec!["{\"id\":{\"N\":\"7\"}}".to_owned()],
        always: Some(0),
        applied: None,
    };
    documents::write(&store, &keys.changed(), &compacted)
        .await
        .unwrap();
    segments(&store, &keys, 0..3).await;
    (store, plan, keys)
}

#[tokio::test]
async fn the_table_is_scanned_in_the_same_run_where_changes_do_not_fit() {
    let whole = WholePlan {
        route: Route::Scan,
        first_segment: 3,
        segments: 2,
        tasks: Vec::new(),
        read: None,
    };
    let (store, plan, keys) = disagreeing(Some(whole)).await;
    for _ in 0..2 {
        let output = call(&store, &plan).await.unwrap();
        assert_eq!(output.then, AfterExport::ExportWhole);
        assert_eq!(snapshot(&store, &keys).await, None);
    }
    let why: WholeExport = documents::read(&store, &keys.whole_export(), "why")
        .await
        .unwrap();
    assert!(why.reason.contains("changes are missing"), "{}", why.reason);
    segments(&store, &keys, 3..5).await;
    assert_eq!(call(&store, &plan).await.unwrap().then, AfterExport::End);
    let found = snapshot(&store, &keys).await.unwrap();
    assert_eq!((found.generation, found.segments), (0, 2));
    assert!(matches!(found.kind, SnapshotKind::Fuzzy(_)));
}

#[tokio::test]
async fn changes_that_do_not_fit_fail_where_the_whole_table_may_not_be_read() {
    let (store, plan, _) = disagreeing(None).await;
    let error = call(&store, &plan).await.unwrap_err();
    assert_eq!(error.name(), ErrorName::ChangesIncomplete);
    let words = contract::chain(&error);
    assert!(
        words.contains("changes are missing") && words.contains("limits.maxReadUnits"),
        "{words}"
    );
}
