//! The lake of real runs on local AWS, read with the tables and saved queries of the template by
//! `DuckDB`, which counts as `verify` does. The Python of the how-to page runs too.

#![allow(clippy::unwrap_used)] // helpers of tests may unwrap as the tests do

use aws::dynamodb_load::{BATCH, TableLoader};
use contract::states::Outcome;
use end_to_end::infra::intrinsics;
use end_to_end::infra::stack::LEAST;
use end_to_end::pipeline::Pipeline;
use end_to_end::{python, template, workspace};
use lake::verify::verify;
use lake::{ObjectStore, RunKeys};
use millrace::demo::data::Interactions;
use millrace::demo::{self, TABLE};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

const ITEMS: usize = 3000;
/// Items that later runs find beside the others.
const MORE: usize = 1500;

#[tokio::test(flavor = "multi_thread")]
async fn the_tables_and_the_saved_queries_read_what_runs_left() {
    let pipeline = Pipeline::start().await;
    let interactions = Interactions::generate(23, ITEMS);
    pipeline.fill(TABLE, &interactions).await;
    let mut definition = serde_json::to_value(demo::definition()).unwrap();
    let parts = definition.as_object_mut().unwrap();
    parts.shift_remove("pipeline");
    parts.shift_remove("endpoint");
    parts.insert("batch".to_owned(), json!({"input": "validation"}));
    pipeline.define("scores", &definition.to_string()).await;
    let parts = definition.as_object_mut().unwrap();
    for part in ["batch", "promotion", "training"] {
        parts.shift_remove(part);
    }
    definition["dataset"]["format"] = json!("parquet");
    pipeline.define("columns", &definition.to_string()).await;

    let mut runs = Vec::new();
    for (name, outcome) in [
        ("scores", Outcome::Deployed),
        ("columns", Outcome::DatasetSealed),
        ("columns", Outcome::DatasetSealed),
    ] {
        let output = pipeline.run_well(&json!({"pipeline": name})).await;
        assert_eq!(output.outcome, outcome);
        let keys = RunKeys::new(name, &output.run);
        lose_an_attempt(&pipeline, &keys).await;
        runs.push(counted(&pipeline, &keys).await);
        if runs.len() == 2 {
            add_high_ratings(&pipeline, &interactions).await;
        }
    }

    let folder = tempfile::tempdir().unwrap();
    keep(&pipeline, folder.path()).await;
    let write = |name: &str, value: &Value| {
        std::fs::write(folder.path().join(name), value.to_string()).unwrap();
    };
    write("expected.json", &Value::Array(runs));
    write("catalog.json", &catalog());
    pipeline.local.stop().await.unwrap();

    let root = workspace::root();
    let mut reader = Command::new(python::LAKE.program("python"));
    reader.arg(root.join("tests/python/query_lake.py"));
    reader.arg(folder.path());
    reader.arg(root.join("docs/src/how-to/query-the-lake.md"));
    let output = python::output(&mut reader);
    let said = python::said(&output);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("read 5 tables of 3 runs"), "{said}");
    println!("{said}");
}

/// A part as an attempt leaves it that lost: nothing lists it, and no reader may count it.
async fn lose_an_attempt(pipeline: &Pipeline, keys: &RunKeys) {
    let parts = pipeline.lake.get(&keys.parts_list()).await.unwrap();
    let parts = String::from_utf8(parts.to_vec()).unwrap();
    let bucket = format!("s3://{}/", pipeline.lake.bucket());
    let part = parts.lines().next().unwrap().strip_prefix(&bucket).unwrap();
    let bytes = pipeline.lake.get(part).await.unwrap();
    let lost = keys.part(0, 99, "lost");
    pipeline.lake.put(&lost, bytes).await.unwrap();
}

/// What `verify` counts of a run, and the lines that were scored.
async fn counted(pipeline: &Pipeline, keys: &RunKeys) -> Value {
    let verification = verify(&pipeline.lake, keys, &|_, _| ()).await.unwrap();
    assert!(verification.is_sound(), "{verification:?}");
    assert_eq!(verification.unlisted, [keys.part(0, 99, "lost")]);
    let rows = verification.rows.unwrap();
    let is_scored = keys.pipeline() == "scores";
    json!({
        "pipeline": keys.pipeline(),
        "run": keys.run(),
        "format": if is_scored { "csv" } else { "parquet" },
        "items": verification.exported.items,
        "train": rows.train,
        "validation": rows.validation,
        "test": rows.test,
        "rejected": rows.rejected,
        "predictions": if is_scored { rows.validation } else { 0 },
    })
}

async fn add_high_ratings(pipeline: &Pipeline, interactions: &Interactions) {
    let items = interactions.items().take(MORE).cloned().map(|mut item| {
        let id = item["event_id"]["S"].as_str().unwrap();
        item["event_id"] = json!({"S": format!("{id}-again")});
        item["rating"] = json!({"N": "5"});
        item
    });
    let items: Vec<Value> = items.collect();
    let loader = TableLoader::new(pipeline.local.aws_config());
    for batch in items.chunks(BATCH) {
        loader.put(TABLE, batch).await.unwrap();
    }
}

/// Writes every object of the lake below a folder.
async fn keep(pipeline: &Pipeline, folder: &Path) {
    for object in pipeline.lake.list("").await.unwrap() {
        let path = folder.join("lake").join(&object.key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let bytes = pipeline.lake.get(&object.key).await.unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

/// The tables and queries of the template, as they are deployed.
fn catalog() -> Value {
    let template = template::read(&workspace::text("infra/template.yaml"));
    let resources = intrinsics::resources(&template, &LEAST);
    let of_type = |kind: &str, field: &str| -> Vec<Value> {
        let all = resources.values().filter(|it| it["Type"] == kind);
        let pointer = format!("/Properties{field}");
        all.map(|it| it.pointer(&pointer).unwrap().clone())
            .collect()
    };
    json!({
        "tables": of_type("AWS::Glue::Table", "/TableInput"),
        "queries": of_type("AWS::Athena::NamedQuery", ""),
    })
}
