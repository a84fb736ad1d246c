//! From old exports of a table to an answering endpoint on local AWS with the deployed functions: the
//! table as AWS Data Pipeline exported it in both of its forms, and as it is.
#![allow(clippy::unwrap_used)] // helpers of tests may unwrap as the tests do

use contract::ErrorName;
use contract::states::{Outcome, Route};
use end_to_end::pipeline::Pipeline;
use flate2::Compression;
use flate2::write::GzEncoder;
use lake::records::Plan;
use lake::{ObjectStore, RunKeys, documents};
use millrace::demo::data::Interactions;
use millrace::demo::{self, TABLE};
use serde_json::{Map, Value, json};
use std::io::Write;
use std::time::Duration;

const ITEMS: usize = 3000;
const BUCKET: &str = "old-exports";
const FOLDER: &str = "exports/2023-05-01-21-45-00/";

#[tokio::test(flavor = "multi_thread")]
async fn old_exports_of_a_table_train_a_model() {
    let pipeline = Pipeline::start_with(("FilesBucket", BUCKET)).await;
    aws::s3_bucket::create(pipeline.local.aws_config(), BUCKET)
        .await
        .unwrap();
    let interactions = Interactions::generate(7, ITEMS);
    pipeline.fill(TABLE, &interactions).await;

    let scan = run(&pipeline, "scan", json!({}), &interactions).await;
    for (name, line, packs) in [
        ("emr", line_of_emr as fn(&Value) -> String, true),
        ("hive", line_of_hive as fn(&Value) -> String, false),
    ] {
        let folder = format!("{name}/{FOLDER}");
        write(&pipeline, &folder, &interactions, line, packs).await;
        let uri = format!("s3://{BUCKET}/{folder}");
        let files = json!({"uri": uri, "format": "dataPipeline", "key": ["user_id", "event_id"]});
        let waits = json!({"when": [{"s3": format!("{uri}_SUCCESS")}], "withinMinutes": 30});
        let parts = json!({"source": {"files": files}, "ready": waits});
        let (rows, ()) = tokio::join!(
            run(&pipeline, name, parts, &interactions),
            end_when_awaited(&pipeline, name, &folder),
        );
        assert_eq!(rows, scan, "{name}: the same rows as of the table");
    }
    // An export of which the last object was never written.
    let store = pipeline.lake.with_bucket(BUCKET);
    store
        .delete(&format!("emr/{FOLDER}_SUCCESS"))
        .await
        .unwrap();
    let at_once = json!({"pipeline": "emr", "ready": null});
    let (error, cause) = pipeline.run_badly(&at_once).await;
    assert_eq!(error, ErrorName::FilesIncomplete.as_str());
    assert!(cause.contains("no _SUCCESS"), "{cause}");
    pipeline.local.stop().await.unwrap();
}

/// Runs a pipeline with these parts of its own to an answering endpoint, and returns its rows in order.
async fn run(
    pipeline: &Pipeline,
    name: &str,
    parts: Value,
    interactions: &Interactions,
) -> Vec<String> {
    let mut definition = serde_json::to_value(demo::definition()).unwrap();
    definition["pipeline"] = name.into();
    definition["endpoint"]["name"] = name.into();
    let route = if parts.get("source").is_some() {
        Route::Files
    } else {
        Route::Scan
    };
    for (part, value) in parts.as_object().unwrap() {
        definition[part] = value.clone();
    }
    pipeline.define(name, &definition.to_string()).await;
    let output = pipeline.run_well(&json!({"pipeline": name})).await;
    assert_eq!(
        (output.outcome, output.items),
        (Outcome::Deployed, ITEMS as u64),
        "{name}"
    );
    let keys = RunKeys::new(&output.pipeline, &output.run);
    let plan: Plan = documents::read(&pipeline.lake, &keys.plan(), "the plan")
        .await
        .unwrap();
    assert_eq!(plan.route, route);
    // Of files it is estimated from a sample.
    let off = plan.estimate.items.abs_diff(ITEMS as u64);
    assert!(off < ITEMS as u64 / 10, "{:?}", plan.estimate);
    pipeline.assert_exported(&keys, interactions).await;
    let verified = pipeline.verify(&keys).await;
    assert!(
        verified.contains("every object holds what was committed"),
        "{verified}"
    );
    pipeline
        .assert_recommends(&keys, interactions, &output)
        .await;
    let mut rows = pipeline.csv(&keys, "train").await;
    rows.extend(pipeline.csv(&keys, "validation").await);
    rows.sort_unstable();
    rows
}

/// Marks that all files were written, once a run waits for it.
async fn end_when_awaited(pipeline: &Pipeline, name: &str, folder: &str) {
    let runs = format!("current/{name}/");
    while pipeline.lake.list(&runs).await.unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let planned = pipeline.lake.list(&format!("raw/{name}/")).await.unwrap();
    assert!(planned.is_empty(), "{name}: {planned:?}");
    let store = pipeline.lake.with_bucket(BUCKET);
    let key = format!("{folder}_SUCCESS");
    store.put(&key, Vec::new().into()).await.unwrap();
}

/// Writes an export as the connector's classes do: three files and the list of them.
async fn write(
    pipeline: &Pipeline,
    folder: &str,
    interactions: &Interactions,
    line: fn(&Value) -> String,
    packs: bool,
) {
    let store = pipeline.lake.with_bucket(BUCKET);
    let items: Vec<&Value> = interactions.items().collect();
    let mut entries = Vec::new();
    for (number, items) in items.chunks(ITEMS.div_ceil(3)).enumerate() {
        let text: String = items.iter().map(|item| line(item) + "\n").collect();
        let ending = if packs { ".gz" } else { "" };
        let name = format!("e4a1c0d2-7a46-4b0f-8f5d-{number:012}{ending}");
        let body = if packs {
            gzip(&text)
        } else {
            text.into_bytes()
        };
        store
            .put(&format!("{folder}{name}"), body.into())
            .await
            .unwrap();
        entries.push(format!(
            "{{\"url\":\"s3://{BUCKET}/{folder}{name}\",\"mandatory\":true}}"
        ));
    }
    let manifest = format!(
        "{{\"name\":\"DynamoDB-export\",\"version\":3,\n\"entries\": [\n{}\n]}}",
        entries.join(",\n")
    );
    store
        .put(&format!("{folder}manifest"), manifest.into())
        .await
        .unwrap();
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// A line of `DynamoDBExport`, by `DynamoDBItemWritable` and `AttributeValueSerializer`.
fn line_of_emr(item: &Value) -> String {
    let attributes = item.as_object().unwrap().iter();
    let attributes: Map<_, _> = attributes
        .map(|(name, value)| (name.clone(), small(value, "nULL")))
        .collect();
    Value::Object(attributes).to_string()
}

/// A line of a Hive table, whose maps have STX between entries and ETX before values, with null as
/// the first SDK named it.
fn line_of_hive(item: &Value) -> String {
    let attributes = item.as_object().unwrap().iter();
    let attributes: Vec<_> = attributes
        .map(|(name, value)| format!("{name}\x03{}", small(value, "nULLValue")))
        .collect();
    attributes.join("\x02")
}

/// A value under its type with a small first letter.
fn small(value: &Value, null: &str) -> Value {
    let (kind, inner) = value.as_object().unwrap().iter().next().unwrap();
    let inner = match inner {
        Value::Object(map) if kind == "M" => map
            .iter()
            .map(|(name, value)| (name.clone(), small(value, null)))
            .collect(),
        Value::Array(list) if kind == "L" => list.iter().map(|value| small(value, null)).collect(),
        other => other.clone(),
    };
    let kind = match kind.as_str() {
        "NULL" => null.to_owned(),
        kind => format!("{}{}", kind[..1].to_ascii_lowercase(), &kind[1..]),
    };
    json!({ kind: inner })
}
