//! Incremental exports, over a lake and exports in memory: one for each window, requested once,
//! checked against what was asked for; too many of them are left for an export of the whole table.
#![allow(clippy::unwrap_used)] // helpers of tests may unwrap as the tests do

use contract::states::{AfterRequest, ExportTask, RequestExportOutput, Route, RunInput, Status};
use contract::{ErrorName, Invocation, Named, RunId};
use jiff::Timestamp;
use lake::native::NativeExport as Exported;
use lake::records::{
    ChangesRecord, Checksum, Encoding, ExportRecord, Part, Plan, PlannedChanges, ScanTotals,
    SnapshotKind, SnapshotRecord, SourcePlan, WholeExport, Window,
};
use lake::{MemoryStore, ObjectStore, RunKeys, documents, native, sample};
use request_export::{RequestExportError, Settings, handle};
use serde_json::{Value, json};
use source::memory_export::MemoryExports;
use source::{ExportKind, ExportState, Recoverable};
use std::time::SystemTime;

const MD5: &str = "1B2M2Y8AsgTpgAmY7PhCfg==";
const BASE_ITEMS: u64 = 100;

fn run(text: &str) -> RunId {
    RunId::parse(text).unwrap()
}

fn input() -> RunInput {
    RunInput {
        pipeline: "default".to_owned(),
        run: run("20261120-173000-1a2b3c4d"),
    }
}

fn keys() -> RunKeys {
    RunKeys::new("default", &input().run)
}

fn part(number: u32, raw_bytes: u64) -> Part {
    Part {
        key: format!("raw/base/{number}"),
        items: 50,
        raw_bytes,
        bytes: 1,
        checksum: Checksum(0),
        encoding: Encoding::Zstd,
    }
}

/// A run that merges the changes of these windows, at most a fifth of the base's items.
async fn lake(windows: &[Window], whole_refused: Option<&str>) -> MemoryStore {
    let store = MemoryStore::new();
    let base = run("20261119-173000-1a2b3c4d");
    let definition = json!({
        "source": {"dynamodb": {"table": "t", "mode": "incremental", "segmentsPerTask": 1}},
    });
    let mut plan = Plan {
        started: "2026-11-20T17:30:00.987Z".to_owned(),
        route: Route::Changes,
        segments: 0,
        tasks: Vec::new(),
        ..sample::plan(definition)
    };
    let Some(SourcePlan::DynamoDb(of_table)) = &mut plan.source else {
        panic!("a table");
    };
    of_table.changes = Some(PlannedChanges {
        base: SnapshotRecord {
            run: base.clone(),
            as_of: windows[0].from,
            items: BASE_ITEMS,
            segments: 2,
            full_as_of: windows[0].from,
            generation: 0,
            changed_keys: 0,
            audit: None,
            kind: SnapshotKind::Exact,
            capture: None,
        },
        windows: windows.to_vec(),
        whole_refused: whole_refused.map(str::to_owned),
        audit: false,
        whole: None,
    });
    documents::write(&store, &keys().plan(), &plan)
        .await
        .unwrap();
    let export = ExportRecord {
        run: base.clone(),
        segments: 2,
        totals: ScanTotals::default(),
        snapshots: None,
        // The first two are put together to a segment.
        parts: vec![part(0, 1), part(1, 300 << 20), part(2, 1)],
    };
    let key = RunKeys::new("default", &base).export();
    documents::write(&store, &key, &export).await.unwrap();
    store
}

const HOUR: i64 = 3600;
const NOON: i64 = 1_795_176_000;

fn windows() -> [Window; 2] {
    let window = |from, to| Window { from, to };
    [
        window(NOON, NOON + HOUR),
        window(NOON + HOUR, NOON + 2 * HOUR),
    ]
}

async fn poll(
    store: &MemoryStore,
    exports: &MemoryExports,
) -> Result<RequestExportOutput, RequestExportError> {
    let invocation = Invocation {
        attempt: "a".to_owned(),
        deadline: SystemTime::now(),
    };
    let settings = Settings {
        lake_key: "key".to_owned(),
        concurrency: 40,
    };
    handle(store, exports, &settings, input(), invocation).await
}

fn text(seconds: i64) -> String {
    Timestamp::from_second(seconds).unwrap().to_string()
}

/// Writes the export with this number, of the window with this number, as the service does.
async fn complete(
    store: &MemoryStore,
    exports: &MemoryExports,
    number: usize,
    window: usize,
    changes: u64,
    change: impl FnOnce(&mut Value),
) {
    let arn = MemoryExports::arn(number);
    let request = &exports.requests()[number];
    let prefix = &request.prefix;
    let folder = format!("{prefix}/AWSDynamoDB/{}", arn.rsplit('/').next().unwrap());
    // Files of incremental exports lie beside the export's folder.
    let file = format!("{prefix}/AWSDynamoDB/data/{number}.json.gz");
    store.put(&file, "gzip".into()).await.unwrap();
    let line = json!({"itemCount": changes, "md5Checksum": MD5, "dataFileS3Key": file});
    let files = format!("{folder}/manifest-files.json");
    store.put(&files, format!("{line}\n").into()).await.unwrap();
    let Window { from, to } = windows()[window];
    let mut summary = json!({
        "exportArn": arn, "outputFormat": "DYNAMODB_JSON", "itemCount": changes,
        "manifestFilesS3Key": files, "exportType": "INCREMENTAL_EXPORT",
        "outputView": "NEW_AND_OLD_IMAGES", "exportFromTime": text(from), "exportToTime": text(to),
    });
    change(&mut summary);
    let key = format!("{folder}/manifest-summary.json");
    store.put(&key, summary.to_string().into()).await.unwrap();
    exports.end_one(
        number,
        ExportState::Completed {
            manifest: None,
            items: Some(changes),
        },
    );
}

#[tokio::test]
async fn each_window_is_exported_once_and_merged_into_the_parts_of_the_base() {
    let (store, exports) = (lake(&windows(), None).await, MemoryExports::new());
    for _ in 0..2 {
        let first = poll(&store, &exports).await.unwrap();
        assert_eq!(
            (first.status, first.route, first.phase.as_str()),
            (Status::InProgress, Route::Changes, "IN_PROGRESS")
        );
        // As if the call had been killed before it could record its requests.
        store.delete(&keys().window_requests()).await.unwrap();
    }
    let requests = exports.requests();
    assert_eq!(requests.len(), 2);
    for (request, Window { from, to }) in requests.iter().zip(windows()) {
        assert_eq!(request.kind, ExportKind::Changes { from, to });
    }
    assert_ne!(requests[0].token, requests[1].token);
    assert_ne!(requests[0].prefix, requests[1].prefix);

    complete(&store, &exports, 1, 1, 3, |_| {}).await;
    let one = poll(&store, &exports).await.unwrap();
    assert_eq!(one.status, Status::InProgress);
    complete(&store, &exports, 0, 0, 9, |_| {}).await;
    let done = poll(&store, &exports).await.unwrap();
    assert_eq!(
        (done.status, done.route, done.segments, done.tasks),
        (Status::Done, Route::Changes, 2, 2)
    );
    assert_eq!(done.then, AfterRequest::Compact);
    let changes: ChangesRecord = documents::read(&store, &keys().changes(), "changes")
        .await
        .unwrap();
    let found = changes.windows.iter();
    let found: Vec<_> = found.map(|w| (w.window, w.files[0].items)).collect();
    assert_eq!(found, [(windows()[0], 9), (windows()[1], 3)]);
    let parts: Vec<_> = changes.segments.iter().map(Vec::len).collect();
    assert_eq!(parts, [2, 1]);
    let tasks: Vec<ExportTask> = documents::read(&store, &done.tasks_key, "tasks")
        .await
        .unwrap();
    assert_eq!(tasks, ExportTask::share(2, 2));
    // Once it is done, no service is called.
    exports.turn_recovery_off();
    assert_eq!(poll(&store, &exports).await.unwrap(), done);
}

#[tokio::test]
async fn a_failed_window_is_reported_and_exported_again() {
    let (store, exports) = (lake(&windows(), None).await, MemoryExports::new());
    poll(&store, &exports).await.unwrap();
    complete(&store, &exports, 0, 0, 9, |_| {}).await;
    exports.end_one(
        1,
        ExportState::Failed {
            code: "S3NoSuchBucket".to_owned(),
            message: "gone".to_owned(),
        },
    );
    let error = poll(&store, &exports).await.unwrap_err();
    assert_eq!(error.name(), ErrorName::ExportFailed);
    poll(&store, &exports).await.unwrap();
    let requests = exports.requests();
    assert_eq!(requests.len(), 3, "the other window is not exported again");
    assert_eq!(requests[1].kind, requests[2].kind);
    assert_ne!(requests[1].token, requests[2].token);
    complete(&store, &exports, 2, 1, 3, |_| {}).await;
    assert_eq!(poll(&store, &exports).await.unwrap().status, Status::Done);
}

#[tokio::test]
async fn a_window_that_ends_in_the_future_is_waited_for() {
    let now = Timestamp::now().as_second();
    for (to, latest, waits) in [
        (now + 60, Some(now + 999), true),
        (now - 60, Some(now - 300), true),
        (now - 60, Some(now - 60), false),
        (now - 60, None, false),
    ] {
        let window = Window { from: to - 900, to };
        let (store, exports) = (lake(&[window], None).await, MemoryExports::new());
        exports.set_recoverable(Recoverable {
            earliest: None,
            latest,
        });
        let answer = poll(&store, &exports).await.unwrap();
        assert_eq!(answer.status, Status::InProgress);
        assert_eq!(
            answer.phase == "WAITING_FOR_WINDOW",
            waits,
            "{to} {latest:?}"
        );
        assert_eq!(exports.requests().is_empty(), waits);
    }
}

#[tokio::test]
async fn an_export_of_anything_else_is_refused() {
    type Change = fn(&mut Value);
    let changes: [(&str, Change); 6] = [
        ("exportType", |s| s["exportType"] = json!("FULL_EXPORT")),
        // Local servers write no type.
        ("exportType", |s| s["exportType"] = Value::Null),
        ("outputView", |s| s["outputView"] = json!("NEW_IMAGE")),
        ("exportFromTime", |s| {
            s["exportFromTime"] = json!(text(NOON + 1));
        }),
        ("exportToTime", |s| s["exportToTime"] = json!(text(NOON))),
        ("exportToTime", |s| s["exportToTime"] = json!("tomorrow")),
    ];
    for (says, change) in changes {
        let (store, exports) = (lake(&windows(), None).await, MemoryExports::new());
        poll(&store, &exports).await.unwrap();
        complete(&store, &exports, 1, 1, 3, |_| {}).await;
        complete(&store, &exports, 0, 0, 9, change).await;
        let error = poll(&store, &exports).await.unwrap_err();
        assert_eq!(error.name(), ErrorName::DatasetInvalid, "{says}");
        assert!(error.to_string().contains(says), "{error}");
        assert!(
            store.get(&keys().changes()).await.is_err(),
            "nothing is committed"
        );
    }
}

#[tokio::test]
async fn above_the_share_the_whole_table_is_exported_unless_it_may_not_be() {
    for (changes, refused, whole) in [
        (19, None, false),
        (20, None, true),
        (20, Some("too dear"), false),
    ] {
        let (store, exports) = (lake(&windows(), refused).await, MemoryExports::new());
        poll(&store, &exports).await.unwrap();
        complete(&store, &exports, 0, 0, 1, |_| {}).await;
        complete(&store, &exports, 1, 1, changes, |_| {}).await;
        let answer = poll(&store, &exports).await.unwrap();
        if !whole {
            assert_eq!(
                (answer.status, answer.route),
                (Status::Done, Route::Changes)
            );
            continue;
        }
        assert_eq!(
            (answer.status, answer.route),
            (Status::InProgress, Route::Export)
        );
        let why: WholeExport = documents::read(&store, &keys().whole_export(), "why")
            .await
            .unwrap();
        assert!(
            why.reason.contains("21 changes of 100 items"),
            "{}",
            why.reason
        );
        poll(&store, &exports).await.unwrap();
        let last = exports.requests().pop().unwrap();
        assert_eq!(last.kind, ExportKind::Whole(1_795_195_800));
    }
}

#[tokio::test]
async fn a_whole_export_after_merged_changes_has_segments_of_its_own() {
    let (store, exports) = (lake(&windows(), None).await, MemoryExports::new());
    poll(&store, &exports).await.unwrap();
    complete(&store, &exports, 0, 0, 1, |_| {}).await;
    complete(&store, &exports, 1, 1, 1, |_| {}).await;
    poll(&store, &exports).await.unwrap();
    // The changes were merged, and found not to fit.
    let why = WholeExport {
        reason: "changes are missing".to_owned(),
        gap: true,
        merged: None,
    };
    documents::write(&store, &keys().whole_export(), &why)
        .await
        .unwrap();
    poll(&store, &exports).await.unwrap();
    let number = exports.requests().len() - 1;
    complete(&store, &exports, number, 0, 7, |summary| {
        summary["exportType"] = json!("FULL_EXPORT");
    })
    .await;
    let prefix = exports.requests()[number].prefix.clone();
    let arn = MemoryExports::arn(number);
    let folder = format!("{prefix}/AWSDynamoDB/{}", arn.rsplit('/').next().unwrap());
    // Files of whole exports lie in the export's folder.
    let file = format!("{folder}/data/0.json.gz");
    store.put(&file, "gzip".into()).await.unwrap();
    let line = json!({"itemCount": 7, "md5Checksum": MD5, "dataFileS3Key": file});
    let files = format!("{folder}/manifest-files.json");
    store.put(&files, line.to_string().into()).await.unwrap();
    let done = poll(&store, &exports).await.unwrap();
    assert_eq!((done.status, done.route), (Status::Done, Route::Export));
    assert_eq!(done.then, AfterRequest::Adopt);
    let export: Exported = documents::read(&store, &keys().native_export(), "export")
        .await
        .unwrap();
    // Two segments that were merged into, and that of the changed items.
    assert_eq!(export.first_segment, 3);
    assert_eq!(export.tasks[0].first_segment, 3);
    assert_eq!(export.file(3).map(|file| file.items), Some(7));
    assert_eq!((export.file(2), export.file(4)), (None, None));
    let plan: Plan = documents::read(&store, &keys().plan(), "plan")
        .await
        .unwrap();
    assert_eq!(native::segments(&store, &plan).await.unwrap(), 3..4);
}
