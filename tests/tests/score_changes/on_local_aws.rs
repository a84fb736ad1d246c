//! An item that is put into the table while the model serves is scored, by the stack's own function,
//! which the table's stream calls.

use aws::dynamodb_load::TableLoader;
use dataset::ItemForm;
use end_to_end::dynamodb;
use end_to_end::pipeline::Pipeline;
use lake::RunKeys;
use millrace::demo::TABLE;
use millrace::encode;
use serde_json::{Value, json};
use std::time::Duration;

const SCORES: &str = "scores";

pub async fn a_changed_item_is_scored(pipeline: &mut Pipeline, keys: &RunKeys, endpoint: &str) {
    let url = pipeline.local.url();
    let request = json!({
        "TableName": TABLE,
        "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    });
    dynamodb::call(&url, "UpdateTable", &request).await;
    let table = dynamodb::call(&url, "DescribeTable", &json!({"TableName": TABLE})).await;
    let stream = table["Table"]["LatestStreamArn"].as_str().unwrap();
    let loader = TableLoader::new(pipeline.local.aws_config());
    loader.create(SCORES, "user_id", "event_id").await.unwrap();
    pipeline.local.set_parameter("ScoreStreamArn", stream);
    pipeline.local.set_parameter("ScoresTable", SCORES);
    pipeline.local.deploy().await.unwrap();

    let item = json!({
        "user_id": {"S": "u-00007"}, "event_id": {"S": "put-while-it-runs"},
        "item_id": {"S": "m-put-while-it-runs"},
        "context": {"M": {"device": {"S": "tv"}}}, "favourite": {"BOOL": true},
    });
    loader
        .put(TABLE, std::slice::from_ref(&item))
        .await
        .unwrap();
    let score = score_of(&url, &item).await;
    assert_eq!(score["run"]["S"], keys.run().as_str(), "{score}");
    let scored: f64 = score["prediction"]["N"].as_str().unwrap().parse().unwrap();

    let columns = encode::columns_of_run(&pipeline.lake, keys.pipeline(), keys.run());
    let columns = columns.await.unwrap();
    let mut row = Vec::new();
    let text = item.to_string();
    encode::encode(&columns, ItemForm::DynamoDb, text.as_bytes(), &mut row).unwrap();
    let at = pipeline.local.sagemaker_url();
    let call = reqwest::Client::builder().no_proxy().build().unwrap();
    let call = call.post(format!("{at}/endpoints/{endpoint}/invocations"));
    let answer = call.header("content-type", "text/csv").body(row);
    let answer = answer.send().await.unwrap().text().await.unwrap();
    let asked: f64 = answer.trim().parse().unwrap();
    assert_eq!(scored.to_bits(), asked.to_bits(), "{score} {answer}");

    let key = json!({"user_id": item["user_id"], "event_id": item["event_id"]});
    dynamodb::call(&url, "DeleteItem", &json!({"TableName": TABLE, "Key": key})).await;
    for _ in 0..300 {
        if find(&url, &item).await.is_none() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("the score of the removed item is still there");
}

async fn score_of(url: &str, item: &Value) -> Value {
    for _ in 0..300 {
        if let Some(score) = find(url, item).await {
            return score;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("the item has no score after a minute");
}

async fn find(url: &str, item: &Value) -> Option<Value> {
    let key = json!({"user_id": item["user_id"], "event_id": item["event_id"]});
    let request = json!({"TableName": SCORES, "Key": key, "ConsistentRead": true});
    let answer = dynamodb::call(url, "GetItem", &request).await;
    answer.get("Item").cloned()
}
