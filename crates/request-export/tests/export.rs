//! A native export, over a lake and exports in memory: requested once, whatever is killed;
//! manifests checked against each other and the bucket; failures reported by name.
#![allow(clippy::unwrap_used)] // helpers of tests may unwrap as the tests do

use contract::states::{RequestExportOutput, Route, RunInput, Status};
use contract::{ErrorName, Invocation, Named, RunId, ServiceError};
use lake::memory::poll_at_most;
use lake::native::{NativeExport as Exported, NativeRequest};
use lake::records::Plan;
use lake::{MemoryStore, ObjectStore, RunKeys, documents, native, sample};
use request_export::{RequestExportError, Settings, handle};
use serde_json::{Value, json};
use source::memory_export::MemoryExports;
use source::{
    DescribeRecovery, ExportDescription, ExportKind, ExportRequest, ExportState, NativeExport,
    PointInTimeRecovery,
};
use std::time::SystemTime;
use tokio::task::yield_now;

const MD5: &str = "1B2M2Y8AsgTpgAmY7PhCfg==";
const LAKE_KEY: &str = "arn:aws:kms:eu-central-1:123456789012:key/lake";

fn input() -> RunInput {
    RunInput {
        pipeline: "default".to_owned(),
        run: RunId::parse("20261120-173000-1a2b3c4d").unwrap(),
    }
}

fn keys() -> RunKeys {
    RunKeys::new("default", &input().run)
}

async fn lake(route: Route) -> MemoryStore {
    let store = MemoryStore::new();
    let definition = json!({
        "source": {"dynamodb": {"table": "t", "segmentsPerTask": 2}},
        "dataset": {"label": "rating"},
        "training": {"image": "i"},
        "promotion": {"metric": "m", "goal": "minimize"},
    });
    let plan = Plan {
        started: "2026-11-20T17:30:00.987Z".to_owned(),
        route,
        segments: 0,
        ..sample::plan(definition)
    };
    documents::write(&store, &keys().plan(), &plan)
        .await
        .unwrap();
    store
}

async fn poll(
    store: &MemoryStore,
    exports: &(impl NativeExport + DescribeRecovery),
) -> Result<RequestExportOutput, RequestExportError> {
    let invocation = Invocation {
        attempt: "a".to_owned(),
        deadline: SystemTime::now(),
    };
    let settings = Settings {
        lake_key: LAKE_KEY.to_owned(),
        concurrency: 40,
    };
    handle(store, exports, &settings, input(), invocation).await
}

fn completed(items: u64) -> ExportState {
    ExportState::Completed {
        manifest: None,
        items: Some(items),
    }
}

/// Where the files of an export lie.
fn folder(number: usize) -> String {
    let arn = MemoryExports::arn(number);
    let attempt = u32::try_from(number).unwrap() + 1;
    let id = arn.rsplit('/').next().unwrap().to_owned();
    format!("{}/AWSDynamoDB/{id}", keys().native(attempt))
}

/// An export as the service writes it, of files with so many items each.
struct Written {
    summary: Value,
    entries: Vec<Value>,
    files: Vec<String>,
}

fn export(number: usize, counts: &[u64]) -> Written {
    let folder = folder(number);
    let files: Vec<_> = (0..counts.len())
        .map(|file| format!("{folder}/data/{file}.json.gz"))
        .collect();
    let entry = |(key, items): (&String, &u64)| {
        json!({
            "itemCount": items, "md5Checksum": MD5,
            "etag": "59adb24ef3cdbe0297f05b395827453f-1", "dataFileS3Key": key,
        })
    };
    Written {
        summary: json!({
            "version": "2023-08-01", "exportArn": MemoryExports::arn(number),
            "exportType": "FULL_EXPORT", "s3SseKmsKeyId": null, "billedSizeBytes": 0,
            "manifestFilesS3Key": format!("{folder}/manifest-files.json"),
            "itemCount": counts.iter().sum::<u64>(), "outputFormat": "DYNAMODB_JSON",
        }),
        entries: files.iter().zip(counts).map(entry).collect(),
        files,
    }
}

impl Written {
    async fn put(&self, store: &MemoryStore, number: usize) {
        let folder = folder(number);
        store
            .put(&format!("{folder}/_started"), "".into())
            .await
            .unwrap();
        for file in &self.files {
            store.put(file, "gzip".into()).await.unwrap();
        }
        let lines: Vec<_> = self.entries.iter().map(ToString::to_string).collect();
        let lines = lines.join("\n") + "\n";
        let files = format!("{folder}/manifest-files.json");
        store.put(&files, lines.into()).await.unwrap();
        let summary = format!("{folder}/manifest-summary.json");
        store
            .put(&summary, self.summary.to_string().into())
            .await
            .unwrap();
    }
}

// ---- completion ----

#[tokio::test]
async fn files_become_segments_divided_among_tasks() {
    let (store, exports) = (lake(Route::Export).await, MemoryExports::new());
    let first = poll(&store, &exports).await.unwrap();
    assert_eq!(
        (first.status, first.phase.as_str(), first.segments),
        (Status::InProgress, "IN_PROGRESS", 0)
    );
    assert!((2..=600).contains(&first.wait_seconds));
    assert_eq!(poll(&store, &exports).await.unwrap().status, first.status);
    let requests = exports.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].token, "default-20261120-173000-1a2b3c4d-1");
    assert_eq!(requests[0].bucket, store.bucket());
    assert_eq!(requests[0].key, LAKE_KEY);
    assert_eq!(
        requests[0].prefix,
        "raw/default/run=20261120-173000-1a2b3c4d/native/attempt-00001"
    );
    assert_eq!(
        requests[0].kind,
        ExportKind::Whole(1_795_195_800),
        "the run's start, in whole seconds"
    );

    export(0, &[5, 0, 7]).put(&store, 0).await;
    exports.end(completed(12));
    let done = poll(&store, &exports).await.unwrap();
    assert_eq!(
        (done.status, done.segments, done.tasks),
        (Status::Done, 3, 2)
    );
    let tasks: Value = serde_json::from_slice(&store.get(&done.tasks_key).await.unwrap()).unwrap();
    assert_eq!(
        tasks,
        json!([
            {"index": 0, "firstSegment": 0, "segmentCount": 2},
            {"index": 1, "firstSegment": 2, "segmentCount": 1},
        ])
    );
    let record: Exported = documents::read(&store, &keys().native_export(), "export")
        .await
        .unwrap();
    assert_eq!(record.items, 12);
    assert_eq!(record.files[2].items, 7);
    assert_eq!(
        (record.files[2].bytes, record.files[2].md5.as_str()),
        (4, MD5)
    );
    let plan: Plan = documents::read(&store, &keys().plan(), "plan")
        .await
        .unwrap();
    assert_eq!(native::segments(&store, &plan).await.unwrap(), 0..3);

    // Once it is done, no service is called.
    exports.end(ExportState::InProgress);
    store.delete(&done.tasks_key).await.unwrap();
    assert_eq!(poll(&store, &exports).await.unwrap(), done);
    store.get(&done.tasks_key).await.unwrap();
}

#[tokio::test]
async fn keys_without_the_prefix_are_found_as_well() {
    let (store, exports) = (lake(Route::Export).await, MemoryExports::new());
    poll(&store, &exports).await.unwrap();
    let mut written = export(0, &[5]);
    let without = |key: &Value| {
        let prefix = format!("{}/", keys().native(1));
        json!(key.as_str().unwrap().strip_prefix(&prefix).unwrap())
    };
    written.entries[0]["dataFileS3Key"] = without(&written.entries[0]["dataFileS3Key"]);
    written.summary["manifestFilesS3Key"] = without(&written.summary["manifestFilesS3Key"]);
    written.put(&store, 0).await;
    let manifest = json!(format!("{}/manifest-summary.json", folder(0)));
    exports.end(ExportState::Completed {
        manifest: without(&manifest).as_str().map(str::to_owned),
        items: None,
    });
    assert_eq!(poll(&store, &exports).await.unwrap().status, Status::Done);
}

#[tokio::test]
async fn a_run_planned_as_a_scan_is_not_exported() {
    let (store, exports) = (lake(Route::Scan).await, MemoryExports::new());
    let error = poll(&store, &exports).await.unwrap_err();
    assert_eq!(error.name(), ErrorName::InvalidRequest);
    assert!(exports.requests().is_empty());
}

// ---- never a second export ----

#[tokio::test]
async fn a_call_killed_between_request_and_record_costs_no_second_export() {
    let (store, exports) = (lake(Route::Export).await, MemoryExports::new());
    for hours_later in [false, true] {
        poll(&store, &exports).await.unwrap();
        // The steps that the killed call did not reach.
        store.delete(&keys().native_request()).await.unwrap();
        if hours_later {
            exports.expire_tokens();
        }
        poll(&store, &exports).await.unwrap();
        assert_eq!(exports.requests().len(), 1, "hours later: {hours_later}");
    }
}

/// Yields before and after each operation, so that concurrent calls interleave between any two.
struct Slow<'a>(&'a MemoryExports);

impl NativeExport for Slow<'_> {
    async fn request_export(
        &self,
        request: &ExportRequest,
    ) -> Result<ExportDescription, ServiceError> {
        yield_now().await;
        let answer = self.0.request_export(request).await;
        yield_now().await;
        answer
    }

    async fn find_export(
        &self,
        request: &ExportRequest,
    ) -> Result<Option<ExportDescription>, ServiceError> {
        yield_now().await;
        let answer = self.0.find_export(request).await;
        yield_now().await;
        answer
    }

    async fn describe_export(&self, arn: &str) -> Result<ExportDescription, ServiceError> {
        self.0.describe_export(arn).await
    }
}

impl DescribeRecovery for Slow<'_> {
    async fn recovery(&self, table: &str) -> Result<PointInTimeRecovery, ServiceError> {
        self.0.recovery(table).await
    }
}

/// Refuses to list all exports.
struct ByToken<'a>(&'a MemoryExports);

impl NativeExport for ByToken<'_> {
    async fn request_export(
        &self,
        request: &ExportRequest,
    ) -> Result<ExportDescription, ServiceError> {
        self.0.request_export(request).await
    }

    async fn find_export(
        &self,
        _: &ExportRequest,
    ) -> Result<Option<ExportDescription>, ServiceError> {
        panic!("the token is remembered")
    }

    async fn describe_export(&self, arn: &str) -> Result<ExportDescription, ServiceError> {
        self.0.describe_export(arn).await
    }
}

impl DescribeRecovery for ByToken<'_> {
    async fn recovery(&self, table: &str) -> Result<PointInTimeRecovery, ServiceError> {
        self.0.recovery(table).await
    }
}

#[tokio::test]
async fn a_run_of_today_is_found_by_its_token() {
    let (store, exports) = (lake(Route::Export).await, MemoryExports::new());
    let mut plan: Plan = documents::read(&store, &keys().plan(), "the run's plan")
        .await
        .unwrap();
    plan.started = jiff::Timestamp::now().to_string();
    documents::write(&store, &keys().plan(), &plan)
        .await
        .unwrap();
    for _ in 0..2 {
        poll(&store, &ByToken(&exports)).await.unwrap();
        // As if the call had been killed before it could record its request.
        store.delete(&keys().native_request()).await.unwrap();
    }
    assert_eq!(exports.requests().len(), 1);
}

#[tokio::test]
async fn concurrent_calls_request_one_export() {
    let (store, exports) = (lake(Route::Export).await, MemoryExports::new());
    let slow = Slow(&exports);
    let calls = (0..8).map(|_| poll(&store, &slow));
    let answers = futures::future::join_all(calls).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(exports.requests().len(), 1);
}

#[tokio::test]
async fn a_call_killed_anywhere_costs_no_second_export_and_the_next_one_continues() {
    let mut kills = 0;
    for polls in 1.. {
        let (store, exports) = (lake(Route::Export).await, MemoryExports::new());
        let slow = Slow(&exports);
        let begun = poll_at_most(polls, poll(&store, &slow));
        poll(&store, &exports).await.unwrap();
        export(0, &[5, 7]).put(&store, 0).await;
        exports.end(completed(12));
        let ended = poll_at_most(polls, poll(&store, &slow));
        assert_eq!(poll(&store, &exports).await.unwrap().status, Status::Done);
        assert_eq!(exports.requests().len(), 1, "killed after {polls} polls");
        kills += 1;
        if begun.is_some() && ended.is_some() {
            break;
        }
    }
    assert!(kills > 10, "{kills} places to be killed at");
}

// ---- failures ----

#[tokio::test]
async fn a_failed_export_is_reported_and_followed_by_another_one() {
    let (store, exports) = (lake(Route::Export).await, MemoryExports::new());
    poll(&store, &exports).await.unwrap();
    exports.end(ExportState::Failed {
        code: "S3NoSuchBucket".to_owned(),
        message: "The specified bucket does not exist".to_owned(),
    });
    let error = poll(&store, &exports).await.unwrap_err();
    assert_eq!(error.name(), ErrorName::ExportFailed);
    let says = error.to_string();
    assert!(
        says.contains("S3NoSuchBucket: The specified bucket does not exist"),
        "{says}"
    );
    let again = poll(&store, &exports).await.unwrap();
    assert_eq!(again.status, Status::InProgress);
    let requests = exports.requests();
    assert_eq!(requests.len(), 2);
    assert_ne!(requests[0].token, requests[1].token);
    assert_eq!(requests[0].kind, requests[1].kind);
    let record: NativeRequest = documents::read(&store, &keys().native_request(), "request")
        .await
        .unwrap();
    assert_eq!(record.attempt, 2);
    export(1, &[3]).put(&store, 1).await;
    exports.end(completed(3));
    assert_eq!(poll(&store, &exports).await.unwrap().status, Status::Done);
}

#[tokio::test]
async fn recovery_that_was_turned_off_since_is_reported() {
    let (store, exports) = (lake(Route::Export).await, MemoryExports::new());
    exports.turn_recovery_off();
    let error = poll(&store, &exports).await.unwrap_err();
    assert_eq!(error.name(), ErrorName::ServiceRejected);
}

/// The error message for an export that `change` has modified.
async fn refused(change: impl FnOnce(&mut Written)) -> String {
    let (store, exports) = (lake(Route::Export).await, MemoryExports::new());
    poll(&store, &exports).await.unwrap();
    let mut written = export(0, &[5, 7]);
    change(&mut written);
    written.put(&store, 0).await;
    exports.end(completed(12));
    let error = poll(&store, &exports).await.unwrap_err();
    assert_eq!(error.name(), ErrorName::DatasetInvalid);
    let committed = store.get(&keys().native_export()).await;
    assert!(committed.is_err(), "nothing is committed");
    error.to_string()
}

#[tokio::test]
async fn an_export_that_completed_without_output_is_refused() {
    let (store, exports) = (lake(Route::Export).await, MemoryExports::new());
    poll(&store, &exports).await.unwrap();
    exports.end(completed(12));
    let error = poll(&store, &exports).await.unwrap_err();
    assert_eq!(error.name(), ErrorName::DatasetInvalid);
    let says = error.to_string();
    assert!(
        says.contains("has completed, but there is no manifest")
            && says.contains("manifest-summary.json"),
        "{says}"
    );
}

#[tokio::test]
async fn contradictory_manifests_are_refused() {
    for (says, change) in [
        (
            "missing, or",
            Box::new(|w: &mut Written| drop(w.files.pop())) as Box<dyn FnOnce(&mut Written)>,
        ),
        (
            "in the bucket, but not listed",
            Box::new(|w| w.files.push(format!("{}/data/stray.json.gz", folder(0)))),
        ),
        (
            "listed before",
            Box::new(|w| w.entries.push(w.entries[0].clone())),
        ),
        (
            "the sum of itemCount is 13 instead of 12",
            Box::new(|w| w.entries[1]["itemCount"] = json!(8)),
        ),
        (
            "itemCount is 13 instead of 12",
            Box::new(|w| w.summary["itemCount"] = json!(13)),
        ),
        (
            "exportArn",
            Box::new(|w| w.summary["exportArn"] = json!(MemoryExports::arn(7))),
        ),
        (
            "outputFormat is ION",
            Box::new(|w| w.summary["outputFormat"] = json!("ION")),
        ),
        (
            "md5Checksum",
            Box::new(|w| w.entries[0]["md5Checksum"] = json!("short")),
        ),
        (
            "line 2",
            Box::new(|w| drop(w.entries[1].as_object_mut().unwrap().remove("itemCount"))),
        ),
    ] {
        let message = refused(change).await;
        assert!(message.contains(says), "{says}: {message}");
    }
}
