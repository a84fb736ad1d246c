//! Labels in tags and in a table, on local AWS with the deployed functions: what the index has of them,
//! and what a later run asks for.
#![allow(clippy::unwrap_used)] // helpers of tests may unwrap as the tests do

use contract::states::{Outcome, PublishReportOutput};
use end_to_end::pipeline::Pipeline;
use end_to_end::service;
use image::Pixels;
use lake::{ObjectStore, RunKeys};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const IMAGES: u32 = 120;

fn key(number: u32) -> String {
    format!("images/vehicle={}/{number:04}.jpg", number % 4)
}

fn jpeg(number: u32) -> Vec<u8> {
    let shade = |at: u32| u8::try_from((at * (number % 61 + 3) + number) % 251).unwrap();
    let pixels = Pixels::new(32, 24, 3, (0..32 * 24 * 3).map(shade).collect());
    image::encode_jpeg(&pixels, 85)
}

/// Gives an object its tag, as a person does.
async fn tag(pipeline: &Pipeline, number: u32, label: &str) {
    let (url, bucket) = (pipeline.local.url(), pipeline.lake.bucket());
    let address = format!("{url}/{bucket}/{}?tagging", key(number));
    let body = format!(
        "<Tagging><TagSet><Tag><Key>sign</Key><Value>{label}</Value></Tag></TagSet></Tagging>"
    );
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = http.put(address).body(body).send().await.unwrap();
    assert!(answer.status().is_success(), "{answer:?}");
}

async fn dynamodb(pipeline: &Pipeline, operation: &str, request: &Value) {
    let target = format!("DynamoDB_20120810.{operation}");
    service::call(&pipeline.local.url(), "dynamodb", &target, request).await;
}

async fn item(pipeline: &Pipeline, number: u32, label: &str) {
    let item = json!({"id": {"N": number.to_string()}, "sign": {"S": label}});
    dynamodb(
        pipeline,
        "PutItem",
        &json!({"TableName": "interactions", "Item": item}),
    )
    .await;
}

/// The labels of a run's images, by their keys.
async fn labels(
    pipeline: &Pipeline,
    run: &PublishReportOutput,
) -> BTreeMap<String, Option<String>> {
    let keys = RunKeys::new(&run.pipeline, &run.run);
    let text = |item: &Value, name: &str| item[name]["S"].as_str().map(str::to_owned);
    let items = pipeline.raw_items(&keys).await;
    let items = items.iter();
    items
        .map(|item| (text(item, "key").unwrap(), text(item, "label")))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_in_tags_and_in_a_table_become_attributes() {
    let pipeline = Pipeline::start().await;
    for number in 0..IMAGES {
        pipeline
            .lake
            .put(&key(number), jpeg(number).into())
            .await
            .unwrap();
        if number > 0 {
            tag(&pipeline, number, &format!("s-{}", number % 3)).await;
        }
    }
    let definition = |labels: Value| {
        json!({"source": {"images": {
            "keys": "images/vehicle={vehicle}/{name}.{ext}", "labels": labels, "ranges": 5,
        }}})
        .to_string()
    };
    let by_tag = definition(json!({"tag": "sign"}));
    pipeline.define("tags", &by_tag).await;
    let input = json!({"pipeline": "tags"});
    let first = pipeline.run_well(&input).await;
    assert_eq!(
        (first.outcome, first.items),
        (Outcome::Exported, IMAGES.into())
    );
    let found = labels(&pipeline, &first).await;
    assert_eq!(found[&key(4)].as_deref(), Some("s-1"));
    assert_eq!(found[&key(0)], None, "it has no tag");
    assert_eq!(found.values().flatten().count(), IMAGES as usize - 1);
    let second = pipeline.run_well(&input).await;
    assert_eq!(second.outcome, Outcome::NothingNew);

    // The table with the labels is the one that the stack allows.
    let definitions = json!([{"AttributeName": "id", "AttributeType": "N"}]);
    let schema = json!([{"AttributeName": "id", "KeyType": "HASH"}]);
    let table = json!({
        "TableName": "interactions", "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": definitions, "KeySchema": schema,
    });
    dynamodb(&pipeline, "CreateTable", &table).await;
    for number in 1..IMAGES {
        item(&pipeline, number, &format!("t-{}", number % 5)).await;
    }
    let by_table = definition(json!({"table": {
        "name": "interactions", "key": "id", "attribute": "sign", "from": "name",
    }}));
    pipeline.define("table", &by_table).await;
    let input = json!({"pipeline": "table"});
    let first = pipeline.run_well(&input).await;
    let found = labels(&pipeline, &first).await;
    assert_eq!(found[&key(8)].as_deref(), Some("t-3"));
    assert_eq!(found[&key(0)], None, "it has no item");
    item(&pipeline, 8, "other").await;
    let second = pipeline.run_well(&input).await;
    assert_eq!(second.outcome, Outcome::Exported);
    assert_eq!(
        labels(&pipeline, &second).await[&key(8)].as_deref(),
        Some("other")
    );
    let third = pipeline.run_well(&input).await;
    assert_eq!(third.outcome, Outcome::NothingNew);
    pipeline.local.stop().await.unwrap();
}
