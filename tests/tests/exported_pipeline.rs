//! From a table to an answering endpoint with a native export, on local AWS with the deployed
//! functions. ministack accepts the request and reports completion; it writes no files and
//! manifests, so this test writes them while the state machine waits.
#![allow(clippy::unwrap_used)] // helpers of tests may unwrap as the tests do

use aws::dynamodb_load::{BATCH, TableLoader};
use contract::states::{Outcome, PublishReportOutput, Route};
use end_to_end::pipeline::Pipeline;
use end_to_end::{dynamodb, native};
use lake::records::Plan;
use lake::{ObjectStore, RunKeys, documents, keys};
use millrace::demo::data::Interactions;
use millrace::demo::{self, TABLE};
use serde_json::{Value, json};
use std::time::Duration;

const ITEMS: usize = 3000;
const FILES: usize = 5;

#[tokio::test(flavor = "multi_thread")]
async fn an_exported_table_becomes_a_serving_model() {
    let pipeline = Pipeline::start().await;
    let interactions = Interactions::generate(5, ITEMS);
    fill(&pipeline, &interactions).await;
    let url = pipeline.local.url();
    dynamodb::turn_recovery_on(&url, TABLE).await;
    let definition = serde_json::to_string(&demo::definition()).unwrap();
    pipeline.define("default", &definition).await;

    // They are written within two seconds, before the state machine asks for them.
    let files = encode(&interactions);

    // A cap that a scan is above, so that the plan itself comes to the export.
    let input = json!({
        "source": {"dynamodb": {"segmentsPerTask": 2}}, "limits": {"maxReadUnits": 1},
    });
    let execution = pipeline.start_run(&input).await;
    let arn = loop {
        if let Some(arn) = native::exports(&url, TABLE).await.pop() {
            break arn;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    // The record of the running run ends in its id.
    let current = pipeline.lake.list(&keys::current_runs("default")).await;
    let record = current.unwrap().pop().unwrap().key;
    let current: lake::records::CurrentRun = documents::read(&pipeline.lake, &record, "the run")
        .await
        .unwrap();
    let keys = RunKeys::new("default", &current.run);
    write_export(&pipeline, &keys, &arn, files).await;

    let finished = execution.wait().await.expect("the execution succeeds");
    let output: PublishReportOutput = contract::read::from_value(finished.output).unwrap();
    assert_eq!(
        (output.outcome, output.items),
        (Outcome::Deployed, ITEMS as u64)
    );
    assert_eq!(native::exports(&url, TABLE).await.len(), 1);
    pipeline.assert_exported(&keys, &interactions).await;
    let rows = [
        pipeline.csv(&keys, "train").await.len(),
        pipeline.csv(&keys, "validation").await.len(),
    ];
    let counted = output.rows.expect("a dataset was made");
    assert_eq!(
        rows.map(|rows| rows as u64),
        [counted.train, counted.validation]
    );
    assert_eq!(counted.total(), ITEMS as u64);

    let plan: Plan = documents::read(&pipeline.lake, &keys.plan(), "the plan")
        .await
        .unwrap();
    assert_eq!(plan.route, Route::Export);
    let report: Value = documents::read(&pipeline.lake, &keys.report(), "the report")
        .await
        .unwrap();
    let export = &report["export"];
    assert_eq!(export["route"], "Export");
    assert_eq!(export["segments"], FILES);
    assert_eq!(export["readUnits"], 0.0);
    let reason = export["reason"].as_str().unwrap();
    assert!(reason.contains("limits.maxReadUnits of 1"), "{reason}");
    let people = pipeline.lake.get(&keys.report_for_people()).await.unwrap();
    let people = std::str::from_utf8(&people).unwrap();
    assert!(people.contains("| Route | export: a scan is"), "{people}");
    pipeline.local.stop().await.unwrap();
}

/// Fills a table whose partitions have an item each: ministack says how many partitions it
/// exported, where DynamoDB says how many items.
async fn fill(pipeline: &Pipeline, interactions: &Interactions) {
    let loader = TableLoader::new(pipeline.local.aws_config());
    loader.create(TABLE, "event_id", "user_id").await.unwrap();
    let items: Vec<Value> = interactions.items().cloned().collect();
    for batch in items.chunks(BATCH) {
        loader.put(TABLE, batch).await.unwrap();
    }
}

/// The table in several files, the last of them without an item, and how many items each has.
fn encode(interactions: &Interactions) -> Vec<(Vec<u8>, usize)> {
    let items: Vec<&Value> = interactions.items().collect();
    let chunks = items.chunks(ITEMS.div_ceil(FILES - 1));
    let chunks = chunks.chain(std::iter::once(&[][..]));
    let files: Vec<_> = chunks
        .map(|chunk| (native::encode(chunk), chunk.len()))
        .collect();
    assert_eq!(files.len(), FILES);
    files
}

async fn write_export(
    pipeline: &Pipeline,
    keys: &RunKeys,
    arn: &str,
    encoded: Vec<(Vec<u8>, usize)>,
) {
    let prefix = keys.native(1);
    let mut files = Vec::new();
    for (number, (bytes, items)) in encoded.into_iter().enumerate() {
        let name = number.to_string();
        let key = native::write_file(&pipeline.lake, &prefix, arn, &name, bytes).await;
        files.push((key, items));
    }
    native::write_manifests(&pipeline.lake, &prefix, arn, &files).await;
}
