//! The data is judged before training, over a lake in memory; the report is written also when the
//! run ends there.
#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests may unwrap as the tests do"
)]

use contract::states::{AfterExport, PlanDatasetOutput, RunInput};
use contract::{ErrorName, Invocation, Named, RunId};
use dataset::Quality;
use dynamodb_json::Lines;
use lake::records::{Encoding, ExportRecord, Part, ScanTotals, SegmentRecord};
use lake::{MemoryStore, ObjectStore, RunKeys, documents, keys, segment};
use plan_dataset::PlanDatasetError;
use profile::{Profile, Statistics};
use serde_json::{Value, json};
use std::time::{Duration, SystemTime};
use twox_hash::XxHash3_64;

const CHAMPION: &str = "20261119-173000-1a2b3c4d";
const NOW: &str = "20261120-173000-1a2b3c4d";

fn keys_of(run: &str) -> RunKeys {
    RunKeys::new("default", &RunId::parse(run).unwrap())
}

fn rating(at: u32) -> Value {
    json!({ "user": { "S": format!("u{}", at % 9) }, "rating": { "N": (at % 5).to_string() }, "age": { "N": (at % 50).to_string() } })
}

/// Writes a run's export to the lake: a plan, and two segments.
async fn export(store: &MemoryStore, run: &str, gate: Value, items: &[Value]) {
    let definition = json!({
        "source": {"dynamodb": {"table": "t"}}, "dataset": {"label": "rating", "gate": gate},
        "training": {"image": "i"}, "promotion": {"metric": "m", "goal": "minimize"},
    });
    export_for(store, run, definition, items).await;
}

/// The same, for a definition that may end earlier.
async fn export_for(store: &MemoryStore, run: &str, definition: Value, items: &[Value]) {
    let keys = keys_of(run);
    let plan = json!({
        "run": run, "execution": "arn:e", "started": "2026-11-20T17:30:00Z",
        "definition": definition,
        "keyAttributes": ["user"], "route": "Scan", "reason": "a test", "segments": 2, "tasks": [],
        "estimate": {"items": 0, "bytes": 0, "readUnits": 0},
    });
    documents::write(store, &keys.plan(), &plan).await.unwrap();
    for number in 0..2 {
        let mut profile = Profile::new();
        let mut lines = Lines::new();
        for item in items.iter().skip(number as usize).step_by(2) {
            let line = json!({ "Item": item }).to_string();
            lines.push_line(line.as_bytes()).unwrap();
            let hash = XxHash3_64::oneshot(line.as_bytes());
            profile.sample(hash, line.as_bytes());
        }
        profile.observe_lines(&lines);
        let totals = ScanTotals {
            items: profile.items(),
            ..ScanTotals::default()
        };
        let record = SegmentRecord {
            parts: vec![Part {
                key: keys.part(number, 0, "a"),
                items: totals.items,
                raw_bytes: 0,
                bytes: 0,
                checksum: totals.checksum,
                encoding: Encoding::default(),
            }],
            totals,
            ..SegmentRecord::new(number, 2, profile)
        };
        segment::commit(store, &keys, 0, &record, None)
            .await
            .unwrap();
    }
}

async fn plan(store: &MemoryStore, run: &str) -> Result<PlanDatasetOutput, PlanDatasetError> {
    let input = RunInput {
        pipeline: "default".to_owned(),
        run: RunId::parse(run).unwrap(),
    };
    let invocation = Invocation {
        attempt: "a".to_owned(),
        deadline: SystemTime::now() + Duration::from_mins(15),
    };
    plan_dataset::handle(store, 40, input, invocation).await
}

/// Makes a planned run the champion.
async fn crown(store: &MemoryStore, run: &str, columns: &[&str]) {
    let paths: Vec<_> = columns
        .iter()
        .map(|path| json!({ "path": path, "encoding": "number" }))
        .collect();
    let dataset = json!({ "run": run, "rows": {"train": 1, "validation": 0, "rejected": 0}, "channels": [],
        "contentType": "text/csv", "columns": {"columns": paths}, "files": [] });
    documents::write(store, &keys_of(run).dataset(), &dataset)
        .await
        .unwrap();
    let champion = json!({ "run": run, "stack": "shop", "metric": "m", "value": 1, "model": "m", "endpointConfig": "c",
        "endpoint": "e", "dataset": "d" });
    documents::write(store, &keys::champion("default"), &champion)
        .await
        .unwrap();
}

async fn quality(store: &MemoryStore, run: &str) -> Quality {
    documents::read(store, &keys_of(run).quality(), "the quality")
        .await
        .unwrap()
}

async fn attributes(store: &MemoryStore, run: &str) -> Vec<String> {
    let profile: Statistics = documents::read(store, &keys_of(run).profile(), "the profile")
        .await
        .unwrap();
    profile.attributes.into_keys().collect()
}

fn all() -> Vec<Value> {
    (0..400).map(rating).collect()
}

#[tokio::test]
async fn a_first_run_is_described_and_compared_with_nothing() {
    let store = MemoryStore::new();
    export(&store, NOW, json!({}), &all()).await;
    let output = plan(&store, NOW).await.unwrap();
    assert_eq!((output.items, output.columns), (400, 2));
    let quality = quality(&store, NOW).await;
    assert!(quality.passed() && !quality.gate.is_empty() && quality.drift.is_none());
    assert_eq!(
        (quality.label.as_deref(), quality.columns.len()),
        (Some("rating"), 2)
    );
    assert_eq!(
        quality.comparison,
        "compared with nothing: no model serves yet"
    );
    let profile: Statistics = documents::read(&store, &keys_of(NOW).profile(), "the profile")
        .await
        .unwrap();
    assert_eq!((profile.items, profile.sampled), (400, 400));
    // Called again, it answers the same.
    assert_eq!(plan(&store, NOW).await.unwrap(), output);
}

#[tokio::test]
async fn a_broken_gate_reports_everything_and_writes_the_report() {
    let store = MemoryStore::new();
    let mut items = all();
    items[0]["<b>&"] = json!({ "N": "1" });
    let gate = json!({ "minimumRows": 1000, "columns": { "age": { "maximum": 40 } } });
    export(&store, NOW, gate, &items).await;
    let error = plan(&store, NOW).await.unwrap_err();
    assert_eq!(error.name(), ErrorName::QualityGateFailed);
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(
        cause,
        "the data fails 2 checks of the quality gate: the number of items is 400, and `dataset.gate.minimumRows` is 1000; \
         `age`: the greatest number is 49, and `dataset.gate.columns.age.maximum` is 40"
    );
    let quality = quality(&store, NOW).await;
    assert!(!quality.passed());
    assert!(
        quality.gate.iter().any(|verdict| verdict.passed),
        "what holds is told as well"
    );
    let failed = quality.gate.iter().filter(|verdict| !verdict.passed);
    assert_eq!((failed.count(), quality.gate.len()), (2, 4));
    assert!(attributes(&store, NOW).await.contains(&"<b>&".to_owned()));
    assert!(
        store.get(&keys_of(NOW).dataset_plan()).await.is_err(),
        "nothing is planned"
    );
}

#[tokio::test]
async fn columns_that_cannot_be_planned_leave_the_report_too() {
    let store = MemoryStore::new();
    let items: Vec<_> = (0..20).map(|_| json!({ "user": { "S": "u" } })).collect();
    export(&store, NOW, json!({}), &items).await;
    assert_eq!(
        plan(&store, NOW).await.unwrap_err().name(),
        ErrorName::AttributeMissing
    );
    assert!(quality(&store, NOW).await.columns.is_empty());
    assert_eq!(attributes(&store, NOW).await, ["user"]);
}

#[tokio::test]
async fn a_run_is_compared_with_the_champions() {
    let store = MemoryStore::new();
    let mut before = all();
    for item in &mut before {
        item["old"] = json!({ "N": "1" });
    }
    export(&store, CHAMPION, json!({}), &before).await;
    plan(&store, CHAMPION).await.unwrap();
    crown(&store, CHAMPION, &["age", "user"]).await;
    let moved = (0..300).map(|at| {
        let mut item = rating(at);
        item["age"] = json!({ "N": (at % 25).to_string() });
        item["user"] = json!({ "S": format!("v{}", at % 9) });
        item
    });
    let moved: Vec<_> = moved.collect();
    export(&store, NOW, json!({}), &moved).await;
    plan(&store, NOW).await.unwrap();
    let quality = quality(&store, NOW).await;
    assert_eq!(
        quality.comparison,
        format!("compared with run {CHAMPION}, whose model serves")
    );
    let drift = quality.drift.unwrap();
    assert_eq!((drift.items.before, drift.items.now), (400, 300));
    assert_eq!(
        (drift.vanished, drift.new),
        (vec!["old".to_owned()], Vec::new())
    );
    assert!(drift.attributes["age"].psi.unwrap() > 0.25);
    assert!(drift.attributes["rating"].psi.unwrap() < 0.01);
    assert!((drift.attributes["user"].new_values.unwrap() - 1.0).abs() < 1e-9);
}

#[tokio::test]
async fn a_column_that_has_vanished_and_drift_beyond_its_limit_end_the_run() {
    let store = MemoryStore::new();
    let mut before = all();
    for item in &mut before {
        item["old"] = json!({ "N": "1" });
    }
    export(&store, CHAMPION, json!({}), &before).await;
    plan(&store, CHAMPION).await.unwrap();
    crown(&store, CHAMPION, &["age", "old", "user"]).await;
    let gate = json!({ "drift": { "maximumRowDrop": 0.1 } });
    export(&store, NOW, gate, &all()[..300]).await;
    let error = plan(&store, NOW).await.unwrap_err();
    assert_eq!(error.name(), ErrorName::QualityGateFailed);
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(
        cause.contains("fails 2 checks")
            && cause.contains("`old`")
            && cause.contains("of 400 items that is gone is 0.25"),
        "{cause}"
    );
}

#[tokio::test]
async fn a_champion_without_a_profile_is_reported() {
    let store = MemoryStore::new();
    crown(&store, CHAMPION, &["age"]).await;
    export(&store, NOW, json!({ "drift": { "maximumPsi": 0 } }), &all()).await;
    plan(&store, NOW).await.unwrap();
    let quality = quality(&store, NOW).await;
    assert!(quality.drift.is_none());
    assert!(
        quality.comparison.contains("has no profile any more"),
        "{}",
        quality.comparison
    );
}

/// Lets the record of the newest good data lead to a run that was planned.
async fn make_newest(store: &MemoryStore, run: &str) {
    let latest = json!({
        "pipeline": "default", "run": run, "outcome": "Exported", "started": "s", "finished": "f",
        "report": "r", "export": {"table": "t", "items": 1, "rawBytes": 1, "prefix": "p", "manifest": "m"},
    });
    documents::write(store, &keys::latest("default"), &latest)
        .await
        .unwrap();
}

fn export_only(gate: &Value) -> Value {
    json!({ "source": {"dynamodb": {"table": "t"}}, "gate": gate })
}

#[tokio::test]
async fn an_export_of_which_no_dataset_is_made_is_checked_and_recorded() {
    let store = MemoryStore::new();
    let definition = json!({
        "source": {"dynamodb": {"table": "t", "projection": ["age", "agee", "rating", "user"]}},
    });
    export_for(&store, NOW, definition, &all()).await;
    let output = plan(&store, NOW).await.unwrap();
    assert_eq!((output.items, output.then), (400, AfterExport::End));
    assert_eq!((output.columns, output.shards), (0, 0));
    let shards: Vec<u32> = documents::read(&store, &output.shards_key, "the shards")
        .await
        .unwrap();
    assert!(shards.is_empty());
    let record: ExportRecord = documents::read(&store, &keys_of(NOW).export(), "the export")
        .await
        .unwrap();
    assert_eq!((record.segments, record.totals.items), (2, 400));
    let parts: Vec<_> = record.parts.iter().map(|part| part.key.as_str()).collect();
    let expected = [0, 1].map(|number| keys_of(NOW).part(number, 0, "a"));
    assert_eq!(parts, expected);
    let quality = quality(&store, NOW).await;
    assert_eq!((quality.label, quality.columns.len()), (None, 0));
    assert!(quality.gate.is_empty());
    assert_eq!(
        quality.comparison,
        "compared with nothing: this is the first good data"
    );
    assert_eq!(
        quality.notes,
        ["`agee`, which `source.dynamodb.projection[1]` names, occurs in no item"]
    );
    let found = attributes(&store, NOW).await;
    assert!(found.contains(&"rating".to_owned()), "{found:?}");
    assert_eq!(plan(&store, NOW).await.unwrap(), output, "called again");
}

#[tokio::test]
async fn a_gate_on_items_ends_an_export_with_all_bounds_that_are_broken() {
    let store = MemoryStore::new();
    export_for(&store, CHAMPION, export_only(&json!({})), &all()).await;
    plan(&store, CHAMPION).await.unwrap();
    make_newest(&store, CHAMPION).await;
    let gate = json!({
        "minimumItems": 300, "maximumItems": 100, "maximumItemDrop": 0.4,
        "attributes": {"age": {"maximum": 20, "maximumMissing": 0}, "gone": {"maximumMissing": 0.5}},
    });
    export_for(&store, NOW, export_only(&gate), &all()[..200]).await;
    let error = plan(&store, NOW).await.unwrap_err();
    assert_eq!(error.name(), ErrorName::QualityGateFailed);
    let text = contract::chain(&error);
    for broken in [
        "fails 5 checks",
        "the number of items is 200, and `gate.minimumItems` is 300",
        "the number of items is 200, and `gate.maximumItems` is 100",
        "the share of 400 items that is gone is 0.5, and `gate.maximumItemDrop` is 0.4",
        "`age`: the greatest number is 49, and `gate.attributes.age.maximum` is 20",
        "`gone`: the share of items in which it is missing is 1, and `gate.attributes.gone.maximumMissing` is 0.5",
    ] {
        assert!(text.contains(broken), "{broken} is not in {text}");
    }
    let quality = quality(&store, NOW).await;
    assert_eq!(quality.gate.len(), 6, "{:?}", quality.gate);
    let said = format!("compared with run {CHAMPION}, the newest good one");
    assert_eq!(quality.comparison, said);
    let recorded = store.get(&keys_of(NOW).export()).await;
    assert!(recorded.is_err(), "an export that failed its gate is none");
}

#[tokio::test]
async fn without_a_model_that_serves_a_dataset_is_compared_with_the_newest_one() {
    let store = MemoryStore::new();
    let definition = |gate: Value| {
        json!({
            "source": {"dynamodb": {"table": "t"}}, "dataset": {"label": "rating", "gate": gate},
        })
    };
    export_for(&store, CHAMPION, definition(json!({})), &all()).await;
    let output = plan(&store, CHAMPION).await.unwrap();
    assert_eq!((output.columns, output.then), (2, AfterExport::Continue));
    make_newest(&store, CHAMPION).await;
    // It made no dataset, as far as the lake says.
    export_for(&store, NOW, definition(json!({})), &all()).await;
    plan(&store, NOW).await.unwrap();
    let said = quality(&store, NOW).await.comparison;
    assert!(said.contains("no profile or no dataset"), "{said}");

    let dataset = json!({ "run": CHAMPION, "rows": {"train": 1, "validation": 0, "rejected": 0},
        "channels": [], "contentType": "text/csv", "files": [],
        "columns": {"columns": [{"path": "user", "encoding": "ordinal"}]} });
    documents::write(&store, &keys_of(CHAMPION).dataset(), &dataset)
        .await
        .unwrap();
    // A column more than before is nobody's request, and ends no run; fewer items do.
    let later = "20261121-173000-1a2b3c4d";
    export_for(&store, later, definition(json!({})), &all()).await;
    assert_eq!(plan(&store, later).await.unwrap().columns, 2);
    let last = "20261122-173000-1a2b3c4d";
    let drop = json!({"drift": {"maximumRowDrop": 0.1}});
    export_for(&store, last, definition(drop), &all()[..300]).await;
    let error = plan(&store, last).await.unwrap_err();
    let text = contract::chain(&error);
    assert!(
        text.contains("`dataset.gate.drift.maximumRowDrop` is 0.1"),
        "{text}"
    );
}

// The list of the parts.

#[tokio::test]
async fn queries_find_the_parts_that_were_committed_also_of_data_that_fails() {
    let store = MemoryStore::new();
    let items: Vec<Value> = (0..200).map(rating).collect();
    export(&store, NOW, json!({"minimumRows": 1000}), &items).await;
    let keys = keys_of(NOW);
    let lost = keys.part(1, 0, "lost");
    store
        .put(&lost, "what no manifest lists".into())
        .await
        .unwrap();
    let refused = plan(&store, NOW).await.unwrap_err();
    assert_eq!(refused.name(), ErrorName::QualityGateFailed);
    let listed = store.get(&keys.parts_list()).await.unwrap();
    let expected: String = [0, 1]
        .map(|segment| format!("s3://memory/{}\n", keys.part(segment, 0, "a")))
        .concat();
    assert_eq!(listed, expected);
}
