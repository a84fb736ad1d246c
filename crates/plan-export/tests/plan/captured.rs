//! Whether a run merges captured changes or reads the whole table, and the reason it gives.

use super::changes::{DAY, ended_well, now, second, tables};
use super::support::{Recovery, Tables, definition, lake_with, of_table, plan_in, plan_on};
use contract::states::{PlanExportOutput, Route};
use contract::{ErrorName, Named};
use lake::captured::{CapturedStream, Hour};
use lake::records::{
    AppliedSequences, CaptureSource, ChangedRecord, ChangesRecord, Checksum, ExportRecord,
    SnapshotKind, SnapshotRecord, Window,
};
use lake::{MemoryStore, ObjectStore, RunKeys, documents};
use serde_json::{Value, json};
use source::{CaptureMapping, MemoryCapture, OldestRecord, TableStream};
use std::time::{Duration, SystemTime};

const STREAM: &str =
    "arn:aws:dynamodb:eu-west-1:123456789012:table/interactions/stream/2026-11-28T09:12:01.789";
const MAPPING: &str = "14e0db71-5d35-4eb5-b481-8945cf9d10c2";
const HOUR: i64 = 3600;

fn incremental() -> Value {
    let mut definition = definition();
    definition["source"]["dynamodb"]["mode"] = json!("incremental");
    definition["source"]["dynamodb"]["changes"] = json!({"from": "stream"});
    definition
}

fn captured() -> Tables {
    Tables {
        capture: MemoryCapture {
            stream: Some(TableStream {
                arn: STREAM.to_owned(),
                view: "NEW_AND_OLD_IMAGES".to_owned(),
            }),
            mapping: Some(CaptureMapping {
                uuid: MAPPING.to_owned(),
                stream_arn: Some(STREAM.to_owned()),
                function: Some("shop-capture".to_owned()),
                state: "Enabled".to_owned(),
                starting_position: Some("TRIM_HORIZON".to_owned()),
                last_result: Some("OK".to_owned()),
            }),
            lag: Some(61),
            oldest: Vec::new(),
        },
        ..tables()
    }
}

/// A lake whose last run scanned the table so many seconds ago, with nothing captured since.
async fn after_a_run(tables: &Tables, ago: i64) -> (MemoryStore, RunKeys) {
    let store = lake_with(&incremental()).await;
    let output = plan_on(&store, tables, "arn:first", json!({}))
        .await
        .unwrap();
    assert_eq!(output.route, Route::Scan, "{}", output.reason);
    let capture = of_table(&plan_in(&store, &output).await)
        .capture
        .clone()
        .unwrap();
    assert_eq!((&*capture.stream_arn, &*capture.mapping), (STREAM, MAPPING));
    assert!((now() - capture.listed_at).abs() < 60);
    let at = now() - ago;
    let snapshot = SnapshotRecord {
        run: output.run.clone(),
        as_of: at,
        items: 1000,
        segments: 1,
        full_as_of: at,
        generation: 0,
        changed_keys: 0,
        kind: SnapshotKind::Fuzzy(Window {
            from: at,
            to: at + 60,
        }),
        capture: Some(CaptureSource {
            listed_at: at,
            ..capture
        }),
        audit: None,
    };
    let run = ended_well(&store, &output, &snapshot).await;
    (store, run)
}

fn stream() -> CapturedStream {
    CapturedStream::of_arn(STREAM).unwrap()
}

/// Puts an object of changes with these numbers, which arrived so many seconds ago.
async fn put(store: &MemoryStore, ago: i64, first: u32, last: u32) -> String {
    let seconds = u64::try_from(now() - ago).unwrap();
    let hour = Hour::of(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
    let number = |number: u32| number.to_string().parse().unwrap();
    let key = stream().object(&hour, &number(first), &number(last), "a");
    store.put(&key, "changes".into()).await.unwrap();
    key
}

#[tokio::test]
async fn what_was_captured_since_the_last_run_is_merged_without_reading_the_table() {
    let tables = captured();
    let (store, run) = after_a_run(&tables, 5 * HOUR).await;
    let old = put(&store, 8 * HOUR, 1, 2).await;
    let overlapping = put(&store, 5 * HOUR, 3, 4).await;
    let new = put(&store, 60, 5, 9).await;
    let output = second(&store, &tables, json!({})).await.unwrap();
    assert_eq!(output.route, Route::Stream, "{}", output.reason);
    assert!(output.reason.contains("the 1000 items of run"));
    assert!(tables.read.lock().unwrap().is_empty(), "no page was read");
    assert_eq!(output.estimate.read_units, 0);
    let plan = plan_in(&store, &output).await;
    let frozen: ChangesRecord = documents::read(&store, &plan.keys().changes(), "changes")
        .await
        .unwrap();
    assert_eq!(&frozen.base.run, run.run());
    let changes = frozen.captured.clone().unwrap();
    let keys: Vec<_> = changes.objects.iter().map(|object| &object.key).collect();
    assert_eq!(keys, [&overlapping, &new]);
    assert!(!keys.contains(&&old) && changes.settles && !changes.keep_expired);
    // The whole table can be scanned in the same run.
    let planned = of_table(&plan).changes.clone().unwrap();
    let whole = planned.whole.unwrap();
    assert_eq!((whole.route, planned.whole_refused), (Route::Scan, None));
    assert_eq!(whole.first_segment, frozen.total_segments());
    assert_eq!(whole.tasks[0].first_segment, whole.first_segment);
    assert_eq!((plan.segments, plan.tasks.len()), (1, 1));
    let tasks: Value =
        serde_json::from_slice(&store.get(&output.tasks_key).await.unwrap()).unwrap();
    assert_eq!(tasks.as_array().unwrap().len(), 1);
    // What is listed later is not merged by a call that is repeated.
    put(&store, 0, 10, 11).await;
    assert_eq!(second(&store, &tables, json!({})).await.unwrap(), output);
    // Nor by one that lost the plan.
    store.delete(&plan.keys().plan()).await.unwrap();
    second(&store, &tables, json!({})).await.unwrap();
    let again: ChangesRecord = documents::read(&store, &plan.keys().changes(), "changes")
        .await
        .unwrap();
    assert_eq!(again, frozen);
}

#[tokio::test]
async fn a_scan_that_may_be_ahead_of_its_changes_is_known_as_that() {
    for (ago, lag, settles) in [
        (HOUR, Some(61), true),
        (HOUR, Some(HOUR), false),
        (120, Some(1), false),
        (HOUR, None, false),
    ] {
        let mut tables = captured();
        let (store, _) = after_a_run(&tables, ago).await;
        tables.capture.lag = lag;
        let output = second(&store, &tables, json!({})).await.unwrap();
        assert_eq!(output.route, Route::Stream, "{}", output.reason);
        let plan = plan_in(&store, &output).await;
        let frozen: ChangesRecord = documents::read(&store, &plan.keys().changes(), "changes")
            .await
            .unwrap();
        assert_eq!(frozen.captured.unwrap().settles, settles, "{ago} {lag:?}");
    }
}

/// What is found wrong in the lake.
async fn left(store: &MemoryStore, run: &RunKeys, what: &str) {
    let given_up = format!("aws/lambda/{MAPPING}/shardId-1/2026/11/28/batch");
    match what {
        "given up" => store.put(&given_up, "{}".into()).await.unwrap(),
        "replayed" => {
            store.put(&given_up, "{}".into()).await.unwrap();
            let done = lake::captured::replayed(&given_up);
            store.put(&done, "{}".into()).await.unwrap();
        }
        "unreadable" => {
            let key = format!("{}7.json", stream().unreadable());
            store.put(&key, "{}".into()).await.unwrap();
        }
        "part" => store.delete(&format!("{}part", run.raw())).await.unwrap(),
        "latest" => store.delete(&lake::keys::latest("default")).await.unwrap(),
        "snapshot" => store.delete(&run.snapshot()).await.unwrap(),
        "bytes" => {
            let key = put(store, 60, 5, 9).await;
            store.put(&key, vec![0; 5 << 20].into()).await.unwrap();
        }
        "tiny changes" => {
            let key = put(store, 60, 5, 9).await;
            store.put(&key, vec![0; 5 << 20].into()).await.unwrap();
            let mut export: ExportRecord =
                documents::read(store, &run.export(), "it").await.unwrap();
            export.parts[0].bytes = 1;
            let written = documents::write(store, &run.export(), &export).await;
            written.unwrap();
        }
        _ => {}
    }
}

type Gap = fn(&mut Tables);

fn mapping(tables: &mut Tables) -> &mut CaptureMapping {
    tables.capture.mapping.as_mut().unwrap()
}

fn view(tables: &mut Tables) -> &mut TableStream {
    tables.capture.stream.as_mut().unwrap()
}

#[tokio::test]
async fn every_gap_is_filled_by_the_whole_table_that_says_why() {
    let nothing: Gap = |_| {};
    let cases: [(&str, i64, &str, Gap); 20] = [
        ("has no stream", HOUR, "", |it| it.capture.stream = None),
        ("has KEYS_ONLY", HOUR, "", |it| {
            "KEYS_ONLY".clone_into(&mut view(it).view);
        }),
        ("enabled anew", HOUR, "", |it| {
            let other = STREAM.replace("09:12", "10:12");
            mapping(it).stream_arn = Some(other.clone());
            view(it).arn = other;
        }),
        ("nothing captures", HOUR, "", |it| it.capture.mapping = None),
        ("reads arn:", HOUR, "", |it| {
            mapping(it).stream_arn = Some("arn:other".to_owned());
        }),
        ("is another one", HOUR, "", |it| {
            "m-2".clone_into(&mut mapping(it).uuid);
        }),
        ("is Disabled", HOUR, "", |it| {
            "Disabled".clone_into(&mut mapping(it).state);
        }),
        ("is LATEST", HOUR, "", |it| {
            mapping(it).starting_position = Some("LATEST".to_owned());
        }),
        ("PROBLEM: Function call failed", HOUR, "", |it| {
            mapping(it).last_result = Some("PROBLEM: Function call failed".to_owned());
        }),
        ("23.0 hours old", HOUR, "", |it| {
            it.capture.lag = Some(23 * HOUR);
        }),
        ("is not known", 22 * HOUR, "", |it| it.capture.lag = None),
        ("no captured object has its number", 5 * HOUR, "", |it| {
            it.capture.oldest = vec![OldestRecord {
                sequence: "000777".to_owned(),
                created: now() - 2 * HOUR,
            }];
        }),
        ("created anew", HOUR, "", |it| it.id = "id-2"),
        ("28 days ago", 28 * DAY, "", nothing),
        ("millrace replay --changes", HOUR, "given up", nothing),
        ("shape that is not known", HOUR, "unreadable", nothing),
        ("gone from the lake", HOUR, "part", nothing),
        ("no run of the pipeline", HOUR, "latest", nothing),
        ("maximumShare of 0.2", HOUR, "bytes", nothing),
        ("one function can hold", HOUR, "tiny changes", nothing),
    ];
    for (says, ago, what, gap) in cases {
        let mut tables = captured();
        let (store, run) = after_a_run(&tables, ago).await;
        left(&store, &run, what).await;
        gap(&mut tables);
        let output = second(&store, &tables, json!({})).await.unwrap();
        assert_eq!(output.route, Route::Scan, "{says}: {}", output.reason);
        assert!(output.reason.contains(says), "{says}: {}", output.reason);
        let plan = plan_in(&store, &output).await;
        // A run whose table is not captured is no base.
        let is_captured = ![
            "has no stream",
            "has KEYS_ONLY",
            "nothing captures",
            "reads arn:",
        ]
        .iter()
        .chain(&["is Disabled", "is LATEST", "PROBLEM: Function call failed"])
        .any(|idle| *idle == says);
        assert_eq!(of_table(&plan).capture.is_some(), is_captured, "{says}");
    }
}

#[tokio::test]
async fn what_is_no_gap_is_merged() {
    let cases: [(&str, i64, Gap); 4] = [
        ("replayed", HOUR, |_| {}),
        ("", 20 * HOUR, |it| it.capture.lag = None),
        // Older than the base, or so new that it may be on its way.
        ("", 5 * HOUR, |it| {
            let record = |ago| OldestRecord {
                sequence: "777".to_owned(),
                created: now() - ago,
            };
            it.capture.oldest = vec![record(6 * HOUR), record(60)];
        }),
        ("", HOUR, |it| mapping(it).last_result = None),
    ];
    for (what, ago, change) in cases {
        let mut tables = captured();
        let (store, run) = after_a_run(&tables, ago).await;
        left(&store, &run, what).await;
        change(&mut tables);
        let output = second(&store, &tables, json!({})).await.unwrap();
        assert_eq!(output.route, Route::Stream, "{what}: {}", output.reason);
    }
    // The stream's oldest record is captured.
    let mut tables = captured();
    let (store, _) = after_a_run(&tables, 5 * HOUR).await;
    put(&store, 2 * HOUR, 700, 800).await;
    tables.capture.oldest = vec![OldestRecord {
        sequence: "000777".to_owned(),
        created: now() - 2 * HOUR,
    }];
    let output = second(&store, &tables, json!({})).await.unwrap();
    assert_eq!(output.route, Route::Stream, "{}", output.reason);
}

/// A table that is loaded just before each run changes as much before the base as after it.
#[tokio::test]
async fn what_was_captured_before_the_base_is_no_share_of_the_changes() {
    let tables = captured();
    for (written, route) in [(5 * HOUR + 60, Route::Stream), (5 * HOUR - 60, Route::Scan)] {
        let (store, _) = after_a_run(&tables, 5 * HOUR).await;
        let key = put(&store, 5 * HOUR, 3, 4).await;
        store.put(&key, vec![0; 5 << 20].into()).await.unwrap();
        let written = jiff::Timestamp::from_second(now() - written).unwrap();
        store.set_modified(&key, &written.to_string());
        let output = second(&store, &tables, json!({})).await.unwrap();
        assert_eq!(output.route, route, "{}", output.reason);
    }
}

#[tokio::test]
async fn what_was_scanned_before_its_changes_were_captured_is_no_base() {
    let tables = captured();
    let (store, run) = after_a_run(&tables, HOUR).await;
    store.delete(&run.snapshot()).await.unwrap();
    let output = second(&store, &tables, json!({})).await.unwrap();
    assert_eq!(output.route, Route::Scan);
    assert!(
        output
            .reason
            .contains("not read while their changes were captured"),
        "{}",
        output.reason
    );
}

#[tokio::test]
async fn without_what_was_merged_last_an_older_state_could_come_back() {
    let tables = captured();
    let (store, run) = after_a_run(&tables, HOUR).await;
    let mut snapshot: SnapshotRecord = documents::read(&store, &run.snapshot(), "it")
        .await
        .unwrap();
    snapshot.generation = 1;
    snapshot.kind = SnapshotKind::Exact;
    documents::write(&store, &run.snapshot(), &snapshot)
        .await
        .unwrap();
    let gone: PlanExportOutput = second(&store, &tables, json!({})).await.unwrap();
    assert!(
        gone.reason.contains("merged last is gone"),
        "{}",
        gone.reason
    );

    let (store, run) = after_a_run(&tables, HOUR).await;
    documents::write(&store, &run.snapshot(), &snapshot)
        .await
        .unwrap();
    let key = run.applied_sequences("a");
    store.put(&key, "sequences".into()).await.unwrap();
    let changed = ChangedRecord {
        key: run.changed_keys("a"),
        keys: 0,
        checksum: Checksum(0),
        replaced: 0,
        removed: 0,
        changes: 0,
        disagreed: 0,
        examples: Vec::new(),
        always: Some(0),
        applied: Some(AppliedSequences {
            key,
            keys: 0,
            checksum: Checksum(0),
        }),
    };
    documents::write(&store, &run.changed(), &changed)
        .await
        .unwrap();
    let output = second(&store, &tables, json!({})).await.unwrap();
    assert_eq!(output.route, Route::Stream, "{}", output.reason);
}

#[tokio::test]
async fn a_gap_above_the_limits_is_refused_with_both_reasons() {
    let mut tables = captured();
    tables.recovery = Recovery::Off;
    let limits = json!({"limits": {"maxReadUnits": 1}});
    let (store, _) = after_a_run(&tables, HOUR).await;
    let output = second(&store, &tables, limits.clone()).await.unwrap();
    assert_eq!(output.route, Route::Stream);
    let plan = plan_in(&store, &output).await;
    let planned = of_table(&plan).changes.clone().unwrap();
    assert_eq!(planned.whole, None);
    assert!(
        planned
            .whole_refused
            .unwrap()
            .contains("limits.maxReadUnits")
    );

    let (store, run) = after_a_run(&tables, HOUR).await;
    left(&store, &run, "given up").await;
    let error = second(&store, &tables, limits).await.unwrap_err();
    assert_eq!(error.name(), ErrorName::ChangesIncomplete);
    let words = contract::chain(&error);
    assert!(
        words.contains("replay --changes") && words.contains("limits.maxReadUnits"),
        "{words}"
    );
}

#[tokio::test]
async fn a_table_too_large_to_scan_is_exported_as_a_whole() {
    let tables = captured();
    let store = lake_with(&incremental()).await;
    let limits = json!({"limits": {"maxReadUnits": 1}});
    let output = plan_on(&store, &tables, "arn:first", limits).await.unwrap();
    assert_eq!(output.route, Route::Export, "{}", output.reason);
    let plan = plan_in(&store, &output).await;
    assert!(of_table(&plan).capture.is_some());
}
