//! A table's stream under faults: whatever fails on the way, and whatever Lambda hands over again,
//! splits or gives up, each record of the stream is in the lake, by its sequence number.
//!
//! More seeds: `MILLRACE_CAPTURE_SEEDS=2000 cargo test -p end-to-end --test captured_stream -- --nocapture`; a
//! failed seed again: `MILLRACE_CAPTURE_FIRST_SEED=… MILLRACE_CAPTURE_SEEDS=1`.
#![allow(clippy::unwrap_used)] // helpers of tests may unwrap as the tests do

#[path = "captured_stream/fixtures.rs"]
mod fixtures;

use end_to_end::dynamodb::call;
use end_to_end::poller::{self, Counts, Numbering, Programs, Report, Source};
use end_to_end::seeds::setting;
use end_to_end::workspace;
use futures::StreamExt;
use local_servers::dynamodb::DynamoDb;
use local_servers::runtime_api::Function;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const SEEDS: u64 = 60;
const AT_ONCE: u64 = 8;

async fn trial(seed: u64) -> (u64, Result<Report, String>) {
    let programs = Programs {
        capture_changes: env!("CARGO_BIN_EXE_capture-changes-under-test").into(),
        millrace: env!("CARGO_BIN_EXE_millrace-under-test").into(),
    };
    let logs = workspace::target().join(format!("capture/seed-{seed}"));
    let _ = std::fs::remove_dir_all(&logs);
    std::fs::create_dir_all(&logs).unwrap();
    let folder = logs.clone();
    // A task of its own: its panic is this seed's failure and no other's.
    let trial = tokio::spawn(async move { poller::run(seed, &programs, &folder).await });
    let outcome = trial.await.unwrap_or_else(|error| Err(error.to_string()));
    if outcome.is_ok() {
        std::fs::remove_dir_all(&logs).unwrap();
    }
    (seed, outcome)
}

/// What has to happen in a suite: one in which a kind of fault never occurs proves nothing about it.
const NEEDED: [&str; 12] = [
    "a batch came back larger",
    "a batch was given up",
    "a batch was handed over twice at once",
    "a batch was split",
    "a call failed by itself",
    "a call ran out of time",
    "a call was killed",
    "a call was throttled",
    "a record had no known shape",
    "a record was captured twice",
    "a shard split",
    "an item expired",
];

#[tokio::test(flavor = "multi_thread")]
async fn whatever_fails_each_record_of_the_stream_is_captured() {
    let first = setting("MILLRACE_CAPTURE_FIRST_SEED", 0);
    let seeds = setting("MILLRACE_CAPTURE_SEEDS", SEEDS);
    let at_once = usize::try_from(setting("MILLRACE_CAPTURE_AT_ONCE", AT_ONCE)).unwrap();
    let begun = Instant::now();
    let (mut counts, mut failed, mut records) = (Counts::new(), Vec::new(), 0);
    let mut trials =
        futures::stream::iter((first..first + seeds).map(trial)).buffer_unordered(at_once);
    while let Some((seed, outcome)) = trials.next().await {
        match outcome {
            Ok(report) => {
                records += report.records;
                for (what, count) in report.counts {
                    *counts.entry(what).or_default() += count;
                }
            }
            Err(error) => {
                println!("seed {seed} FAILED: {error}");
                failed.push(seed);
            }
        }
    }
    for (what, count) in &counts {
        println!("{count:>8} {what}");
    }
    println!(
        "{seeds} seeds, {records} records in {:.1?}",
        begun.elapsed()
    );
    let logs = workspace::target().join("capture");
    assert!(
        failed.is_empty(),
        "seeds {failed:?} failed; their logs are in {}; \
         again: MILLRACE_CAPTURE_FIRST_SEED={} MILLRACE_CAPTURE_SEEDS=1",
        logs.display(),
        failed[0]
    );
    if seeds >= SEEDS {
        let missing = NEEDED
            .iter()
            .filter(|what| counts.get(**what).is_none_or(|it| *it == 0));
        let missing: Vec<_> = missing.collect();
        assert!(missing.is_empty(), "never happened: {missing:?}");
    }
}

/// The answer of the function to the records of a stream with such a view.
async fn of_view(view: &str) -> Result<Value, local_servers::runtime_api::InvocationError> {
    let table = DynamoDb::start(10).await;
    let request = json!({
        "TableName": "films",
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "StreamSpecification": {"StreamEnabled": true, "StreamViewType": view},
    });
    call(table.url(), "CreateTable", &request).await;
    for title in ["Heat", "Ran"] {
        let item = json!({"id": {"S": "1"}, "title": {"S": title}});
        call(
            table.url(),
            "PutItem",
            &json!({"TableName": "films", "Item": item}),
        )
        .await;
    }
    let numbering = Numbering {
        offset: 111,
        width: 21,
    };
    let mut source = Source::of(table.url(), "films", numbering).await;
    let records = source.read().await.into_iter().map(|mut record| {
        record.event["eventSourceARN"] = json!(source.arn());
        record.event
    });
    let event = json!({ "Records": records.collect::<Vec<_>>() });
    let s3 = local_servers::s3::S3::start(&["lake"]).await;
    let environment = [("LAKE_BUCKET", "lake"), ("AWS_ENDPOINT_URL_S3", s3.url())];
    let environment = environment.into_iter().chain(local_servers::environment());
    let owned = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let log = tempfile::NamedTempFile::new().unwrap();
    let program = env!("CARGO_BIN_EXE_capture-changes-under-test").as_ref();
    let mut function = Function::new(program, owned, log.path());
    let answer = function.invoke(event, Duration::from_secs(30)).await;
    let logged = std::fs::read_to_string(log.path()).unwrap();
    let counted = logged.contains("\"ChangesCaptured\":2.0");
    assert_eq!(counted, answer.is_ok(), "{logged}");
    answer
}

#[tokio::test]
async fn a_stream_without_both_images_is_refused_as_a_whole() {
    assert_eq!(of_view("NEW_AND_OLD_IMAGES").await.unwrap(), json!({}));
    for view in ["KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE"] {
        let error = of_view(view).await.unwrap_err();
        assert_eq!(error.name, "InvalidDefinition", "{}", error.message);
        let said = format!("the stream of table films has {view}");
        assert!(error.message.starts_with(&said), "{}", error.message);
    }
}
